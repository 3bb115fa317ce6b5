"""A cross-section being measured: coarse first, then every point of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from fusionlab.landscape import Scores, measures_of, score_all
from fusionlab.show.explore.landscape.plane_store import PlaneStore
from fusionlab.show.figures.slices import Slice, empty_scores


class Slicing:
    """The cut that the reader looks at, with what is known of it on each landscape."""

    def __init__(self, store: PlaneStore) -> None:
        self._store, self._aimed = store, ""
        self.cut: Slice | None = None
        self.scores: dict[str, Scores] = {}
        self._left: list[tuple[str, Tensor]] = []
        self._plane = ""

    def drop(self) -> None:
        """Look at no cut any more."""
        self.cut, self._aimed, self._left = None, "", []

    def aim(self, plane: str, names: Sequence[str], cut: Slice) -> None:
        """Look along this line; what is known of it stays known."""
        aimed = f"{plane} {names} {cut.places[[0, -1]].tolist()} {cut.named}"
        if aimed == self._aimed:
            return
        self.cut, self._aimed, self._plane = cut, aimed, plane
        self.scores = {
            name: empty_scores(cut, measures_of(self._store.landscapes[name])) for name in names
        }
        self._left = [(name, rows) for rows in cut.rounds() for name in names]

    def measure(self) -> Iterator[None]:
        """Measure what is missing, round by round; may be stopped and begun again."""
        while self._left and self.cut is not None:
            name, rows = self._left[0]
            points = self._store.planes[self._plane].at(self.cut.places[rows])
            found = score_all(self._store.landscapes[name], points)
            self.scores[name].loss[rows] = found.loss.cpu().double()
            self.scores[name].quality[rows] = found.quality.cpu().double()
            self._left.pop(0)
            yield
