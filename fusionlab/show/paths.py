"""Paths drawn on the map of a plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
import torch
from torch import Tensor

from fusionlab.connectivity import Path
from fusionlab.landscape import Plane, Surface
from fusionlab.show.figures import numbers
from fusionlab.show.surfaces import draw_surface
from fusionlab.show.theme import look, ring
from fusionlab.show.tracks import Track, track_all
from fusionlab.show.words import join

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
        ends: what stands at t = 0 and at t = 1.
        log: colours by the logarithm of the loss.
        title: replaces "Paths from a to b on the map of the loss".
    """
    tracks = track_all(plane, paths)
    marks = {}
    if t is not None:
        at = track_all(plane, paths, torch.tensor([t], dtype=torch.double))
        marks = {name: track.places[0] for name, track in at.items()}
    figure = draw_tracks(surface, tracks, marks, isometric=plane.isometric, ends=ends, log=log)
    title = title or f"Paths from {ends[0]} to {ends[1]} on the map of the loss"
    told = leaving(tracks, ends)
    words = str(figure.layout.meta["description"])
    figure.update_layout(title={"text": title}, meta={"description": f"{title}. {words} {told}"})
    figure.update_xaxes(title=f"{figure.layout.xaxis.title.text}<br>{told}")
    legend = {"orientation": "h", "x": 0, "y": -0.22, "yanchor": "top"}
    return figure.update_layout(showlegend=True, legend=legend)


def draw_tracks(
    surface: Surface,
    tracks: Mapping[str, Track],
    marks: Mapping[str, Tensor],
    *,
    isometric: bool,
    ends: tuple[str, str] = ("a", "b"),
    log: bool = True,
    title: str = "Loss over the plane",
) -> go.Figure:
    """The map with projected paths on it; `marks` are places (2,) to mark on them, by name."""
    figure = draw_ground(surface, tracks, isometric=isometric, ends=ends, log=log, title=title)
    # The paths rise from the line of the ends, so there is room for the names below it.
    figure.update_traces(textposition="bottom center", selector={"meta": "surface:marks"})
    figure.update_traces(showlegend=False)
    figure.update_yaxes(constraintoward="top")
    ground, *labels = figure.data
    figure.data = ()
    lines = [line for i, (n, track) in enumerate(tracks.items()) for line in _line(i, n, track)]
    seen = [_mark(i, n, marks[n]) for i, n in enumerate(tracks) if n in marks]
    return figure.add_traces([ground, *lines, *labels, *seen])


def draw_ground(
    surface: Surface,
    tracks: Mapping[str, Track],
    *,
    isometric: bool,
    ends: tuple[str, str],
    log: bool = True,
    title: str,
) -> go.Figure:
    """The map alone, with the names of the ends."""
    places = next(iter(tracks.values())).places[[0, -1]].tolist()
    marks = {name: (x, y) for name, (x, y) in zip(ends, places, strict=True)}
    unit = "distance along" if isometric else "steps along"
    axes = (f"{unit} u", f"{unit} v")
    return draw_surface(surface, marks, log=log, isometric=isometric, axes=axes, title=title)


def move_tracks(tracks: Mapping[str, Track]) -> dict[str, dict[str, Any]]:
    """Where the paths of a drawn map are now, by the traces' keys."""
    return {
        f"path:{part}:{name}": place
        for name, track in tracks.items()
        for part, place in _places(track).items()
    }


def leaving(tracks: Mapping[str, Track], ends: tuple[str, str]) -> str:
    """How far the paths leave the plane, in words."""
    off = {name: track.gap for name, track in tracks.items() if track.gap > SLIGHT}
    if not off:
        return "All paths lie in this plane."
    leave = "leaves" if len(off) == 1 else "leave"
    far = join([f"{100 * gap:.0f} %" for gap in off.values()])
    way = f"of the way from {ends[0]} to {ends[1]}"
    said = f"{join(list(off))} {leave} this plane by up to {far} {way}."
    return said[0].upper() + said[1:]


def _line(i: int, name: str, track: Track) -> list[go.Scatter]:
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
        for part, place in _places(track).items()
    ]


def _places(track: Track) -> dict[str, dict[str, Any]]:
    """Where each part of a path is drawn, from the lowest."""
    bare = len(track.knots) == len(track.places)  # a function's points only sample it
    knots = track.knots[:0] if bare else track.knots
    whole = _at(track.places)
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
