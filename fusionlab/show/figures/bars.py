"""Means over seeds as points and as bars, with their spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from math import inf
from typing import Any

import plotly.graph_objects as go
import torch

from fusionlab.show.figures.theme import canvas, looks


def draw_points(
    series: Mapping[str, Sequence[Sequence[float]]],
    x: Sequence[float],
    *,
    title: str,
    x_title: str,
    y_title: str,
    log_x: bool = False,
) -> go.Figure:
    """Mean ± sd over seeds against a number; `series[name][i]` are the values at x[i]."""
    figure = canvas(title, description=_told(title, series, x))
    own = looks(series)
    for name, values in series.items():
        figure.add_scatter(
            x=list(x),
            name=name,
            meta=f"points:{name}",
            mode="lines+markers",
            line={"color": own[name].colour, "dash": own[name].dash, "width": 2},
            marker={"symbol": own[name].symbol, "size": 9},
            **_means(values, y_title),
        )
    figure.update_xaxes(title=x_title, type="log" if log_x else "linear", tickvals=list(x))
    figure.update_yaxes(title=y_title)
    return figure.update_layout(showlegend=len(series) > 1)


def draw_bars(
    series: Mapping[str, Sequence[Sequence[float]]],
    x: Sequence[str],
    *,
    title: str,
    x_title: str = "",
    y_title: str,
) -> go.Figure:
    """Bars of the mean ± sd over seeds; `series[name][i]` are the values at x[i]."""
    figure = canvas(title, description=_told(title, series, x))
    patterns = cycle(("", "/", ".", "x", "-"))
    own = looks(series)
    for name, values in series.items():
        figure.add_bar(
            x=list(x),
            name=name,
            meta=f"bars:{name}",
            marker={"color": own[name].colour, "pattern": {"shape": next(patterns)}},
            **_means(values, y_title),
        )
    figure.update_xaxes(title=x_title, type="category")
    figure.update_yaxes(title=y_title)
    return figure.update_layout(showlegend=len(series) > 1)


def mean_and_sd(values: Sequence[Sequence[float]]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each row."""
    rows = [torch.as_tensor(v, dtype=torch.double) for v in values]
    return [float(r.mean()) for r in rows], [float(r.std()) if len(r) > 1 else 0.0 for r in rows]


def _means(values: Sequence[Sequence[float]], axis: str) -> dict[str, Any]:
    """Means with their whiskers; where all values are percentages, these end at 0 and at 100."""
    mean, sd = mean_and_sd(values)
    shares = "(%)" in axis and all(0 <= value <= 100 for row in values for value in row)
    low, high = (0.0, 100.0) if shares else (-inf, inf)
    up = [min(d, high - m) for m, d in zip(mean, sd, strict=True)]
    down = [min(d, m - low) for m, d in zip(mean, sd, strict=True)]
    whiskers = {"type": "data", "array": up, "arrayminus": down, "thickness": 1.2, "width": 5}
    return {"y": mean, "error_y": whiskers}


def _told(
    title: str, series: Mapping[str, Sequence[Sequence[float]]], x: Sequence[float] | Sequence[str]
) -> str:
    """The mean of every point, in words."""
    parts = []
    for name, values in series.items():
        means = mean_and_sd(values)[0]
        points = ", ".join(f"{m:.3g} at {at}" for m, at in zip(means, x, strict=True))
        parts.append(f"{name}: {points}.")
    return f"{title}. {' '.join(parts)}"
