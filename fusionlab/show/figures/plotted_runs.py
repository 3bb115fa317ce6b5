"""Training runs drawn on a plane: a line through their checkpoints, and where each one is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import torch
from torch import Tensor

from fusionlab.landscape import ProjectedRun, TrajectoryPlane
from fusionlab.show.figures.amounts import amount, numbers
from fusionlab.show.figures.theme import INK

HALO = "rgba(255,255,255,0.75)"  # between a line and a map of any colour
LINES = (("#D55E00", "solid"), ("#CC79A7", "dash"), ("#000000", "dot"), ("#E69F00", "dashdot"))


@dataclass(frozen=True, eq=False)
class PlottedRun:
    """A run's n checkpoints as a plane shows them.

    Attributes:
        places: where they lie on the plane, shape (n, 2).
        steps: of the optimizer, at which they were kept.
        projected: their scores, beside those of their projections; None while not measured.

    Example:
        >>> import torch
        >>> from fusionlab.show import PlottedRun
        >>> PlottedRun(torch.tensor([[3.0, 1.0], [0.0, 0.0]]), steps=[0, 10]).tell(1)
        'step 10, not measured yet'
    """

    places: Tensor
    steps: Sequence[int]
    projected: ProjectedRun | None = None

    def values(self, what: str) -> Tensor | None:
        """What is measured of the checkpoints themselves, shape (n,)."""
        return None if self.projected is None else self.projected.real.values(what)

    def tell(self, i: int, what: str = "loss") -> str:
        """One checkpoint in words: its step, its own loss, and what the plane shows instead."""
        i = min(i, len(self.steps) - 1)
        values = self.values(what)
        if self.projected is None or values is None:
            return f"step {self.steps[i]}, not measured yet"
        quantity, under = (
            self.projected.real.measures.quantity(what),
            self.projected.projected.values(what),
        )
        return (
            f"step {self.steps[i]}, {what} {amount(float(values[i]), quantity)} "
            f"({amount(float(under[i]), quantity)} on the plane, "
            f"{float(self.projected.distances[i]):.2f} below)"
        )


PlottedRuns = PlottedRun | TrajectoryPlane | Tensor | Sequence[Any] | Mapping[str, Any]


def read_plotted_runs(given: PlottedRuns | None) -> dict[str, PlottedRun]:
    """One run, or several by name; places alone will do."""
    if given is None:
        return {}
    named = given if isinstance(given, Mapping) else {"run": given}
    return {name: _run(one) for name, one in named.items()}


def _run(given: Any) -> PlottedRun:
    if isinstance(given, PlottedRun):
        return given
    places = given.places if isinstance(given, TrajectoryPlane) else given
    places = torch.as_tensor(places, dtype=torch.double)
    if places.ndim != 2 or places.shape[1] != 2 or not len(places):
        raise ValueError(
            f"A trajectory of shape {tuple(places.shape)} is not a list of places: give one pair "
            "(x, y) per checkpoint, such as trajectory_plane(checkpoints).places."
        )
    return PlottedRun(places, range(len(places)))


def draw_runs(
    figure: go.Figure, runs: Mapping[str, PlottedRun], *, what: str, now: int | None
) -> None:
    """Draw runs on a map that is seen from above; `now` marks one checkpoint of each."""
    halo: list[Any] = [[], []]
    for run in runs.values():
        for side in (0, 1):
            halo[side] += [*run.places[:, side].tolist(), None]
    line: dict[str, Any] = {"mode": "lines", "hoverinfo": "skip"}
    if runs:
        figure.add_scatter(
            x=halo[0], y=halo[1], meta="surface:halo", line={"color": HALO, "width": 6}, **line
        )
    for i, (name, run) in enumerate(runs.items()):
        colour, dash = LINES[i % len(LINES)]
        figure.add_scatter(
            x=numbers(run.places[:, 0]),
            y=numbers(run.places[:, 1]),
            text=[f"{name}: {run.tell(j, what)}" for j in range(len(run.places))],
            meta=f"surface:run:{name}",
            mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 2.5},
            marker={"size": 6, "color": colour, "line": {"color": "white", "width": 1}},
            hovertemplate="%{text}<extra></extra>",
        )
    figure.add_scatter(
        **at_checkpoint(runs, now),
        meta="surface:now",
        mode="markers",
        hoverinfo="skip",
        marker=_dot(16),
    )


def raise_runs(
    figure: go.Figure,
    runs: Mapping[str, PlottedRun],
    *,
    what: str,
    now: int | None,
    height: Callable[[PlottedRun], list[float | None]],
) -> None:
    """Draw runs above a map in space, each checkpoint at its `height`."""
    for i, (name, run) in enumerate(runs.items()):
        colour, dash = LINES[i % len(LINES)]
        figure.add_scatter3d(
            x=numbers(run.places[:, 0]),
            y=numbers(run.places[:, 1]),
            z=height(run),
            text=[f"{name}: {run.tell(j, what)}" for j in range(len(run.places))],
            meta=f"surface:run:{name}",
            mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 5},
            marker={"size": 3.5, "color": colour},
            hovertemplate="%{text}<extra></extra>",
        )
    heights = [height(run) for run in runs.values()]
    z = [] if now is None else [h[min(now, len(h) - 1)] for h in heights]
    figure.add_scatter3d(
        **at_checkpoint(runs, now),
        z=z or [None],
        meta="surface:now",
        mode="markers",
        hoverinfo="skip",
        marker=_dot(7),
    )


def at_checkpoint(runs: Mapping[str, PlottedRun], now: int | None) -> dict[str, list[Any]]:
    """Where each run is after so many checkpoints; one that has ended stays at its end."""
    if now is None or not runs:
        return {"x": [None], "y": [None]}
    places = torch.stack([t.places[min(now, len(t.places) - 1)] for t in runs.values()])
    return {"x": numbers(places[:, 0]), "y": numbers(places[:, 1])}


def _dot(size: int) -> dict[str, Any]:
    return {"symbol": "circle", "size": size, "color": "white", "line": {"color": INK, "width": 3}}
