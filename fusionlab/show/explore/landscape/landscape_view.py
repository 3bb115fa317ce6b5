"""The map of a plane as a part of a picture: one landscape, a difference, or several beside."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import plotly.graph_objects as go

from fusionlab.landscape import Score
from fusionlab.show.explore.landscape.plane_store import OnPlane, PlaneStore
from fusionlab.show.explore.parts import State
from fusionlab.show.explore.surveyed import MapKey, MapPart
from fusionlab.show.figures.layout import Box, arrange
from fusionlab.show.figures.maps import Map, Overlays, draw_maps
from fusionlab.show.figures.plotted_runs import at_checkpoint
from fusionlab.show.figures.slices import Place
from fusionlab.show.figures.surfaces import side_by_side
from fusionlab.show.figures.words import capital, describe_scores
from fusionlab.show.page.fig import Changes

BELOW = 0.34  # of the height goes to a cross-section
MINUS, BESIDE = " − ", "side by side"


def views_of(names: Sequence[str]) -> list[str]:
    """Each landscape, each difference of two, and all of them side by side."""
    pairs = [f"{a}{MINUS}{b}" for a, b in combinations(names, 2)]
    return [*names, *pairs, *([BESIDE] if len(names) > 1 else [])]


def shown_on(store: PlaneStore, s: State) -> list[str]:
    """The landscapes that a view needs."""
    if s.on == BESIDE:
        return list(store.landscapes)
    return [s.on] if s.on in store.landscapes else s.on.split(MINUS)


class LandscapeView(MapPart):
    """The maps, with marks, runs and the chosen point on them."""

    def __init__(self, store: PlaneStore) -> None:
        super().__init__(store.landscapes)
        self._store = store

    def keys(self, s: State) -> list[MapKey]:
        """A map for each landscape that is needed."""
        plane, seen = self._store.planes[s.plane], self._store.seen(s.plane, s.zoom)
        return [(name, plane, seen, s.resolution) for name in shown_on(self._store, s)]

    def frame(self, s: State) -> Hashable:
        """Another grid, or another look."""
        return *self.keys(s), s.plane, s.on, s.what, s.view, s.log

    def draw(self, s: State) -> list[go.Figure]:
        """The map of one landscape, of the difference of two, or of each."""
        names, store = shown_on(self._store, s), self._store
        surfaces = dict(zip(names, map(self.maps, self.keys(s)), strict=True))
        groups = [[name] for name in names] if s.on == BESIDE else [names]
        maps = [
            Map(
                surfaces[first],
                surfaces[rest[0]] if rest else None,
                Overlays(store.places(s.plane), s.spot, store.measured(first, s.plane), s.step),
                _title(s, MINUS.join([first, *rest])),
            )
            for first, *rest in groups
        ]
        unit = "distance in weight space, along" if store.isometric(s.plane) else "steps along"
        look: dict[str, Any] = {"what": s.what, "view": s.view, "log": s.log}
        axes = (f"{unit} u", f"{unit} v")
        return draw_maps(maps, isometric=store.isometric(s.plane), axes=axes, **look)

    def change(self, s: State) -> tuple[Changes, str]:
        """The chosen point and the checkpoint; in space they depend on the map's height."""
        place: OnPlane = (s.plane, *s.spot)
        names = shown_on(self._store, s)
        scores = {name: self._store.scored[name]([place])[0] for name in names}
        count = len(names) if s.on == BESIDE else 1
        runs, spot = self._store.plotted(s.plane), {"x": [s.spot[0]], "y": [s.spot[1]]}
        layers = {"spot": spot, "now": at_checkpoint(runs, s.step)}
        patch: dict[str, Any] = {
            f"surface{n if n > 1 else ''}:{layer}": where
            for n in range(1, count + 1)
            for layer, where in layers.items()
        }
        if s.view == "3d" and self.ready(s):
            drawn = self.update(s)
            patch = {key: drawn[key] for key in patch}
        return patch, "" if s.runs else tell_scores(s.spot, scores)

    def refine(self, s: State) -> Iterator[None]:
        """The runs' checkpoints first, then the maps, all at one pace."""
        if not s.paused:
            yield from self.measure_runs(s)
            yield from super().refine(s)

    def measure_runs(self, s: State) -> Iterator[None]:
        """Score the runs' checkpoints, and the places below them."""
        for name in shown_on(self._store, s):
            yield from self._store.measure(name, s.plane)

    def complete(self, s: State) -> bool:
        """Whether there is something of each map, and the runs on them are measured."""
        runs = (self._store.known(name, s.plane) for name in shown_on(self._store, s))
        return self.ready(s) and all(runs)

    def known(self, s: State) -> Hashable:
        """The maps as they are, and which runs are measured."""
        runs = [self._store.known(name, s.plane) for name in shown_on(self._store, s)]
        return super().known(s), tuple(runs)

    def tell(self, s: State) -> str:
        """Where the runs are, and how far one may trust the map."""
        return f"{self.tell_runs(s)} {self.progress(s, stopped=s.paused)}".strip()

    def tell_runs(self, s: State) -> str:
        """Where the runs are now, and what the plane shows in their place."""
        if s.step is None:
            return ""
        said, names = [], shown_on(self._store, s)
        for name in names:
            on = f" on {name}" if len(names) > 1 else ""
            for run, plotted in self._store.measured(name, s.plane).items():
                said.append(f"Run {run}{on}: {plotted.tell(s.step, s.what)}.")
        return " ".join(said).replace("Run run", "The run")


def compose_maps(drawn: Sequence[Sequence[go.Figure]]) -> go.Figure:
    """Maps on top, samples at their right if there is one map, the cross-section below."""
    maps, below, *asked = drawn
    samples = [figure for part in asked for figure in part][: len(maps) == 1]
    right = 0.54 if samples else 0.88
    boxes = side_by_side(len(maps), right=0.98) if len(maps) > 1 else [(0.0, right, 0.0, 1.0)]
    parts = list(zip([*maps, *samples], [*boxes, (0.66, 1.0, 0.0, 1.0)], strict=False))
    height = 500 if len(maps) == 1 else 430
    linked = range(1, len(maps) + 1)
    if not below:
        return arrange(parts, height=height, linked=linked)
    raised = [(figure, _raise(box)) for figure, box in parts]
    under: Box = (0, 0.88, 0, BELOW - 0.14)  # room for its title and the axis above it
    height = round(height / (1 - BELOW))
    return arrange([*raised, (below[0], under)], height=height, linked=linked)


def tell_scores(place: Place, scores: Mapping[str, Score]) -> str:
    """What the network at a place scores, in words."""
    return f"At ({place[0]:.2f}, {place[1]:.2f}): {describe_scores(scores)}."


def _title(s: State, on: str) -> str:
    return f"{capital(s.what)}{f' on {on}' if on else ''} over {s.plane}"


def _raise(box: Box) -> Box:
    left, right, bottom, top = box
    return left, right, BELOW + bottom * (1 - BELOW), top
