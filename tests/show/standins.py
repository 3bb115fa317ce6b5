"""Landscapes whose every value is known, in place of networks."""

import threading
import time

import torch

from fusionlab import Data, Weights
from fusionlab.connectivity import Line
from fusionlab.landscape import Plane, Score, Surface

CLASSES = 3


def point(x: float, y: float = 0.0) -> Weights:
    return Weights({"w": torch.tensor([[x, y]], dtype=torch.double)})


A, B, C = point(0.0, 0.0), point(1.0, 0.0), point(0.5, 2.0)
LINE = Line(A, B)
PLANE = Plane.through(A, B, C)
IMAGES = Data(torch.linspace(0, 1, 3 * 16).view(3, 1, 4, 4), torch.tensor([0, 1, 2]))


class Hill:
    """Loss 1 + x + 4 x (1 − x) + y²: a barrier of 1 nat halfway from A to B.

    Its network says class 0 left of x = 0.5 and class 2 right of it, whatever it is shown.
    """

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.seconds, self.calls = seconds, 0

    def __call__(self, theta: Weights) -> Score:
        self.calls += 1
        time.sleep(self.seconds)
        x, y = theta["w"][0].tolist()
        return Score(1 + x + 4 * x * (1 - x) + y * y, quality=max(0.0, 1 - abs(y) / 10))

    def probabilities(self, theta: Weights, inputs: torch.Tensor) -> torch.Tensor:
        x = theta["w"][0, 0].clamp(0, 1).float()
        return torch.stack([1 - x, 0 * x, x]).expand(len(inputs), CLASSES)


class Gate(Hill):
    """A hill that may be looked at between A and B only when the gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.open, self.asked = threading.Event(), []

    def __call__(self, theta: Weights) -> Score:
        x = theta["w"][0, 0].item()
        self.asked.append(x)
        if 0 < x < 1:
            self.open.wait(10)
        return super().__call__(theta)


class Wall(Hill):
    """A hill that no one can stand on right of x = 0.25."""

    def __call__(self, theta: Weights) -> Score:
        if theta["w"][0, 0] > 0.25 and theta["w"][0, 0] != 1:
            raise RuntimeError("the wall is in the way")
        return super().__call__(theta)


def surface(nx: int = 5, ny: int = 3) -> Surface:
    """loss[i, j] = x[j] + 10 y[i] on a grid that is not square."""
    x, y = torch.linspace(0, 4, nx).double(), torch.linspace(1, 3, ny).double()
    loss = x[None, :] + 10 * y[:, None]
    exact = torch.ones(ny, nx, dtype=torch.bool)
    return Surface(x, y, loss, torch.full_like(loss, 0.5), exact)
