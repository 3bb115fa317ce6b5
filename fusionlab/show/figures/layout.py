"""Several figures side by side as one, and a figure with a slider that needs no kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from fusionlab.show.figures.theme import canvas
from fusionlab.show.page.fig import Changes
from fusionlab.show.page.html import describe_figure

Box = tuple[float, float, float, float]  # left, right, bottom, top, as shares of the whole

MARGIN = {"l": 60, "r": 16, "t": 52, "b": 52}
SIDES, ENDS = MARGIN["l"] + MARGIN["r"], MARGIN["t"] + MARGIN["b"]
NARROW = 720  # pixels: the least width at which parts stand side by side


def arrange(
    parts: Sequence[tuple[go.Figure, Box]], *, height: int = 420, linked: Sequence[int] = ()
) -> go.Figure:
    """Put figures of one subplot each into one, every part in its box; titles stay above them.

    Args:
        parts: the figures, and where they go.
        height: of the whole, in pixels.
        linked: numbers of the parts, from 1, whose axes zoom with those of the first of them.
    """
    whole = canvas(
        "", description=" ".join(describe_figure(figure) for figure, _ in parts), height=height
    )
    for number, (figure, box) in enumerate(parts, start=1):
        _place(whole, figure, box, "" if number == 1 else str(number))
    _name_once(whole)
    for number in linked[1:]:
        for axis in "xy":
            if (own := f"{axis}axis{number}") in whole.layout:
                whole.layout[own].matches = axis if linked[0] == 1 else f"{axis}{linked[0]}"
    legend = any(figure.layout.showlegend for figure, _ in parts)
    whole.layout.meta |= _widest(parts)
    return whole.update_layout(title=None, margin=MARGIN, showlegend=legend)


def with_slider(
    figure: go.Figure,
    frames: Mapping[str, tuple[Changes, str]],
    *,
    label: str,
    start: int = 0,
    plays: bool = False,
) -> go.Figure:
    """A figure with a slider that works on the page alone, by frames.

    Args:
        figure: the figure; its traces have keys (`meta`).
        frames: for each position of the slider, by its name, what changes and what to say.
        label: what the slider is called.
        start: the position at which it begins.
        plays: a button moves it on by itself.
    """
    index = {trace.meta: i for i, trace in enumerate(figure.data)}
    moving = go.Figure(figure)
    moving.frames = [
        go.Frame(
            name=name,
            traces=[index[key] for key in patch],
            data=[
                {"type": figure.data[index[uid]].type, **change} for uid, change in patch.items()
            ],
        )
        for name, (patch, _) in frames.items()
    ]
    still = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}}
    steps = [{"label": n, "method": "animate", "args": [[n], still]} for n in frames]
    moving.update_layout(
        sliders=[{"active": start, "steps": steps, "currentvalue": {"prefix": label}}],
        meta={
            **(figure.layout.meta or {}),
            "words": [words for _, words in frames.values()],
            "plays": plays,
        },
    )
    return moving


# What differs between two drawings of one kind of figure.
MOVING = ("x", "y", "z", "text", "name", "customdata", "zmin", "zmax", "cmin", "cmax", "contours")


def changes(figure: go.Figure) -> Changes:
    """A freshly drawn figure as changes to an older one of the same kind, by the traces' keys."""
    patch = {}
    for trace in figure.to_plotly_json()["data"]:
        change = {key: trace[key] for key in MOVING if key in trace}
        if "colorbar" in trace:
            ticks = ("tickvals", "ticktext")
            change["colorbar"] = {k: trace["colorbar"][k] for k in ticks if k in trace["colorbar"]}
        patch[trace["meta"]] = change
    return patch


def _place(whole: go.Figure, part: go.Figure, box: Box, number: str) -> None:
    """Move one figure's traces, axes and what refers to them into the whole."""
    layout = part.to_plotly_json()["layout"]
    for trace in part.data:
        moved = trace.to_plotly_json()
        if "colorbar" in moved:
            moved["colorbar"] |= _beside(box, layout, whole.layout.height)
        moved |= {"scene": f"scene{number}"} if _in_space(part) else _refer(number)
        if trace.type not in ("contour", "surface"):
            moved["showlegend"] = bool(layout.get("showlegend")) and trace.showlegend is not False
        whole.add_trace(moved)
    left, right, bottom, top = box
    domain = {"x": [left, right], "y": [bottom, top]}
    if _in_space(part):
        whole.layout[f"scene{number}"] = {**layout.get("scene", {}), "domain": domain}
    else:
        _axes(whole, layout, domain, number)
    for kind in ("images", "annotations", "shapes"):
        for item in layout.get(kind, []):
            whole.layout[kind] += ({**item, "xref": f"x{number}", "yref": f"y{number}"},)
    whole.add_annotation(
        text=f"<b>{layout['title']['text']}</b>",
        x=left,
        y=top,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="bottom",
        yshift=6,
        showarrow=False,
        font={"size": 13},
    )


def _axes(whole: go.Figure, layout: Mapping[str, Any], domain: Mapping[str, Any], n: str) -> None:
    x, y = dict(layout.get("xaxis", {})), dict(layout.get("yaxis", {}))
    if y.get("scaleanchor"):
        y["scaleanchor"] = f"x{n}"
    whole.layout[f"xaxis{n}"] = {**x, "domain": domain["x"], "anchor": f"y{n}"}
    whole.layout[f"yaxis{n}"] = {**y, "domain": domain["y"], "anchor": f"x{n}"}


def _refer(number: str) -> dict[str, str]:
    return {"xaxis": f"x{number}", "yaxis": f"y{number}"}


def _widest(parts: Sequence[tuple[go.Figure, Box]]) -> dict[str, int]:
    """How wide the whole may be, in pixels, where a map has nothing at its side."""
    if len({left for _, (left, *_) in parts}) > 1:
        return {}
    known = [
        round(figure.layout.meta["widest"] / (right - left))
        for figure, (left, right, *_) in parts
        if "widest" in (figure.layout.meta or {})
    ]
    return {"widest": max(known)} if known else {}


def _name_once(whole: go.Figure) -> None:
    """One legend for all parts: what several of them show is in it once."""
    named = set()
    for trace in whole.data:
        if trace.showlegend and trace.name:
            group = trace.legendgroup or trace.name
            trace.update(legendgroup=group, showlegend=group not in named)
            named.add(group)


def _beside(box: Box, layout: Mapping[str, Any], height: int) -> dict[str, float | str]:
    """A colour bar to the right of its part, from its top, and no longer than its map is high."""
    left, right, bottom, top = box
    share = top - bottom
    if layout.get("yaxis", {}).get("scaleanchor"):
        wide, high = (_span(layout[axis]["range"]) for axis in ("xaxis", "yaxis"))
        least = (right - left) * (NARROW - SIDES) * high / wide
        share = min(share, least / (height - ENDS))
    return {"x": right + 0.005, "y": top, "len": share, "xanchor": "left", "yanchor": "top"}


def _span(ends: Sequence[float]) -> float:
    return ends[1] - ends[0]


def _in_space(part: go.Figure) -> bool:
    return any(trace.type in ("surface", "scatter3d") for trace in part.data)
