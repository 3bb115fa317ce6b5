"""The landscape explorer: the loss over a plane of weight space, drawn while one looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
from torch import Tensor

from fusionlab.data import Data
from fusionlab.landscape import Field, Plane, Surface
from fusionlab.show.arrange import arrange, changes, with_slider
from fusionlab.show.atlas import Atlas, Place, so_far
from fusionlab.show.explorer import FIRST, PATIENCE, Explorer, Witness, button
from fusionlab.show.latest import Draw
from fusionlab.show.live import Patch
from fusionlab.show.samples import draw_samples
from fusionlab.show.surfaces import View, draw_surface
from fusionlab.show.theme import canvas
from fusionlab.show.words import join, nats, percent
from fusionlab.weights import Weights

RESOLUTIONS = (11, 21, 41, 61, 81)

COARSE = 10.0  # seconds to wait for a first map: a large network needs them, and no map is worse


class LandscapeExplorer(Explorer):
    """Walk over the loss landscape; click a point, and it is a network that answers.

    Made by `explore_landscape`.
    """

    def __init__(
        self,
        atlas: Atlas,
        *,
        witness: Witness | None,
        settings: Mapping[str, Any],
    ) -> None:
        self._atlas, self._witness, self._start = atlas, witness, dict(settings)
        self._surface: Surface | None = None
        self._said, self._paused = "", False
        self._answers: Tensor | None = None
        self._drawn = False  # whether the figure on the page is of the present settings
        self._make_controls()
        self.stop = button("Cancel", "Stop sharpening the picture, or go on", self.pause)
        go_there = button(
            "Go there", "Make the point (x, y) a network", lambda: self.visit(*self.spot)
        )
        what = [self.plane, self.view, self.scale, self.resolution]
        super().__init__([what, [self.zoom, self.x, self.y, go_there]], [self.stop])
        self.fig.on_click = self._clicked
        self._set(self._start)
        self.x.value, self.y.value = self._atlas.home(self.plane.value)
        self.plane.observe(self._move, "value")
        for control in (self.zoom, self.resolution):
            control.observe(self._resurvey, "value")
        for control in (self.view, self.scale):
            control.observe(self._redraw, "value")
        self._resurvey(patience=FIRST)

    @property
    def spot(self) -> Place:
        """The chosen point of the plane."""
        return self.x.value, self.y.value

    @property
    def surface(self) -> Surface | None:
        """The landscape as far as it is known; None until the first picture is there."""
        return self._surface

    def visit(self, x: float, y: float) -> None:
        """Choose the point (x, y): its network is scored and asked about the samples."""
        self.x.value, self.y.value = round(float(x), 4), round(float(y), 4)
        self._renew()

    def pause(self) -> None:
        """Stop the survey where it is; or go on with it."""
        self._paused = not self._paused
        self.stop.description = "Continue" if self._paused else "Cancel"
        if self._paused:
            self.latest.cancel()
            self._report()
        else:
            self._renew()

    def reset(self) -> None:
        """Go back to the settings of the start."""
        self._set(self._start)
        self.visit(*self._atlas.home(self.plane.value))

    def code(self) -> str:
        """The Python that gives this view, and the chosen network."""
        (x, y), plane = self.spot, self.plane.value
        return (
            f"theta = plane({x:g}, {y:g})  # the chosen network, on {plane!r}\n"
            "landscape(theta)  # its loss and accuracy\n"
            f"show.explore_landscape(\n    landscape, planes, marks, samples=samples, "
            f"plane={plane!r}, view={self.view.value!r},\n    log={self.scale.value!r}, "
            f"zoom={self.zoom.value:g}, resolution={self.resolution.value},\n)"
        )

    def still(self) -> go.Figure:
        """The map with a slider over the marked networks, which needs no kernel."""
        self.latest.wait(COARSE, until=lambda: self._surface is not None)
        if self._surface is None:
            words = f"Loss over {self.plane.value}: not measured yet."
            return canvas(words, description=words)
        places = self._atlas.places(self.plane.value) or {"the chosen point": self.spot}
        frames = {name: self._at(place, self._ask(place)) for name, place in places.items()}
        return with_slider(self._figure(), frames, label="network")

    def _clicked(self, key: str, x: float, y: float) -> None:
        if key.startswith("surface:"):  # the samples beside the map are no places
            self.visit(x, y)

    def _make_controls(self) -> None:
        self.plane = _choice("plane", list(self._atlas.planes))
        self.view = _choice("view", [("contours", "contour"), ("3-D", "3d")])
        self.scale = _choice("loss", [("logarithmic", True), ("linear", False)])
        self.resolution = _choice("points", [(f"{n} × {n}", n) for n in RESOLUTIONS])
        self.zoom = widgets.FloatSlider(
            description="range ×",
            value=1,
            min=0.5,
            max=3,
            step=0.25,
            readout_format=".2f",
            layout={"width": "250px"},
        )
        self.x, self.y = (
            widgets.FloatText(description=name, step=0.1, layout={"width": "130px"})
            for name in ("x", "y")
        )

    def _set(self, settings: Mapping[str, Any]) -> None:
        for name, value in settings.items():
            getattr(self, name).value = value

    def _move(self, _: Any) -> None:
        """Another plane: other points lie on it, so the chosen one is another too."""
        self.x.value, self.y.value = self._atlas.home(self.plane.value)
        self._resurvey()

    def _resurvey(self, _: Any = None, *, patience: float = PATIENCE) -> None:
        self.latest.cancel()  # from here on, nothing of the old settings is drawn
        self._surface, self._drawn = None, False
        self._paused, self.stop.description, self.stop.disabled = False, "Cancel", False
        self._renew(patience=patience)

    def _redraw(self, _: Any) -> None:
        self.latest.cancel()
        self._drawn = False
        self._renew()

    def _here(self) -> Draw:
        place = self.spot
        answers = self._ask(place)
        return partial(self._arrive, answers, *self._at(place, answers))

    def _better(self) -> Iterator[Draw]:
        if self._paused:
            return
        survey = self._atlas.survey(self.plane.value, self.zoom.value, self.resolution.value)
        if self._surface is None and (known := so_far(survey)):
            yield partial(self._sharpen, known)
        for surface in survey:
            yield partial(self._sharpen, surface)

    def _arrive(self, answers: Tensor | None, patch: Patch, words: str) -> None:
        self._answers, self._said = answers, words
        if self._drawn:
            self.fig.patch(patch, words)
        elif self._surface is not None:
            self._sharpen(self._surface)
        self._report()

    def _sharpen(self, surface: Surface) -> None:
        self._surface = surface
        if self._drawn:
            self.fig.patch(changes(self._map()), self.fig.description)
        else:
            self.fig.draw(self._figure())
        self._drawn = True
        self._report()

    def _report(self) -> None:
        """Say what is at the chosen point, and how far one may trust the map."""
        if self._surface is None:
            return self._say(f"{self._said} The map is being measured.")
        points, share = self._surface.exact.numel(), self._surface.share
        self.stop.disabled = share == 1
        if share == 1:
            return self._say(f"{self._said} All {points} points of the map are measured.")
        state = "Stopped" if self._paused else "Sharpening"
        return self._say(
            f"{self._said} {state}: {100 * share:.0f} % of {points} points are measured, "
            "the map between them is approximate."
        )

    def _ask(self, place: Place) -> Tensor | None:
        """What the network at this place says about the samples."""
        theta = self._atlas.theta(self.plane.value, place)
        return None if self._witness is None else self._witness(theta)

    def _at(self, place: Place, answers: Tensor | None) -> tuple[Patch, str]:
        """What changes in the figure when this place is chosen, and what to say."""
        score = self._atlas.landscape(self._atlas.theta(self.plane.value, place))
        x, y = place
        patch: dict[str, Any] = {"surface:spot": {"x": [x], "y": [y]}}
        if self.view.value == "3d" and self._surface is not None:
            patch = {"surface:spot": changes(self._map(place))["surface:spot"]}
        where = f"At ({x:.2f}, {y:.2f})"
        words = f"{where}: loss {nats(score.loss)}, accuracy {percent(score.accuracy)}."
        if self._witness is None or answers is None:
            return patch, words
        samples = self._witness.samples
        return patch | samples.patch(answers), f"{words} {samples.describe(answers)}"

    def _map(self, spot: Place | None = None) -> go.Figure:
        assert self._surface is not None
        isometric = self._atlas.isometric(self.plane.value)
        unit = "distance along" if isometric else "steps along"
        return draw_surface(
            self._surface,
            self._atlas.places(self.plane.value),
            view=self.view.value,
            log=self.scale.value,
            isometric=isometric,
            spot=spot or self.spot,
            axes=(f"{unit} u", f"{unit} v"),
            title=f"Loss over {self.plane.value}",
        )

    def _figure(self) -> go.Figure:
        if self._witness is None or self._answers is None:
            return arrange([(self._map(), (0, 0.88, 0, 1))], height=500)
        title = "What the chosen network says"
        samples = draw_samples(self._witness.samples, self._answers, title=title)
        return arrange([(self._map(), (0, 0.54, 0, 1)), (samples, (0.66, 1, 0, 1))], height=500)


def explore_landscape(
    landscape: Field,
    planes: Plane | Mapping[str, Plane],
    marks: Mapping[str, Weights] | None = None,
    *,
    samples: Data | None = None,
    classes: Sequence[str] | None = None,
    plane: str | None = None,
    view: View = "contour",
    log: bool = True,
    zoom: float = 1.0,
    resolution: int = 41,
) -> LandscapeExplorer:
    """Explore the loss over planes of weight space.

    Args:
        landscape: θ ↦ Score; a `Landscape`, or any such function.
        planes: one plane, or several by name.
        marks: points to mark, such as the models, by name; each is shown on planes that hold it.
        samples: a few inputs with labels, about which the chosen network is asked; all are shown.
        classes: names of the classes.
        plane: the name of the plane to begin with.
        view: "contour" or "3d".
        log: colours and heights by the logarithm of the loss.
        zoom: how much wider than the marks' surroundings to look, from 0.5 to 3.
        resolution: points along each side of the map: 11, 21, 41, 61 or 81.
    """
    marks = marks or {}
    if isinstance(planes, Plane):
        planes = {f"the plane of {join(list(marks))}" if marks else "the plane": planes}
    settings = {
        "plane": _one_of(planes, plane or next(iter(planes)), "plane"),
        "view": _one_of(("contour", "3d"), view, "view"),
        "scale": bool(log),
        "zoom": zoom,
        "resolution": _one_of(RESOLUTIONS, resolution, "resolution"),
    }
    witness = None if samples is None else Witness(landscape, samples, classes, columns=3)
    return LandscapeExplorer(Atlas(landscape, planes, marks), witness=witness, settings=settings)


def _one_of(options: Iterable[Any], value: Any, what: str) -> Any:
    if value not in (known := list(options)):
        raise ValueError(f"{what}={value!r} is not among the choices of this explorer: {known}.")
    return value


def _choice(label: str, options: Sequence[Any]) -> widgets.Dropdown:
    return widgets.Dropdown(description=label, options=options, layout={"width": "auto"})
