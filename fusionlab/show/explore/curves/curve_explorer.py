"""The curve explorer: one slider along several paths at once, some of them in training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from fusionlab.arguments import expect, expect_by_name, expect_sequence
from fusionlab.connectivity import Path
from fusionlab.landscape import Plane, ScoreFunction
from fusionlab.show.explore.controls import button, choice, one_of, slider
from fusionlab.show.explore.core import Control, grid_control, landscape_control
from fusionlab.show.explore.curves.path_view import AlongPaths, PathMap
from fusionlab.show.explore.curves.recording import Recording
from fusionlab.show.explore.curves.trainer import SPEEDS, Start, Trainer
from fusionlab.show.explore.latest import LatestTask
from fusionlab.show.explore.parts import Part, State
from fusionlab.show.explore.sample_predictions import ask_about
from fusionlab.show.explore.scored import by_name
from fusionlab.show.explore.sliding import SlidingExplorer
from fusionlab.show.explore.written import Call
from fusionlab.show.figures.layout import Box, arrange
from fusionlab.show.figures.measures import shared_measures
from fusionlab.show.page.fig import Changes, Draw

LOOK = 1.0  # seconds that a training waits for its picture


class CurveExplorer(SlidingExplorer):
    """Slide along a line and curves at once, see them on the map, and watch them being trained.

    Made by `explore_curves`.

    Example:
        >>> import torch
        >>> from fusionlab import Weights, show
        >>> from fusionlab.connectivity import Bezier, Line
        >>> from fusionlab.landscape import Score
        >>> a, b, c = (Weights({"w": w}) for w in torch.tensor([[-1.0, 0], [1, 0], [0, 2]]))
        >>> paths = {"line": Line(a, b), "curve": Bezier((a, c, b))}
        >>> explorer = show.explore_curves(lambda p: Score(1 / (1 + (p @ p).item()), 1.0), paths)
        >>> explorer.wait(), {name: round(p.barrier, 2) for name, p in explorer.profiles.items()}
        (True, {'line': 0.5, 'curve': 0.07})
    """

    along: AlongPaths

    def __init__(
        self, along: AlongPaths, map_: PathMap, samples: Sequence[Part],
        controls: Mapping[str, Control], *, given: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self.along, self._map, self.frames = along, map_, given["frames"]
        self._recording, self._live = Recording(self._replay), LatestTask(self.trouble)
        paths, starts = dict(given["paths"]), dict(given["training"] or {})
        self.trainer = Trainer(paths, starts, news=self._news, on_error=self.trouble)
        self.focus = controls["focus"].widget  # else a widget's own method would be found
        self.train = button(*self.trainer.label, self._toggle)
        rows = [["t", *[self.train] * bool(starts)], ["focus", "on", "resolution"]]
        if starts:
            rows.insert(1, ["speed", self._recording.slider])
        self.trainer.speed = SPEEDS[given["speed"]]
        controls["speed"].widget.observe(self._set_speed, "value")
        call = Call(explore_curves, given)
        super().__init__(controls, [along, map_, *samples], call, rows=rows)
        self.fig.on_click = self._clicked

    @property
    def state(self) -> State:
        """What the controls say, and how far the training has come."""
        return super().state.but(**self._trained())

    @property
    def paths(self) -> dict[str, Path]:
        """The paths as they are now, those in training as far as they have come."""
        return self.trainer.paths

    @property
    def replay(self) -> widgets.IntSlider:
        """The pictures of the training, to be seen again while it rests."""
        return self._recording.slider

    def go_on(self) -> None:
        """Train the curves from where they are."""
        self.trainer.go_on()
        self._relabel()

    def pause(self) -> None:
        """Let the training rest; the picture then grows sharp."""
        self.trainer.pause()
        self._relabel()

    def reset(self) -> None:
        """Go back to the untrained curves and the settings of the start."""
        self.trainer.reset()
        self._live.cancel()
        self._recording.clear()
        self._relabel()
        super().reset()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the training rests and the picture is as sharp as it gets."""
        return all(part.wait(seconds) for part in (self.trainer, self._live, self.latest))

    def close(self) -> None:
        """Stop all work and leave the page."""
        self.trainer.close()
        self._live.cancel()
        super().close()

    def renew(self, **how: Any) -> None:
        """Show the present state, however far the training was replayed."""
        self._recording.turn(training=self.trainer.state == "training")
        super().renew(**how)

    def steps(self, s: State) -> Iterator[Draw]:
        """During training a move draws the marks alone; the rest is drawn by the training."""
        return islice(self.picture.steps(s), 1 if s.training else None)

    def network(self, s: State) -> str:
        """The network in focus."""
        return f"paths[{s.focus!r}]({s.t:.2f})"

    def compose(self, drawn: Sequence[Sequence[go.Figure]], s: State) -> go.Figure:
        """Panels, map and samples."""
        return compose_curves(drawn)

    def sweep(self, s: State) -> dict[str, Any]:
        """Along the paths, or over the training."""
        if len(film := self._recording.frames) > 1:
            return {"frames": film, "label": "training, step", "start": len(film) - 1}
        return super().sweep(s)

    def seen(self, s: State, patch: Changes, words: str) -> None:
        """Keep a picture of the training."""
        if s.stages:
            steps = sum(stage.steps for stage in s.stages.values())
            self._recording.keep(steps, patch, words, of=(s.focus, s.on))
            self._recording.turn(training=s.training)

    def _replay(self, then: tuple[Changes, str] | None) -> None:
        """Show a picture of the recording, or the present."""
        if then is None:
            self.renew()
        else:
            self.latest.between(partial(self.picture.show, *then))

    def _set_speed(self, change: Any) -> None:
        self.trainer.speed = SPEEDS[change["new"]]

    def _trained(self) -> dict[str, Any]:
        stages, training = self.trainer.stages, self.trainer.state == "training"
        return {"paths": self.paths, "stages": stages, "training": training}

    def _news(self) -> None:
        """The curves have moved, or the training rests; in the training's thread."""
        self._relabel()
        s = self.picture.renew(lambda s: s.but(**self._trained()))
        self.along.keep(s.paths)
        self._map.keep()
        if s.training:
            self._live.ask(lambda: self._draw_live(s), patience=LOOK)
        else:
            self._live.cancel()
            self.latest.ask(lambda: self.steps(s))

    def _draw_live(self, s: State) -> Iterator[Draw]:
        for part in self.picture.parts:
            for _ in part.refine(s):
                pass
        yield self.picture.at_once(s)

    def _toggle(self) -> None:
        (self.pause if self.trainer.state == "training" else self.go_on)()

    def _relabel(self) -> None:
        self.train.description, self.train.tooltip = self.trainer.label
        self.train.disabled = self.trainer.state == "done"

    def _clicked(self, key: str, x: float, y: float) -> None:
        """Go there: to that t, or to the nearest place of the path in focus."""
        kind = key.partition(":")[0]
        if kind in self.along.panels:
            self.t = min(1.0, max(0.0, round(x, 2)))
        elif kind in ("surface", "path"):
            self.t = self._map.nearest(self.state, x, y)


def compose_curves(drawn: Sequence[Sequence[go.Figure]]) -> go.Figure:
    """The panels side by side, and the samples, if there are any, below the map."""
    along, (map_,), *others = drawn
    asked = [figure for part in others for figure in part]
    low = 0.5 if asked else 0.0
    left: list[Box] = [(0.0, 0.44, 0.0, 1.0)]
    if len(along) > 1:
        left = [(0.0, 0.44, 0.42, 1.0), (0.0, 0.44, 0.0, 0.28)]
    parts = [*zip(along, left, strict=True), (map_, (0.54, 0.93, low, 1.0))]
    parts += [(each, (0.54, 1.0, 0.0, low - 0.12)) for each in asked]
    return arrange(parts, height=760 if asked else 500)


def explore_curves(
    landscape: ScoreFunction | Mapping[str, ScoreFunction],
    paths: Mapping[str, Path],
    *,
    training: Mapping[str, Start] | None = None,
    plane: Plane | None = None,
    samples: Any = None,
    names: tuple[str, str] = ("a", "b"),
    classes: Sequence[str] | None = None,
    t: float = 0.5,
    focus: str | None = None,
    on: str | None = None,
    speed: str = "normal",
    resolution: int = 41,
    frames: int = 21,
) -> CurveExplorer:
    """Explore several paths between two networks by one slider, and train some while you look.

    Args:
        landscape: θ ↦ Score; or several by name, such as {"train": …, "test": …}.
        paths: t ↦ θ(t) by name: a line, curves; all with the two networks at t = 0 and 1.
        training: by the names of paths, how to begin their training: a callable that makes an
            iterator of paths, or of what has one as its `shape`, such as `lambda: Fitting(model,
            data, curve, recipe, objective=landscape.objective, seed=0)`.
        plane: where to draw the paths; by default the plane of the path in focus, which follows
            it while it is trained.
        samples: a few inputs with labels, about which the network in focus is asked.
        names: of the two networks.
        classes: names of the classes.
        t: where to begin.
        focus: the path whose plane is shown, and whose network is asked; by default the first
            to be trained, else the last.
        on: the landscape to begin with.
        speed: of the training: "slow" and "normal" show its first steps one by one; "fast" trains
            as fast as it can be drawn.
        resolution: points along each side of the map: 11, 21, 31, 41, 61 or 81.
        frames: positions of the slider that works without a kernel.
    """
    given, landscapes = dict(locals()), by_name(landscape)
    expect_by_name("path", paths, "paths")
    expect_sequence(names, "names", '("a", "b")')
    if plane is not None:
        expect("plane", plane)
    for name in training or {}:
        one_of(paths, name, "path to train")
    one_of(SPEEDS, speed, "speed")
    in_focus = one_of(paths, focus or next(iter(training or {}), list(paths)[-1]), "path")
    controls = {
        "t": Control(slider("position t"), t, "{:.2f}".format),
        "focus": Control(choice("path in focus", list(paths)), in_focus),
        "on": landscape_control(landscapes, on),
        "resolution": grid_control(resolution),
        "speed": Control(
            choice("speed", list(SPEEDS)), speed, usual="normal", used=bool(training), quick=True
        ),
    }
    asked = ask_about(
        landscapes, samples, classes,
        chosen=lambda s: (s.paths[s.focus], s.t), theta=lambda chosen: chosen[0](chosen[1]),
        title=lambda s: f"What the network on {s.focus} says", on=lambda s: f"On {s.focus}, ",
    )  # fmt: skip
    along = AlongPaths(landscapes, paths, shared_measures(landscapes), names)
    return CurveExplorer(along, PathMap(landscapes, plane, names), asked, controls, given=given)
