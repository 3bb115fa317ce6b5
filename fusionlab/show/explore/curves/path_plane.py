"""The plane under several paths: the one that holds a path, as it is now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor

import torch

from fusionlab.connectivity import Path, points_on
from fusionlab.landscape import Bounds, Plane, centred_products, random_direction
from fusionlab.show.figures.projections import Projection, even, merge, project_all

FLAT = 1e-3  # of the distance of the ends: bends so near to their line span no plane yet
MARGIN = 0.25  # of the distance of the ends, around all that is shown
ABOVE = 0.75  # of it, shown above the line at least
NOTCH = 0.125  # of it: the frame grows by such steps, so that it rests most of the time


@dataclass(frozen=True, eq=False)
class PathPlane:
    """A plane, the paths as it shows them, and the part of it to look at."""

    plane: Plane
    projections: Mapping[str, Projection]
    bounds: Bounds
    isometric: bool


def lay_plane(paths: Mapping[str, Path], focus: str, plane: Plane | None = None) -> PathPlane:
    """Lay paths on a plane: a given one, or that of the path in focus and its farthest bend.

    A path that is still its ends' line spans none: then the farthest bend of all paths is taken,
    and if there is none, a random direction.
    """
    plane = plane or _plane([paths[focus]]) or _plane(list(paths.values())) or _any(paths[focus])
    projections = project_all(plane, paths)
    return PathPlane(plane, projections, _frame(projections), plane.isometric)


def _plane(paths: list[Path]) -> Plane | None:
    """The plane through the ends and the point farthest from their line; None if all lie on it."""
    points, _ = merge(points_on(path, even(2)) for path in paths)
    a, b = paths[0](0.0), paths[0](1.0)
    products = centred_products([a, b, *points])
    own = torch.eye(len(products), dtype=torch.double)
    along, across = own[1] - own[0], own[2:] - own[0]
    width = along @ products @ along
    across = across - (across @ products @ along / width)[:, None] * along
    heights = torch.einsum("pi,ij,pj->p", across, products, across)
    far = int(heights.argmax())
    return Plane.through(a, b, points[far]) if heights[far] > FLAT**2 * width else None


def _any(path: Path) -> Plane:
    a, b = path(0.0), path(1.0)
    aside = random_direction(a, seed=0)
    height = (b - a).norm() / (2 * aside.norm())
    return Plane.through(a, b, (a + b) / 2 + height.to(next(iter(aside.values())).dtype) * aside)


def _frame(projections: Mapping[str, Projection]) -> Bounds:
    places = torch.cat([projection.places for projection in projections.values()])
    ends = next(iter(projections.values())).places[[0, -1]]
    unit = float(f"{(ends[1] - ends[0]).norm():.6g}")  # the same for every plane of these ends
    low, high = places.min(0).values, places.max(0).values
    high[1] = torch.maximum(high[1], ends[:, 1].max() + ABOVE * unit)

    def notch(value: float, side: int) -> float:
        steps = (value / unit + side * MARGIN) / NOTCH
        return NOTCH * unit * (floor(steps + 1e-6) if side < 0 else ceil(steps - 1e-6))

    (x_min, y_min), (x_max, y_max) = low.tolist(), high.tolist()
    return Bounds(notch(x_min, -1), notch(x_max, 1), notch(y_min, -1), notch(y_max, 1))
