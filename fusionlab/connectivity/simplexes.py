"""The convex hull of a few points of weight space."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fusionlab.arguments import expect
from fusionlab.combinations import Combinations
from fusionlab.weights import Weights, mean


@dataclass(frozen=True, eq=False)
class Simplex:
    """All mixtures Σᵢ cᵢ θᵢ of k `points` with shares cᵢ ≥ 0 that sum to 1.

    Args:
        points: the vertices; two make a line, three a triangle.
        fixed: the numbers of the vertices that a fit leaves where they are.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.connectivity import Simplex
        >>> a, b, c = (Weights({"w": torch.tensor([w])}) for w in (0.0, 4.0, 8.0))
        >>> Simplex((a, b, c))([0.5, 0.5, 0.0])["w"]
        tensor([2.])
        >>> Simplex((a, b, c)).centre["w"].item()
        4.0
    """

    points: tuple[Weights, ...]
    fixed: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for point in self.points:
            expect("point", point)

    def __call__(self, shares: Sequence[float] | Tensor) -> Weights:
        """The mixture with these shares (barycentric coordinates), as many as vertices."""
        point: Weights = self.at(torch.as_tensor(shares, dtype=torch.double)[None])[0]
        return point

    def at(self, shares: Tensor) -> Combinations:
        """Many mixtures, one row of shares each, shape (P, k), as one batch."""
        return Combinations(self.points, shares)

    @property
    def centre(self) -> Weights:
        """The mean of the vertices."""
        return mean(self.points)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """The shares of `n` points drawn uniformly from the simplex; shape (n, k)."""
        # Dirichlet(1, …, 1): the gaps between sorted uniform numbers.
        cuts = torch.rand(n, len(self.points) - 1, generator=generator, dtype=torch.double)
        edges = [torch.zeros(n, 1), cuts.sort(1).values, torch.ones(n, 1)]
        return torch.cat(edges, 1).diff(dim=1)

    def sample(self, n: int, *, seed: int) -> Combinations:
        """Draw `n` points uniformly."""
        return self.at(self.draw(n, torch.Generator().manual_seed(seed)))

    def through(self, points: Iterable[Weights]) -> Simplex:
        """The simplex over other vertices."""
        return Simplex(tuple(points), self.fixed)
