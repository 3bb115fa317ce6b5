"""Maps of planes, each surveyed once, and the part of a picture that shows some of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from itertools import zip_longest
from threading import Lock
from time import perf_counter

from fusionlab.landscape import Bounds, Plane, ScoreFunction, Surface, Survey
from fusionlab.show.explore.parts import Part, State

MapKey = tuple[str, Plane, Bounds, int]  # a landscape's name; a plane; where; points a side


class Maps:
    """Maps by what they show; going back to one finds it as it was left.

    Args:
        landscapes: θ ↦ Score, by name.
    """

    def __init__(self, landscapes: Mapping[str, ScoreFunction]) -> None:
        self._landscapes, self._measuring = landscapes, Lock()
        self._surveys: dict[MapKey, Survey] = {}
        self._seconds: dict[MapKey, float] = {}  # spent on the points that are exact
        self.known: Mapping[MapKey, Surface] = {}

    def __call__(self, key: MapKey) -> Surface:
        """The map as far as it is known; a first one is measured."""
        if key not in self.known:
            self._put(key, self._step(key) or self._surveys[key].surface())
        return self.known[key]

    def refine(self, key: MapKey) -> Iterator[None]:
        """Measure on, a little at each step, until all is exact."""
        while (surface := self._step(key)) is not None:
            yield  # here it may be dropped, if it was cancelled while it was measured
            self._put(key, surface)
            yield
        if self.share(key) < 1:
            self._put(key, self._surveys[key].surface())
            yield

    def keep(self, wanted: Callable[[MapKey], bool]) -> None:
        """Forget all other maps."""
        with self._measuring:
            self._surveys = {key: each for key, each in self._surveys.items() if wanted(key)}
            self._seconds = {key: each for key, each in self._seconds.items() if wanted(key)}
            self.known = {key: each for key, each in self.known.items() if wanted(key)}

    def share(self, key: MapKey) -> float:
        """How much of the map is exact, from 0 to 1."""
        return self.known[key].share if key in self.known else 0.0

    def left(self, key: MapKey) -> float:
        """Seconds that the rest will take at the pace so far."""
        share = self.share(key)
        return self._seconds.get(key, 0.0) * (1 - share) / share if share else 0.0

    def _step(self, key: MapKey) -> Surface | None:
        with self._measuring:
            if key not in self._surveys:
                on, plane, bounds, resolution = key
                grid = bounds.grid(resolution)
                self._surveys[key] = Survey(self._landscapes[on], plane, *grid)
            began, before = perf_counter(), self.share(key)
            surface = next(self._surveys[key], None)
            if surface is not None and surface.share > before:
                spent = perf_counter() - began
                self._seconds[key] = self._seconds.get(key, 0.0) + spent
            return surface

    def _put(self, key: MapKey, surface: Surface) -> None:
        with self._measuring:
            self.known = {**self.known, key: surface}


class MapPart(Part):
    """Shows maps: coarse ones first, all at one pace.

    Args:
        landscapes: θ ↦ Score, by name.
    """

    def __init__(self, landscapes: Mapping[str, ScoreFunction]) -> None:
        self.maps = Maps(landscapes)

    def keys(self, s: State) -> list[MapKey]:
        """Which maps are shown."""
        raise NotImplementedError

    def surface(self, s: State) -> Surface | None:
        """The first map as far as it is known."""
        return self.maps.known.get(self.keys(s)[0])

    def ready(self, s: State) -> bool:
        """Whether there is something of each map."""
        return all(key in self.maps.known for key in self.keys(s))

    def share(self, s: State) -> float:
        """How much of the maps is exact, from 0 to 1."""
        shares = [self.maps.share(key) for key in self.keys(s)]
        return sum(shares) / len(shares)

    def progress(self, s: State, *, stopped: bool = False) -> str:
        """How many points are measured, and how long the others will take."""
        surface, share = self.surface(s), self.share(s)
        if surface is None:
            return "The map is being measured."
        points = surface.exact.numel()
        if share == 1:
            return f"All {points} points of the map are measured."
        left = "" if stopped else tell_left(sum(map(self.maps.left, self.keys(s))))
        return (
            f"{'Stopped: ' * stopped}{100 * share:.0f} % of {points} points are measured{left}; "
            "between them the map is approximate."
        )

    def refine(self, s: State) -> Iterator[None]:
        """Measure what is missing."""
        for _ in zip_longest(*map(self.maps.refine, self.keys(s))):
            yield

    def known(self, s: State) -> Hashable:
        """The maps as they are."""
        return tuple(map(self.maps.known.get, self.keys(s)))


def tell_left(seconds: float) -> str:
    """How much time is left, as one would say it; nothing where it is over at once."""
    if seconds < 2:
        return ""
    if seconds < 100:
        return f", about {round(seconds, -1) or 5:.0f} s left"
    return f", about {seconds / 60:.0f} min left"
