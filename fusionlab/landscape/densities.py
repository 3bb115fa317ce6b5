"""The spectral density of the Hessian: how many directions are how steep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sqrt

import torch
from torch import Tensor

from fusionlab.descent import bar, interrupts_wait
from fusionlab.landscape.hessians import Curved, Hessian
from fusionlab.landscape.lanczos import BASIS_BYTES, Lanczos
from fusionlab.weights import Weights

POINTS = 1001


@dataclass(frozen=True, eq=False)
class Density:
    """The share of eigenvalues per unit of curvature: `density` (n,) at `x` (n,), of integral 1.

    It is Σ `weights` · a Gaussian of width `width` at `nodes`; row i of both, shape
    (probes, steps), is what random direction i sees, and sums to 1.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.landscape import Hessian, spectral_density
        >>> class Saddle:
        ...     def hessian(self, theta):
        ...         return Hessian(lambda rows: rows * torch.tensor([4.0, -1.0]), theta)
        >>> found = spectral_density(Saddle(), Weights({"w": torch.zeros(2)}), probes=2)
        >>> round(torch.trapezoid(found.density, found.x).item(), 3)
        1.0
    """

    x: Tensor
    density: Tensor
    nodes: Tensor
    weights: Tensor
    width: float
    complete: bool


def spectral_density(
    landscape: Curved,
    theta: Weights,
    *,
    probes: int = 8,
    steps: int = 60,
    width: float | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Density:
    """Estimate the density of all eigenvalues of the Hessian at θ.

    Each random direction v gives, after `steps` products, a Gauss quadrature of the spectrum as v
    sees it: nodes λₖ with weights τₖ² (stochastic Lanczos quadrature), broadened by a Gaussian.

    Args:
        landscape: a `Landscape`, or anything with `hessian(theta)`.
        theta: the point.
        probes: random directions, whose quadratures are averaged.
        steps: products with each; as many nodes, and vectors of d numbers in memory.
        width: standard deviation of the Gaussian; 1 % of the range of the spectrum without it.
        seed: draws the directions.
        progress: show a bar.

    Source:
        Ghorbani, Krishnan and Xiao 2019, arXiv:1901.10159.
    """
    hessian = landscape.hessian(theta)
    steps, seeds = min(steps, hessian.size), torch.arange(seed * probes, (seed + 1) * probes)
    rules: list[Tensor] = []
    with interrupts_wait() as interrupts, bar(probes, "spectrum", progress=progress) as ticks:
        for group in seeds.split(_spaces(hessian, steps)):
            if interrupts.pressed:
                break
            spaces = [Lanczos(hessian, 1, "largest", seed=i, limit=steps) for i in group.tolist()]
            while spaces[0].size < steps and not (interrupts.pressed and spaces[0].size):
                _grow(hessian, spaces)
            if spaces[0].size == steps or not rules:  # short rules are better than none
                rules += map(_quadrature, spaces)
            ticks.update(len(spaces))
    nodes, weights = torch.stack(rules).unbind(1)
    complete = nodes.shape == (probes, steps)
    if not complete:
        interrupts.tell(f"the spectrum was interrupted: {nodes.numel()} nodes are known.")
    return _broadened(nodes, weights, width, complete)


def _spaces(hessian: Hessian, steps: int) -> int:
    """How many spaces grow side by side, as memory allows."""
    each = (steps + 1) * hessian.size * hessian.zeros(0).element_size()
    return max(1, min(hessian.together, int(BASIS_BYTES / each)))


def _grow(hessian: Hessian, spaces: Sequence[Lanczos]) -> None:
    """One step of each space; their products are one call."""
    products = hessian(torch.stack([space.newest for space in spaces]))
    for space, product in zip(spaces, products, strict=True):
        space.add(product)


def _quadrature(space: Lanczos) -> Tensor:
    """Nodes and weights of the first vector of the space, shape (2, steps)."""
    nodes, vectors, _ = space.ritz(space.size)
    return torch.stack([nodes, vectors[0].square()])


def _broadened(nodes: Tensor, weights: Tensor, width: float | None, complete: bool) -> Density:
    low, high = float(nodes.min()), float(nodes.max())
    width = width or 0.01 * max(high - low, 1e-6 * max(abs(low), abs(high)), 1e-12)
    margin = 5 * width
    x = torch.linspace(low - margin, high + margin, POINTS, dtype=torch.double)
    heights = ((x[:, None] - nodes.flatten()) / width).square().mul(-0.5).exp()
    density = heights @ weights.flatten() / (len(nodes) * width * sqrt(2 * pi))
    return Density(x, density, nodes, weights, width, complete)
