"""Straight segments from pivot to pivot, passed at an even pace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self

import torch
from torch import Tensor

from fusionlab.combinations import Combinations
from fusionlab.connectivity.profiles import Profile
from fusionlab.spaces import check_same_space
from fusionlab.weights import Weights


@dataclass(frozen=True, eq=False)
class Polyline:
    """A path through `points`, at `positions` t (k,), float64, that rise from 0 to 1.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.connectivity import Polyline
        >>> a, b, c = (Weights({"w": torch.tensor([w])}) for w in (0.0, 3.0, 4.0))
        >>> line = Polyline.even((a, b, c))
        >>> line.positions
        tensor([0.0000, 0.7500, 1.0000], dtype=torch.float64)
        >>> line(0.5)["w"]
        tensor([2.])
    """

    points: tuple[Weights, ...]
    positions: Tensor

    @classmethod
    def even(cls, points: Sequence[Weights]) -> Self:
        """The path at an even pace: the t of each point is its share of the length.

        Raises:
            ValueError: if the path goes nowhere, or the points are of different spaces.
        """
        for point in points[1:]:
            check_same_space(points[0], point)
        gaps = torch.stack([(q - p).norm().cpu() for p, q in pairwise(points)])
        passed = torch.cat([gaps.new_zeros(1), gaps.cumsum(0)])
        if passed[-1] == 0:
            raise ValueError("all points of this path are one point: give two different ends.")
        return cls(tuple(points), passed / passed[-1])

    def __call__(self, t: float) -> Weights:
        """The point at t; at 0 and 1 the ends themselves, buffers included."""
        point: Weights = self.at(torch.tensor([t], dtype=torch.double))[0]
        return point

    def at(self, t: Tensor) -> Combinations:
        """The points at many t (P,), as one batch."""
        before, share = _segments(t.double(), self.positions)
        c = share.new_zeros(len(t), len(self.points))
        c.scatter_(1, before[:, None], (1 - share)[:, None])
        return Combinations(self.points, c.scatter_(1, before[:, None] + 1, share[:, None]))


class Saddle(NamedTuple):
    """The highest place of a path: where, and its loss.

    Example:
        >>> from fusionlab.connectivity import Saddle
        >>> t, loss = Saddle(t=0.5, loss=0.75)
    """

    t: float
    loss: float


@dataclass(frozen=True, eq=False)
class Band(Polyline):
    """A path in straight segments through its pivots, whose ends are a and b.

    `along` is the loss where it was measured: between the pivots, too, of a band that is done;
    only at them while it moves. A band that was interrupted or diverged is not `complete`.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.connectivity import Band, Profile
        >>> points = tuple(Weights({"w": torch.tensor([w])}) for w in (0.0, 1.0, 2.0))
        >>> t, loss = torch.tensor([0.0, 0.5, 1.0]), torch.tensor([0.25, 0.75, 0.5])
        >>> band = Band(points, t, along=Profile(t, loss, 1 - loss))
        >>> band.saddle
        Saddle(t=0.5, loss=0.75)
    """

    along: Profile
    complete: bool = True

    @property
    def losses(self) -> Tensor:
        """The loss at each pivot, (k,), float64."""
        return self.along.loss[torch.searchsorted(self.along.t, self.positions)]

    @property
    def saddle(self) -> Saddle:
        """The highest loss that was measured along the band."""
        top = int(self.along.loss.argmax())
        return Saddle(self.along.t[top].item(), self.along.loss[top].item())


def interpolate(x: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """The function that is straight between its `values` at ascending `knots`, both (k,), at x."""
    before, share = _segments(x, knots)
    return torch.lerp(values[before], values[before + 1], share)


def _segments(x: Tensor, knots: Tensor) -> tuple[Tensor, Tensor]:
    """The number of the knot before each x, and the share of the way from it to the next."""
    before = torch.searchsorted(knots, x, right=True).clamp(1, len(knots) - 1) - 1
    return before, (x - knots[before]) / (knots[before + 1] - knots[before])
