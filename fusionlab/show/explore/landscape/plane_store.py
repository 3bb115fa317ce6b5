"""Named planes, what lies on them or near them, and their maps as far as they are measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import hypot
from typing import Any, NamedTuple

import torch
from torch import Tensor

from fusionlab.landscape import (
    Bounds,
    Landscape,
    Plane,
    ProjectedRun,
    ScoreFunction,
    loss_range,
)
from fusionlab.show.explore.scored import Scored
from fusionlab.show.figures.measures import shared_measures
from fusionlab.show.figures.plotted_runs import PlottedRun
from fusionlab.show.figures.slices import Place
from fusionlab.weights import Weights

ON = 1e-3  # of a point's own length: so far it may lie off a plane that holds it, by rounding
NEAR = 0.5  # of a mark's distance from the origin: one farther off the plane is not shown on it
_FOLD = 5.0  # so many times the loss of the point in the middle is a map's edge, in other units
FEW = 64  # rows that tell how far a plane is worth looking at

OnPlane = tuple[str, float, float]
OfRun = tuple[str, int]  # a run, and the number of one of its checkpoints


class Checkpoints(NamedTuple):
    """Checkpoints, and the steps of the optimizer at which they were kept."""

    checkpoints: Sequence[Weights]
    steps: Sequence[int]


def read_runs(given: Any) -> dict[str, Checkpoints]:
    """One run, or several by name: sequences of points, or what has `checkpoints` and `steps`."""
    if given is None:
        return {}
    if isinstance(given, Weights) or not given:
        raise ValueError("a trajectory needs its checkpoints: give a sequence of Weights, or a run")
    named = given if isinstance(given, Mapping) else {"run": given}
    return {name: _run(one) for name, one in named.items()}


def _run(given: Any) -> Checkpoints:
    points = list(getattr(given, "checkpoints", given))
    steps = getattr(given, "steps", None)
    return Checkpoints(points, list(range(len(points))) if steps is None else list(steps))


class PlaneStore:
    """Knows where things lie on each plane, and what the checkpoints of runs score.

    Args:
        landscapes: θ ↦ Score, by name.
        planes: by name.
        marks: points by name; a plane shows those that lie on it or near it.
        runs: training runs by name; every plane shows their projections.
    """

    def __init__(
        self,
        landscapes: Mapping[str, ScoreFunction],
        planes: Mapping[str, Plane],
        marks: Mapping[str, Weights],
        runs: Mapping[str, Checkpoints],
    ) -> None:
        self.measures = shared_measures(landscapes)
        self.landscapes, self.planes, self.marks, self.runs = landscapes, planes, marks, runs
        self.scored = {name: Scored(field, self._points) for name, field in landscapes.items()}
        self._real = {name: Scored(field, self._checkpoints) for name, field in landscapes.items()}
        # All are kept, since those of a large network take long.
        self.places, self._locate = cache(self._find_places), cache(self._project)
        self.bounds, self.isometric = cache(self._find_bounds), cache(self._is_isometric)

    def theta(self, place: OnPlane) -> Weights:
        """The point of weight space at a place of a plane."""
        plane, x, y = place
        return self.planes[plane](x, y)

    def asked(self, place: OnPlane | OfRun) -> Weights:
        """The point of a place of a plane, or of a checkpoint."""
        return self.theta(place) if len(place) == 3 else self._checkpoints([place])[0]

    def checkpoint(self, step: int) -> OfRun:
        """The first run's checkpoint at a position of the slider."""
        name, run = next(iter(self.runs.items()))
        return name, min(step, len(run.steps) - 1)

    @property
    def checkpoints(self) -> list[OfRun]:
        """All checkpoints of the first run."""
        return [(name, i) for name, run in [*self.runs.items()][:1] for i in range(len(run.steps))]

    def known(self, name: str, plane: str) -> bool:
        """Whether all is known that the runs score on this landscape."""
        return all(run.projected is not None for run in self.measured(name, plane).values())

    def measured(self, name: str, plane: str) -> dict[str, PlottedRun]:
        """The plotted runs, with what they score on this landscape where all of it is known."""
        real, below = self._real[name], self.scored[name]
        runs = self.plotted(plane)
        for run, one in runs.items():
            points, places = self._both(run, plane)
            if real.knows(points) and below.knows(places):
                away = self._locate(run, plane)[1]
                projected = ProjectedRun(real.scores(points), below.scores(places), away)
                runs[run] = replace(one, projected=projected)
        return runs

    def measure(self, name: str, plane: str) -> Iterator[None]:
        """Score the runs' checkpoints and the places of the plane below them, one by one."""
        real, below = self._real[name], self.scored[name]
        for run in self.runs:
            for point, place in zip(*self._both(run, plane), strict=True):
                if not (real.knows([point]) and below.knows([place])):
                    real([point]), below([place])
                    yield

    def plotted(self, plane: str) -> dict[str, PlottedRun]:
        """The runs' checkpoints on this plane; what they score is not asked yet."""
        return {
            name: PlottedRun(self._locate(name, plane)[0], run.steps)
            for name, run in self.runs.items()
        }

    def home(self, plane: str) -> Place:
        """Where to begin: at the first mark, else at the plane's origin."""
        x, y = next(iter(self.places(plane).values()), (0.0, 0.0))
        return round(x, 4), round(y, 4)

    def seen(self, plane: str, zoom: float) -> Bounds:
        """How much of the plane is seen: `zoom` times as wide and as high as what lies on it."""
        return _wider(self.bounds(plane), zoom)

    def _both(self, run: str, plane: str) -> tuple[list[OfRun], list[OnPlane]]:
        """A run's checkpoints, and the places of the plane below them."""
        places = self._locate(run, plane)[0].tolist()
        return [(run, i) for i in range(len(places))], [(plane, x, y) for x, y in places]

    def _points(self, places: Sequence[OnPlane]) -> Sequence[Weights]:
        # As points of the plane, not by themselves: the points that span it are at hand.
        places_on = torch.tensor([place[1:] for place in places], dtype=torch.double)
        return self.planes[places[0][0]].at(places_on)

    def _checkpoints(self, points: Sequence[OfRun]) -> Sequence[Weights]:
        return [self.runs[run].checkpoints[i] for run, i in points]

    def _find_places(self, plane: str) -> dict[str, Place]:
        """Where the marks on this plane are; one beside it says in its name how far it is away."""
        found = [_labelled(self.planes[plane], name, theta) for name, theta in self.marks.items()]
        return dict(item for item in found if item is not None)

    def _project(self, run: str, plane: str) -> tuple[Tensor, Tensor]:
        """Where the checkpoints' projections lie, and how far below them."""
        return self.planes[plane].locate(self.runs[run].checkpoints)

    def _is_isometric(self, plane: str) -> bool:
        """Whether distances on this plane are true."""
        return self.planes[plane].isometric

    def _find_bounds(self, plane: str) -> Bounds:
        """The surroundings of marks and runs; around one point alone, as far as the loss is low."""
        on, places = self.planes[plane], list(self.places(plane).values())
        for name, run in self.plotted(plane).items():
            if _labelled(on, name, self.runs[name].checkpoints[0]):  # else a mere projection
                places += map(tuple, run.places.tolist())
        return _surroundings(places) or self._reach(plane)

    def _reach(self, plane: str) -> Bounds:
        landscape = next(iter(self.landscapes.values()))
        if isinstance(landscape, Landscape):
            landscape = landscape.sample(FEW)
        try:
            return loss_range(landscape, self.planes[plane], rise=self._rise(landscape, plane))
        except ValueError:  # no number at the origin: there is nothing to measure a range by
            return Bounds(-1, 1, -1, 1)

    def _rise(self, landscape: ScoreFunction, plane: str) -> float:
        """How far the loss rises up to the map's edge; units other than nats have any size."""
        if self.measures.loss.unit == "nats":
            return 2.0  # near what guessing among ten classes costs
        home = abs(landscape(self.theta((plane, 0.0, 0.0))).loss)
        return (_FOLD - 1) * home or 1.0


def _labelled(plane: Plane, name: str, theta: Weights) -> tuple[str, Place] | None:
    """A mark's label and place, if it lies on the plane or near it."""
    places, distances = plane.locate([theta])
    away, place = distances.item(), (places[0, 0].item(), places[0, 1].item())
    if away <= ON * max(theta.norm().item(), 1e-9):
        return name, place
    along = float((places[0] @ plane.gram @ places[0]).clamp_min(0).sqrt())
    return (f"{name}, {away:.2f} away", place) if away <= NEAR * hypot(along, away) else None


def _surroundings(places: Sequence[Place], *, margin: float = 0.25) -> Bounds | None:
    """A rectangle with some room around places; None if they are no two different ones."""
    if not places:
        return None
    x, y = zip(*places, strict=True)
    size = max(max(x) - min(x), max(y) - min(y))
    pad = margin * size
    return Bounds(min(x) - pad, max(x) + pad, min(y) - pad, max(y) + pad) if size > 1e-6 else None


def _wider(bounds: Bounds, zoom: float) -> Bounds:
    """The same middle, `zoom` times as wide and as high."""

    def stretch(low: float, high: float) -> tuple[float, float]:
        middle, half = (low + high) / 2, (high - low) / 2
        return middle - zoom * half, middle + zoom * half

    return Bounds(*stretch(bounds.x_min, bounds.x_max), *stretch(bounds.y_min, bounds.y_max))
