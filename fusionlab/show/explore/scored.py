"""What was measured for explorers: scores of places, each measured once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from threading import Lock
from time import perf_counter
from typing import Any

import torch

from fusionlab.arguments import expect, expect_by_name
from fusionlab.landscape import Score, ScoreFunction, Scores, measures_of, score_all
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

    def knows(self, places: Iterable[Any]) -> bool:
        """Whether all of them are measured."""
        return all(place in self.known for place in places)

    def scores(self, places: Iterable[Any]) -> Scores:
        """What is known of places; NaN where nothing is."""
        known: Mapping[Any, Any] = self.known
        rows = [tuple(known.get(place, (torch.nan, torch.nan))) for place in places]
        loss, quality = torch.tensor(rows, dtype=torch.double).reshape(-1, 2).T
        return Scores(loss, quality, measures_of(self.landscape))

    def keep(self, wanted: Callable[[Any], bool]) -> None:
        """Forget all other places."""
        with self._changing:
            self.known = {place: score for place, score in self.known.items() if wanted(place)}


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
    """Landscapes by name; one alone has none.

    Raises:
        TypeError: if it is something else.
    """
    if not isinstance(landscape, Mapping) or isinstance(landscape, Weights):
        expect("landscape", landscape)
        return {"": landscape}  # type: ignore[dict-item]
    expect_by_name("landscape", landscape, "landscape")
    return dict(landscape)
