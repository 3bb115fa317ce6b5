"""The nudged elastic band: a chain of points that slides down to the valley between two ends."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf, isinf

import torch
from torch import Tensor

from fusionlab.connectivity.fitting import PACE
from fusionlab.connectivity.forces import force, tangent
from fusionlab.connectivity.paths import Line, Path
from fusionlab.connectivity.polylines import Band, Polyline, interpolate
from fusionlab.connectivity.profiles import profile
from fusionlab.coordinates import check_finite
from fusionlab.descent import Recipe, carry_out, factor
from fusionlab.landscape import Landscape
from fusionlab.scores import Sloped
from fusionlab.weights import Weights

DENSE = 8  # steps per segment in which the loss between two pivots is looked for


class BandFitting(Iterator[Band]):
    """A band to watch: each `next` moves it for a tenth of a second, or one step if that is longer.

    The arguments are those of `elastic_band`; what `next` gives is scored at its pivots only.

    Attributes:
        stride: the most steps of a `next`; it may be changed at any time.

    Example:
        >>> import torch
        >>> from fusionlab.connectivity import BandFitting
        >>> from fusionlab.lab import initial, mlp
        >>> from fusionlab.landscape import Landscape
        >>> model = mlp(2, 4, 2)
        >>> ends = (initial(model, seed=seed) for seed in (0, 1))
        >>> landscape = Landscape(model, (torch.randn(8, 2), torch.arange(8) % 2))
        >>> *_, band = BandFitting(landscape, *ends, pivots=2, cycles=1, steps=3)
        >>> len(band.points)
        4
    """

    stride: int | None = None

    def __init__(
        self,
        landscape: Sloped,
        a: Weights,
        b: Weights,
        *,
        start: Path | Sequence[Weights] | None = None,
        pivots: int = 5,
        cycles: int = 4,
        steps: int = 50,
        lr: float = 0.1,
        momentum: float = 0.9,
        spring: float = inf,
        climb: bool = False,
        tolerance: float = 0.2,
        max_pivots: int = 20,
        batch: int | None = None,
        seed: int = 0,
    ) -> None:
        self._landscape, self._spring, self._climb = landscape, spring, climb
        self._tolerance, self._max_pivots = tolerance, max_pivots
        self._batch, self._seed = batch, seed
        self._recipe = Recipe(steps=steps, lr=lr, momentum=momentum)  # of one cycle
        self._cycle, self.total, self.steps = steps, cycles * steps, 0
        self._line = _first(a, b, start, pivots)
        self._velocities: list[Weights] = []
        self._diverged = False
        self._best = self._measure()

    def __next__(self) -> Band:
        if not self.advance():
            raise StopIteration
        return self._scored(self._line.positions)

    def advance(self) -> bool:
        """Move for a moment, without scoring the band; False if it has come to its end."""
        if self._diverged or self.steps >= self.total:
            return False
        begin, end = time.perf_counter(), self.steps + (self.stride or self.total)
        while time.perf_counter() - begin < PACE and not self._diverged:
            self._step()
            if self.steps % self._cycle == 0:
                self._end_cycle()
            if self.steps >= min(self.total, end):
                break
        return True

    def so_far(self) -> Band:
        """The best band of those that were measured closely, this one too."""
        if self.steps % self._cycle and not self._diverged:
            self._measure_and_keep()
        return replace(self._best, complete=self.steps == self.total and not self._diverged)

    def _step(self) -> None:
        """Move every pivot by its force, with momentum."""
        losses, slopes = self._slopes()
        points, inner = self._line.points, range(1, len(losses) - 1)
        climber = max(inner, key=losses.__getitem__) if self._climb else 0
        pulls = _forces(points, losses, slopes, spring=self._spring, climber=climber)
        if self._velocities:
            pairs = zip(self._velocities, pulls, strict=True)
            pulls = [self._recipe.momentum * velocity + pull for velocity, pull in pairs]
        rate = self._recipe.lr * factor(self._recipe, self.steps % self._cycle, self._cycle)
        moved = [point + rate * pull for point, pull in zip(points[1:-1], pulls, strict=True)]
        self._velocities, self.steps = pulls, self.steps + 1
        self._place((points[0], *moved, points[-1]), climber)

    def _slopes(self) -> tuple[list[float], list[Weights]]:
        """The losses of all points, and the slopes at the inner ones, on this step's data."""
        field, points = self._field(), self._line.points
        scores, slopes = zip(*map(field.slope, points[1:-1]), strict=True)
        losses = [score.loss for score in scores]
        if field is self._landscape:
            first, *_, last = self._best.along.loss.tolist()  # the ends stay
        else:
            first, last = field(points[0]).loss, field(points[-1]).loss
        return [first, *losses, last], list(slopes)

    def _field(self) -> Sloped:
        if self._batch is None or not isinstance(self._landscape, Landscape):
            return self._landscape
        return self._landscape.sample(self._batch, seed=self._seed + self.steps)

    def _place(self, points: tuple[Weights, ...], climber: int) -> None:
        """Take the moved pivots; infinite springs put them back at their shares of the length."""
        line = Polyline.even(points)
        if not line.positions.isfinite().all():
            self._diverge()
            return
        if isinf(self._spring):
            knots = sorted({0, climber, len(points) - 1})  # one that climbs is not put back
            before = self._line.positions
            t = interpolate(before, before[knots], line.positions[knots])
            line = Polyline(tuple(line.at(t)), t)
        self._line = line

    def _end_cycle(self) -> None:
        """Measure the loss between the pivots, too; set new ones where it rises over the chord."""
        if self._diverged:
            return
        band = self._measure_and_keep()
        if self.steps < self.total:
            room = max(0, self._max_pivots - (len(band.points) - 2))
            t = torch.cat([band.positions, _rises(band, self._tolerance)[:room]]).sort().values
            self._line, self._velocities = Polyline(tuple(band.at(t)), t), []

    def _measure_and_keep(self) -> Band:
        band = self._measure()
        # One that climbs ends higher than it was: before, no pivot stood at the top.
        if self._climb or band.saddle.loss <= self._best.saddle.loss:
            self._best = band
        return band

    def _measure(self) -> Band:
        """The band with its loss between the pivots."""
        t = self._line.positions
        shares = torch.arange(DENSE, dtype=t.dtype) / DENSE
        inside = torch.lerp(t[:-1, None], t[1:, None], shares)  # (segments, DENSE)
        return self._scored(torch.cat([inside.flatten(), t[-1:]]))

    def _scored(self, t: Tensor) -> Band:
        line = self._line
        return Band(line.points, line.positions, profile(self._landscape, line, t=t))

    def _diverge(self) -> None:
        self._diverged = True
        warnings.warn(
            f"the band diverged in step {self.steps} of {self.total}: the best one before is kept. "
            f"Try a lower learning rate than {self._recipe.lr:g}.",
            RuntimeWarning,
            stacklevel=4,
        )


def elastic_band(
    landscape: Sloped,
    a: Weights,
    b: Weights,
    *,
    start: Path | Sequence[Weights] | None = None,
    pivots: int = 5,
    cycles: int = 4,
    steps: int = 50,
    lr: float = 0.1,
    momentum: float = 0.9,
    spring: float = inf,
    climb: bool = False,
    tolerance: float = 0.2,
    max_pivots: int = 20,
    batch: int | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Band:
    """Stretch a band from `a` to `b` and let it slide into the valley: the nudged elastic band.

    Its pivots go down the slope across the band, which springs hold evenly spaced. After each
    cycle a pivot is added wherever the loss between two of them rises over their chord.

    Args:
        landscape: θ ↦ Score with a `slope`; a `Landscape`, or any such object.
        a: the end at t = 0, which stays.
        b: the end at t = 1, which stays.
        start: where the pivots begin: a path from a to b, or the pivots; by default on the line.
        pivots: how many at first, the ends not counted; a sequence as `start` brings its own.
        cycles: how often the band relaxes.
        steps: of each cycle, over which the learning rate falls from `lr` to 0.
        lr: the highest learning rate.
        momentum: of the pivots; 0 for plain descent.
        spring: the stiffness k; infinite, as in the source, the pivots are put back to their
            shares of the length after each step.
        climb: let the highest pivot climb to the saddle itself.
        tolerance: a rise over the chord that gets a pivot, as a share of the highest less the
            lowest loss along the band.
        max_pivots: how many may be added.
        batch: go down on so many rows, drawn anew for each step; by default on all.
        seed: draws these rows.
        progress: show a bar if it takes longer than a second.

    Returns:
        Of the bands at the ends of the cycles that with the lowest saddle (if it climbs, the
        last one); so also after an interrupt, or if the band diverges, with a warning.

    Raises:
        ValueError: if the ends are one point, or `start` does not lead from one to the other.

    Source:
        Draxler et al. 2018, arXiv:1803.00885.
    """
    stretching = BandFitting(
        landscape, a, b,
        start=start, pivots=pivots, cycles=cycles, steps=steps, lr=lr, momentum=momentum,
        spring=spring, climb=climb, tolerance=tolerance, max_pivots=max_pivots, batch=batch,
        seed=seed,
    )  # fmt: skip
    carry_out(stretching, "stretching", kept="the best band so far", progress=progress)
    return stretching.so_far()


def _forces(
    points: Sequence[Weights],
    losses: Sequence[float],
    slopes: Sequence[Weights],
    *,
    spring: float,
    climber: int,
) -> list[Weights]:
    """The force on each inner point, of which one may climb."""
    forces = []
    for i, slope in enumerate(slopes, start=1):
        three = points[i - 1 : i + 2]
        along = tangent(three, losses[i - 1 : i + 2])
        forces.append(force(three, slope, along, spring=spring, climbs=i == climber))
    return forces


def _first(a: Weights, b: Weights, start: Path | Sequence[Weights] | None, pivots: int) -> Polyline:
    """The band before its first step; its pivots are spread evenly on what it starts from."""
    if pivots < 1:
        raise ValueError(f"{pivots} pivots cannot move: a band needs at least one between its ends")
    check_finite((a, b))
    if isinstance(start, Sequence):
        line = Polyline.even((a, *start, b))
    else:
        path = start or Line(a, b)
        t = torch.linspace(0, 1, pivots + 2, dtype=torch.double).tolist()
        if any((path(end) - point).norm() > 0 for end, point in ((t[0], a), (t[-1], b))):
            raise ValueError("the path that the band starts on does not lead from a to b")
        line = Polyline.even((a, *map(path, t[1:-1]), b))
    if not all(p < q for p, q in pairwise(line.positions.tolist())):
        raise ValueError(
            "two neighbours of the band are one point, so it has no direction there: give two "
            "different ends, and pivots that differ."
        )
    return line


def _rises(band: Band, tolerance: float) -> Tensor:
    """The t of the highest rise over the chord in each segment that needs a pivot, worst first."""
    along = band.along
    rise = along.loss - interpolate(along.t, band.positions, band.losses)
    rise = rise[:-1].view(-1, DENSE)  # (segments, DENSE)
    height, place = rise.max(1)
    t = along.t[:-1].view(-1, DENSE).gather(1, place[:, None])[:, 0]
    worst = height.argsort(descending=True)
    needed = height[worst] > tolerance * (along.loss.max() - along.loss.min())
    return t[worst][needed]
