"""The loss over a plane, as figures: one map, the difference of two, or several side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import torch

from fusionlab.arguments import expect, expect_by_name
from fusionlab.landscape import Surface
from fusionlab.show.figures.layout import Box, arrange
from fusionlab.show.figures.maps import Map, Marks, Overlays, View, draw_maps
from fusionlab.show.figures.plotted_runs import PlottedRuns, read_plotted_runs
from fusionlab.show.figures.words import capital


def draw_surface(
    surface: Surface,
    marks: Marks | None = None,
    *,
    what: str = "loss",
    view: View = "contour",
    log: bool = True,
    isometric: bool = False,
    spot: tuple[float, float] | None = None,
    axes: tuple[str, str] | None = None,
    title: str | None = None,
    minus: Surface | None = None,
    trajectory: PlottedRuns | None = None,
    now: int | None = None,
) -> go.Figure:
    """The loss, or another measured quantity, over a plane, or the difference of two.

    Args:
        surface: `loss[i, j]` is at (x[j], y[i]); where it is not a number, the map has a hole.
        marks: named points, such as models, by their coordinates.
        what: the quantity shown, one of `surface.measures.names`.
        view: filled contours seen from above, or a surface to turn.
        log: colours and heights by the logarithm (a loss only); the scale still reads in its unit.
        isometric: distances on the plane are true, so both axes get the same scale.
        spot: a point that the reader has chosen.
        axes: titles of the two axes, else what x and y count.
        title: replaces "Loss over the plane".
        minus: another surface on the same grid; the difference is drawn, white where there is none.
        trajectory: checkpoints of a run by their places (n, 2), as a `PlottedRun` or a
            `TrajectoryPlane`; or several runs by name.
        now: the number of the checkpoint to point at.

    Raises:
        ValueError: if `minus` has another grid.
    """
    expect("surface", surface)
    shown = f"{capital(what)} over the plane"
    title = title or (shown if minus is None else f"Difference of the {what} over the plane")
    overlays = Overlays(marks or {}, spot, read_plotted_runs(trajectory), now)
    map_ = Map(surface, _on_one_grid(surface, minus), overlays, title)
    return draw_maps([map_], what=what, view=view, log=log, isometric=isometric, axes=axes)[0]


def draw_surfaces(
    surfaces: Mapping[str, Surface],
    marks: Marks | Mapping[str, Marks] | None = None,
    *,
    what: str = "loss",
    view: View = "contour",
    log: bool = True,
    isometric: bool = False,
    axes: tuple[str, str] | None = None,
    trajectory: PlottedRuns | None = None,
) -> go.Figure:
    """Several maps side by side, with one scale of colours; maps of one grid zoom together.

    Args:
        surfaces: by name, such as {"train": …, "test": …}.
        marks: named points on all of them, or, by the name of each surface, its own.
        what: the quantity shown.
        view: contours or hills.
        log: as for `draw_surface`.
        isometric: distances are true, on all of them.
        axes: titles of the two axes, else what x and y count.
        trajectory: runs to draw on all of them.
    """
    expect_by_name("surface", surfaces, "surfaces")
    runs = read_plotted_runs(trajectory)
    own: Mapping[str, Any] = dict.fromkeys(surfaces, marks or {})
    if marks and all(isinstance(value, Mapping) for value in marks.values()):
        own = marks
    maps = [
        Map(
            surface,
            None,
            Overlays(own.get(name, {}), None, runs),
            f"{capital(what)} on {name}",
        )
        for name, surface in surfaces.items()
    ]
    drawn = draw_maps(maps, what=what, view=view, log=log, isometric=isometric, axes=axes)
    for other in drawn[1:]:
        other.update_yaxes(title=None)  # it would be on the map to its left, which has it
    parts = list(zip(drawn, side_by_side(len(drawn)), strict=True))
    return arrange(parts, height=430, linked=alike(list(surfaces.values())))


def side_by_side(count: int, *, right: float = 1.0) -> list[Box]:
    """Boxes for so many maps in a row, each with room for what is left of it."""
    gap = 0.09
    width = (right - gap * (count - 1)) / count
    lefts = [i * (width + gap) for i in range(count)]
    return [(left, min(left + width, right), 0.0, 1.0) for left in lefts]


def alike(surfaces: Sequence[Surface]) -> list[int]:
    """Numbers, from 1, of the surfaces on the grid of the first."""
    first = surfaces[0]
    return [
        number
        for number, other in enumerate(surfaces, start=1)
        if torch.equal(other.x, first.x) and torch.equal(other.y, first.y)
    ]


def _on_one_grid(surface: Surface, minus: Surface | None) -> Surface | None:
    if minus is None:
        return None
    same = [torch.equal(a, b) for a, b in ((surface.x, minus.x), (surface.y, minus.y))]
    if not all(same):
        raise ValueError(
            f"a grid of {len(surface.x)} × {len(surface.y)} points and one of {len(minus.x)} × "
            f"{len(minus.y)} do not lie on each other, so their losses cannot be subtracted point "
            "by point: survey both with the same x and y."
        )
    return minus
