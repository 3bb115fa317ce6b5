"""Surfaces over the plane whose valleys and saddles are known, as landscapes with slopes."""

from collections.abc import Callable

import torch
from torch import Tensor

from fusionlab import Weights
from fusionlab.landscape import Score


def place(*coordinates: float) -> Weights:
    return Weights({"w": torch.tensor(coordinates, dtype=torch.double)})


class Surface:
    """A function of two numbers that stands in for a landscape; it counts its calls."""

    def __init__(self, height: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.height, self.slopes = height, 0

    def __call__(self, theta: Weights) -> Score:
        return Score(self.height(*theta["w"]).item(), 0.0)

    def slope(self, theta: Weights) -> tuple[Score, Weights]:
        self.slopes += 1
        w = theta["w"].clone().requires_grad_()
        height = self.height(*w)
        [slope] = torch.autograd.grad(height, w)
        return Score(height.item(), 0.0), Weights({"w": slope})


def bent_valley(x: Tensor, y: Tensor) -> Tensor:
    """Minima of height 0 at (±1, 0), a valley along y = 1 − x², its saddle (0, 1) of height 1."""
    return (1 - x**2) ** 2 + 5 * (y - 1 + x**2) ** 2


def muller_brown(x: Tensor, y: Tensor) -> Tensor:
    """The surface on which chemists test: three minima, two saddles between them."""
    terms = (
        (-200, -1, 0, -10, 1, 0),
        (-100, -1, 0, -10, 0, 0.5),
        (-170, -6.5, 11, -6.5, -0.5, 1.5),
        (15, 0.7, 0.6, 0.7, -1, 1),
    )
    heights = [
        A * torch.exp(a * (x - u) ** 2 + b * (x - u) * (y - v) + c * (y - v) ** 2)
        for A, a, b, c, u, v in terms
    ]
    return torch.stack(heights).sum()


LEFT, MIDDLE, RIGHT = (
    place(-0.558224, 1.441726),
    place(-0.050011, 0.466694),
    place(0.623499, 0.028038),
)
