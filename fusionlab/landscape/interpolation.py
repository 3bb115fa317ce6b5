"""Fill a grid from its measured points, some of them measured only on a sample of the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fusionlab.scores import Scores
from fusionlab.weights import Weights


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
        """Numbers, row by row, of the lattice's points that are not known."""
        numbers = torch.arange(self.known.numel()).view(self.known.shape)
        wanted = lattice.of(numbers).flatten()
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
    ones correct it: guess = spline(cheap, fine) + spline(exact − cheap, coarse).

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
        readings = exact if exact.known.any() else cheap
        return _nearest(readings.known, field(readings))
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
    finite = values[np.isfinite(values)]
    if not finite.size or min(values.shape) < 2:
        known = torch.zeros(lattice.shape, dtype=torch.bool)
        known[lattice.rows[:, None], lattice.columns] = True
        return _nearest(known, grid)
    values = np.where(np.isfinite(values), values, finite.max())  # a wall where the loss overflows
    kx, ky = (min(3, n - 1) for n in values.shape)
    spline = RectBivariateSpline(lattice.rows, lattice.columns, values, kx=kx, ky=ky)
    return torch.from_numpy(spline(*(np.arange(n) for n in lattice.shape)))


def _nearest(known: Tensor, grid: Tensor) -> Tensor:
    """Each point takes the value of the nearest known one."""
    from scipy.interpolate import NearestNDInterpolator

    nearest = NearestNDInterpolator(known.nonzero().numpy(), grid[known].numpy())
    return torch.from_numpy(nearest(*np.indices(known.shape)))
