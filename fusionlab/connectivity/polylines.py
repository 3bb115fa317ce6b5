"""Straight segments from pivot to pivot, passed at an even pace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor

from fusionlab.combinations import Combinations
from fusionlab.spaces import check_same_space
from fusionlab.weights import Weights


@dataclass(frozen=True, eq=False)
class Polyline:
    """A path through `points`, at `positions` t (k,), float64, that rise from 0 to 1."""

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


def interpolate(x: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """The function that is straight between its `values` at ascending `knots`, both (k,), at x."""
    before, share = _segments(x, knots)
    return torch.lerp(values[before], values[before + 1], share)


def _segments(x: Tensor, knots: Tensor) -> tuple[Tensor, Tensor]:
    """The number of the knot before each x, and the share of the way from it to the next."""
    before = torch.searchsorted(knots, x, right=True).clamp(1, len(knots) - 1) - 1
    return before, (x - knots[before]) / (knots[before + 1] - knots[before])
