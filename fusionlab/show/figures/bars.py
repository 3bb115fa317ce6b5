"""Means over seeds as points and as bars, with their spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import torch

from fusionlab.show.figures.theme import below, canvas, look


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
    for i, (name, values) in enumerate(series.items()):
        mean, sd = mean_and_sd(values)
        figure.add_scatter(
            x=list(x),
            y=mean,
            name=name,
            meta=f"points:{name}",
            mode="lines+markers",
            line={"color": look(i).colour, "dash": look(i).dash, "width": 2},
            marker={"symbol": look(i).symbol, "size": 9},
            error_y={"type": "data", "array": sd, "thickness": 1.2, "width": 5},
        )
    figure.update_xaxes(title=x_title, type="log" if log_x else "linear", tickvals=list(x))
    figure.update_yaxes(title=y_title)
    return figure.update_layout(showlegend=len(series) > 1, legend=below())


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
    patterns = ("", "/", ".", "x", "-")
    for i, (name, values) in enumerate(series.items()):
        mean, sd = mean_and_sd(values)
        figure.add_bar(
            x=list(x),
            y=mean,
            name=name,
            meta=f"bars:{name}",
            marker={"color": look(i).colour, "pattern": {"shape": patterns[i % len(patterns)]}},
            error_y={"type": "data", "array": sd, "thickness": 1.2, "width": 5},
        )
    figure.update_xaxes(title=x_title, type="category")
    figure.update_yaxes(title=y_title)
    return figure.update_layout(showlegend=len(series) > 1, legend=below())


def mean_and_sd(values: Sequence[Sequence[float]]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each row."""
    rows = [torch.as_tensor(v, dtype=torch.double) for v in values]
    return [float(r.mean()) for r in rows], [float(r.std()) if len(r) > 1 else 0.0 for r in rows]


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
