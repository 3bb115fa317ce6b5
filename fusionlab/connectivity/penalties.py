"""Penalties on the form of a shape: functions of the inner products ⟨θᵢ, θⱼ⟩ of its vertices."""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial

import torch
from torch import Tensor

from fusionlab.connectivity.vertices import Penalty

FLAT = 1e-5  # sine between an edge and the span of others: below it one would measure rounding


def cosine_penalty(beta: float) -> Penalty:
    """β times the mean of cos²(θᵢ, θⱼ) over all pairs of vertices, which keeps them apart.

    Source:
        Wortsman et al. 2021, arXiv:2102.10472, who draw one pair per step.
    """

    def penalty(products: Tensor) -> Tensor:
        squares = products.diagonal().clamp_min(1e-100)  # a vertex at the origin has no angle
        cosines = products.square() / torch.outer(squares, squares)  # squared, (k, k)
        return beta * cosines.triu(1).sum() / (len(products) * (len(products) - 1) / 2)

    return penalty


def volume(products: Tensor, simplex: Sequence[int] | None = None) -> Tensor:
    """The volume of a simplex: n! Vol = √det ⟨θᵢ − θ₀, θⱼ − θ₀⟩ for n + 1 vertices.

    The determinant is that of Cayley and Menger, up to a constant. A line has its length as
    volume, a triangle its area, a single point 1.

    Args:
        products: inner products ⟨θᵢ, θⱼ⟩ of the vertices, shape (k, k), in double precision.
        simplex: the numbers of its vertices; by default all k.

    Returns:
        The volume, differentiable; 0 for a flat simplex.
    """
    chosen = range(len(products)) if simplex is None else simplex
    return _volumes(products, [chosen]).squeeze(0)


def volume_penalty(simplexes: Sequence[Sequence[int]], weight: float) -> Penalty:
    """−λ log Vol, the volume that of all simplexes together.

    Raises:
        ValueError: when it is called, if all simplexes are flat: the penalty is then infinite and
            has no slope.

    Source:
        Benton et al. 2021, arXiv:2102.13042. Their code takes log Vol², which doubles λ.
    """
    by_size = [[s for s in simplexes if len(s) == size] for size in {*map(len, simplexes)}]

    def penalty(products: Tensor) -> Tensor:
        total = torch.cat([_volumes(products, alike) for alike in by_size]).sum()
        if not total > 0:
            raise ValueError(
                "all simplexes are flat, so that their volume, 0, cannot be made larger by any "
                "small step: start the free vertices off the hull of the others."
            )
        return -weight * total.log()

    return penalty


def _volumes(products: Tensor, simplexes: Sequence[Sequence[int]]) -> Tensor:
    """The volumes of m simplexes of n + 1 vertices each, shape (m,)."""
    edges = _edges(products, torch.tensor([list(simplex) for simplex in simplexes]))
    with torch.no_grad():
        flat = _flat(edges)
    edges = edges[~flat]
    factor: Tensor = torch.linalg.cholesky(edges)
    heights = factor.diagonal(dim1=-2, dim2=-1)  # of each vertex over the base before it
    bulk = heights.prod(-1) / factorial(edges.shape[-1])
    return bulk.new_zeros(len(flat)).masked_scatter(~flat, bulk)


def _edges(products: Tensor, simplexes: Tensor) -> Tensor:
    """Inner products of the edges from the first vertex to the others, shape (m, n, n)."""
    first, rest = simplexes[:, :1], simplexes[:, 1:]
    across = products[rest, first]  # (m, n)
    inner = products[rest[:, :, None], rest[:, None]]
    return inner - across[:, :, None] - across[:, None] + products[first, first][:, :, None]


def _flat(edges: Tensor) -> Tensor:
    """Which simplexes have an edge in the span of those before it, up to rounding; (m,)."""
    lengths = edges.diagonal(dim1=-2, dim2=-1).clamp_min(0).sqrt()
    cosines = edges / (lengths[:, :, None] * lengths[:, None]).clamp_min(1e-100)
    factor, stuck = torch.linalg.cholesky_ex(cosines)
    sines = factor.diagonal(dim1=-2, dim2=-1)
    thin: Tensor = ~(sines > FLAT).all(-1)
    return thin.logical_or(stuck > 0)
