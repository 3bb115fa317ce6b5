"""What the landscape explorer draws: maps, a cross-section below, samples beside; and its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import plotly.graph_objects as go
from torch import Tensor

from fusionlab.landscape import Score, Scores, Surface
from fusionlab.show.explore.explorer import AskedSamples
from fusionlab.show.explore.landscape.plane_store import Place, PlaneStore
from fusionlab.show.explore.landscape.slicing import Slicing
from fusionlab.show.explore.landscape.view_controls import BESIDE, MINUS, shown_on
from fusionlab.show.figures.layout import Box, arrange, changes, with_slider
from fusionlab.show.figures.maps import Map, Overlays, View, draw_maps
from fusionlab.show.figures.plotted_runs import at_checkpoint
from fusionlab.show.figures.samples import draw_samples
from fusionlab.show.figures.slices import Slice, draw_slice
from fusionlab.show.figures.surfaces import side_by_side
from fusionlab.show.figures.words import capital, describe_scores
from fusionlab.show.page.fig import Changes

BELOW = 0.34  # of the height goes to a cross-section


@dataclass(frozen=True)
class Choice:
    """What the controls say."""

    plane: str
    on: str
    what: str
    view: View
    log: bool
    spot: Place
    now: int | None
    names: tuple[str, ...]  # of all landscapes

    @property
    def shown(self) -> list[str]:
        """The landscapes that are needed for it."""
        return shown_on(self.names, self.on)


class LandscapeView:
    """Knows what was measured for the picture, and draws it as the controls say.

    Args:
        store: what lies where.
        predictions: asks the chosen network about samples, if there are any.
    """

    def __init__(self, store: PlaneStore, predictions: AskedSamples | None) -> None:
        self._store, self._predictions = store, predictions
        self._answers: Tensor | None = None  # what the chosen network says about the samples
        self.surfaces: dict[str, Surface] = {}
        self.crossing = Slicing(store)

    @property
    def asks(self) -> bool:
        """Whether a network is asked about samples."""
        return self._predictions is not None

    def forget(self) -> None:
        """Begin another map."""
        self.surfaces = {}
        self.crossing.drop()

    def is_ready(self, choice: Choice) -> bool:
        """Whether there is a map to draw."""
        return all(name in self.surfaces for name in choice.shown)

    def share(self, choice: Choice) -> float:
        """How much of the map is measured, from 0 to 1."""
        known = [self.surfaces[name].share for name in choice.shown if name in self.surfaces]
        return sum(known) / len(choice.shown)

    def tell_progress(self, choice: Choice, *, paused: bool) -> str:
        """How far one may trust the map, in words."""
        if not self.is_ready(choice):
            return "The map is being measured."
        points, share = self.surfaces[choice.shown[0]].exact.numel(), self.share(choice)
        if share == 1:
            return f"All {points} points of the map are measured."
        state = "Stopped" if paused else "Sharpening"
        return (
            f"{state}: {100 * share:.0f} % of {points} points are measured, "
            "the map between them is approximate."
        )

    def draw(self, choice: Choice) -> go.Figure:
        """The whole picture."""
        samples = None
        if self._predictions is not None and self._answers is not None:
            title = "What the chosen network says"
            samples = draw_samples(self._predictions.samples, self._answers, title=title)
        return compose(maps_of(self._store, choice, self.surfaces), self._cut(choice), samples)

    def changes(self, choice: Choice) -> Changes:
        """What differs from an older picture of the same kind; the samples stay as they are."""
        parts = [*maps_of(self._store, choice, self.surfaces), self._cut(choice)]
        patch: dict[str, Any] = {}
        for part in parts:
            patch |= {} if part is None else changes(part)
        return patch

    def visit(self, choice: Choice) -> tuple[Changes, str]:
        """Ask the network at the chosen place; what changes in the picture, and what to say."""
        theta = self._store.theta(choice.plane, choice.spot)
        scores = {n: self._store.score(n, choice.plane, choice.spot) for n in choice.shown}
        words = tell_scores(choice.spot, scores)
        patch = self._only(choice, "spot")
        if self._predictions is None:
            return patch, words
        self._answers = self._predictions(theta)
        samples = self._predictions.samples
        patch |= samples.patch(self._answers)
        return patch, f"{words} {samples.describe(self._answers)}"

    def at_checkpoint(self, choice: Choice) -> tuple[Changes, str]:
        """What changes in the picture when the runs have come so far, and what to say."""
        return self._only(choice, "now"), tell_runs(self._store, choice)

    def draw_still(self, choice: Choice) -> go.Figure:
        """The picture with a slider of its own: over the checkpoints, else over the marks."""
        if choice.now is not None:
            most = max(len(run.steps) for run in self._store.runs.values())
            frames = {str(i): self.at_checkpoint(replace(choice, now=i)) for i in range(most)}
            figure = self.draw(choice)
            return with_slider(figure, frames, label="checkpoint", start=choice.now, plays=True)
        places = self._store.places(choice.plane) or {"the chosen point": choice.spot}
        kept = self._answers
        frames = {name: self.visit(replace(choice, spot=place)) for name, place in places.items()}
        self._answers = kept
        return with_slider(self.draw(choice), frames, label="network")

    def _cut(self, choice: Choice) -> go.Figure | None:
        cut, scores = self.crossing.cut, self.crossing.scores
        if cut is None or not all(name in scores for name in choice.shown):
            return None
        return draw_cut(cut, {name: scores[name] for name in choice.shown}, choice)

    def _only(self, choice: Choice, layer: str) -> dict[str, Any]:
        """Where one layer of the maps stands; in space that depends on the map's height."""
        count = len(choice.shown) if choice.on == BESIDE else 1
        keys = [f"surface{n if n > 1 else ''}:{layer}" for n in range(1, count + 1)]
        if choice.view == "3d" and self.is_ready(choice):
            drawn = [changes(each) for each in maps_of(self._store, choice, self.surfaces)]
            return {key: each[key] for key, each in zip(keys, drawn, strict=True)}
        if layer == "now":
            trails = self._store.trails(choice.plane)
            return {key: at_checkpoint(trails, choice.now) for key in keys}
        return {key: {"x": [choice.spot[0]], "y": [choice.spot[1]]} for key in keys}


def maps_of(store: PlaneStore, choice: Choice, surfaces: Mapping[str, Surface]) -> list[go.Figure]:
    """The map of one landscape, of the difference of two, or of each."""
    names = choice.shown
    groups = [[name] for name in names] if choice.on == BESIDE else [names]
    maps = [
        Map(
            surfaces[first],
            surfaces[rest[0]] if rest else None,
            Overlays(
                store.places(choice.plane),
                choice.spot,
                store.measured(first, choice.plane),
                choice.now,
            ),
            _title(choice, MINUS.join([first, *rest])),
        )
        for first, *rest in groups
    ]
    isometric = store.isometric(choice.plane)
    unit = "distance along" if isometric else "steps along"
    return draw_maps(
        maps,
        what=choice.what,
        view=choice.view,
        log=choice.log,
        isometric=isometric,
        axes=(f"{unit} u", f"{unit} v"),
    )


def draw_cut(cut: Slice, scores: Mapping[str, Scores], choice: Choice) -> go.Figure:
    """The panel of a cross-section."""
    title = f"{capital(choice.what)} along the cross-section"
    return draw_slice(cut, scores, what=choice.what, log=choice.log, title=title)


def compose(
    maps: Sequence[go.Figure], cut: go.Figure | None, samples: go.Figure | None
) -> go.Figure:
    """Maps on top, samples at their right if there is one map, the cross-section below."""
    if len(maps) > 1:
        boxes, samples = side_by_side(len(maps), right=0.98), None
    else:
        boxes = [(0, 0.54 if samples else 0.88, 0, 1)]
    parts = list(zip(maps, boxes, strict=True))
    if samples is not None:
        parts.append((samples, (0.66, 1, 0, 1)))
    height = 500 if len(maps) == 1 else 430
    linked = range(1, len(maps) + 1)
    if cut is None:
        return arrange(parts, height=height, linked=linked)
    raised = [(figure, _raise(box)) for figure, box in parts]
    under: Box = (0, 0.88, 0, BELOW - 0.14)  # room for its title and the axis above it
    return arrange([*raised, (cut, under)], height=round(height / (1 - BELOW)), linked=linked)


def tell_scores(place: Place, scores: Mapping[str, Score]) -> str:
    """What the network at a place scores, in words."""
    return f"At ({place[0]:.2f}, {place[1]:.2f}): {describe_scores(scores)}."


def tell_runs(store: PlaneStore, choice: Choice) -> str:
    """Where the runs are now, and what the plane shows in their place."""
    if choice.now is None:
        return ""
    names = choice.shown
    said = []
    for name in names:
        on = f" on {name}" if len(names) > 1 else ""
        for run, trail in store.measured(name, choice.plane).items():
            said.append(f"Run {run}{on}: {trail.tell(choice.now, choice.what)}.")
    return " ".join(said).replace("Run run", "The run")


def _title(choice: Choice, on: str) -> str:
    of = f" on {on}" if on else ""
    return f"{capital(choice.what)}{of} over {choice.plane}"


def _raise(box: Box) -> Box:
    left, right, bottom, top = box
    return left, right, BELOW + bottom * (1 - BELOW), top
