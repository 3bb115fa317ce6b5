"""Named planes, the points marked on them, and their maps as far as they are measured."""

from __future__ import annotations

from collections.abc import Mapping

from fusionlab.landscape import Bounds, Field, Plane, Surface, Survey
from fusionlab.weights import Weights

NEAR = 1e-3  # of a point's own length: so far it may lie off a plane that holds it, by rounding

Place = tuple[float, float]


class Atlas:
    """Knows where things lie on each plane, and keeps every survey that was begun.

    Args:
        landscape: θ ↦ Score.
        planes: by name.
        marks: points by name; a plane shows those that it holds.
    """

    def __init__(
        self, landscape: Field, planes: Mapping[str, Plane], marks: Mapping[str, Weights]
    ) -> None:
        self.landscape, self.planes, self.marks = landscape, planes, marks
        self._places: dict[str, dict[str, Place]] = {}  # kept: a large network's take long
        self._isometric: dict[str, bool] = {}
        self._surveys: dict[tuple[str, float, int], Survey] = {}

    def theta(self, plane: str, place: Place) -> Weights:
        """The point of weight space at a place of a plane."""
        return self.planes[plane](*place)

    def places(self, plane: str) -> dict[str, Place]:
        """Where the marked points lie that are on this plane."""
        if plane not in self._places:
            on = self.planes[plane]
            self._places[plane] = {n: on.project(theta) for n, theta in self._held(on).items()}
        return self._places[plane]

    def isometric(self, plane: str) -> bool:
        """Whether distances on this plane are true."""
        if plane not in self._isometric:
            self._isometric[plane] = self.planes[plane].isometric
        return self._isometric[plane]

    def home(self, plane: str) -> Place:
        """Where to begin: at the first mark, else at the plane's origin."""
        x, y = next(iter(self.places(plane).values()), (0.0, 0.0))
        return round(x, 4), round(y, 4)

    def survey(self, plane: str, zoom: float, resolution: int) -> Survey:
        """The survey of these settings; going back to one finds it as it was left."""
        key = (plane, zoom, resolution)
        if key not in self._surveys:
            x, y = _wider(self.bounds(plane), zoom).grid(resolution)
            self._surveys[key] = Survey(self.landscape, self.planes[plane], x, y)
        return self._surveys[key]

    def bounds(self, plane: str) -> Bounds:
        """The surroundings of the marks; around one alone, a step as long as its filters."""
        on = self.planes[plane]
        held = self._held(on)
        bounds = on.bounds(*held.values()) if held else Bounds(0, 0, 0, 0)
        if max(bounds.x_max - bounds.x_min, bounds.y_max - bounds.y_min) > 0:
            return bounds
        x, y = bounds.x_min, bounds.y_min
        return Bounds(x - 1, x + 1, y - 1, y + 1)

    def _held(self, plane: Plane) -> dict[str, Weights]:
        return {name: theta for name, theta in self.marks.items() if _on(plane, theta)}


def so_far(survey: Survey) -> Surface | None:
    """What a survey has measured; None before its first step."""
    try:
        return survey.surface()
    except ValueError:
        return None


def _on(plane: Plane, theta: Weights) -> bool:
    gap = (plane(*plane.project(theta)) - theta).norm()
    return bool(gap <= NEAR * theta.norm().clamp_min(1e-9))


def _wider(bounds: Bounds, zoom: float) -> Bounds:
    """The same middle, `zoom` times as wide and as high."""

    def stretch(low: float, high: float) -> tuple[float, float]:
        middle, half = (low + high) / 2, (high - low) / 2
        return middle - zoom * half, middle + zoom * half

    return Bounds(*stretch(bounds.x_min, bounds.x_max), *stretch(bounds.y_min, bounds.y_max))
