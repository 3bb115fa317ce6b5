"""How every picture looks: one plotly template, colours that all eyes tell apart, a quiet tool bar.

Colour never speaks alone: each series also has its own dash and its own mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import count
from typing import Any, NamedTuple

import plotly.graph_objects as go

# Okabe and Ito's palette, without its yellow, which is too light for lines on white.
_PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_MARKERS = ("circle", "diamond", "square", "triangle-up", "x", "star", "pentagon")
# Kinds that come back from figure to figure: the first of these words in a name decides.
_KINDS = {"line": 0, "bend": 1, "bézier": 1, "curve": 1, "chain": 2, "band": 3}
SCALE = "viridis"
RIGHT, WRONG, QUIET, INK = "#009E73", "#D55E00", "#9AA3AD", "#1F2933"
CHOSEN, LABEL = "#E69F00", "black"  # lettering on a white label stays black on a dark page
# White letters with a dark edge can be read on every colour of a map.
ON_MAP = {
    "color": "white",
    "shadow": ", ".join(
        [*(f"{x}px {y}px 0 {INK}" for x in (-1, 1) for y in (-1, 1)), f"0 0 4px {INK}"]
    ),
}

# Along the figure's lower edge, below all else: its rows, however many, push the picture up.
_LEGEND = {
    "orientation": "h",
    "x": 0,
    "y": 0,
    "yref": "container",
    "yanchor": "bottom",
    "bgcolor": "rgba(255,255,255,0.8)",
    "font": {"size": 11},
}


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
        legend=_LEGEND,
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


def ring(own: Look) -> dict[str, Any]:
    """The marker of the chosen place on a series of that look."""
    line = {"color": own.colour, "width": 3.5}
    return {"symbol": own.symbol, "size": 14, "color": "white", "line": line}


def look(i: int) -> Look:
    """The look of series number `i`."""
    return Look(*(kinds[i % len(kinds)] for kinds in (_PALETTE, _DASHES, _MARKERS)))


def looks(names: Iterable[str]) -> dict[str, Look]:
    """The look of each series of a figure, by name.

    A line, a curve, a chain and a band look the same in every figure, whatever is beside them; all
    other series share the looks that are left, in their order.
    """
    numbers: dict[str, int] = {}
    for name in (names := list(names)):
        kind = next((_KINDS[w] for w in re.findall(r"\w+", name.lower()) if w in _KINDS), None)
        if kind is not None and kind not in numbers.values():
            numbers[name] = kind
    free = (i for i in count() if i not in set(numbers.values()))
    return {name: look(numbers[name] if name in numbers else next(free)) for name in names}
