"""Maps of the loss over a plane: exact grids, and surveys that begin coarse and become exact."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from fusionlab.arguments import expect
from fusionlab.checkpoints import load, save
from fusionlab.combinations import Combinations
from fusionlab.data import Data, content_hash
from fusionlab.landscape.interpolation import Lattice, Readings, fuse
from fusionlab.landscape.planes import Plane
from fusionlab.outputs import tensors_of
from fusionlab.quantities import CLASSIFIED, Measured, Measures
from fusionlab.scores import ScoreFunction, measures_of, score_all
from fusionlab.streams import Stream

SAMPLE = 256  # rows of the cheap landscape that shapes a picture between its exact points
STREAMED = 256  # points for which a stream is read once
PATIENCE = 0.15  # seconds between two looks at whether to go on


@dataclass(frozen=True, eq=False)
class Surface(Measured):
    """Scores on a grid: `loss[i, j]` and `quality[i, j]` lie at (x[j], y[i]).

    x has shape (nx,), y (ny,), the others (ny, nx); `exact` tells measured points from
    interpolated ones.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.landscape import Plane, Score, survey
        >>> a, b, c = (Weights({"w": w}) for w in torch.tensor([[0.0, 0], [2, 0], [1, 1]]))
        >>> x, y = torch.tensor([0.0, 1.0, 2.0]), torch.tensor([0.0, 1.0])
        >>> plane = Plane.through(a, b, c)
        >>> survey(lambda p: Score(p["w"].sum().item(), 0.0), plane, x, y).loss
        tensor([[0., 1., 2.],
                [1., 2., 3.]], dtype=torch.float64)
    """

    x: Tensor
    y: Tensor
    loss: Tensor
    quality: Tensor
    exact: Tensor
    measures: Measures = CLASSIFIED

    @property
    def share(self) -> float:
        """How much of the grid is exact, from 0 to 1."""
        return self.exact.double().mean().item()


class Chart(Protocol):
    """Points with two coordinates: a plane, or a surface that is bent."""

    def grid(self, x: Tensor, y: Tensor) -> Combinations:
        """The points of a grid, row by row: number i · len(x) + j lies at (x[j], y[i])."""


def survey(landscape: ScoreFunction, plane: Chart, x: Tensor, y: Tensor) -> Surface:
    """Score every point of the grid x × y of the plane."""
    expect("landscape", landscape)
    expect("plane", plane)
    x, y = torch.as_tensor(x), torch.as_tensor(y)
    scores = score_all(landscape, plane.grid(x, y))
    shape = (len(y), len(x))
    exact = torch.ones(shape, dtype=torch.bool)
    loss, quality = scores.loss.view(shape), scores.quality.view(shape)
    return Surface(x, y, loss, quality, exact, scores.measures)


class Survey(Iterator[Surface]):
    """A survey that refines: each step gives the whole picture, the last one exact.

    The first pictures rest on every fourth point and on a sample of the data; a cubic spline of
    the log loss fills the gaps. Stop at any time and iterate again to go on: no point is
    measured twice. A step takes a fraction of a second, or one round of points if that is longer.

    Args:
        landscape: θ ↦ Score; a `Landscape`, or any such function.
        plane: where to look.
        x: columns of the grid, shape (nx,), ascending.
        y: rows of the grid, shape (ny,), ascending.
        file: keep the measured points here after every step; a survey that was killed goes on.

    Raises:
        ValueError: if `file` holds another survey.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.landscape import Bounds, Plane, Score, Survey
        >>> a, b, c = (Weights({"w": w}) for w in torch.tensor([[0.0, 0], [2, 0], [1, 1]]))
        >>> x, y = Bounds(-1, 1, -1, 1).grid(9)
        >>> survey = Survey(lambda p: Score((p @ p).item(), 0.0), Plane.through(a, b, c), x, y)
        >>> next(survey).share < 1, survey.finish().share
        (True, 1.0)
    """

    def __init__(
        self,
        landscape: ScoreFunction,
        plane: Plane,
        x: Tensor,
        y: Tensor,
        *,
        file: str | Path | None = None,
    ) -> None:
        expect("landscape", landscape)
        expect("plane", plane)
        x, y = torch.as_tensor(x), torch.as_tensor(y)
        self.landscape, self.plane, self.x, self.y = landscape, plane, x, y
        self._points = plane.grid(x, y)
        self._levels = [Lattice.every(stride, len(y), len(x)) for stride in (4, 2, 1)]
        self._exact, self._cheap = Readings.none(len(y), len(x)), Readings.none(len(y), len(x))
        self._sample = _sample(landscape, self._levels[0])
        # Points of the next call, set by the time that the last one took.
        self._least = STREAMED if isinstance(_data_of(landscape), Stream) else 1
        self._pace = max(4, self._least)
        self._file = Path(file) if file is not None else None
        if self._file is not None and self._file.exists():
            self._exact = _restore(self._file, self._key)

    def __next__(self) -> Surface:
        for landscape, readings, level in self._stages():
            if not readings.covers(level):
                self._measure(landscape, readings, level)
                return self.surface()
        raise StopIteration

    def _stages(self) -> Iterator[tuple[ScoreFunction, Readings, Lattice]]:
        """What to measure, in this order: the shape from a sample first, then the truth."""
        coarse, middle, all_points = self._levels
        if self._sample is not None and not self._exact.covers(middle):
            yield self._sample, self._cheap, coarse
            yield self.landscape, self._exact, coarse
            yield self._sample, self._cheap, middle
        for level in (coarse, middle, all_points):
            yield self.landscape, self._exact, level

    def refine(self) -> Surface:
        """Go on until the picture is close and return it: a tenth or a quarter of the whole work.

        On trained networks the log loss is then off by well under 1 % of its range on average.
        """
        coarse, middle, _ = self._levels
        early = (self._exact, coarse), (self._cheap, middle)
        while not self._exact.covers(middle):
            if self._sample is not None and all(r.covers(level) for r, level in early):
                break
            next(self)
        return self.surface()

    def finish(self) -> Surface:
        """Go on to the end and return the exact grid."""
        for _ in self:
            pass
        return self.surface()

    def surface(self) -> Surface:
        """The best picture of what is measured so far.

        Raises:
            ValueError: if nothing is measured yet.
        """
        estimate = fuse(self._exact, self._cheap, self._levels)
        known = self._exact.known.clone()
        measures = measures_of(self.landscape)
        return Surface(self.x, self.y, estimate.loss, estimate.quality, known, measures)

    def _measure(self, landscape: ScoreFunction, readings: Readings, level: Lattice) -> None:
        """Measure points of one level until it is done or it is time for a look."""
        begin = time.perf_counter()
        try:
            for rows in _rounds(readings.missing(level), lambda: self._pace):
                before = time.perf_counter()
                readings.put(rows, score_all(landscape, self._points[rows]))
                now = time.perf_counter()
                fitting = int(len(rows) * PATIENCE / (now - before))
                self._pace = max(self._least, min(4 * self._pace, fitting))
                if now - begin > PATIENCE:
                    break
        finally:  # a round that is stopped midway loses its own points only
            if self._file is not None and self._exact.known.any():
                save(self._file, self._exact.as_weights(), {"survey": self._key})

    @cached_property
    def _key(self) -> str:
        """What makes two surveys the same: where they look and at which landscape."""
        tensors = {"x": self.x, "y": self.y, "frame": self.plane.frame}
        tensors |= {f"{i} {n}": t for i, p in enumerate(self.plane.points) for n, t in p.items()}
        if (data := _data_of(self.landscape)) is not None:
            first = data if isinstance(data, Data) else data.first(SAMPLE)
            tensors |= {f"input {i}": t for i, t in enumerate(tensors_of(first.inputs))}
            tensors["targets"] = first.targets
        return content_hash(tensors) + getattr(self.landscape, "batch_norm", "")


def _data_of(landscape: ScoreFunction) -> Data | Stream | None:
    """What the loss is measured on, if it is a loss over data: a `Landscape` has them."""
    data = getattr(landscape, "data", None)
    return data if isinstance(data, Data | Stream) else None


def _rounds(rows: Tensor, pace: Callable[[], int]) -> Iterator[Tensor]:
    while len(rows):
        count = pace()
        yield rows[:count]
        rows = rows[count:]


def _sample(landscape: ScoreFunction, coarse: Lattice) -> ScoreFunction | None:
    """A cheaper landscape of the same shape, where data and grid are large enough to gain."""
    data, sample = _data_of(landscape), getattr(landscape, "sample", None)
    if data is None or sample is None or min(len(coarse.rows), len(coarse.columns)) <= 3:
        return None
    few: bool = isinstance(data, Data) and len(data) < 2 * SAMPLE
    return None if few else sample(SAMPLE)


def _restore(file: Path, key: str) -> Readings:
    theta, facts = load(file)
    if facts.get("survey") != key:
        raise ValueError(
            f"{file} holds a survey of another plane, grid or landscape: choose another file, or "
            "delete it to begin anew."
        )
    return Readings(theta["loss"], theta["quality"], theta["known"].bool())
