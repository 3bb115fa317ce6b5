"""How every picture looks: one plotly template, colours that all eyes tell apart, a quiet tool bar.

Colour never speaks alone: each series also has its own dash and its own mark.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import plotly.graph_objects as go

# Okabe and Ito's palette, without its yellow, which is too light for lines on white.
_PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_MARKERS = ("circle", "diamond", "square", "triangle-up", "x", "star", "pentagon")
SCALE = "viridis"
RIGHT, WRONG, QUIET, INK = "#009E73", "#D55E00", "#9AA3AD", "#1F2933"


@cache
def _template() -> go.layout.Template:
    """The look of all figures: white paper, so that it reads the same in a dark JupyterLab."""
    axis = {
        "gridcolor": "#E8EBEF",
        "linecolor": "#C3CAD2",
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": "#C3CAD2",
        "title": {"standoff": 8},
        "automargin": True,
    }
    box = {"gridcolor": "#D5DAE0", "backgroundcolor": "#F7F8FA", "showbackground": True}
    layout = go.Layout(
        font={"family": "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif", "size": 12},
        font_color=INK,
        title={"font": {"size": 15}, "x": 0, "xref": "paper", "xanchor": "left", "pad": {"b": 8}},
        paper_bgcolor="white",
        plot_bgcolor="white",
        colorway=_PALETTE,
        margin={"l": 56, "r": 16, "t": 44, "b": 44},  # plotly's own would eat a small figure
        height=360,
        hovermode="closest",
        hoverlabel={"font": {"size": 12}},
        xaxis=axis,
        yaxis=axis,
        scene={"xaxis": box, "yaxis": box, "zaxis": box},
        legend={"bgcolor": "rgba(255,255,255,0.8)", "font": {"size": 11}},
        modebar={"bgcolor": "rgba(255,255,255,0)", "color": QUIET, "activecolor": INK},
    )
    return go.layout.Template(layout=layout)


def canvas(title: str, *, description: str, height: int = 360) -> go.Figure:
    """An empty figure in the house's look; `description` says in words what will be on it."""
    return go.Figure(
        layout={
            "template": _template(),
            "title": {"text": title},
            "meta": {"description": description},
            "height": height,
            "uirevision": "kept",  # a zoom survives an update
        }
    )


class Look(NamedTuple):
    """How one series differs from the others."""

    colour: str
    dash: str
    symbol: str


def ring(i: int) -> dict[str, Any]:
    """The marker of the chosen place on series number `i`."""
    line = {"color": look(i).colour, "width": 3.5}
    return {"symbol": look(i).symbol, "size": 14, "color": "white", "line": line}


def look(i: int) -> Look:
    """The look of series number `i`."""
    return Look(*(kinds[i % len(kinds)] for kinds in (_PALETTE, _DASHES, _MARKERS)))


def below() -> dict[str, object]:
    """A legend in one row below the picture."""
    return {"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"}
