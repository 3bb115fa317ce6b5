"""Maps drawn on one scale, seen from above or in space, with all that is marked on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import plotly.graph_objects as go
from torch import Tensor

from fusionlab.landscape import Surface
from fusionlab.show.figures.amounts import hover, numbers, tell_spread
from fusionlab.show.figures.measures import shared_measures
from fusionlab.show.figures.plotted_runs import PlottedRun, draw_runs, raise_runs
from fusionlab.show.figures.scales import Scale
from fusionlab.show.figures.theme import CHOSEN, INK, LABEL, ON_MAP, canvas
from fusionlab.show.figures.words import describe_surface

View = Literal["contour", "3d"]
Marks = Mapping[str, tuple[float, float]]

LEVELS = 18  # enough for the eye to follow a slope, few enough to count
_HEIGHT, _ENDS = 460, 88  # pixels of a map alone, and of what is above and below it
_SIDES = 180  # pixels left and right of it, the colour bar's among them
_NARROW = 400  # pixels of the narrowest page for which a map alone is laid out
_COARSE = 100  # points of a grid: of fewer, a map shows where they are
# How far above the highest hill the poles end that carry the marks, as shares of the map's height.
_TOPS = {"marks": 0.2, "spot": 0.05}
_SIZES = {"marks": [6, 24, 0.1], "spot": [6, 12, 0.1]}  # of a pole's foot, its top, and the gap
GUESSED = "≈ "  # before a value that is interpolated


class Overlays(NamedTuple):
    """What is marked on a map: named points, a chosen one, and training runs."""

    marks: Marks
    spot: tuple[float, float] | None
    runs: Mapping[str, PlottedRun]
    now: int | None = None


class Map(NamedTuple):
    """One map to draw: a surface, another to subtract from it, what is marked there, a title."""

    surface: Surface
    minus: Surface | None
    overlays: Overlays
    title: str

    def values(self, what: str) -> Tensor:
        """The values shown, shape (ny, nx)."""
        values = self.surface.values(what)
        return values if self.minus is None else values - self.minus.values(what)

    def exact(self) -> Tensor:
        """Where they are measured."""
        exact = self.surface.exact
        return exact if self.minus is None else exact & self.minus.exact

    def describe(self, what: str) -> str:
        """The map in a sentence or two."""
        if self.minus is None:
            return f"{self.title}. {describe_surface(self.surface, self.overlays.marks, what)}"
        values = self.values(what)
        finite = values[values.isfinite()]
        if not len(finite):
            return f"{self.title}. The difference is nowhere a number."
        spread = tell_spread(self.surface.measures.quantity(what), finite)
        return f"{self.title}. Differences of the {what} {spread}; white is none."


def _map(map_: Map, scale: Scale) -> dict[str, Any]:
    """What contours and hills have in common."""
    quantity = scale.quantity
    values = map_.values(quantity.name)
    sign = "Δ " if scale.signed else ""
    return {
        "x": numbers(map_.surface.x),
        "y": numbers(map_.surface.y),
        "z": numbers(scale.heights(values)),
        "customdata": numbers(values),
        "text": [["" if e else GUESSED for e in row] for row in map_.exact().tolist()],
        "meta": "surface:map",
        "colorscale": scale.colours,
        "colorbar": scale.bar(),
        "hovertemplate": f"(%{{x:.2f}}, %{{y:.2f}}): {sign}{quantity.name} %{{text}}"
        f"{hover(quantity, 'customdata')}<extra></extra>",
    }


def _contour(figure: go.Figure, map_: Map, scale: Scale) -> None:
    step = (scale.high - scale.low) / LEVELS
    figure.add_contour(
        **_map(map_, scale),
        zmin=scale.low,
        zmax=scale.high,
        contours={"start": scale.low + step, "end": scale.high - step / 2, "size": step},
        line={"width": 0.5, "color": "rgba(255,255,255,0.35)"},
    )
    overlays = map_.overlays
    if map_.exact().numel() <= _COARSE:
        _measured(figure, map_)
    draw_runs(figure, overlays.runs, what=scale.quantity.name, now=overlays.now)
    for name, place in _places(overlays).items():
        figure.add_scatter(
            x=[p[0] for p in place.values()],
            y=[p[1] for p in place.values()],
            text=[f"<b>{label}</b>" for label in place],
            meta=f"surface:{name}",
            mode="markers+text",
            textposition="top right",
            textfont={"size": 15, **ON_MAP},
            marker=_symbol(name, "star", 26),
            hovertemplate="%{text} (%{x:.2f}, %{y:.2f})<extra></extra>",
        )


def _measured(figure: go.Figure, map_: Map) -> None:
    """Dots where a map of few points is measured, since the colours between them are guessed."""
    rows, columns = map_.exact().nonzero(as_tuple=True)
    figure.add_scatter(
        x=numbers(map_.surface.x[columns]),
        y=numbers(map_.surface.y[rows]),
        meta="surface:measured",
        mode="markers",
        marker={"size": 6, "color": "white", "line": {"color": INK, "width": 1}},
        cliponaxis=False,
        hoverinfo="skip",
    )


def _hills(figure: go.Figure, map_: Map, scale: Scale) -> None:
    figure.add_surface(
        **_map(map_, scale),
        cmin=scale.low,
        cmax=scale.high,
        lighting={"ambient": 0.75, "diffuse": 0.5, "specular": 0.05},
        contours={"z": {"show": True, "color": "rgba(255,255,255,0.4)", "width": 1}},
    )
    heights = scale.heights(map_.values(scale.quantity.name))
    lift = 0.02 * (scale.high - scale.low)  # so that the map does not swallow the line

    def above(run: PlottedRun) -> list[float | None]:
        """At the checkpoints' own values, where they are known; else on the map."""
        values = run.values(scale.quantity.name)
        if values is not None and not scale.signed:
            return numbers(scale.heights(values).clamp(scale.low, scale.high) + lift)
        return [_height_at(map_.surface, heights, (x, y)) for x, y in run.places.tolist()]

    overlays = map_.overlays
    raise_runs(figure, overlays.runs, what=scale.quantity.name, now=overlays.now, height=above)
    for name, place in _places(overlays).items():
        figure.add_scatter3d(
            **_poles(
                map_.surface, heights, place, scale.high + _TOPS[name] * (scale.high - scale.low)
            ),
            meta=f"surface:{name}",
            mode="lines+markers+text",
            textposition="middle center",
            textfont={"size": 15, "color": LABEL},
            line={"color": INK, "width": 4},
            marker=_symbol(name, "diamond", 12) | {"size": _SIZES[name] * len(place), "opacity": 1},
            hoverinfo="skip",
        )


def _poles(
    surface: Surface, heights: Tensor, places: Mapping[str, Any], top: float
) -> dict[str, list[Any]]:
    """A pole on each place, its name on top, above all hills so that none hides it."""
    x, y, z, text = [], [], [], []
    for name, place in places.items():
        foot = _height_at(surface, heights, place)
        x += [place[0], place[0], None]
        y += [place[1], place[1], None]
        z += [foot, None if foot is None else top, None]
        text += ["", f"<b>{name}</b>", ""]
    return {"x": x, "y": y, "z": z, "text": text}


def _height_at(surface: Surface, heights: Tensor, place: tuple[float, float]) -> float | None:
    """The drawn height at the grid's point nearest to a place; None for no place."""
    if place[0] is None:
        return None
    column = int((surface.x - place[0]).abs().argmin())
    row = int((surface.y - place[1]).abs().argmin())
    return numbers(heights[row, column : column + 1])[0]


def _places(overlays: Overlays) -> dict[str, dict[str, Any]]:
    """The two layers of marks; the chosen point has one too while nothing is chosen.

    It is below the names, and so large that a mark on the same place does not hide it.
    """
    return {"spot": {"": overlays.spot or (None, None)}, "marks": dict(overlays.marks)}


def _symbol(layer: str, chosen: str, size: int) -> dict[str, Any]:
    if layer == "marks":
        return {
            "symbol": "circle",
            "size": 11,
            "color": "white",
            "line": {"color": INK, "width": 2},
        }
    return {"symbol": chosen, "size": size, "color": CHOSEN, "line": {"color": INK, "width": 1.5}}


def _shape(surface: Surface, isometric: bool) -> float:
    """The width of a map for its height: a little wider than high where it is not prescribed."""
    ends = [float(s.max() - s.min()) for s in (surface.x, surface.y)]
    return min(2.5, ends[0] / ends[1]) if isometric and ends[1] else 1.25


def plane_axes(isometric: bool, along: str = "") -> tuple[str, str]:
    """Titles of a plane's axes: what its coordinates x and y count."""
    unit = "distance" if isometric else "steps"
    return f"x: {unit} along u{along}", f"y: {unit} along v"


def _axes(
    figure: go.Figure,
    surface: Surface,
    scale: Scale,
    *,
    view: View,
    isometric: bool,
    titles: tuple[str, str] | None,
) -> None:
    titles = titles or plane_axes(isometric)
    x = [float(surface.x.min()), float(surface.x.max())]
    y = [float(surface.y.min()), float(surface.y.max())]
    if view == "contour":
        figure.update_xaxes(title=titles[0], range=x, showgrid=False, constrain="domain")
        figure.update_yaxes(title=titles[1], range=y, showgrid=False, constrain="domain")
        if isometric:
            figure.update_yaxes(scaleanchor="x", scaleratio=1, constraintoward="top")
        return
    wide, deep = (x[1] - x[0], y[1] - y[0]) if isometric else (1.0, 1.0)
    side = max(wide, deep)
    figure.update_layout(
        scene={
            "xaxis": {"title": {"text": titles[0]}},
            "yaxis": {"title": {"text": titles[1]}},
            "zaxis": {"title": {"text": ""}, **scale.ticks()},  # the colour bar names it
            "aspectmode": "manual",
            "aspectratio": {"x": wide / side, "y": deep / side, "z": 0.65},
            "camera": {
                "eye": {"x": 1.15, "y": -1.4, "z": 1.3},  # high enough to look into the valleys
                "center": {"x": 0, "y": 0, "z": -0.12},
            },
        },
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
    )


def draw_maps(
    maps: Sequence[Map],
    *,
    what: str,
    view: View,
    log: bool,
    isometric: bool,
    axes: tuple[str, str] | None = None,
) -> list[go.Figure]:
    """Maps that share one scale; the last one carries its colour bar."""
    shown = [each for map_ in maps for each in (map_.surface, map_.minus) if each]
    measures = shared_measures({f"map {i}": each for i, each in enumerate(shown, start=1)})
    scale = Scale(
        *(map_.values(what) for map_ in maps), quantity=measures.quantity(what), log=log,
        signed=any(map_.minus is not None for map_ in maps),
    )  # fmt: skip
    figures = []
    for number, map_ in enumerate(maps, start=1):
        figure = canvas(map_.title, description=map_.describe(what), height=_HEIGHT)
        shape = _shape(map_.surface, isometric and view == "contour")
        figure.layout.meta |= {"widest": round(shape * (_HEIGHT - _ENDS) + _SIDES)}
        draw = _contour if view == "contour" else _hills
        draw(figure, map_, scale)
        for trace in figure.data if number > 1 else ():
            trace.meta = trace.meta.replace("surface:", f"surface{number}:", 1)
        if number < len(maps):
            figure.data[0].showscale = False
        _axes(figure, map_.surface, scale, view=view, isometric=isometric, titles=axes)
        if isometric and view == "contour":
            share = min(1.0, (_NARROW - _SIDES) / shape / (_HEIGHT - _ENDS))
            figure.data[0].colorbar.update(len=share, y=1, yanchor="top")  # no longer than the map
        figures.append(figure.update_layout(showlegend=False))
    return figures
