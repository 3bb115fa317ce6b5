"""The subspace explorer: mixtures of three networks, as places in a triangle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from fusionlab.connectivity import Line, Simplex
from fusionlab.landscape import Field, Surface
from fusionlab.show.explore.controls import choice, one_of
from fusionlab.show.explore.explorer import FIRST, Explorer, ask_samples
from fusionlab.show.explore.landscape.plane_store import so_far
from fusionlab.show.explore.latest import Draw
from fusionlab.show.explore.line import LineExplorer, explore_line
from fusionlab.show.explore.mixtures import Mixtures, Triangle
from fusionlab.show.figures.barycentric import CENTRE, Shares, exchange, pull, shares_at
from fusionlab.show.figures.layout import changes, with_slider
from fusionlab.show.figures.measures import shared_measures, tell_measures
from fusionlab.show.page.fig import Changes

RESOLUTIONS = (13, 25, 49, 73)
BEYOND = 0.25  # so far a share may leave [0, 1], where the reader asks for it


class SubspaceExplorer(Explorer):
    """Mix three networks by three sliders, or by a click in the triangle that they span.

    Made by `explore_subspace`.
    """

    def __init__(
        self,
        mixtures: Mixtures,
        data: Sequence[str],
        *,
        shares: Shares,
        settings: Mapping[str, Any],
        remark: str = "",
    ) -> None:
        self._mixtures, self._start = mixtures, (shares, dict(settings))
        self._shares, self._setting = shares, False  # the controls are being set, not moved
        self._surface: Surface | None = None
        self._framed: Triangle | None = None  # what the figure on the page was drawn for
        self._said = ""
        self._make_controls(data)
        several = [self.data] * (len(data) > 1)
        rows = [[self._row], [*several, self.what, self.resolution, self.beyond]]
        corners = [self.corners] * (len(mixtures.names) > 3)
        super().__init__([*corners, *rows], remark=remark)
        self.fig.on_click = self._clicked
        self._set(*self._start)
        for sliders in self._sets.values():
            for number, slider in enumerate(sliders):
                slider.observe(partial(self._moved, number), "value")
        for control in (self.data, self.what, self.resolution, self.beyond, *self.corners):
            control.observe(self._changed, "value")
        self._renew(patience=FIRST)

    @property
    def shares(self) -> Shares:
        """The shares of the three corners; they sum to 1."""
        return self._shares

    @property
    def sliders(self) -> list[widgets.FloatSlider]:
        """The shares of the three corners, to be moved."""
        return self._sets[self.beyond.value]

    @property
    def surface(self) -> Surface | None:
        """The map as far as it is known; None until the first picture is there."""
        return self._surface

    def visit(self, a: float, b: float, c: float) -> None:
        """Choose the mixture with these shares of the three corners."""
        low, high = self._range()
        if abs(a + b + c - 1) > 1e-6 or not all(low <= share <= high for share in (a, b, c)):
            raise ValueError(
                f"shares ({a:g}, {b:g}, {c:g}) are none that this explorer shows: give three "
                f"numbers from {low:g} to {high:g} that sum to 1; beyond=True lets them go further."
            )
        self._take((a, b, c))
        self._renew()

    def reset(self) -> None:
        """Go back to the mixture and the settings of the start."""
        self._set(*self._start)
        self._renew()

    def code(self) -> str:
        """The Python that gives this view, and the chosen network."""
        seen = self._seen()
        more: dict[str, Any] = {
            "what": seen.what,
            "resolution": seen.resolution,
            "beyond": seen.beyond,
        }
        more |= {"data": seen.data} if seen.data else {}
        more |= {"corners": seen.corners} if len(self._mixtures.names) > 3 else {}
        a, b, _ = (round(share, 4) for share in self._shares)
        exact = (a, b, round(1 - a - b, 4))
        return (
            f"theta = simplex({self._mixtures.everywhere(seen, exact)})  # the chosen mixture\n"
            f"landscape(theta)  # its {tell_measures(self._mixtures.measures)}\n"
            "show.explore_subspace(\n    landscape, simplex, "
            f"{'samples=samples, ' * self._mixtures.asks}shares={exact},\n"
            f"    {', '.join(f'{k}={v!r}' for k, v in more.items())},\n)"
        )

    def still(self) -> go.Figure:
        """The triangle with a slider over corners, edges and centre, which needs no kernel."""
        seen, mixtures = self._seen(), self._mixtures
        surface = self._surface if self._framed == seen else None
        figure = mixtures.figure(seen, surface or next(mixtures.survey(seen)), self._shares)
        stations = {"the chosen mixture": self._shares, **mixtures.stations(seen)}
        frames = {name: mixtures.at(seen, shares) for name, shares in stations.items()}
        figure.layout.meta["description"] = frames["the chosen mixture"][1]
        return with_slider(figure, frames, label="mixture")

    def _make_controls(self, data: Sequence[str]) -> None:
        # A set of sliders for each range: if the ends of one moved, the page would answer with a
        # value of its own, and so undo what is being set.
        self._sets = {
            beyond: [_slider(*_range(beyond)) for _ in range(3)] for beyond in (False, True)
        }
        self._row = widgets.Box(layout={"flex": "1 1 auto", "flex_flow": "row wrap"})
        vertices = [(name, number) for number, name in enumerate(self._mixtures.names)]
        self.corners = [choice(f"corner {n}", vertices) for n in (1, 2, 3)]
        self.data = choice("measured on", list(data))
        self.what = choice("show", list(self._mixtures.measures.names))
        self.resolution = choice("map", [(f"{n} × {n}", n) for n in RESOLUTIONS])
        self.beyond = widgets.Checkbox(
            description="beyond the edges", indent=False, layout={"width": "auto"}
        )

    def _set(self, shares: Shares, settings: Mapping[str, Any]) -> None:
        self._setting = True
        for control, corner in zip(self.corners, settings["corners"], strict=True):
            control.value = corner
        for name in ("data", "what", "resolution", "beyond"):
            getattr(self, name).value = settings[name]
        self._setting = False
        self._shares = shares
        self._fit_sliders()

    def _take(self, shares: Shares) -> None:
        """Let the sliders show these shares."""
        self._shares, self._setting = shares, True
        for slider, share in zip(self.sliders, shares, strict=True):
            slider.value = round(share, 2)
        self._setting = False

    def _moved(self, number: int, change: Any) -> None:
        """One share has changed: the other two keep their proportion and give or take the rest."""
        if self._setting or change["owner"] not in self.sliders:
            return
        self._take(exchange(self._shares, number, change["new"], *self._range()))
        self._renew()

    def _changed(self, _: Any) -> None:
        if not self._setting:
            self._fit_sliders()
            self._renew()

    def _clicked(self, key: str, x: float, y: float) -> None:
        if not key.startswith("surface:"):
            return
        self._take(pull(shares_at(x, y), *self._range()))
        self._renew()

    def _range(self) -> tuple[float, float]:
        """Where a share may be."""
        return _range(self.beyond.value)

    def _fit_sliders(self) -> None:
        """Show the sliders that go as far as they may, and let them speak of the corners."""
        for slider, corner in zip(self.sliders, self.corners, strict=True):
            slider.description = f"share of {self._mixtures.names[corner.value]}"
        self._row.children = self.sliders
        self._take(pull(self._shares, *self._range()))

    def _seen(self) -> Triangle:
        corners = tuple(control.value for control in self.corners)
        drawn = self.data.value, self.what.value, self.resolution.value, self.beyond.value
        return Triangle(corners, *drawn)

    def _here(self) -> Draw:
        seen = self._seen()
        patch, words = self._mixtures.at(seen, self._shares)
        return partial(self._arrive, seen, patch, words)

    def _better(self) -> Iterator[Draw]:
        seen = self._seen()
        survey = self._mixtures.survey(seen)
        if self._framed != seen and (known := so_far(survey)):
            yield self._picture(seen, known)
        for surface in survey:
            yield self._picture(seen, surface)

    def _picture(self, seen: Triangle, surface: Surface) -> Draw:
        """Draw a map: as changes of the one on the page, if that is of the same triangle."""
        if self._framed == seen:
            patch = changes(self._mixtures.draw_map(seen, surface, self._shares))
            return partial(self._sharpen, surface, patch)
        figure = self._mixtures.figure(seen, surface, self._shares)
        return partial(self._replace, seen, surface, figure)

    def _arrive(self, seen: Triangle, patch: Changes, words: str) -> None:
        self._said = words
        if self._framed == seen:
            self.fig.patch(patch, words)
        self._report()

    def _sharpen(self, surface: Surface, patch: Changes) -> None:
        self._surface = surface
        self.fig.patch(patch, self._said)
        self._report()

    def _replace(self, seen: Triangle, surface: Surface, figure: go.Figure) -> None:
        self._surface, self._framed = surface, seen
        figure.layout.meta["description"] = self._said
        self.fig.draw(figure)
        self._report()

    def _report(self) -> None:
        """Say what is chosen, and how far one may trust the map."""
        share = 0.0 if self._surface is None else self._surface.share
        map_ = (
            "All of the map is measured."
            if share == 1
            else f"{100 * share:.0f} % of the map is measured, the rest is approximate."
        )
        self._say(f"{self._said} {map_}")


def _range(beyond: bool) -> tuple[float, float]:
    return (-BEYOND, 1 + BEYOND) if beyond else (0.0, 1.0)


def _slider(low: float, high: float) -> widgets.FloatSlider:
    layout = {"flex": "1 1 220px", "width": "auto", "max_width": "340px"}
    return widgets.FloatSlider(min=low, max=high, step=0.01, readout_format=".2f", layout=layout)


def explore_subspace(
    landscape: Field | Mapping[str, Field],
    simplex: Simplex,
    *,
    samples: Any = None,
    names: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    shares: Shares = CENTRE,
    corners: tuple[int, int, int] = (0, 1, 2),
    data: str | None = None,
    what: str = "loss",
    beyond: bool = False,
    resolution: int = 49,
) -> SubspaceExplorer | LineExplorer:
    """Explore the mixtures of three networks as a triangle; of two, the line between them.

    Args:
        landscape: θ ↦ Score; or several by name, such as {"train": …, "test": …}.
        simplex: two vertices, three, or more, of which three are shown at a time.
        samples: a few inputs with labels, about which the chosen mixture is asked.
        names: of the vertices; by default a, b, c …
        classes: names of the classes.
        shares: the mixture to begin with: shares of the three corners that sum to 1.
        corners: the numbers of the vertices to begin with.
        data: the landscape to begin with.
        what: the quantity on the map, one of the landscape's `measures.names`.
        beyond: show the surroundings of the triangle, too.
        resolution: points along each side of the map: 13, 25, 49 or 73.
    """
    k = len(simplex.points)
    names = [chr(ord("a") + i) for i in range(k)] if names is None else list(names)
    if len(names) != k or k < 2:
        raise ValueError(f"a simplex of {k} vertices and {len(names)} names: two or more, alike.")
    if k == 2:
        line, ends = Line(*simplex.points), (names[0], names[1])
        return explore_line(landscape, line, samples=samples, names=ends, classes=classes)
    landscapes = dict(landscape) if isinstance(landscape, Mapping) else {"": landscape}
    settings = {
        "corners": [one_of(range(k), corner, "corners") for corner in corners],
        "data": one_of(landscapes, data or next(iter(landscapes)), "data"),
        "what": one_of(shared_measures(landscapes).names, what, "what"),
        "resolution": one_of(RESOLUTIONS, resolution, "resolution"),
        "beyond": bool(beyond),
    }
    predictions, remark = ask_samples(landscapes, samples, classes, columns=3)
    mixtures = Mixtures(landscapes, simplex, predictions=predictions, names=names)
    return SubspaceExplorer(
        mixtures, list(landscapes), shares=shares, settings=settings, remark=remark
    )
