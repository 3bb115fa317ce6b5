"""Several paths and the plane below them, as parts of a picture."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import pairwise
from textwrap import wrap
from time import perf_counter
from typing import Any

import plotly.graph_objects as go
import torch

from fusionlab.combinations import Combinations
from fusionlab.connectivity import Path, points_on
from fusionlab.landscape import Plane, Score, ScoreFunction
from fusionlab.quantities import Measures
from fusionlab.show.explore.along import STEPS, Along, Track
from fusionlab.show.explore.curves.path_plane import PathPlane, lay_plane
from fusionlab.show.explore.parts import State
from fusionlab.show.explore.scored import Scored
from fusionlab.show.explore.surveyed import MapKey, MapPart
from fusionlab.show.figures.amounts import amount
from fusionlab.show.figures.layout import changes
from fusionlab.show.figures.path_maps import draw_below, draw_projections, leaving, move_projections
from fusionlab.show.figures.projections import merge, shares
from fusionlab.show.figures.words import capital, listed
from fusionlab.show.page.fig import Changes

SHORT = 14  # characters beside the lower panel, which is not high
ROUGH = 17  # points along each side of the map of a curve that is in training
FIRST_MAP = 0.02  # seconds for a map that moves with its curve
ENOUGH = 0.1  # of a map's points, measured, are as good as a first map needs to be


class AlongPaths(Along):
    """Several paths on the chosen landscape; some are replaced while they are trained."""

    seconds = 0.1

    def __init__(
        self, landscapes: Mapping[str, ScoreFunction], paths: Mapping[str, Path],
        measures: Measures, ends: tuple[str, str],
    ) -> None:  # fmt: skip
        super().__init__(measures, ends)
        self._scored = {name: Scored(field, points_of) for name, field in landscapes.items()}
        self._origins = dict(paths)

    def tracks(self, s: State) -> dict[str, Track]:
        """A curve for each path; training leaves its ends where they are."""

        def track(path: Path, origin: Path) -> Track:
            return self._scored[s.on], lambda at: (origin if at in (0, STEPS) else path, at)

        return {name: track(path, self._origins[name]) for name, path in s.paths.items()}

    def keep(self, paths: Mapping[str, Path]) -> None:
        """Forget all other paths."""
        for scored in self._scored.values():
            scored.keep(lambda place: place[0] in {*paths.values(), *self._origins.values()})

    def first(self, s: State) -> list[int]:
        """Ends and middle."""
        return [0, STEPS // 2, STEPS]

    def look(self, s: State) -> None:
        """Learn as much as a first picture needs; of a slow network, less."""
        began = perf_counter()
        self.learn(s, self.first(s))
        each = (perf_counter() - began) / len(self.first(s)) / len(s.paths)
        stride = 5 if each < self.seconds / 20 else 10 if each < self.seconds / 5 else 25
        self.learn(s, range(0, STEPS + 1, stride))

    def draw(self, s: State) -> list[go.Figure]:
        """One panel below the other, with one legend."""
        self.look(s)
        drawn = super().draw(s)
        drawn[0].update_layout(title={"text": "Loss along the paths"})
        for panel in drawn:
            panel.update_xaxes(range=[0, 1])
        for above, below in pairwise(drawn):
            above.update_xaxes(title=None)
            below.update_layout(showlegend=False)
            below.update_yaxes(title="<br>".join(wrap(below.layout.yaxis.title.text, SHORT)))
        return drawn

    def refine(self, s: State) -> Iterator[None]:
        """All places; in training, as much as a picture needs."""
        if not s.training:
            yield from super().refine(s)
        else:
            self.look(s)

    def words(self, s: State, scores: Mapping[str, Score]) -> str:
        """What is measured on each path."""
        parts = []
        for i, what in enumerate(self.panels):
            quantity = self.measures.quantity(what)
            each = [f"{amount(score[i], quantity)} on {name}" for name, score in scores.items()]
            parts.append(f"{what} {listed(each)}")
        return f"t = {s.t:.2f}: {'; '.join(parts)}."

    def tell(self, s: State) -> str:
        """How far the training has come; the legend says how high the barriers are."""
        told = [stage.tell(name) for name, stage in s.stages.items() if stage.steps]
        return f"{capital(listed(told))}." if told else ""


class PathMap(MapPart):
    """The paths on the map of a plane: a given one, or that of the path in focus."""

    def __init__(
        self, landscapes: Mapping[str, ScoreFunction], plane: Plane | None, ends: tuple[str, str]
    ) -> None:
        super().__init__(landscapes)
        self._plane, self._ends = plane, ends
        self._laid: list[tuple[list[Any], PathPlane]] = []  # the newest ones

    def laid(self, s: State) -> PathPlane:
        """The plane, and the paths on it."""
        wanted = [*s.paths.values(), s.focus]
        for made_for, found in self._laid:
            if made_for == wanted:
                return found
        laid = lay_plane(s.paths, s.focus, self._plane)
        self._laid = [(wanted, laid), *self._laid[:1]]
        return laid

    def keys(self, s: State) -> list[MapKey]:
        """The map below the paths."""
        laid = self.laid(s)
        return [(s.on, laid.plane, laid.bounds, ROUGH if s.training else s.resolution)]

    def keep(self) -> None:
        """Forget the maps of planes that are gone."""
        planes = [laid.plane for _, laid in self._laid]
        self.maps.keep(lambda key: any(key[1] is plane for plane in planes))

    def frame(self, s: State) -> Hashable:
        """Another part of the plane, or another path in focus."""
        laid = self.laid(s)
        return laid.bounds, laid.isometric, s.focus, s.on

    def draw(self, s: State) -> list[go.Figure]:
        """The map with the paths on it."""
        laid, at = self.laid(s), round(s.t * STEPS)
        marks = {name: seen.places[at] for name, seen in laid.projections.items()}
        below = self.maps(*self.keys(s))
        return [draw_projections(below, laid.projections, marks, **self._look(s))]

    def change(self, s: State) -> tuple[Changes, str]:
        """The marks at t."""
        at, patch = round(s.t * STEPS), {}
        for name, seen in self.laid(s).projections.items():
            x, y = seen.places[at].tolist()
            patch[f"path:mark:{name}"] = {"x": [x], "y": [y]}
        return patch, ""

    def refine(self, s: State) -> Iterator[None]:
        """All of the map; in training, as much as a picture needs."""
        began = perf_counter()
        for _ in super().refine(s):
            late = perf_counter() - began > FIRST_MAP
            if s.training and (late or self.share(s) >= ENOUGH):
                return
            yield

    def known(self, s: State) -> Hashable:
        """The map as it is, and the paths on it."""
        return super().known(s), self.laid(s)

    def update(self, s: State) -> Changes:
        """The map and the paths; quicker than to draw them anew."""
        laid = self.laid(s)
        below = draw_below(self.maps(*self.keys(s)), laid.projections, **self._look(s))
        return {**changes(below), **move_projections(laid.projections), **self.change(s)[0]}

    def tell(self, s: State) -> str:
        """How far the paths leave the plane."""
        return leaving(self.laid(s).projections, self._ends)

    def nearest(self, s: State, x: float, y: float) -> float:
        """The position t at which the path in focus passes (x, y) most closely."""
        places = self.laid(s).projections[s.focus].places
        return int((places - torch.tensor([x, y]).double()).norm(dim=1).argmin()) / STEPS

    def _look(self, s: State) -> dict[str, Any]:
        where = "the given plane" if self._plane else f"the plane of {s.focus}"
        title = f"Loss{f' on {s.on}' if s.on else ''}, on {where}"
        return {"isometric": self.laid(s).isometric, "ends": self._ends, "title": title}


def points_of(places: Sequence[tuple[Path, int]]) -> Combinations:
    """The points at hundredths of paths, as one batch over all points that span these.

    A landscape prepares for the points of a batch, which takes longer than to score one; and these
    stay the same from one place to the next.
    """
    paths = list(dict.fromkeys(path for path, _ in places))
    t = torch.tensor([at for _, at in places], dtype=torch.double) / STEPS
    rows = [torch.tensor([each is path for each, _ in places]) for path in paths]
    spans = [points_on(path, t[own]) for path, own in zip(paths, rows, strict=True)]
    points, numbers = merge(spans)
    mixed = torch.zeros(len(places), len(points), dtype=torch.double)
    for own, span, columns in zip(rows, spans, numbers, strict=True):
        mixed[own] = mixed[own].index_add(1, columns, shares(span))
    return Combinations(points, mixed)
