"""A triangle of mixtures: three points of weight space drawn as the corners of a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import plotly.graph_objects as go
import torch
from torch import Tensor

from fusionlab.landscape import Bounds, Plane, Surface
from fusionlab.show.figures.barycentric import CENTRE, CORNERS, HEIGHT, Shares, place
from fusionlab.show.figures.surfaces import draw_surface
from fusionlab.show.figures.theme import INK, ON_MAP
from fusionlab.show.figures.words import capital
from fusionlab.weights import Weights

INSIDE = Bounds(-0.08, 1.08, -0.1, HEIGHT + 0.08)  # room for the names of the corners
AROUND = Bounds(-0.3, 1.3, -0.25, HEIGHT + 0.25)


def triangle(a: Weights, b: Weights, c: Weights) -> Plane:
    """The plane of three points, stretched so that their triangle is equilateral on the picture."""
    upwards = [-0.5 / HEIGHT, -0.5 / HEIGHT, 1 / HEIGHT]
    frame = torch.tensor([[1, 0, 0], [-1, 1, 0], upwards], dtype=torch.double)
    return Plane((a, b, c), frame)


def draw_triangle(
    surface: Surface,
    names: Sequence[str],
    *,
    spot: Shares | None = None,
    what: str = "loss",
    beyond: bool = False,
    title: str | None = None,
) -> go.Figure:
    """The loss, or another measured quantity, of the mixtures of three networks.

    Args:
        surface: measured on the plane that `triangle` gives.
        names: of the three corners.
        spot: shares of a mixture that the reader has chosen.
        what: the quantity shown.
        beyond: show the surroundings of the triangle, too.
        title: replaces "Loss of the mixtures of a, b and c".
    """
    marks = dict(zip(names, map(tuple, CORNERS.tolist()), strict=True))
    title = title or f"{capital(what)} of the mixtures of {names[0]}, {names[1]} and {names[2]}"
    figure = draw_surface(
        surface if beyond else _inside(surface),
        marks | {"centre": place(CENTRE)},
        what=what,
        isometric=True,
        spot=None if spot is None else place(spot),
        title=title,
    )
    unit = surface.measures.quantity(what).unit
    shown = f"%{{customdata:.3g}} {unit}".rstrip()
    figure.update_traces(hovertemplate=f"{shown}<extra></extra>", selector={"meta": "surface:map"})
    # The corners' names are on the paper, that of the centre on the map.
    figure.update_traces(
        textposition=["bottom center", "bottom center", "top center", "top right"],
        textfont={
            "color": [*[INK] * 3, "white"],
            "shadow": [*["none"] * 3, ON_MAP["shadow"]],
        },
        selector={"meta": "surface:marks"},
    )
    ground, *labels = figure.data
    figure.data = ()
    figure.add_traces([ground, _paper(surface, beyond), _net(), *labels])
    return figure.update_xaxes(visible=False).update_yaxes(visible=False)


def _inside(surface: Surface) -> Surface:
    """The map without what lies far outside the triangle: it would only stretch the colours."""
    y, x = torch.meshgrid(surface.y, surface.x, indexing="ij")
    c = y / HEIGHT
    cell = float(surface.x[1] - surface.x[0]) + float(surface.y[1] - surface.y[0])
    near = torch.stack([1 - x - c / 2, x - c / 2, c]).amin(0) > -cell
    return replace(surface, loss=_where(near, surface.loss), quality=_where(near, surface.quality))


def _where(near: Tensor, values: Tensor) -> Tensor:
    return torch.where(near, values, torch.nan)


def _paper(surface: Surface, beyond: bool) -> go.Scatter:
    """A white sheet with a triangular hole, through which the map is seen."""
    (x0, x1), (y0, y1) = ((float(s[0]), float(s[-1])) for s in (surface.x, surface.y))
    a, b, c = CORNERS.tolist()
    rim = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    x, y = zip(*rim, a, c, b, a, rim[0], strict=True)  # the hole runs the other way round
    return go.Scatter(
        x=x,
        y=y,
        meta="triangle:paper",
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=f"rgba(255,255,255,{0.35 if beyond else 1})",
        hoverinfo="skip",
        showlegend=False,
    )


def _net() -> go.Scatter:
    """The edges, and lines of equal shares at the quarters."""
    x: list[float | None] = []
    y: list[float | None] = []
    for share in (0.0, 0.25, 0.5, 0.75):
        for turn in range(3):
            ends = [(share, 1 - share, 0.0), (share, 0.0, 1 - share)]
            for end in ends:
                at = place(end[-turn:] + end[:-turn])
                x, y = [*x, at[0]], [*y, at[1]]
            x, y = [*x, None], [*y, None]
    return go.Scatter(
        x=x,
        y=y,
        meta="triangle:net",
        mode="lines",
        line={"width": 1, "color": INK},
        opacity=0.45,
        hoverinfo="skip",
        showlegend=False,
    )
