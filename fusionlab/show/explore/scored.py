"""What was measured for explorers: scores of places, maps of planes; each is measured once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from threading import Lock
from time import perf_counter
from typing import Any

from fusionlab.landscape import Score, ScoreFunction, Surface, Survey, score_all
from fusionlab.weights import Weights

BREATH = 0.02  # seconds of work between two looks at whether something newer is wanted


class Scored:
    """Scores of places on one landscape.

    Args:
        landscape: θ ↦ Score.
        at: makes points of places, as one batch.
    """

    def __init__(
        self, landscape: ScoreFunction, at: Callable[[Sequence[Any]], Sequence[Weights]]
    ) -> None:
        self.landscape, self._at, self._changing = landscape, at, Lock()
        self.known: Mapping[Hashable, Score] = {}  # is replaced, and never altered

    def __call__(self, places: Sequence[Any]) -> list[Score]:
        """The scores of places; those that are not known yet are asked for in one batch."""
        known = self.known
        if new := [place for place in dict.fromkeys(places) if place not in known]:
            fresh = dict(zip(new, score_all(self.landscape, self._at(new)), strict=True))
            known = {**known, **fresh}
            with self._changing:
                self.known = {**self.known, **fresh}
        return [known[place] for place in places]

    def keep(self, wanted: Callable[[Any], bool]) -> None:
        """Forget all other places."""
        with self._changing:
            self.known = {place: score for place, score in self.known.items() if wanted(place)}


class Maps:
    """Maps by what they show; going back to one finds it as it was left.

    Args:
        make: begins the survey of a key.
    """

    def __init__(self, make: Callable[[Any], Survey]) -> None:
        self._make, self._measuring = make, Lock()
        self._surveys: dict[Hashable, Survey] = {}
        self.known: Mapping[Hashable, Surface] = {}

    def __call__(self, key: Hashable) -> Surface:
        """The map as far as it is known; a first one is measured."""
        if key not in self.known:
            self._put(key, self._step(key) or self._surveys[key].surface())
        return self.known[key]

    def refine(self, key: Hashable) -> Iterator[None]:
        """Measure on, a little at each step, until all is exact."""
        while (surface := self._step(key)) is not None:
            yield  # here it may be dropped, if it was cancelled while it was measured
            self._put(key, surface)
            yield
        if self.share(key) < 1:
            self._put(key, self._surveys[key].surface())
            yield

    def keep(self, wanted: Callable[[Any], bool]) -> None:
        """Forget all other maps."""
        with self._measuring:
            self._surveys = {key: each for key, each in self._surveys.items() if wanted(key)}
            self.known = {key: each for key, each in self.known.items() if wanted(key)}

    def share(self, key: Hashable) -> float:
        """How much of the map is exact, from 0 to 1."""
        return self.known[key].share if key in self.known else 0.0

    def _step(self, key: Hashable) -> Surface | None:
        with self._measuring:
            if key not in self._surveys:
                self._surveys[key] = self._make(key)
            return next(self._surveys[key], None)

    def _put(self, key: Hashable, surface: Surface) -> None:
        with self._measuring:
            self.known = {**self.known, key: surface}


def in_bites(
    learn: Callable[[Sequence[Any]], Any], places: Sequence[Any], *, seconds: float = BREATH
) -> Iterator[None]:
    """Learn places in this order, so many at a time as take these seconds."""
    left, size = list(places), 1
    while left:
        began = perf_counter()
        learn(left[:size])
        left, took = left[size:], perf_counter() - began
        size = max(1, min(25, 4 * size, int(size * seconds / max(took, 1e-6))))
        yield


def by_name(landscape: ScoreFunction | Mapping[str, ScoreFunction]) -> dict[str, ScoreFunction]:
    """Landscapes by name; one alone has none."""
    return dict(landscape) if isinstance(landscape, Mapping) else {"": landscape}
