"""The loss over a plane: filled contours, or hills and valleys in three dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor, log10
from typing import Any, Literal

import plotly.graph_objects as go
import torch
from torch import Tensor

from fusionlab.landscape import Surface
from fusionlab.show.figures import What, numbers
from fusionlab.show.theme import INK, SCALE, canvas
from fusionlab.show.words import describe_surface

View = Literal["contour", "3d"]
Marks = Mapping[str, tuple[float, float]]

LEVELS = 18  # enough for the eye to follow a slope, few enough to count
FLAG = 0.18  # height of the poles that carry the marks in 3-D, as a share of the map's height
FLOOR = 1e-4  # nats: smaller losses look alike, and log 0 is not drawn


def draw_surface(
    surface: Surface,
    marks: Marks | None = None,
    *,
    what: What = "loss",
    view: View = "contour",
    log: bool = True,
    isometric: bool = False,
    spot: tuple[float, float] | None = None,
    axes: tuple[str, str] = ("x", "y"),
    title: str | None = None,
) -> go.Figure:
    """The loss (or error, or accuracy) over a plane.

    Args:
        surface: `loss[i, j]` stands at (x[j], y[i]); where it is not a number, the map has a hole.
        marks: named points, such as models, by their coordinates.
        what: the quantity shown.
        view: filled contours seen from above, or a surface to turn.
        log: colours and heights by the logarithm (a loss only); the scale still reads in nats.
        isometric: distances on the plane are true, so both axes get the same scale.
        spot: a point that the reader has chosen.
        axes: titles of the two axes.
        title: replaces "Loss over the plane".
    """
    marks = dict(marks or {})
    title = title or f"{what.capitalize()} over the plane"
    said = describe_surface(surface, marks, what)
    figure = canvas(title, description=f"{title}. {said}", height=460)
    scale = _Scale(getattr(surface, what), what, log)
    draw = _contour if view == "contour" else _hills
    draw(figure, surface, scale, marks, spot)
    _axes(figure, surface, scale, view=view, isometric=isometric, titles=axes)
    return figure.update_layout(showlegend=False)


class _Scale:
    """How values become heights and colours, and which values the scale names."""

    def __init__(self, values: Tensor, what: What, log: bool) -> None:
        self.log = log and what == "loss"
        self.unit = {"loss": "loss<br>(nats)"}.get(what, what)
        self.values = values.double()
        self.heights = self.values.clamp_min(FLOOR).log10() if self.log else self.values
        self.heights = torch.where(self.values.isfinite(), self.heights, torch.nan)
        finite = self.heights[self.heights.isfinite()]
        self.low, self.high = 0.0, 1.0
        if len(finite):
            self.low, self.high = float(finite.min()), float(finite.max())
        if self.high - self.low < 1e-9:  # a flat map still needs a scale
            self.low, self.high = self.low - 0.5, self.high + 0.5

    def ticks(self) -> dict[str, Any]:
        """1, 2, 5, 10 … on a logarithmic scale, so that it reads in nats."""
        if not self.log:
            return {}
        decades = range(floor(self.low), ceil(self.high) + 1)
        steps = (1, 2, 5) if self.high - self.low < 3 else (1,)
        named = [s * 10.0**d for d in decades for s in steps]
        named = [v for v in named if self.low <= log10(v) <= self.high]
        return {"tickvals": [log10(v) for v in named], "ticktext": [f"{v:g}" for v in named]}

    def bar(self) -> dict[str, Any]:
        """The colour bar, its title with the unit."""
        return {
            "title": {"text": self.unit, "side": "top"},
            "thickness": 14,
            "outlinewidth": 0,
            **self.ticks(),
        }


def _contour(
    figure: go.Figure,
    surface: Surface,
    scale: _Scale,
    marks: Marks,
    spot: tuple[float, float] | None,
) -> None:
    step = (scale.high - scale.low) / LEVELS
    figure.add_contour(
        x=numbers(surface.x),
        y=numbers(surface.y),
        z=numbers(scale.heights),
        customdata=numbers(scale.values),
        meta="surface:map",
        colorscale=SCALE,
        zmin=scale.low,
        zmax=scale.high,
        contours={"start": scale.low + step, "end": scale.high - step / 2, "size": step},
        line={"width": 0.5, "color": "rgba(255,255,255,0.35)"},
        colorbar=scale.bar(),
        hovertemplate="(%{x:.2f}, %{y:.2f}): %{customdata:.3g}<extra></extra>",
    )
    for name, place in _places(marks, spot).items():
        figure.add_scatter(
            x=[p[0] for p in place.values()],
            y=[p[1] for p in place.values()],
            text=[f"<b>{label}</b>" for label in place],
            meta=f"surface:{name}",
            mode="markers+text",
            textposition="top right",
            textfont={"size": 14, "color": "white", "shadow": f"0 0 4px {INK}, 0 0 2px {INK}"},
            marker=_symbol(name, "circle", "star"),
            hovertemplate="%{text} (%{x:.2f}, %{y:.2f})<extra></extra>",
        )


def _hills(
    figure: go.Figure,
    surface: Surface,
    scale: _Scale,
    marks: Marks,
    spot: tuple[float, float] | None,
) -> None:
    figure.add_surface(
        x=numbers(surface.x),
        y=numbers(surface.y),
        z=numbers(scale.heights),
        customdata=numbers(scale.values),
        meta="surface:map",
        colorscale=SCALE,
        cmin=scale.low,
        cmax=scale.high,
        colorbar=scale.bar(),
        lighting={"ambient": 0.75, "diffuse": 0.5, "specular": 0.05},
        contours={"z": {"show": True, "color": "rgba(255,255,255,0.4)", "width": 1}},
        hovertemplate="(%{x:.2f}, %{y:.2f}): %{customdata:.3g}<extra></extra>",
    )
    flag = FLAG * (scale.high - scale.low)
    for name, place in _places(marks, spot).items():
        figure.add_scatter3d(
            **_flags(surface, scale.heights, place, flag),
            meta=f"surface:{name}",
            mode="lines+markers+text",
            textfont={"size": 14, "color": INK},
            line={"color": INK, "width": 3},
            marker=_symbol(name, "circle", "diamond") | {"size": [0.1, 6, 0.1] * len(place)},
            hoverinfo="skip",
        )


def _flags(
    surface: Surface, heights: Tensor, places: Mapping[str, Any], flag: float
) -> dict[str, list[Any]]:
    """A pole on each place, its name on top, so that no hill hides it."""
    x, y, z, text = [], [], [], []
    for name, place in places.items():
        foot = height_at(surface, heights, place)
        x += [place[0], place[0], None]
        y += [place[1], place[1], None]
        z += [foot, None if foot is None else foot + flag, None]
        text += ["", f"<b>{name}</b>", ""]
    return {"x": x, "y": y, "z": z, "text": text}


def height_at(surface: Surface, heights: Tensor, place: tuple[float, float]) -> float | None:
    """The drawn height at the grid's point nearest to a place; None for no place."""
    if place[0] is None:
        return None
    column = int((surface.x - place[0]).abs().argmin())
    row = int((surface.y - place[1]).abs().argmin())
    return numbers(heights[row, column : column + 1])[0]


def _places(marks: Marks, spot: tuple[float, float] | None) -> dict[str, dict[str, Any]]:
    """The two layers of marks; the chosen point has one too while nothing is chosen."""
    return {"marks": dict(marks), "spot": {"": spot or (None, None)}}


def _symbol(layer: str, plain: str, chosen: str) -> dict[str, Any]:
    if layer == "marks":
        return {"symbol": plain, "size": 11, "color": "white", "line": {"color": INK, "width": 2}}
    return {"symbol": chosen, "size": 16, "color": "#E69F00", "line": {"color": INK, "width": 1.5}}


def _axes(
    figure: go.Figure,
    surface: Surface,
    scale: _Scale,
    *,
    view: View,
    isometric: bool,
    titles: tuple[str, str],
) -> None:
    x = [float(surface.x.min()), float(surface.x.max())]
    y = [float(surface.y.min()), float(surface.y.max())]
    if view == "contour":
        figure.update_xaxes(title=titles[0], range=x, showgrid=False, constrain="domain")
        figure.update_yaxes(title=titles[1], range=y, showgrid=False, constrain="domain")
        if isometric:
            figure.update_yaxes(scaleanchor="x", scaleratio=1)
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
                "eye": {"x": 1.15, "y": -1.4, "z": 0.9},
                "center": {"x": 0, "y": 0, "z": -0.12},
            },
        },
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
    )
