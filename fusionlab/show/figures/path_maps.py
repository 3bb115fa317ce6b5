"""Paths drawn on the map of a plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
import torch
from torch import Tensor

from fusionlab.arguments import expect, expect_by_name
from fusionlab.connectivity import Path
from fusionlab.landscape import Plane, Surface
from fusionlab.show.figures.amounts import numbers
from fusionlab.show.figures.projections import Projection, project_all
from fusionlab.show.figures.surfaces import draw_surface
from fusionlab.show.figures.theme import look, ring
from fusionlab.show.figures.words import listed

SLIGHT = 0.01  # of the distance of the ends: a path so near to the plane counts as lying in it


def draw_paths(
    surface: Surface,
    plane: Plane,
    paths: Mapping[str, Path],
    *,
    t: float | None = None,
    ends: tuple[str, str] = ("a", "b"),
    log: bool = True,
    title: str | None = None,
) -> go.Figure:
    """The loss over a plane, and paths on it; a path that leaves the plane is projected.

    Args:
        surface: the map of `plane`.
        plane: where the map was measured; the caption says how far a path leaves it.
        paths: t ↦ θ, by name; each with the colour and dash of its place in the order.
        t: a position to mark on every path.
        ends: what is at t = 0 and at t = 1.
        log: colours by the logarithm of the loss.
        title: replaces "Paths from a to b on the map of the loss".
    """
    expect("surface", surface)
    expect("plane", plane)
    expect_by_name("path", paths, "paths")
    projections = project_all(plane, paths)
    marks = {}
    if t is not None:
        at = project_all(plane, paths, torch.tensor([t], dtype=torch.double))
        marks = {name: projection.places[0] for name, projection in at.items()}
    figure = draw_projections(
        surface, projections, marks, isometric=plane.isometric, ends=ends, log=log
    )
    title = title or f"Paths from {ends[0]} to {ends[1]} on the map of the loss"
    told = leaving(projections, ends)
    words = str(figure.layout.meta["description"])
    figure.update_layout(title={"text": title}, meta={"description": f"{title}. {words} {told}"})
    figure.update_xaxes(title=f"{figure.layout.xaxis.title.text}<br>{told}")
    legend = {"orientation": "h", "x": 0, "y": -0.22, "yanchor": "top"}
    return figure.update_layout(showlegend=True, legend=legend)


def draw_projections(
    surface: Surface,
    projections: Mapping[str, Projection],
    marks: Mapping[str, Tensor],
    *,
    isometric: bool,
    ends: tuple[str, str] = ("a", "b"),
    log: bool = True,
    title: str = "Loss over the plane",
) -> go.Figure:
    """The map with projected paths on it; `marks` are places (2,) to mark on them, by name."""
    figure = draw_below(surface, projections, isometric=isometric, ends=ends, log=log, title=title)
    # The paths rise from the line of the ends, so there is room for the names below it.
    figure.update_traces(textposition="bottom center", selector={"meta": "surface:marks"})
    figure.update_traces(showlegend=False)
    figure.update_yaxes(constraintoward="top")
    ground, *labels = figure.data
    figure.data = ()
    lines = [
        line
        for i, (n, projection) in enumerate(projections.items())
        for line in _line(i, n, projection)
    ]
    seen = [_mark(i, n, marks[n]) for i, n in enumerate(projections) if n in marks]
    return figure.add_traces([ground, *lines, *labels, *seen])


def draw_below(
    surface: Surface,
    projections: Mapping[str, Projection],
    *,
    isometric: bool,
    ends: tuple[str, str],
    log: bool = True,
    title: str,
) -> go.Figure:
    """The map alone, with the names of the ends."""
    places = next(iter(projections.values())).places[[0, -1]].tolist()
    marks = {name: (x, y) for name, (x, y) in zip(ends, places, strict=True)}
    unit = "distance in weight space, along" if isometric else "steps along"
    axes = (f"{unit} u", f"{unit} v")
    return draw_surface(surface, marks, log=log, isometric=isometric, axes=axes, title=title)


def move_projections(projections: Mapping[str, Projection]) -> dict[str, dict[str, Any]]:
    """Where the paths of a drawn map are now, by the traces' keys."""
    return {
        f"path:{part}:{name}": place
        for name, projection in projections.items()
        for part, place in _places(projection).items()
    }


def leaving(projections: Mapping[str, Projection], ends: tuple[str, str]) -> str:
    """How far the paths leave the plane, in words."""
    off = {
        name: projection.gap for name, projection in projections.items() if projection.gap > SLIGHT
    }
    if not off:
        return "All paths lie in this plane."
    leave = "leaves" if len(off) == 1 else "leave"
    far = listed([f"{100 * gap:.0f} %" for gap in off.values()])
    way = f"of the way from {ends[0]} to {ends[1]}"
    said = f"{listed(list(off))} {leave} this plane by up to {far} {way}."
    return said[0].upper() + said[1:]


def _line(i: int, name: str, projection: Projection) -> list[go.Scatter]:
    """The path, edged white to be seen on every colour, and its bends, which may lie apart."""
    looks = look(i)
    told = {
        "name": name,
        "showlegend": True,
        "hovertemplate": "(%{x:.2f}, %{y:.2f})<extra>" + name + "</extra>",
    }
    silent = {"showlegend": False, "hoverinfo": "skip"}
    own = {"color": looks.colour, "symbol": looks.symbol, "size": 8}
    styles: dict[str, dict[str, Any]] = {
        "pull": silent | {"line": {"color": "white", "dash": "dot", "width": 1.2}},
        "edge": silent | {"line": {"color": "rgba(255,255,255,0.85)", "width": 6}},
        "line": told | {"line": {"color": looks.colour, "width": 3, "dash": looks.dash}},
        "bends": silent | {"marker": {**own, "line": {"color": "white", "width": 1.5}}},
    }
    return [
        go.Scatter(
            mode="markers" if part == "bends" else "lines",
            meta=f"path:{part}:{name}",
            legendgroup=name,
            **place,
            **styles[part],
        )
        for part, place in _places(projection).items()
    ]


def _places(projection: Projection) -> dict[str, dict[str, Any]]:
    """Where each part of a path is drawn, from the lowest."""
    bare = len(projection.knots) == len(projection.places)  # a function's points only sample it
    knots = projection.knots[:0] if bare else projection.knots
    whole = _at(projection.places)
    return {"pull": _at(knots), "edge": whole, "line": whole, "bends": _at(knots[1:-1])}


def _at(places: Tensor) -> dict[str, Any]:
    x, y = numbers(places.T) if len(places) else ([None], [None])
    return {"x": x, "y": y}


def _mark(i: int, name: str, place: Tensor) -> go.Scatter:
    x, y = place.tolist()
    return go.Scatter(
        x=[x],
        y=[y],
        meta=f"path:mark:{name}",
        mode="markers",
        marker=ring(i),
        legendgroup=name,
        showlegend=False,
        hovertemplate=f"{name} (%{{x:.2f}}, %{{y:.2f}})<extra>here</extra>",
    )
