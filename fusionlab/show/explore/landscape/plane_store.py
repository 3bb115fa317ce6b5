"""Named planes, what lies on them or near them, and their maps as far as they are measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import hypot
from typing import Any, NamedTuple

import torch

from fusionlab.landscape import (
    Bounds,
    Field,
    Landscape,
    Plane,
    Score,
    Scores,
    Shadows,
    Surface,
    Survey,
    reach,
    score_all,
    shadows,
)
from fusionlab.show.figures.measures import shared_measures
from fusionlab.show.figures.plotted_runs import PlottedRun
from fusionlab.weights import Weights

ON = 1e-3  # of a point's own length: so far it may lie off a plane that holds it, by rounding
NEAR = 0.5  # of a mark's distance from the origin: one farther off the plane is not shown on it
_FOLD = 5.0  # so many times the loss of the point in the middle is a map's edge, in other units
FEW = 64  # rows that tell how far a plane is worth looking at

Place = tuple[float, float]


class Run(NamedTuple):
    """Checkpoints, and the steps of the optimizer at which they were kept."""

    checkpoints: Sequence[Weights]
    steps: Sequence[int]


def read_runs(given: Any) -> dict[str, Run]:
    """One run, or several by name: sequences of points, or what has `checkpoints` and `steps`."""
    if given is None:
        return {}
    if isinstance(given, Weights) or not given:
        raise ValueError("a trajectory needs its checkpoints: give a sequence of Weights, or a run")
    named = given if isinstance(given, Mapping) else {"run": given}
    return {name: _run(one) for name, one in named.items()}


def _run(given: Any) -> Run:
    points = list(getattr(given, "checkpoints", given))
    steps = getattr(given, "steps", None)
    return Run(points, list(range(len(points))) if steps is None else list(steps))


class PlaneStore:
    """Knows where things lie on each plane, and keeps all that was measured.

    Args:
        landscapes: θ ↦ Score, by name.
        planes: by name.
        marks: points by name; a plane shows those that lie on it or near it.
        runs: training runs by name; every plane shows their shadows.
    """

    def __init__(
        self,
        landscapes: Mapping[str, Field],
        planes: Mapping[str, Plane],
        marks: Mapping[str, Weights],
        runs: Mapping[str, Run],
    ) -> None:
        self.measures = shared_measures(landscapes)
        self.landscapes, self.planes, self.marks, self.runs = landscapes, planes, marks, runs
        # All are kept, since those of a large network take long.
        self._places: dict[str, dict[str, Place]] = {}
        self._trails: dict[str, dict[str, PlottedRun]] = {}
        self._seen: dict[tuple[str, str], dict[str, PlottedRun]] = {}
        self._known: dict[tuple[str, str], dict[tuple[str, int], Shadows]] = {}
        self._isometric: dict[str, bool] = {}
        self._bounds: dict[str, Bounds] = {}
        self._scores: dict[tuple[str, str, Place], Score] = {}
        self._surveys: dict[tuple[str, str, float, int], Survey] = {}

    def theta(self, plane: str, place: Place) -> Weights:
        """The point of weight space at a place of a plane."""
        return self.planes[plane](*place)

    def score(self, name: str, plane: str, place: Place) -> Score:
        """What the network at a place scores on the landscape of that name."""
        key = (name, plane, place)
        if key not in self._scores:
            # As a point of the plane, not by itself: the points that span it are at hand.
            point = self.planes[plane].at(torch.tensor([place], dtype=torch.double))
            self._scores[key] = next(iter(score_all(self.landscapes[name], point)))
        return self._scores[key]

    def places(self, plane: str) -> dict[str, Place]:
        """Where the marks on this plane are; one beside it says in its name how far it is away."""
        if plane not in self._places:
            on = self.planes[plane]
            found = [_labelled(on, name, theta) for name, theta in self.marks.items()]
            self._places[plane] = dict(item for item in found if item is not None)
        return self._places[plane]

    def trails(self, plane: str) -> dict[str, PlottedRun]:
        """The runs' checkpoints on this plane; what they score is not asked yet."""
        if plane not in self._trails:
            on = self.planes[plane]
            self._trails[plane] = {
                name: PlottedRun(on.locate(run.checkpoints)[0], run.steps)
                for name, run in self.runs.items()
            }
        return self._trails[plane]

    def measured(self, name: str, plane: str) -> dict[str, PlottedRun]:
        """The trails with all that is known of them on this landscape."""
        return self._seen.get((name, plane), self.trails(plane))

    def measure(self, name: str, plane: str) -> Iterator[None]:
        """Score the runs' checkpoints and the places of the plane below them, one by one."""
        if (name, plane) in self._seen or not self.runs:
            return
        known = self._known.setdefault((name, plane), {})
        for run, (checkpoints, _) in self.runs.items():
            for i, theta in enumerate(checkpoints):
                if (run, i) not in known:
                    known[run, i] = shadows(self.landscapes[name], [theta], self.planes[plane])
                    yield
        self._seen[name, plane] = {
            run: replace(trail, shadows=_together([known[run, i] for i in range(len(trail.steps))]))
            for run, trail in self.trails(plane).items()
        }
        yield

    def isometric(self, plane: str) -> bool:
        """Whether distances on this plane are true."""
        if plane not in self._isometric:
            self._isometric[plane] = self.planes[plane].isometric
        return self._isometric[plane]

    def home(self, plane: str) -> Place:
        """Where to begin: at the first mark, else at the plane's origin."""
        x, y = next(iter(self.places(plane).values()), (0.0, 0.0))
        return round(x, 4), round(y, 4)

    def survey(self, name: str, plane: str, zoom: float, resolution: int) -> Survey:
        """The survey of these settings; going back to one finds it as it was left."""
        key = (name, plane, zoom, resolution)
        if key not in self._surveys:
            x, y = _wider(self.bounds(plane), zoom).grid(resolution)
            self._surveys[key] = Survey(self.landscapes[name], self.planes[plane], x, y)
        return self._surveys[key]

    def bounds(self, plane: str) -> Bounds:
        """The surroundings of marks and runs; around one point alone, as far as the loss is low."""
        if plane not in self._bounds:
            on, places = self.planes[plane], list(self.places(plane).values())
            for name, trail in self.trails(plane).items():
                if _labelled(on, name, self.runs[name].checkpoints[0]):  # else a mere shadow
                    places += map(tuple, trail.places.tolist())
            around = _surroundings(places)
            self._bounds[plane] = around or self._reach(plane)
        return self._bounds[plane]

    def _reach(self, plane: str) -> Bounds:
        landscape = next(iter(self.landscapes.values()))
        if isinstance(landscape, Landscape):
            landscape = landscape.sample(FEW)
        try:
            return reach(landscape, self.planes[plane], rise=self._rise(landscape, plane))
        except ValueError:  # no number at the origin: there is nothing to measure a range by
            return Bounds(-1, 1, -1, 1)

    def _rise(self, landscape: Field, plane: str) -> float:
        """How far the loss rises up to the map's edge; units other than nats have any size."""
        if self.measures.loss.unit == "nats":
            return 2.0  # near what guessing among ten classes costs
        home = abs(landscape(self.theta(plane, (0.0, 0.0))).loss)
        return (_FOLD - 1) * home or 1.0


def so_far(survey: Survey) -> Surface | None:
    """What a survey has measured; None before its first step."""
    try:
        return survey.surface()
    except ValueError:
        return None


def _together(single: Sequence[Shadows]) -> Shadows:
    """The shadows of several points, from those of each."""
    real, shadow = (
        Scores(
            torch.cat([getattr(s, kind).loss.cpu().double() for s in single]),
            torch.cat([getattr(s, kind).quality.cpu().double() for s in single]),
            getattr(single[0], kind).measures,
        )
        for kind in ("real", "shadow")
    )
    return Shadows(real, shadow, torch.cat([s.distances for s in single]))


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
