"""Curves between two points of weight space, with free points that bend them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import comb
from typing import Self

import torch
from torch import Tensor

from fusionlab.combinations import Combinations
from fusionlab.spaces import check_same_space
from fusionlab.weights import Weights, lerp


@dataclass(frozen=True, eq=False)
class Curve:
    """A path t ↦ Σᵢ cᵢ(t) θᵢ over its `points`: the ends a and b, and the bends between them.

    Args:
        points: a, the bends, b.
        fixed: the numbers of the points that a fit leaves where they are: the ends. With `()`
            the whole curve is learned.

    Raises:
        ValueError: if there are fewer than two points, or they are of different spaces.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.connectivity import Bezier
        >>> a, b = (Weights({"w": torch.tensor([w])}) for w in (0.0, 4.0))
        >>> curve = Bezier.between(a, b, bends=1)
        >>> [theta["w"].item() for theta in (*curve.bends, curve(0.25))]
        [2.0, 1.0]
    """

    points: tuple[Weights, ...]
    fixed: tuple[int, ...] = (0, -1)

    def __post_init__(self) -> None:
        if len(self.points) < 2:
            raise ValueError(f"a curve has two ends and bends between: {len(self.points)} given")
        for point in self.points[1:]:
            check_same_space(self.points[0], point)

    @classmethod
    def between(cls, a: Weights, b: Weights, *, bends: int = 1) -> Self:
        """A curve that is still the line from `a` to `b`, its bends evenly spaced on it."""
        inner = [lerp(a, b, i / (bends + 1)) for i in range(1, bends + 1)]
        return cls((a, *inner, b))

    @property
    def bends(self) -> tuple[Weights, ...]:
        """The free points, the ends not among them."""
        return self.points[1:-1]

    def coefficients(self, t: Tensor) -> Tensor:
        """The shares cᵢ(t) of the points, shape (P, k) for t of shape (P,); rows sum to 1."""
        raise NotImplementedError

    def __call__(self, t: float) -> Weights:
        """The point at t; at 0 and 1 the ends themselves, buffers included."""
        point: Weights = self.at(torch.tensor([t], dtype=torch.double))[0]
        return point

    def at(self, t: Tensor) -> Combinations:
        """The points at many t (P,), as one batch."""
        return Combinations(self.points, self.coefficients(t.double()))

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """The shares of `n` random points, t ~ U(0, 1); shape (n, k)."""
        return self.coefficients(torch.rand(n, generator=generator, dtype=torch.double))

    def through(self, points: Iterable[Weights]) -> Self:
        """The same kind of curve over other points."""
        return type(self)(tuple(points), self.fixed)


class Chain(Curve):
    """The polygonal chain through its points, each segment the same share of t.

    Source:
        Garipov et al. 2018, arXiv:1802.10026.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.connectivity import Chain
        >>> a, b, c = (Weights({"w": torch.tensor([w])}) for w in (0.0, 4.0, 0.0))
        >>> Chain((a, b, c))(0.25)["w"]
        tensor([2.])
    """

    def coefficients(self, t: Tensor) -> Tensor:
        """Two neighbours share each point of the segment between them."""
        last = len(self.points) - 1
        segment = (t * last).floor().clamp(0, last - 1).long()
        share = t * last - segment
        c = t.new_zeros(len(t), last + 1)
        c.scatter_(1, segment[:, None], (1 - share)[:, None])
        return c.scatter_(1, segment[:, None] + 1, share[:, None])


class Bezier(Curve):
    """The Bézier curve Σᵢ C(n, i) (1 − t)ⁿ⁻ⁱ tⁱ θᵢ, pulled towards its bends.

    Source:
        Garipov et al. 2018, arXiv:1802.10026, with one bend; here any number.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.connectivity import Bezier
        >>> a, b, c = (Weights({"w": torch.tensor([w])}) for w in (0.0, 4.0, 0.0))
        >>> Bezier((a, b, c))(0.5)["w"]
        tensor([2.])
    """

    def coefficients(self, t: Tensor) -> Tensor:
        """Bernstein's polynomials."""
        return bernstein(len(self.points) - 1, t)


def bernstein(n: int, t: Tensor) -> Tensor:
    """The polynomials C(n, i) (1 − t)ⁿ⁻ⁱ tⁱ for i = 0 … n, shape (P, n + 1) for t of shape (P,)."""
    return torch.stack([comb(n, i) * (1 - t) ** (n - i) * t**i for i in range(n + 1)], 1)
