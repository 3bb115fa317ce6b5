"""How far a plane is worth looking at."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from fusionlab.landscape.planes import Bounds, Plane
from fusionlab.scores import ScoreFunction, score_all

FIRST = 2.0**-10  # of the longest way: the first step
HALVINGS = 4  # a doubled step is too long by up to a half; so often it is halved towards the rim
ARMS = torch.tensor([[-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]], dtype=torch.double)


def loss_range(
    landscape: ScoreFunction, plane: Plane, *, rise: float = 2.0, most: float = 2.0
) -> Bounds:
    """The rectangle at whose edges, straight ahead of the origin, the loss has risen by `rise`.

    Args:
        landscape: θ ↦ Score.
        plane: where to look, starting from its origin.
        rise: in nats. Who guesses among ten classes pays 2.3, so 2 is where a good network ends.
        most: the longest way, in lengths ‖θ‖ of the origin (of 1 where that is 0).

    Raises:
        ValueError: if the loss at the origin is not a number.
    """
    home = landscape(plane(0.0, 0.0)).loss
    if not abs(home) < float("inf"):
        raise ValueError(
            f"the loss at the plane's origin is {home}, so nothing can rise above it: choose a "
            "plane around a network that works."
        )

    def inside(steps: Tensor) -> Tensor:  # an overflow is a wall, so it counts as risen
        return score_all(landscape, plane.at(ARMS * steps[:, None])).loss.cpu() < home + rise

    low, high = _bracket(inside, _longest(plane, most))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        stays = inside(middle)
        low, high = torch.where(stays, middle, low), torch.where(stays, high, middle)
    left, right, down, up = high.tolist()
    return Bounds(-left, right, -down, up)


def _longest(plane: Plane, most: float) -> Tensor:
    """The coordinates at which to give up, one per arm, shape (4,)."""
    length = plane(0.0, 0.0).norm().item() or 1.0
    return (most * length / plane.gram.diagonal().sqrt()).repeat_interleave(2)


def _bracket(inside: Callable[[Tensor], Tensor], longest: Tensor) -> tuple[Tensor, Tensor]:
    """Double each arm's step until it leads outside or is the longest: (inside, outside)."""
    low, high = torch.zeros_like(longest), FIRST * longest
    while True:
        stays = inside(high)
        low = torch.where(stays, high, low)
        goes_on = stays & (high < longest)
        if not goes_on.any():
            return low, high
        high = torch.where(goes_on, 2 * high, high)
