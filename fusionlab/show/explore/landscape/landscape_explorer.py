"""The landscape explorer: the loss over a plane of weight space, drawn while one looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from fusionlab.arguments import expect, expect_by_name
from fusionlab.landscape import Plane, ScoreFunction, Surface
from fusionlab.show.explore.composite import ChosenPlace
from fusionlab.show.explore.controls import (
    Chosen,
    button,
    choice,
    in_a_row,
    one_of,
    slider,
    toggle,
)
from fusionlab.show.explore.core import Control, Explorer, grid_control, quantity_control
from fusionlab.show.explore.downloads import download_buttons
from fusionlab.show.explore.landscape.landscape_view import LandscapeView, compose_maps, views_of
from fusionlab.show.explore.landscape.plane_store import PlaneStore, read_runs
from fusionlab.show.explore.landscape.slice_view import NONE, TWO, SliceView
from fusionlab.show.explore.parts import Part, State
from fusionlab.show.explore.playing import Player
from fusionlab.show.explore.sample_predictions import ask_about
from fusionlab.show.explore.scored import by_name
from fusionlab.show.explore.written import Call
from fusionlab.show.figures.maps import View
from fusionlab.show.figures.slices import Place, Way
from fusionlab.show.figures.theme import canvas
from fusionlab.show.figures.words import listed
from fusionlab.show.page.export import save_page
from fusionlab.weights import Weights

COARSE = 10.0  # seconds to wait for a first map: a large network needs them, and no map is worse


class LandscapeExplorer(Explorer):
    """Walk over the loss landscape; click a point, and it is a network that answers.

    Made by `explore_landscape`.

    Example:
        >>> import torch
        >>> from fusionlab import Weights, show
        >>> from fusionlab.landscape import Plane, Score
        >>> a, b, c = (Weights({"w": w}) for w in torch.tensor([[0.0, 0], [2, 0], [1, 1]]))
        >>> plane = Plane.through(a, b, c)
        >>> explorer = show.explore_landscape(
        ...     lambda p: Score((p @ p).item(), 1.0), plane, {"a": a}, resolution=11
        ... )
        >>> explorer.visit(1.0, 0.5)
        >>> explorer.wait(), explorer.surface.share, explorer.spot
        (True, 1.0, (1.0, 0.5))
    """

    def __init__(
        self, store: PlaneStore, samples: Sequence[Part], controls: Mapping[str, Control],
        *, given: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self._store, self._map = store, LandscapeView(store)
        self._several = not isinstance(given["planes"], Plane)
        self._place: ChosenPlace = controls["spot"].widget
        self.x, self.y = self._place.x, self._place.y
        self.scale = controls["log"].widget  # `log` is a name that widgets use otherwise
        self.stop = button("Cancel", "Stop sharpening the picture, or go on", self._toggle)
        self.more, self.hidden = _folded([controls[n].widget for n in ("what", "cross_section")])
        rows = [
            ["plane", "on", "view", "log", "resolution"],
            ["zoom", "spot", self.more], [self.hidden],
            *[["play", "step"]] * bool(store.runs),
        ]  # fmt: skip
        if store.runs:
            Player(controls["play"].widget, controls["step"].widget)  # a pause is heard here first
        parts = [self._map, SliceView(store), *samples]
        call = Call(explore_landscape, given)
        super().__init__(controls, parts, call, rows=rows, buttons=[self.stop])
        self.fig.on_click = self._clicked
        self.hidden.children += tuple(download_buttons(self.fig, "landscape", self._page))

    @property
    def spot(self) -> Place:
        """The chosen point of the plane."""
        x, y = self._place.value
        return x, y

    @property
    def surface(self) -> Surface | None:
        """The landscape as far as it is known; None until the first picture is there."""
        return self._map.surface(self.state)

    def visit(self, x: float, y: float) -> None:
        """Choose the point (x, y): its network is scored and asked about the samples."""
        self._place.choose(x, y)

    def pause(self) -> None:
        """Stop the survey where it is."""
        self._put({"paused": True})
        self.latest.cancel()
        self.picture.renew(lambda _: self.state)
        self.picture.report()

    def go_on(self) -> None:
        """Go on with the survey."""
        self.set(paused=False)

    def close(self) -> None:
        """Stop all work and leave the page."""
        self._put({"play": False})  # without drawing once more
        super().close()

    def save(self, path: str | Path) -> Path:
        """Write the present view as one HTML page that opens without a network."""
        return save_page(self._page(), path)

    def _page(self) -> go.Figure:
        """The still picture, with all of its runs measured: no one will do it later."""
        for _ in self._map.measure_runs(self.state):
            pass
        return self.still()

    def still(self) -> go.Figure:
        """The map with a slider of its own, over checkpoints or marks, which needs no kernel."""
        s = self.state
        self.latest.wait(COARSE, until=lambda: self._map.complete(s))
        if self._map.ready(s):
            return self.slide(s.but(runs=bool(self._store.runs)))
        words = f"Loss over {s.plane}: not measured yet."
        return canvas(words, description=words)

    def network(self, s: State) -> str:
        """The chosen point of the plane."""
        x, y = s.spot
        return f"planes{f'[{s.plane!r}]' * self._several}({x:g}, {y:g})"

    def settings(self, s: State) -> dict[str, str]:
        """A cross-section through two points is written by the other one."""
        other = {"cross_section": repr(s.before)} if s.cross_section == TWO else {}
        return super().settings(s) | other

    def compose(self, drawn: Sequence[Sequence[go.Figure]], s: State) -> go.Figure:
        """Maps, samples and a cross-section."""
        return compose_maps(drawn)

    def sweep(self, s: State) -> dict[str, Any]:
        """Over the checkpoints, else over the marks."""
        if s.step is not None:
            states = {str(i): s.but(step=i) for i in range(self.step.max + 1)}
            moved = {i: (self.picture.change(t), self._map.tell_runs(t)) for i, t in states.items()}
            frames = {i: (patch, f"{run} {said}") for i, ((patch, said), run) in moved.items()}
            return {"frames": frames, "label": "checkpoint", "start": s.step, "plays": True}
        places = self._store.places(s.plane) or {"the chosen point": s.spot}
        frames = {name: self.picture.change(s.but(spot=at)) for name, at in places.items()}
        return {"frames": frames, "label": "network"}

    def follow(self, name: str, old: Any) -> dict[str, Any]:
        """Another map is measured at once; on another plane other points lie."""
        if name in ("step", "play"):
            return {"runs": True}
        if name == "spot":
            return {"before": old, "runs": False}
        home = self._store.home(self.plane.value)
        goes_on = {"paused": False} if name in ("plane", "zoom", "resolution") else {}
        return (
            {"spot": home, "before": home, "runs": False, **goes_on} if name == "plane" else goes_on
        )

    def say(self, words: str) -> None:
        """Put these words below the figure, and what the button does next on it."""
        self.stop.description = "Continue" if self.picture.newest.paused else "Cancel"
        self.stop.disabled = self._map.share(self.picture.newest) == 1
        super().say(words)

    def _toggle(self) -> None:
        (self.go_on if self.state.paused else self.pause)()

    def _clicked(self, key: str, x: float, y: float) -> None:
        if key.startswith("surface"):  # the samples beside the map are no places
            self.visit(x, y)


def _folded(items: Sequence[widgets.Widget]) -> tuple[widgets.ToggleButton, widgets.Box]:
    """A button, and a row that is shown while it is pressed."""
    more, box = (
        toggle("More", "Show more controls: quantity, cross-sections, files"),
        in_a_row(items),
    )
    widgets.dlink(
        (more, "value"), (box.layout, "display"), lambda shown: "flex" if shown else "none"
    )
    return more, box


def _controls(store: PlaneStore, given: Mapping[str, Any]) -> dict[str, Control]:
    """A control for each setting."""
    planes, views = list(store.planes), views_of(list(store.landscapes))
    looks = [("contours", "contour"), ("3-D", "3d")]
    scales = [("logarithmic", True), ("linear", False)]
    ways = [("none", NONE), ("along x", "x"), ("along y", "y"), ("through two points", TWO)]
    zoom = slider("range ×", 0.5, 3, step=0.25, flex="0 1 auto", width="250px")
    longest = max((len(run.steps) for run in store.runs.values()), default=1)
    wide = {"flex": "1 1 260px", "width": "auto"}
    steps = widgets.IntSlider(description="checkpoint", max=longest - 1, layout=wide)
    plane = one_of(planes, given["plane"] or planes[0], "plane")
    on, view = one_of(views, given["on"] or views[0], "landscape"), given["view"]
    play = toggle("▶ Play", "Play the training run, or pause")
    spot = given["spot"] or store.home(plane)
    way, before = given["cross_section"] or NONE, spot
    if not isinstance(way, str):
        way, before = TWO, way
    return {
        "plane": Control(choice("plane", planes), plane),
        "on": Control(choice("measured on", views), on, used=len(views) > 1),
        "view": Control(choice("view", looks), one_of(("contour", "3d"), view, "view")),
        "log": Control(choice("loss", scales), bool(given["log"])),
        "resolution": grid_control(given["resolution"]),
        "zoom": Control(zoom, given["zoom"], "{:g}".format),
        "what": quantity_control(store.measures, given["what"]),
        "cross_section": Control(
            choice("cross-section", ways),
            one_of(dict(ways).values(), way, "cross-section"),
            usual=NONE,
        ),
        "spot": Control(ChosenPlace(), spot, "({0[0]:g}, {0[1]:g})".format),
        "before": Control(Chosen(), before, None),
        "paused": Control(Chosen(), False, None),
        "runs": Control(Chosen(), False, None),  # what is asked: a checkpoint, or the chosen point
        "play": Control(play, False, None, used=bool(store.runs), quick=True),
        "step": Control(
            steps if store.runs else Chosen(), 0 if store.runs else None, None, quick=True
        ),
    }


def explore_landscape(
    landscape: ScoreFunction | Mapping[str, ScoreFunction],
    planes: Plane | Mapping[str, Plane],
    marks: Mapping[str, Weights] | None = None,
    *,
    samples: Any = None,
    classes: Sequence[str] | None = None,
    trajectory: Any = None,
    plane: str | None = None,
    on: str | None = None,
    what: str = "loss",
    view: View = "contour",
    log: bool = True,
    cross_section: Way | None = None,
    zoom: float = 1.0,
    resolution: int = 41,
    spot: Place | None = None,
) -> LandscapeExplorer:
    """Explore the loss over planes of weight space.

    Args:
        landscape: θ ↦ Score; a `Landscape`, or any such function; or several by name, such as
            {"train": …, "test": …}, to be shown alone, subtracted, or side by side.
        planes: one plane, or several by name.
        marks: points by name; each is shown on planes that hold it, or near which it lies.
        samples: a few inputs with labels, about which the chosen network is asked; all are shown.
        classes: names of the classes.
        trajectory: a run to play: checkpoints, or what has `checkpoints` and `steps`; or several.
        plane: the name of the plane to begin with.
        on: the landscape to begin with, such as "test", "train − test" or "side by side".
        what: the quantity shown, one of the landscape's `measures.names`.
        view: "contour" or "3d".
        log: colours and heights by the logarithm of the loss.
        cross_section: through the chosen point: along "x", along "y", or from a place.
        zoom: how much wider than the marks' surroundings to look, from 0.5 to 3. Around one mark
            alone, these reach as far as the loss rises by 2 nats, in other units fivefold.
        resolution: points along each side of the map: 11, 21, 31, 41, 61 or 81.
        spot: the place chosen at first; else the first mark.
    """
    given, landscapes = dict(locals()), by_name(landscape)
    expect_by_name("point", marks or {}, "marks")
    if not isinstance(planes, Mapping) or isinstance(planes, Weights):
        expect("plane", planes)
        planes = {f"the plane of {listed(list(marks))}" if marks else "the plane": planes}
    expect_by_name("plane", planes, "planes")
    store = PlaneStore(landscapes, planes, marks or {}, read_runs(trajectory))
    asked = ask_about(
        landscapes, samples, classes, columns=3,
        chosen=lambda s: store.checkpoint(s.step) if s.runs else (s.plane, *s.spot),
        theta=store.asked, ahead=store.checkpoints,
        title=lambda s: f"What the {'checkpoint' if s.runs else 'chosen network'} says",
        on=lambda s: "At this checkpoint, " if s.runs else "",
    )  # fmt: skip
    return LandscapeExplorer(store, asked, _controls(store, given), given=given)
