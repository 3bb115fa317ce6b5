"""Several paths at once, scored where a picture asks, each place once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

import torch

from fusionlab.combinations import Combinations
from fusionlab.connectivity import Path, Profile, points_on
from fusionlab.landscape import Field, Score, score_all
from fusionlab.quantities import CLASSIFIED
from fusionlab.show.figures.projections import merge, shares

STEPS = 100  # positions of the slider between the ends

Wish = tuple[str, int]  # a path by its name, and a place on it in hundredths of t


class Bundle:
    """Paths between two points, by name, and what is known of the loss along them.

    Args:
        landscape: θ ↦ Score.
        paths: t ↦ θ; one may be replaced by `put`, when it was trained further.
    """

    def __init__(self, landscape: Field, paths: Mapping[str, Path]) -> None:
        self._landscape, self._paths = landscape, dict(paths)
        self._known: dict[str, dict[int, Score]] = {name: {} for name in paths}
        self._changing = Lock()  # held to change these two, which are replaced and never altered

    def put(self, name: str, path: Path) -> None:
        """Take another path in place of one; what stood along the old one is forgotten."""
        with self._changing:
            if self._paths[name] is not path:
                ends = {at: s for at, s in self._known[name].items() if at in (0, STEPS)}
                self._paths = {**self._paths, name: path}
                self._known = {**self._known, name: ends}

    def score(self, wishes: Sequence[Wish]) -> list[Score]:
        """The scores of places; those that are not known yet are asked for in one batch."""
        with self._changing:
            paths, known = self._paths, self._known
        new = [(name, at) for name, at in wishes if at not in known[name]]
        fresh = dict(zip(new, self._ask(paths, new), strict=True)) if new else {}
        with self._changing:
            for (name, at), score in fresh.items():
                if self._paths[name] is paths[name]:
                    self._known = {**self._known, name: {**self._known[name], at: score}}
        return [fresh.get((name, at)) or known[name][at] for name, at in wishes]

    def missing(self, places: Iterable[int]) -> list[Wish]:
        """What is not known of these places on every path."""
        known = self._known
        return [(name, at) for at in places for name in known if at not in known[name]]

    def profiles(self) -> dict[str, Profile]:
        """What is known along each path."""
        return {name: _profile(known) for name, known in self._known.items()}

    def _ask(self, paths: Mapping[str, Path], wishes: Sequence[Wish]) -> list[Score]:
        """The scores of the wishes, as one batch over all points that span the paths.

        A landscape prepares for the points of a batch, which takes longer than to score one; and
        these stay the same from one place to the next.
        """
        spans = {}
        for name, path in paths.items():
            t = torch.tensor([at for n, at in wishes if n == name], dtype=torch.double) / STEPS
            spans[name] = points_on(path, t)
        points, numbers = merge(spans.values())
        rows = torch.zeros(len(wishes), len(points), dtype=torch.double)
        for (name, span), columns in zip(spans.items(), numbers, strict=True):
            own = torch.tensor([i for i, (n, _) in enumerate(wishes) if n == name])
            if len(own):
                rows[own] = rows[own].index_add(1, columns, shares(span))
        return list(score_all(self._landscape, Combinations(points, rows)))


def _profile(known: Mapping[int, Score]) -> Profile:
    places = sorted(known)
    loss, quality = torch.tensor([known[at] for at in places], dtype=torch.double).T
    measures = known[places[0]].measures if places else CLASSIFIED
    return Profile(torch.tensor(places, dtype=torch.double) / STEPS, loss, quality, measures)
