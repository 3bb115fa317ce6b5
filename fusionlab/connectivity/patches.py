"""A surface in weight space over four corners."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isqrt

import torch
from torch import Tensor

from fusionlab.combinations import Combinations
from fusionlab.connectivity.curves import bernstein
from fusionlab.weights import Weights, combine


@dataclass(frozen=True, eq=False)
class Patch:
    """The Bézier surface φ(u, v) = Σᵢⱼ Bᵢ(u) Bⱼ(v) θᵢⱼ of degree n, for u and v in [0, 1].

    Args:
        points: the (n + 1)² control points θᵢⱼ, row by row; i counts along u, j along v.
        fixed: the numbers of those that a fit leaves where they are.

    Raises:
        ValueError: if the points do not make a square of 2 × 2 or more.

    Source:
        Ren, Chen and Wang 2025 (ICLR), openreview.net/forum?id=1NevL7zdHS.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.connectivity import Patch
        >>> a, b, c, d = (Weights({"w": torch.tensor([w])}) for w in (0.0, 4.0, 8.0, 12.0))
        >>> patch = Patch.over([a, b, c, d])
        >>> patch(1.0, 0.0)["w"], patch(0.5, 0.5)["w"]
        (tensor([4.]), tensor([6.]))
    """

    points: tuple[Weights, ...]
    fixed: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.degree < 1 or (self.degree + 1) ** 2 != len(self.points):
            raise ValueError(
                f"{len(self.points)} points do not make a square: a patch of degree n has "
                "(n + 1)², such as 4 or 9."
            )

    @classmethod
    def over(cls, corners: Sequence[Weights], *, degree: int = 2) -> Patch:
        """A patch that is still bilinear, its corners fixed.

        Args:
            corners: what lies at (u, v) = (0, 0), (1, 0), (0, 1) and (1, 1).
            degree: of its edges; 1 leaves nothing free.
        """
        if len(corners) != 4:
            raise ValueError(f"a patch has four corners: {len(corners)} given")
        steps = torch.arange(degree + 1) / degree
        bilinear = cls((corners[0], corners[2], corners[1], corners[3]))
        shares = bilinear.coefficients(torch.cartesian_prod(steps, steps).double())
        points = tuple(combine(c, bilinear.points) for c in shares.tolist())
        return cls(points, (0, degree, len(points) - 1 - degree, len(points) - 1))

    @property
    def degree(self) -> int:
        """The degree n along u, and along v."""
        return isqrt(len(self.points)) - 1

    def coefficients(self, uv: Tensor) -> Tensor:
        """The shares Bᵢ(u) Bⱼ(v) of the points, shape (P, k) for places (P, 2)."""
        along_u, along_v = (bernstein(self.degree, t) for t in uv.unbind(1))
        return (along_u[:, :, None] * along_v[:, None]).flatten(1)

    def __call__(self, u: float, v: float) -> Weights:
        """The point at (u, v); at the corners these themselves, buffers included."""
        point: Weights = self.at(torch.tensor([[u, v]]))[0]
        return point

    def at(self, uv: Tensor) -> Combinations:
        """The points at many places (P, 2), as one batch."""
        return Combinations(self.points, self.coefficients(uv.double()))

    def grid(self, u: Tensor, v: Tensor) -> Combinations:
        """The points of a grid, row by row: number i · len(u) + j lies at (u[j], v[i])."""
        return self.at(torch.cartesian_prod(v, u).flip(1))

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """The shares of `n` random points, u, v ~ U(0, 1); shape (n, k)."""
        return self.coefficients(torch.rand(n, 2, generator=generator, dtype=torch.double))

    def through(self, points: Iterable[Weights]) -> Patch:
        """The patch over other control points."""
        return Patch(tuple(points), self.fixed)
