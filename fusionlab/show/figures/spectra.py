"""Curvature as pictures: eigenvalues, their density, and which way is down on a plane."""

from __future__ import annotations

from collections.abc import Mapping
from math import log10

import plotly.graph_objects as go
import torch
from torch import Tensor

from fusionlab.landscape import Density, Eigenpairs, GradientField, Surface
from fusionlab.show.figures.amounts import numbers
from fusionlab.show.figures.maps import Marks
from fusionlab.show.figures.surfaces import draw_surface
from fusionlab.show.figures.theme import INK, QUIET, canvas, looks
from fusionlab.show.figures.words import listed

DECADES = 6  # of the density, below its peak
FLAT = 0.01  # a direction is flat if it curves less than this share of the steepest one
ARROW = 0.85  # length of the longest arrow, in steps of the grid
HEAD = 0.3  # of an arrow, as a share of its length


def draw_density(
    densities: Density | Mapping[str, Density],
    *,
    log: bool = True,
    title: str = "Density of the Hessian's eigenvalues",
) -> go.Figure:
    """How many directions are how steep: the share of eigenvalues per unit of curvature.

    Args:
        densities: one, or several by name.
        log: a logarithmic axis, without which the few steep directions cannot be seen.
        title: of the figure.
    """
    curves = {"": densities} if isinstance(densities, Density) else densities
    said = " ".join(_tell_density(name, curve) for name, curve in curves.items())
    figure = canvas(title, description=f"{title}. {said}")
    own = looks(curves)
    for name, curve in curves.items():
        figure.add_scatter(
            x=numbers(curve.x),
            y=numbers(curve.density),
            name=name,
            meta=f"density:curve:{name}",
            mode="lines",
            line={"color": own[name].colour, "dash": own[name].dash, "width": 2},
            fill="tozeroy" if len(curves) == 1 and not log else None,
            hovertemplate="λ = %{x:.3g}: %{y:.2g}<extra>" + name + "</extra>",
        )
    figure.update_xaxes(title="eigenvalue λ, the curvature along a direction")
    figure.update_yaxes(title="density")
    if log:
        peak = log10(max(float(curve.density.max()) for curve in curves.values()))
        figure.update_yaxes(type="log", range=[peak - DECADES, peak + 0.3], exponentformat="power")
    _zero_line(figure, "x")
    return figure.update_layout(showlegend=len(curves) > 1)


def draw_eigenvalues(
    pairs: Eigenpairs | Mapping[str, Eigenpairs],
    *,
    title: str = "Eigenvalues of the Hessian",
) -> go.Figure:
    """Eigenvalues in their order, each with its residual; triangles that point down are negative.

    Args:
        pairs: of one point, or of several by name.
        title: of the figure.
    """
    series = {"": pairs} if isinstance(pairs, Eigenpairs) else pairs
    said = " ".join(_tell_eigenvalues(name, found) for name, found in series.items())
    figure = canvas(title, description=f"{title}. {said}")
    own = looks(series)
    for name, found in series.items():
        signs = ["triangle-down" if v < 0 else own[name].symbol for v in found.values.tolist()]
        figure.add_scatter(
            x=[*range(1, len(found) + 1)],
            y=numbers(found.values),
            name=name,
            meta=f"eigenvalues:{name}",
            mode="lines+markers",
            line={"color": own[name].colour, "dash": "dot", "width": 1},
            marker={"symbol": signs, "size": 10, "color": own[name].colour},
            error_y={"type": "data", "array": numbers(found.residuals), "thickness": 1.2},
            hovertemplate="λ<sub>%{x}</sub> = %{y:.4g}<extra>" + name + "</extra>",
        )
    figure.update_xaxes(
        title="number of the eigenvalue", dtick=1 if _longest(series) < 16 else None
    )
    figure.update_yaxes(title="curvature λ")
    _zero_line(figure, "y")
    return figure.update_layout(showlegend=len(series) > 1)


def draw_gradient_field(
    field: GradientField,
    surface: Surface | None = None,
    marks: Marks | None = None,
    *,
    isometric: bool = False,
    axes: tuple[str, str] | None = None,
    title: str = "Downhill on the plane",
) -> go.Figure:
    """Arrows downhill on a map; their lengths grow as the square root of the slope.

    Args:
        field: the arrows.
        surface: the map below them; without it, the losses that were met with the arrows.
        marks: named points, such as models, by their coordinates.
        isometric: distances on the plane are true, so both axes get the same scale.
        axes: titles of the two axes, else what x and y count.
        title: of the figure.
    """
    if surface is None:
        unknown = torch.full_like(field.loss, torch.nan)
        surface = Surface(
            field.x, field.y, field.loss, unknown, field.loss.isfinite(), field.measures
        )
    figure = draw_surface(surface, marks, isometric=isometric, axes=axes, title=title)
    x, y = _arrows(field)
    layers = {"shadow": {"color": INK, "width": 3}, "arrows": {"color": "white", "width": 1.5}}
    for name, line in layers.items():  # white alone is lost on the highest ground
        figure.add_scatter(
            x=numbers(x), y=numbers(y), meta=f"field:{name}", mode="lines", line=line,
            hoverinfo="skip",
        )  # fmt: skip
    said = f"{figure.layout.meta['description']} {_tell_field(field)}"
    figure.layout.meta |= {"description": said}
    return figure


def _arrows(field: GradientField) -> tuple[Tensor, Tensor]:
    """Shafts and heads as one broken line: its x and its y, with NaN where the pen is lifted."""
    step = torch.tensor([_spacing(field.x), _spacing(field.y)], dtype=torch.double)
    rows, columns = torch.meshgrid(field.y.double(), field.x.double(), indexing="ij")
    foot = torch.stack([columns, rows], -1).flatten(0, 1) / step  # (n, 2), in steps of the grid
    shaft = torch.stack([field.u, field.v], -1).flatten(0, 1) / step
    size = shaft.norm(dim=1, keepdim=True)
    largest = size.nan_to_num(0.0).max().clamp_min(1e-30)
    shaft = shaft / size.clamp_min(1e-30) * (size / largest).sqrt() * ARROW
    across = torch.stack([-shaft[:, 1], shaft[:, 0]], -1)
    tip, gap = foot + shaft, torch.full_like(foot, torch.nan)
    left, right = (tip - HEAD * shaft + side * HEAD / 2 * across for side in (1, -1))
    line = torch.stack([foot, tip, gap, left, tip, right, gap], 1) * step  # (n, 7, 2)
    x, y = line.flatten(0, 1).T
    return x, y


def _spacing(values: Tensor) -> float:
    """Distance between neighbours of an axis; 1 for a single value."""
    return float((values[-1] - values[0]) / (len(values) - 1)) if len(values) > 1 else 1.0


def _longest(series: Mapping[str, Eigenpairs]) -> int:
    return max(map(len, series.values()))


def _zero_line(figure: go.Figure, axis: str) -> None:
    add = figure.add_vline if axis == "x" else figure.add_hline
    add(0, line={"color": QUIET, "width": 1})


def _tell_density(name: str, curve: Density) -> str:
    """A density in a sentence: how far it reaches, how much of it is flat, how much negative."""
    nodes, weights = curve.nodes.flatten(), curve.weights.flatten() / len(curve.nodes)
    edge = FLAT * nodes.abs().max()
    flat, below = (float(weights[where].sum()) for where in (nodes.abs() <= edge, nodes < -edge))
    return (
        f"{_lead(name)}eigenvalues from {float(nodes.min()):.3g} to {float(nodes.max()):.3g}; "
        f"{100 * flat:.1f} % of the directions curve by less than {float(edge):.2g}, "
        f"and {100 * below:.1f} % curve down by more."
    )


def _tell_eigenvalues(name: str, found: Eigenpairs) -> str:
    values = listed([f"{value:.3g}" for value in found.values.tolist()])
    return f"{_lead(name)}{values}; {int((found.values < 0).sum())} of {len(found)} are negative."


def _tell_field(field: GradientField) -> str:
    """The steepest arrow, in words."""
    sizes = (field.u.square() + field.v.square()).sqrt()
    known = sizes.isfinite()
    if not known.any():
        return "No arrow is known."
    row, column = divmod(int(sizes.nan_to_num(-1.0).argmax()), len(field.x))
    x, y = float(field.x[column]), float(field.y[row])
    return f"{int(known.sum())} arrows point downhill; it is steepest at ({x:.2f}, {y:.2f})."


def _lead(name: str) -> str:
    return f"{name}: " if name else ""
