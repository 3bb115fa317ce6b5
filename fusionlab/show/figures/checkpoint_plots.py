"""A training run and its picture: true losses beside the plane's, and components against steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import torch
from torch import Tensor

from fusionlab.landscape import Components, ProjectedRun
from fusionlab.show.figures.amounts import amount, numbers, percent
from fusionlab.show.figures.layout import arrange
from fusionlab.show.figures.scales import Scale, floor_of, has_logarithm
from fusionlab.show.figures.theme import canvas, look
from fusionlab.show.figures.words import listed


def draw_projected_run(
    found: ProjectedRun, steps: Sequence[int], *, log: bool = True, title: str | None = None
) -> go.Figure:
    """The loss of each checkpoint, the loss that a plane shows in its place, and how far off it is.

    Args:
        found: the checkpoints and their projections on a plane.
        steps: of the optimizer, one per checkpoint, shape (n,).
        log: losses by their logarithm.
        title: replaces "Checkpoints and their projections on the plane".
    """
    title = title or "Checkpoints and their projections on the plane"
    own, seen, loss = found.real.loss, found.projected.loss, found.real.measures.loss
    log = log and has_logarithm(loss, own, seen)
    scale = Scale(own, seen, quantity=loss, log=True)
    worst = int((scale.heights(seen) - scale.heights(own)).nan_to_num().abs().argmax())
    said = (
        f"{title}. They differ most at step {steps[worst]}, where the network has a loss of "
        f"{amount(float(own[worst]), loss)} and the plane shows "
        f"{amount(float(seen[worst]), loss)}; it lies "
        f"{float(found.distances[worst]):.2f} from the plane."
    )
    losses = canvas(title, description=said)
    floor = floor_of(loss, own, seen)
    for i, (name, each) in enumerate({"the checkpoint": own, "its projection": seen}.items()):
        _line(losses, i, name, steps, each.clamp_min(floor) if log else each)
    losses.update_yaxes(title=loss.axis, type="log" if log else "linear", dtick=1 if log else None)
    far = int(found.distances.argmax())
    told = f"They are up to {float(found.distances[far]):.2f} from it, at step {steps[far]}."
    gaps = canvas("How far off the plane", description=told)
    _line(gaps, 2, "distance", steps, found.distances, legend=False)
    gaps.update_yaxes(title="distance", rangemode="tozero")
    losses.update_layout(showlegend=True)
    for part in (losses, gaps):
        part.update_xaxes(title="step")
    return arrange([(losses, (0, 0.58, 0, 1)), (gaps, (0.7, 1, 0, 1))], height=380)


def draw_components(
    found: Mapping[str, Components], steps: Sequence[int] | None = None, *, title: str | None = None
) -> go.Figure:
    """The first principal components of trajectories, side by side, against the step.

    Args:
        found: by name, such as {"training": …, "a random walk": …}.
        steps: one per point, of all trajectories; else they are counted.
        title: replaces "Principal components".
    """
    title = title or "Principal components"
    parts = []
    width = 1 / len(found)
    for i, (name, each) in enumerate(found.items()):
        shares = [percent(float(share)) for share in each.explained]
        told = f"{title} of {name}: {listed(shares)} of the variance."
        part = canvas(f"{name} ({', '.join(shares)})", description=told)
        scale = each.coordinates.abs().max()
        for j, values in enumerate(each.coordinates.T):
            x = steps or range(len(values))
            _line(part, j, f"component {j + 1}", x, values / scale, legend=i == 0)
        part.update_layout(showlegend=i == 0)
        part.update_xaxes(title="step")
        part.update_yaxes(title="coordinate, of the widest" if i == 0 else None, range=[-1.1, 1.1])
        parts.append((part, (i * width + 0.04 * (i > 0), (i + 1) * width - 0.04, 0.0, 1.0)))
    return arrange(parts, height=380)


def _line(
    figure: go.Figure, i: int, name: str, x: Sequence[int], y: Tensor, *, legend: bool = True
) -> None:
    figure.add_scatter(
        x=list(x),
        y=numbers(torch.as_tensor(y)),
        name=name,
        meta=f"trajectory:{name}",
        mode="lines+markers",
        line={"color": look(i).colour, "dash": look(i).dash, "width": 2},
        marker={"symbol": look(i).symbol, "size": 7},
        showlegend=legend,
        hovertemplate="step %{x}: %{y:.3g}<extra>" + name + "</extra>",
    )
