"""The curve explorer: one slider along several paths at once, some of them in training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from fusionlab.connectivity import Path, Profile
from fusionlab.landscape import Field, Plane
from fusionlab.show.explore.controls import button, choice, one_of
from fusionlab.show.explore.curves.bundles import STEPS
from fusionlab.show.explore.curves.path_view import PathView, View
from fusionlab.show.explore.curves.recording import Recording
from fusionlab.show.explore.curves.trainer import Start, Trainer
from fusionlab.show.explore.explorer import FIRST, PATIENCE, Explorer, ask_samples
from fusionlab.show.explore.latest import Draw, LatestTask
from fusionlab.show.figures.layout import with_slider
from fusionlab.show.figures.measures import tell_measures
from fusionlab.show.page.fig import Changes

RESOLUTIONS = (11, 21, 31, 41, 61)
ROUGH = 17  # points along each side of the map of a curve that is in training
LOOK = 1.0  # seconds that a training waits for its picture


class CurveExplorer(Explorer):
    """Slide along a line and curves at once, see them on the map, and watch them being trained.

    Made by `explore_curves`.
    """

    def __init__(
        self,
        scene: PathView,
        training: Mapping[str, Start],
        *,
        data: Sequence[str],
        settings: Mapping[str, Any],
        frames: int,
        remark: str = "",
    ) -> None:
        self._scene, self._start, self._frames = scene, dict(settings), frames
        self._framed: list[Any] | None = None  # what the figure on the page was drawn for
        self._told = ""  # about the picture: all but what is at the marks
        self._recording = Recording()
        self._drawing = Lock()  # two threads draw: one the marks, one the picture
        self._pictures = LatestTask(self._trouble)
        self.trainer = Trainer(scene.paths, training, news=self._news, on_error=self._trouble)
        self._make_controls(list(scene.paths), data)
        above = [self.slider, self.train] if training else [self.slider]
        below = [self.focus, *([self.data] * (len(data) > 1)), self.resolution]
        super().__init__([above, below], remark=remark)
        self.fig.on_click = self._clicked
        self._set()
        for control in (self.slider, self.focus, self.data, self.resolution):
            control.observe(self._renew, "value")
        self._renew(patience=FIRST)

    @property
    def t(self) -> float:
        """The position on all paths; 0 is the first network, 1 the second."""
        return float(self.slider.value)

    @t.setter
    def t(self, value: float) -> None:
        if not 0 <= value <= 1:
            raise ValueError(f"t = {value:g} is off the paths: choose a t from 0 to 1.")
        self.slider.value = value

    @property
    def paths(self) -> dict[str, Path]:
        """The paths as they are now, those in training as far as they have come."""
        return {**self._scene.paths, **self.trainer.paths}

    @property
    def profiles(self) -> dict[str, Profile]:
        """What is known of the chosen landscape along each path."""
        return self._scene.profiles(self.data.value)

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
        self._pictures.cancel()
        self._recording.cut()
        self._set()
        self._relabel()
        self._renew()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the training rests and the picture is as sharp as it gets."""
        parts = self.trainer, self._pictures, self.latest
        return all(part.wait(seconds) for part in parts)

    def close(self) -> None:
        """Stop all work and leave the page."""
        self.trainer.close()
        self._pictures.cancel()
        super().close()

    def code(self) -> str:
        """The Python that gives this view, and the chosen network."""
        focus, size = self.focus.value, self.resolution.value
        on = f"data={self.data.value!r}, " * bool(self.data.value)
        return (
            f"theta = paths[{focus!r}]({self.t:.2f})  # the chosen network\n"
            f"landscape(theta)  # its {tell_measures(self._scene.measures)}\n"
            f"show.explore_curves(\n    {self._scene.given(trained=bool(self.trainer.stages))},\n"
            f"    t={self.t:.2f}, focus={focus!r}, {on}resolution={size},\n)"
        )

    def still(self) -> go.Figure:
        """The picture with a slider that needs no kernel: along the paths, or over the training."""
        view = self._view()
        self._scene.look(view)
        figure = self._scene.figure(view)
        figure.layout.meta["description"] = f"{self._scene.at(view)[1]} {self._told}"
        if len(film := self._recording.frames) > 1:
            return with_slider(figure, film, label="training, step", start=len(film) - 1)
        places = [round(i * STEPS / (self._frames - 1)) for i in range(self._frames)]
        frames = {f"{p / STEPS:.2f}": self._scene.at(view._replace(place=p)) for p in places}
        return with_slider(figure, frames, label="position t", start=self._frames // 2)

    def _make_controls(self, paths: Sequence[str], data: Sequence[str]) -> None:
        self.slider = widgets.FloatSlider(
            description="position t",
            min=0,
            max=1,
            step=1 / STEPS,
            readout_format=".2f",
            layout={"flex": "1 1 320px", "width": "auto"},
        )
        self.focus = choice("path in focus", paths)
        self.data = choice("loss on", data)
        self.resolution = choice("map", [(f"{n} × {n}", n) for n in RESOLUTIONS])
        self.train = button(*self.trainer.label, self._toggle)

    def _set(self) -> None:
        for name, value in self._start.items():
            getattr(self, name).value = value

    def _toggle(self) -> None:
        if self.trainer.state == "training":
            self.pause()
        else:
            self.go_on()

    def _clicked(self, key: str, x: float, y: float) -> None:
        """Go there: to that t, or to the nearest place of the path in focus."""
        kind = key.partition(":")[0]
        if kind in self._scene.panelled:
            self.t = min(1.0, max(0.0, round(x, 2)))
        elif kind in ("surface", "path"):
            self.t = self._scene.nearest(self.focus.value, x, y)

    def _relabel(self) -> None:
        self.train.description, self.train.tooltip = self.trainer.label
        self.train.disabled = self.trainer.state == "done"

    def _view(self) -> View:
        resolution = ROUGH if self.trainer.state == "training" else self.resolution.value
        return View(round(self.t * STEPS), self.focus.value, self.data.value, resolution)

    def _renew(self, _: Any = None, *, patience: float = PATIENCE) -> None:
        """The marks first; then the picture goes on from where it was."""
        rests = self.trainer.state != "training"
        if rests:
            self._pictures.cancel()
        super()._renew(patience=patience)
        if rests:
            self._pictures.ask(self._draw_all)

    def _news(self) -> None:
        """The curves have moved, or the training rests; in the training's thread."""
        self._relabel()
        training = self.trainer.state == "training"
        self._pictures.ask(self._draw_now if training else self._draw_all, patience=LOOK)

    def _here(self) -> Draw:
        return partial(self._show_marks, *self._scene.at(self._view()))

    def _better(self) -> Iterator[Draw]:
        return iter(())

    def _draw_now(self) -> Iterator[Draw]:
        """The picture that can be had at once."""
        self._scene.put(self.trainer.paths)
        self._scene.look(self._view())
        yield self._picture()

    def _draw_all(self) -> Iterator[Draw]:
        yield from self._draw_now()
        for _ in self._scene.sharpen(self._view()):
            yield self._picture()

    def _picture(self) -> Draw:
        """Draw all that is known: as changes of the figure on the page, if these suffice."""
        view, scene = self._view(), self._scene
        frame, moves = scene.frame(view), scene.moves(view)
        whole = None if frame == self._framed else scene.figure(view)
        patch, words = scene.at(view)
        return partial(self._show_all, view, {**moves, **patch}, words, frame, whole)

    def _show_marks(self, patch: Changes, words: str) -> None:
        with self._drawing:
            if self._framed is not None:
                self.fig.patch(patch, f"{words} {self._told}")
            self._say(f"{words} {self._told}")

    def _show_all(
        self, view: View, patch: Changes, words: str, frame: list[Any], whole: go.Figure | None
    ) -> None:
        self._told = self._tell()
        words = f"{words} {self._told}"
        steps = sum(stage.steps for stage in self.trainer.stages.values())
        self._recording.keep(steps, patch, words, of=(view.focus, view.data))
        moved = self._view().place != view.place  # since the picture was made
        with self._drawing:
            self._framed = frame
            if whole is None:
                still = {k: v for k, v in patch.items() if ":mark:" not in k}
                self.fig.patch(still if moved else patch, words)
            else:
                whole.layout.meta["description"] = words
                self.fig.draw(whole)
            self._say(words)
        if moved:
            self.latest.ask(self._steps)

    def _tell(self) -> str:
        """How far the training has come, and how the paths lie to the plane."""
        stages = self.trainer.stages.items()
        trained = [stage.tell(name, self.profiles[name]) for name, stage in stages if stage.steps]
        return " ".join([*trained, self._scene.told()])


def explore_curves(
    landscape: Field | Mapping[str, Field],
    paths: Mapping[str, Path],
    *,
    training: Mapping[str, Start] | None = None,
    plane: Plane | None = None,
    samples: Any = None,
    names: tuple[str, str] = ("a", "b"),
    classes: Sequence[str] | None = None,
    t: float = 0.5,
    focus: str | None = None,
    data: str | None = None,
    resolution: int = 31,
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
        data: the landscape to begin with.
        resolution: points along each side of the map: 11, 21, 31, 41 or 61.
        frames: positions of the slider that works without a kernel.
    """
    training = dict(training or {})
    landscapes = dict(landscape) if isinstance(landscape, Mapping) else {"": landscape}
    for name in training:
        one_of(paths, name, "training")
    settings = {
        "slider": t,
        "focus": one_of(paths, focus or next(iter(training), list(paths)[-1]), "focus"),
        "data": one_of(landscapes, data or next(iter(landscapes)), "data"),
        "resolution": one_of(RESOLUTIONS, resolution, "resolution"),
    }
    predictions, remark = ask_samples(landscapes, samples, classes)
    scene = PathView(landscapes, paths, plane=plane, predictions=predictions, names=names)
    return CurveExplorer(
        scene, training, data=list(landscapes), settings=settings, frames=frames, remark=remark
    )
