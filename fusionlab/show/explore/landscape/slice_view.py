"""A cross-section through the chosen point as a part of a picture: coarse first, then all of it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import plotly.graph_objects as go
from torch import Tensor

from fusionlab.show.explore.landscape.landscape_view import shown_on
from fusionlab.show.explore.landscape.plane_store import OnPlane, PlaneStore
from fusionlab.show.explore.parts import Part, State
from fusionlab.show.figures.slices import Slice, draw_slice
from fusionlab.show.figures.words import capital

NONE = "none"  # no cross-section; ipywidgets takes None for nothing chosen
TWO = "two points"  # from the point chosen before to the one chosen now


class SliceView(Part):
    """The slice that the reader looks at, with what is known of it on each landscape."""

    def __init__(self, store: PlaneStore) -> None:
        self._store = store

    def slice(self, s: State) -> Slice | None:
        """The line across the map, if one is wanted."""
        way = s.before if s.cross_section == TWO else s.cross_section
        if way in (NONE, s.spot):
            return None
        return Slice.across(*self._store.seen(s.plane, s.zoom).grid(s.resolution), s.spot, way)

    def frame(self, s: State) -> Hashable:
        """Its axes follow the values, so it is drawn anew whenever more is known."""
        if (found := self.slice(s)) is None:
            return None
        ends = [tuple(place) for place in found.places[[0, -1]].tolist()]
        scored, places = (
            [self._store.scored[n] for n in shown_on(self._store, s)],
            _places(s, found),
        )
        known = sum(place in each.known for each in scored for place in places)
        return s.plane, *ends, *found.named.values(), known

    def draw(self, s: State) -> list[go.Figure]:
        """The panel below the map."""
        if (found := self.slice(s)) is None:
            return []
        self._learn(s, found, found.rounds()[0])
        places, title = _places(s, found), f"{capital(s.what)} along the cross-section"
        scores = {
            name: self._store.scored[name].scores(places) for name in shown_on(self._store, s)
        }
        return [draw_slice(found, scores, what=s.what, log=s.log, title=title)]

    def refine(self, s: State) -> Iterator[None]:
        """Measure what is missing, round by round."""
        if (found := self.slice(s)) is None:
            return
        for rows in found.rounds():
            self._learn(s, found, rows)
            yield

    def tell(self, s: State) -> str:
        """What the reader has to choose yet."""
        if s.cross_section == TWO and s.before == s.spot:
            return "Choose a second point: the cross-section goes through it and this one."
        return ""

    def _learn(self, s: State, found: Slice, rows: Tensor) -> None:
        places = _places(s, found)
        for name in shown_on(self._store, s):
            self._store.scored[name]([places[row] for row in rows.tolist()])


def _places(s: State, found: Slice) -> list[OnPlane]:
    return [(s.plane, x, y) for x, y in found.places.tolist()]
