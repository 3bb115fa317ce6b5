"""Planes through weight space: (x, y) ↦ θ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from fusionlab.combinations import Combinations
from fusionlab.coordinates import check_finite, real_parts
from fusionlab.landscape.directions import filter_normalise, random_direction
from fusionlab.spaces import check_same_space
from fusionlab.weights import Weights

PIECE = 1_000_000  # numbers held in double precision at once
DIGITS = 10  # coefficients are rounded here, so that a point that spans the plane is met exactly


class Bounds(NamedTuple):
    """A rectangle of a plane.

    Example:
        >>> from fusionlab.landscape import Bounds
        >>> x, y = Bounds(-1, 1, 0, 1).grid(3, 2)
        >>> x.tolist(), y.tolist()
        ([-1.0, 0.0, 1.0], [0.0, 1.0])
    """

    x_min: float
    x_max: float
    y_min: float
    y_max: float

    def grid(self, columns: int, rows: int | None = None) -> tuple[Tensor, Tensor]:
        """Evenly spaced x (columns,) and y (rows,), the edges included."""
        x = torch.linspace(self.x_min, self.x_max, columns, dtype=torch.double)
        return x, torch.linspace(self.y_min, self.y_max, rows or columns, dtype=torch.double)


@dataclass(frozen=True, eq=False)
class Plane:
    """The points origin + x u + y v.

    Origin, u and v are combinations of the k ≥ 3 `points`: `frame[0]` holds the coefficients of
    the origin, `frame[1]` and `frame[2]` those of the directions, shape (3, k).

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.landscape import Plane
        >>> a, b, c = (Weights({"w": w}) for w in torch.tensor([[0.0, 0], [2, 0], [1, 1]]))
        >>> plane = Plane.through(a, b, c)
        >>> plane(2.0, 3.0)["w"], plane.project(c)
        (tensor([2., 3.]), (1.0, 1.0))
    """

    points: tuple[Weights, ...]
    frame: Tensor

    def __post_init__(self) -> None:
        if self.frame.shape != (3, len(self.points)):
            raise ValueError(
                f"a frame of shape {tuple(self.frame.shape)} does not fit {len(self.points)} "
                "points: give three rows (origin, u, v) and one column per point."
            )

    @classmethod
    def through(cls, a: Weights, b: Weights, c: Weights) -> Plane:
        """Span the plane of three points: `a` at the origin, `b` on the x axis, `c` above it.

        The directions are orthonormal (Gram–Schmidt), so distances on the picture are distances
        in weight space.

        Raises:
            ValueError: if the three points lie on one line.

        Source:
            Garipov et al. 2018, arXiv:1802.10026.
        """
        products = centred_products((a, b, c))
        along, across = torch.tensor([[-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]], dtype=torch.double)
        width = (along @ products @ along).sqrt()
        foot = across @ products @ along / width**2
        upright = across - foot * along
        height = (upright @ products @ upright).clamp_min(0).sqrt()
        if not height > 1e-5 * max(width, (across @ products @ across).sqrt()):
            raise ValueError(
                "the three points lie on one line, which no single plane holds: choose three "
                "different networks, or look along the line by profile(landscape, Line(a, b))."
            )
        origin = torch.tensor([1.0, 0.0, 0.0], dtype=torch.double)
        return cls((a, b, c), torch.stack([origin, along / width, upright / height]))

    @classmethod
    def around(cls, theta: Weights, u: Weights, v: Weights) -> Plane:
        """Span the plane from `theta` along two given directions, taken as they are."""
        plane = cls((theta, u, v), torch.eye(3, dtype=torch.double))
        if torch.linalg.matrix_rank(plane.gram, rtol=1e-9) < 2:
            raise ValueError("the two directions are parallel or zero: give two different ones.")
        return plane

    @classmethod
    def random(cls, theta: Weights, *, seed: int) -> Plane:
        """Span the plane from `theta` along two random filter-normalised directions.

        The directions are nearly orthogonal but are not made so: that would undo the scaling.

        Source:
            Li et al. 2018, arXiv:1712.09913.
        """
        u, v = (
            filter_normalise(random_direction(theta, seed=2 * seed + i), theta) for i in range(2)
        )
        return cls.around(theta, u, v)

    def __call__(self, x: float, y: float) -> Weights:
        """The point at (x, y)."""
        return self.at(torch.tensor([[x, y]], dtype=torch.double))[0]  # type: ignore[no-any-return]

    def at(self, places: Tensor) -> Combinations:
        """The points at `places` (P, 2), as one batch."""
        ones = torch.ones(len(places), 1, dtype=torch.double)
        coefficients = torch.cat([ones, places.double()], 1) @ self.frame  # (P, k)
        return Combinations(self.points, coefficients.round(decimals=DIGITS))

    def grid(self, x: Tensor, y: Tensor) -> Combinations:
        """The points of a grid, row by row: number i · len(x) + j lies at (x[j], y[i])."""
        rows, columns = torch.meshgrid(y.double(), x.double(), indexing="ij")
        return self.at(torch.stack([columns.flatten(), rows.flatten()], 1))

    def project(self, theta: Weights) -> tuple[float, float]:
        """Coordinates (x, y) of the point of the plane nearest to `theta`."""
        x, y = self._places((theta,))[0].tolist()
        return x, y

    def distance(self, theta: Weights) -> float:
        """How far `theta` lies from the plane; 0 for the points that span it."""
        return self.locate((theta,))[1].item()

    def locate(self, thetas: Sequence[Weights]) -> tuple[Tensor, Tensor]:
        """Project n points at once: places on the plane (n, 2), and distances from it (n,)."""
        places, n = self._places(thetas), len(thetas)
        feet = self.at(places).coefficients  # (n, k)
        squares = torch.zeros(n, dtype=torch.double)
        for piece in _pieces((*thetas, *self.points)):
            squares += (piece[:n] - feet @ piece[n:]).square().sum(1)
        return places, squares.sqrt()

    def bounds(self, *thetas: Weights, margin: float = 0.25) -> Bounds:
        """The rectangle around the projections of `thetas`, wider by a share on each side."""
        x, y = self._places(thetas).T.tolist()
        pad = margin * max(max(x) - min(x), max(y) - min(y))
        return Bounds(min(x) - pad, max(x) + pad, min(y) - pad, max(y) + pad)

    def _places(self, thetas: Sequence[Weights]) -> Tensor:
        n = len(thetas)
        along = torch.zeros(2, n, dtype=torch.double)
        for piece in _pieces((*thetas, *self.points)):
            origin, *directions = self.frame @ piece[n:]
            along += torch.stack(directions) @ (piece[:n] - origin).T
        places: Tensor = torch.linalg.solve(self.gram, along).T
        return places

    @cached_property
    def gram(self) -> Tensor:
        """Inner products of the directions u and v, shape (2, 2), float64."""
        directions = (self.frame[1:] @ piece for piece in _pieces(self.points))
        gram = sum((d @ d.T for d in directions), torch.zeros(2, 2, dtype=torch.double))
        if not gram.isfinite().all():
            check_finite(self.points)
        return gram

    @property
    def isometric(self) -> bool:
        """Whether distances on the picture are distances in weight space."""
        return torch.allclose(self.gram, torch.eye(2, dtype=torch.double), atol=1e-4)


def centred_products(points: Sequence[Weights]) -> Tensor:
    """⟨θᵢ − θ̄, θⱼ − θ̄⟩ from the points' mean θ̄, in double precision; shape (k, k).

    Raises:
        ValueError: if a coordinate is NaN or infinite, or the points are of different spaces.
    """
    total = torch.zeros(len(points), len(points), dtype=torch.double)
    for piece in _pieces(points):
        rows = piece - piece.mean(0)
        total += rows @ rows.T
    if not total.isfinite().all():
        check_finite(points)
    return total


def _pieces(points: Sequence[Weights]) -> Iterator[Tensor]:
    """Coordinates of all points, a few at a time, so that no second copy is held; (k, few)."""
    for point in points[1:]:
        check_same_space(points[0], point)
    width = max(1, PIECE // len(points))
    for name in points[0]:
        coordinates = (real_parts(point[name]).flatten() for point in points)
        for tensors in zip(*(each.split(width) for each in coordinates), strict=True):
            yield torch.stack([tensor.cpu().double() for tensor in tensors])
