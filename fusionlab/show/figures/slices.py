"""Cross-sections: the loss along a straight line across a map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go
import torch
from torch import Tensor

from fusionlab.landscape import Scores
from fusionlab.show.figures.amounts import numbers, tell_spread
from fusionlab.show.figures.measures import shared_measures
from fusionlab.show.figures.scales import Scale
from fusionlab.show.figures.theme import QUIET, canvas, looks
from fusionlab.show.figures.words import listed

Place = tuple[float, float]
Way = Literal["x", "y"] | Place

POINTS = 65  # along a slice: 64 halvings in six rounds


@dataclass(frozen=True, eq=False)
class Slice:
    """A straight line across a map: points `places` (P, 2), at `positions` (P,) along it.

    `named` says at which positions something is; `axis` what the positions are.
    """

    places: Tensor
    positions: Tensor
    named: Mapping[str, float]
    axis: str

    @classmethod
    def across(cls, x: Tensor, y: Tensor, spot: Place, way: Way, *, points: int = POINTS) -> Slice:
        """Slice the map over x × y from edge to edge: along x, along y, or from another point.

        Raises:
            ValueError: if the other point is `spot` itself.
        """
        x, y = x.double(), y.double()
        if way == "x":
            along = torch.linspace(float(x[0]), float(x[-1]), points, dtype=torch.double)
            places = torch.stack([along, torch.full_like(along, spot[1])], 1)
            return cls(places, along, {"here": spot[0]}, f"x, at y = {spot[1]:.2f}")
        if way == "y":
            along = torch.linspace(float(y[0]), float(y[-1]), points, dtype=torch.double)
            places = torch.stack([torch.full_like(along, spot[0]), along], 1)
            return cls(places, along, {"here": spot[1]}, f"y, at x = {spot[0]:.2f}")
        start, end = torch.tensor(way, dtype=torch.double), torch.tensor(spot, dtype=torch.double)
        if not (end - start).norm() > 1e-9:
            raise ValueError("A slice needs two different points: choose another one.")
        t = torch.linspace(*_within(x, y, start, end - start), points, dtype=torch.double)
        axis = f"position t (0 is {_at(way)}, 1 is {_at(spot)})"
        return cls(start + t[:, None] * (end - start), t, {"before": 0.0, "here": 1.0}, axis)

    def rounds(self) -> list[Tensor]:
        """Numbers of the points in the order in which to measure them: coarse ones first."""
        number = torch.arange(len(self.positions))
        batches, coarser = [], torch.zeros_like(number, dtype=torch.bool)
        for stride in (16, 4, 2, 1):
            here = number % stride == 0
            batches.append(number[here & ~coarser])
            coarser = here
        return batches


def draw_slice(
    slice_: Slice,
    scores: Mapping[str, Scores],
    *,
    what: str = "loss",
    log: bool = False,
    title: str | None = None,
) -> go.Figure:
    """A measured quantity along a slice, on each landscape by name; NaN where it is not known."""
    title = title or f"Cross-section: {what} along {slice_.axis.split(' ')[0].rstrip(',')}"
    figure = canvas(title, description=f"{title}. {_told(scores, what)}", height=260)
    quantity = shared_measures(scores).quantity(what)
    scale = Scale(*(s.values(what) for s in scores.values()), quantity=quantity, log=log)
    own = looks(scores)
    for name, each in scores.items():
        values = each.values(what)
        known = values.isfinite()
        figure.add_scatter(
            x=numbers(slice_.positions[known]),
            y=numbers(scale.heights(values[known])),
            customdata=numbers(values[known]),
            name=name,
            meta=f"section:{name}",
            mode="lines",
            line={"color": own[name].colour, "dash": own[name].dash, "width": 2.5},
            hovertemplate=f"%{{x:.2f}}: {what} %{{customdata:.3g}}<extra></extra>",
        )
    figure.add_scatter(**_poles(slice_, scale), meta="section:named", showlegend=False)
    figure.update_xaxes(title=slice_.axis)
    figure.update_yaxes(title=quantity.axis, **scale.ticks())
    return figure.update_layout(showlegend=len(scores) > 1)


def _within(x: Tensor, y: Tensor, start: Tensor, step: Tensor) -> tuple[float, float]:
    """From which t to which start + t step is on the map, 0 and 1 included."""
    low, high = -torch.inf, torch.inf
    for i, edge in enumerate((x, y)):
        if abs(float(step[i])) > 1e-12:
            ends = sorted(
                (float(e) - float(start[i])) / float(step[i]) for e in (edge[0], edge[-1])
            )
            low, high = max(low, ends[0]), min(high, ends[1])
    return min(low, 0.0), max(high, 1.0)


def _poles(slice_: Slice, scale: Scale) -> dict[str, Any]:
    """An upright line at each position where something is named."""
    positions = slice_.named.values()
    return {
        "x": [value for p in positions for value in (p, p, None)],
        "y": [value for _ in positions for value in (scale.low, scale.high, None)],
        "text": [words for name in slice_.named for words in ("", name, "")],
        "mode": "lines+text",
        "textposition": "top center",
        "line": {"color": QUIET, "dash": "dot", "width": 1.5},
        "cliponaxis": False,
        "hoverinfo": "skip",
    }


def _at(place: Place) -> str:
    return f"({place[0]:.2f}, {place[1]:.2f})"


def _told(scores: Mapping[str, Scores], what: str) -> str:
    parts = []
    for name, each in scores.items():
        finite = (values := each.values(what))[values.isfinite()]
        on = f" on {name}" if name else ""
        if len(finite):
            parts.append(f"{tell_spread(each.measures.quantity(what), finite)}{on}")
    return f"The {what} goes {listed(parts)}." if parts else "Not measured yet."
