"""Fill a grid from its measured points, some of them measured only on a sample of the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fusionlab.scores import Scores
from fusionlab.weights import Weights

DITHER = (0.7548776662, 0.5698402910)  # 1/p and 1/p² of p³ = p + 1: no two points of it align


@dataclass(frozen=True)
class Lattice:
    """Some rows and columns of a grid of `shape`, the edges among them."""

    shape: tuple[int, int]
    rows: Tensor
    columns: Tensor

    @classmethod
    def every(cls, stride: int, rows: int, columns: int) -> Lattice:
        """Every `stride`-th row and column, and the last ones."""

        def pick(n: int) -> Tensor:
            return torch.tensor(sorted({*range(0, n, stride), n - 1}))

        return cls((rows, columns), pick(rows), pick(columns))

    def of(self, grid: Tensor) -> Tensor:
        """The grid's values at these rows and columns."""
        return grid[self.rows][:, self.columns]

    @property
    def outline(self) -> Lattice:
        """The first, the middle and the last of its rows and columns."""
        rows, columns = (one[_halvings(len(one)) < 2] for one in (self.rows, self.columns))
        return Lattice(self.shape, rows, columns)

    @property
    def spread(self) -> Tensor:
        """The lattice's numbers, row by row, so ordered that the first ones cover it evenly.

        Its corners come first, then 3 × 3 points, 5 × 5, 9 × 9 …, and each of these in the order
        of a dither: wherever one stops, the gaps are about equal.
        """
        rows, columns = (_halvings(len(one)).double() for one in (self.rows, self.columns))
        i, j = (torch.arange(len(one)).double() for one in (rows, columns))
        dither = (i[:, None] * DITHER[0] + j * DITHER[1]) % 1
        return (torch.maximum(rows[:, None], columns) + dither).flatten().argsort()


@dataclass(frozen=True, eq=False)
class Readings:
    """Loss and quality on a grid, valid where `known`; all of shape (ny, nx)."""

    loss: Tensor
    quality: Tensor
    known: Tensor

    @classmethod
    def none(cls, rows: int, columns: int) -> Readings:
        """A grid of which nothing is known."""
        loss, quality = torch.full((2, rows, columns), torch.nan, dtype=torch.double)
        return cls(loss, quality, torch.zeros(rows, columns, dtype=torch.bool))

    def covers(self, lattice: Lattice) -> bool:
        """Whether every point of the lattice is known."""
        return bool(lattice.of(self.known).all())

    def missing(self, lattice: Lattice) -> Tensor:
        """Numbers of the lattice's points that are not known, so that the first ones are spread."""
        numbers = torch.arange(self.known.numel()).view(self.known.shape)
        wanted = lattice.of(numbers).flatten()[lattice.spread]
        return wanted[~self.known.flatten()[wanted]]

    def put(self, numbers: Tensor, scores: Scores) -> None:
        """Note the scores of points."""
        self.loss.view(-1)[numbers] = scores.loss
        self.quality.view(-1)[numbers] = scores.quality
        self.known.view(-1)[numbers] = True

    def as_weights(self) -> Weights:
        """The readings as named tensors, to be saved."""
        known = self.known.to(torch.uint8)
        return Weights({"loss": self.loss, "quality": self.quality, "known": known})


def fuse(exact: Readings, cheap: Readings, levels: Sequence[Lattice]) -> Readings:
    """The best guess at every point: what is measured exactly stays, a spline fills the rest.

    Where the cheap readings reach finer than the exact ones, they give the shape and the exact
    ones correct it: guess = spline(cheap, fine) + spline(exact − cheap, coarse). While not even
    the coarsest level is known, the guess goes through the scattered points of it; it is NaN
    until these reach from edge to edge.

    Raises:
        ValueError: if nothing is known.
    """
    if not (exact.known | cheap.known).any():
        raise ValueError("nothing is measured yet: take a step of the survey first")
    losses = torch.cat([exact.loss[exact.known], cheap.loss[cheap.known]])
    logarithmic = bool((losses > 0).all())  # a spline of the log follows ravines and peaks alike
    loss = _fill(exact, cheap, levels, lambda r: r.loss.log() if logarithmic else r.loss)
    quality = _fill(exact, cheap, levels, lambda r: r.quality)
    seen = torch.cat([exact.quality[exact.known], cheap.quality[cheap.known]])
    low, high = float(seen.min()), float(seen.max())  # no spline overshoots what can be
    quality = quality.clamp(min(0.0, low), max(1.0, high))
    return Readings(
        torch.where(exact.known, exact.loss, loss.exp() if logarithmic else loss),
        torch.where(exact.known, exact.quality, quality),
        exact.known,
    )


def _fill(
    exact: Readings,
    cheap: Readings,
    levels: Sequence[Lattice],
    field: Callable[[Readings], Tensor],
) -> Tensor:
    fine = _finest(exact, levels)
    shape = _finest(cheap, levels)
    if fine is None and shape is None:
        readings = max(exact, cheap, key=lambda r: int(r.known.sum()))
        even = readings.covers(levels[0].outline)
        return _scattered(readings.known, field(readings)) if even else _unknown(readings)
    if fine is None:
        return _spline(shape, field(cheap))  # type: ignore[arg-type]
    if shape is None or len(shape.rows) <= len(fine.rows):
        return _spline(fine, field(exact))
    return _spline(shape, field(cheap)) + _spline(fine, field(exact) - field(cheap))


def _finest(readings: Readings, levels: Sequence[Lattice]) -> Lattice | None:
    covered = [level for level in levels if readings.covers(level)]
    return covered[-1] if covered else None


def _spline(lattice: Lattice, grid: Tensor) -> Tensor:
    """Cubic spline through a lattice's values, at all points of its grid."""
    from scipy.interpolate import RectBivariateSpline

    values = lattice.of(grid).numpy()
    if not np.isfinite(values).any() or min(values.shape) < 2:
        known = torch.zeros(lattice.shape, dtype=torch.bool)
        known[lattice.rows[:, None], lattice.columns] = True
        return _nearest(known, grid)
    values = _walled(values)
    kx, ky = (min(3, n - 1) for n in values.shape)
    spline = RectBivariateSpline(lattice.rows, lattice.columns, values, kx=kx, ky=ky)
    return torch.from_numpy(spline(*(np.arange(n) for n in lattice.shape)))


def _scattered(known: Tensor, grid: Tensor) -> Tensor:
    """A smooth surface through known points that are no lattice, the corners among them."""
    from scipy.interpolate import CloughTocher2DInterpolator

    values = grid[known].numpy()
    if not np.isfinite(values).any() or min(known.shape) < 2:
        return _nearest(known, grid)
    smooth = CloughTocher2DInterpolator(known.nonzero().numpy(), _walled(values))
    return torch.from_numpy(smooth(*np.indices(known.shape)))


def _unknown(readings: Readings) -> Tensor:
    return torch.full(readings.known.shape, torch.nan, dtype=torch.double)


def _walled(values: Any) -> Any:
    """The values, with a wall where the loss overflows."""
    return np.where(np.isfinite(values), values, values[np.isfinite(values)].max())


def _nearest(known: Tensor, grid: Tensor) -> Tensor:
    """Each point takes the value of the nearest known one."""
    from scipy.interpolate import NearestNDInterpolator

    nearest = NearestNDInterpolator(known.nonzero().numpy(), grid[known].numpy())
    return torch.from_numpy(nearest(*np.indices(known.shape)))


def _halvings(n: int) -> Tensor:
    """How often 0 … n − 1 is halved until each number is an end of a part."""
    depth, ends = torch.zeros(n, dtype=torch.long), [0, n - 1]
    while len(ends) < n:
        middles = [(a + b) // 2 for a, b in pairwise(ends) if b - a > 1]
        depth[middles] = depth.max() + 1
        ends = sorted([*ends, *middles])
    return depth
