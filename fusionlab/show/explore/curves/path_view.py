"""Several paths and the plane below them: what is known of them, as pictures and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from textwrap import wrap
from time import perf_counter
from typing import Any, NamedTuple

import plotly.graph_objects as go
import torch

from fusionlab.connectivity import Path, Profile
from fusionlab.landscape import Field, Plane, Score, Surface, Survey
from fusionlab.show.explore.curves.bundles import STEPS, Bundle
from fusionlab.show.explore.curves.path_plane import PathPlane, ground
from fusionlab.show.explore.explorer import AskedSamples
from fusionlab.show.figures.amounts import amount
from fusionlab.show.figures.layout import MOVING, Box, arrange, changes
from fusionlab.show.figures.measures import panels, shared_measures
from fusionlab.show.figures.path_maps import draw_below, draw_projections, leaving, move_projections
from fusionlab.show.figures.profile_plots import draw_profiles, trace_profiles
from fusionlab.show.figures.samples import draw_samples
from fusionlab.show.figures.words import capital, join
from fusionlab.show.page.fig import Changes
from fusionlab.weights import Weights

SHORT = 14  # characters beside the lower panel, which is not high
BREATH = 0.1  # seconds of work between two pictures
FIRST_MAP = 0.02  # seconds for a map that moves with its curve
ENOUGH = 0.1  # of a map's points, measured, are as good as a first map needs to be


class View(NamedTuple):
    """What the reader has chosen to see: a place in hundredths of t, and names."""

    place: int
    focus: str
    data: str
    resolution: int


class PathView:
    """What is known of some paths: the loss along them, their plane, and the map of it.

    Args:
        landscapes: θ ↦ Score, by name.
        paths: t ↦ θ, by name.
        plane: where to draw them; without it, that of the path in focus.
        predictions: who is asked about samples.
        names: of the two ends.
    """

    def __init__(
        self,
        landscapes: Mapping[str, Field],
        paths: Mapping[str, Path],
        *,
        plane: Plane | None,
        predictions: AskedSamples | None,
        names: tuple[str, str],
    ) -> None:
        self.paths, self.measures = dict(paths), shared_measures(landscapes)
        self.panelled = panels(self.measures)  # the quantities
        self._landscapes, self._plane = landscapes, plane
        self._predictions, self._names = predictions, names
        self._bundles = {name: Bundle(field, paths) for name, field in landscapes.items()}
        self._path_plane: PathPlane | None = None
        self._survey: Iterator[Surface] = iter(())
        self._surface: Surface | None = None
        self._made_for: list[Any] = []  # what ground and map belong to

    def put(self, paths: Mapping[str, Path]) -> None:
        """Take other paths in place of those of the same names."""
        self.paths = {**self.paths, **paths}
        for bundle in self._bundles.values():
            for name, path in paths.items():
                bundle.put(name, path)

    def profiles(self, data: str) -> dict[str, Profile]:
        """What is known along each path."""
        return self._bundles[data].profiles()

    def look(self, view: View) -> None:
        """Learn as much as a first picture needs; of a slow network, less."""
        bundle, began = self._bundles[view.data], perf_counter()
        first = bundle.missing([0, STEPS // 2, STEPS, view.place])
        bundle.score(first)
        each = (perf_counter() - began) / max(1, len(first))
        stride = 5 if each < BREATH / 20 else 10 if each < BREATH / 5 else 25
        bundle.score(bundle.missing(range(0, STEPS + 1, stride)))
        self._lay_ground(view)

    def sharpen(self, view: View) -> Iterator[None]:
        """Learn more, a little at each step, until all is known."""
        bundle, size = self._bundles[view.data], 8
        missing = bundle.missing(sorted(range(STEPS + 1), key=lambda at: [at % 10 != 0, at % 2]))
        exact = False
        while missing or not exact:
            began = perf_counter()
            bundle.score(missing[:size])
            missing = missing[size:]
            size = max(1, int(size * min(4, BREATH / (perf_counter() - began))))
            surface = next(self._survey, None)
            exact = surface is None
            self._surface = surface or self._surface
            yield

    def at(self, view: View) -> tuple[Changes, str]:
        """What changes in the figure when the slider is here, and what to say."""
        t, wishes = view.place / STEPS, [(name, view.place) for name in self.paths]
        scores = dict(zip(self.paths, self._bundles[view.data].score(wishes), strict=True))
        patch: dict[str, Mapping[str, Any]] = {}
        for name, score in scores.items():
            for what, value in zip(self.panelled, score, strict=False):
                patch[f"{what}:mark:{name}"] = {"x": [t], "y": [_finite(value)]}
            if self._path_plane is not None:
                x, y = self._path_plane.projections[name].places[view.place].tolist()
                patch[f"path:mark:{name}"] = {"x": [x], "y": [y]}
        words = f"t = {t:.2f}: {self._tell(scores)}."
        if self._predictions is not None:
            says = self._predictions(self._asked(view))
            patch |= self._predictions.samples.patch(says)
            words += f" On {view.focus}, {self._predictions.samples.describe(says)}"
        return patch, words

    def _panels(self, view: View) -> list[go.Figure]:
        """Loss and accuracy along the paths, and the map."""
        assert self._path_plane is not None
        assert self._surface is not None
        profiles = self.profiles(view.data)
        titles = ["Loss along the paths", *map(capital, self.panelled[1:])]
        drawn = [
            draw_profiles(profiles, what=what, ends=self._names, t=view.place / STEPS, title=title)
            for what, title in zip(self.panelled, titles, strict=True)
        ]
        for panel in drawn:
            panel.update_xaxes(range=[0, 1])
        for above, below in pairwise(drawn):
            above.update_xaxes(title=None)
            below.update_layout(showlegend=False)
            below.update_yaxes(title="<br>".join(wrap(below.layout.yaxis.title.text, SHORT)))
        projections = self._path_plane.projections
        marks = {name: projection.places[view.place] for name, projection in projections.items()}
        isometric = self._path_plane.isometric
        map_ = draw_projections(
            self._surface,
            projections,
            marks,
            isometric=isometric,
            ends=self._names,
            title=self._titled(view),
        )
        return [*drawn, map_]

    def moves(self, view: View) -> dict[str, Any]:
        """What has changed in the figure since it was drawn; quicker than to draw it anew."""
        assert self._path_plane is not None
        assert self._surface is not None
        profiles = {name: [profile] for name, profile in self.profiles(view.data).items()}
        traces = [
            trace
            for what in self.panelled
            for trace in trace_profiles(profiles, what, view.place / STEPS)
        ]
        isometric, projections = self._path_plane.isometric, self._path_plane.projections
        map_ = draw_below(
            self._surface,
            projections,
            isometric=isometric,
            ends=self._names,
            title=self._titled(view),
        )
        moved = {t.meta: {k: t[k] for k in MOVING if k in t and t[k] is not None} for t in traces}
        return {**moved, **changes(map_), **move_projections(projections)}

    def figure(self, view: View) -> go.Figure:
        """The panels side by side, and the samples, if there are any, below the map."""
        low = 0.0 if self._predictions is None else 0.5
        left: list[Box] = [(0.0, 0.44, 0.42, 1.0), (0.0, 0.44, 0.0, 0.28)]
        boxes = [*(left if len(self.panelled) > 1 else [(0.0, 0.44, 0.0, 1.0)])]
        parts = list(zip(self._panels(view), [*boxes, (0.54, 0.93, low, 1.0)], strict=True))
        if self._predictions is not None:
            says, title = (
                self._predictions(self._asked(view)),
                f"What the network on {view.focus} says",
            )
            samples = draw_samples(self._predictions.samples, says, title=title)
            parts.append((samples, (0.54, 1.0, 0.0, low - 0.12)))
        whole = arrange(parts, height=500 if self._predictions is None else 760)
        return whole.update_layout(
            legend={"x": 0, "xanchor": "left", "y": -0.13, "yanchor": "top"}, margin={"b": 90}
        )

    def frame(self, view: View) -> list[Any]:
        """What a figure must be drawn anew for, and not only changed."""
        assert self._path_plane is not None
        return [self._path_plane.bounds, self._path_plane.isometric, view.focus, view.data]

    def nearest(self, name: str, x: float, y: float) -> float:
        """The position t at which a path passes (x, y) most closely."""
        assert self._path_plane is not None
        away = self._path_plane.projections[name].places - torch.tensor([x, y], dtype=torch.double)
        return int(away.norm(dim=1).argmin()) / STEPS

    def told(self) -> str:
        """How far the paths leave the plane, in words."""
        return (
            "" if self._path_plane is None else leaving(self._path_plane.projections, self._names)
        )

    def given(self, *, trained: bool) -> str:
        """What an explorer of this was given, as code."""
        more = {"training": trained, "samples": self._predictions is not None}
        return ", ".join(
            ["landscape", "paths", *(f"{n}={n}" for n, there in more.items() if there)]
        )

    @property
    def share(self) -> float:
        """How much of the map is exact, from 0 to 1."""
        return 0.0 if self._surface is None else self._surface.share

    def _lay_ground(self, view: View) -> None:
        """The plane, the paths on it, and a first map; if they are not there already."""
        made_for = [*self.paths.values(), *view[1:]]
        if made_for == self._made_for:
            return
        laid = ground(self.paths, view.focus, self._plane)
        x, y = laid.bounds.grid(view.resolution)
        survey, began = Survey(self._landscapes[view.data], laid.plane, x, y), perf_counter()
        surface = next(survey)
        while perf_counter() - began < FIRST_MAP and surface.share < ENOUGH:
            surface = next(survey)
        self._path_plane, self._survey, self._surface = laid, survey, surface
        self._made_for = made_for

    def _tell(self, scores: Mapping[str, Score]) -> str:
        """What is measured on each path."""
        told = []
        for i, what in enumerate(self.panelled):
            quantity = self.measures.quantity(what)
            each = [f"{amount(score[i], quantity)} on {name}" for name, score in scores.items()]
            told.append(f"{what} {join(each)}")
        return "; ".join(told)

    def _asked(self, view: View) -> Weights:
        return self.paths[view.focus](view.place / STEPS)

    def _titled(self, view: View) -> str:
        on = f" on {view.data}" if view.data else ""
        return f"Loss{on}, on {'the given plane' if self._plane else f'the plane of {view.focus}'}"


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
