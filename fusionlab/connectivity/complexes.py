"""Simplicial complexes: simplexes that share vertices, grown until they join several modes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from fusionlab.combinations import Combinations
from fusionlab.connectivity.fitting import Fit, fit
from fusionlab.connectivity.penalties import volume, volume_penalty
from fusionlab.connectivity.simplexes import Simplex
from fusionlab.descent import Recipe
from fusionlab.landscape import centred_products, random_direction
from fusionlab.objectives import AnyObjective
from fusionlab.weights import Weights, mean

OFF = 0.1  # of the mean distance to the mean: how far off the old hull a new vertex starts


@dataclass(frozen=True, eq=False)
class Complex:
    """The union of several simplexes over one list of `points`.

    Args:
        points: the vertices of all simplexes.
        simplexes: for each, the numbers of its vertices; one alone is a single point.
        fixed: the numbers of the vertices that a fit leaves where they are.

    Raises:
        ValueError: if there is no simplex, or one is empty, names a vertex twice or one not there.

    Source:
        Benton et al. 2021, arXiv:2102.13042.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.connectivity import Complex
        >>> a, b, c = (Weights({"w": torch.tensor([w])}) for w in (0.0, 4.0, 6.0))
        >>> grown = Complex.of([a, b]).cone(c)
        >>> grown.simplexes, grown.volume
        (((0, 2), (1, 2)), 8.0)
    """

    points: tuple[Weights, ...]
    simplexes: tuple[tuple[int, ...], ...]
    fixed: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        there = set(range(len(self.points)))
        for simplex in self.simplexes or [()]:
            if not simplex or len({*simplex}) < len(simplex) or not there.issuperset(simplex):
                raise ValueError(
                    f"{simplex} is not a simplex over {len(self.points)} points: each needs at "
                    "least one vertex, each vertex once, by its number from 0."
                )

    @classmethod
    def of(cls, modes: Iterable[Weights]) -> Complex:
        """Points that nothing joins yet, all of them fixed."""
        points = tuple(modes)
        numbers = range(len(points))
        return cls(points, tuple((i,) for i in numbers), tuple(numbers))

    def __call__(self, shares: Sequence[float] | Tensor) -> Weights:
        """The mixture with these shares, one for each vertex of the complex."""
        return Simplex(self.points)(shares)

    def at(self, shares: Tensor) -> Combinations:
        """Many mixtures, one row of shares each, shape (P, k), as one batch."""
        return Combinations(self.points, shares)

    @property
    def parts(self) -> tuple[Simplex, ...]:
        """The simplexes, one by one."""
        return tuple(Simplex(tuple(self.points[i] for i in s)) for s in self.simplexes)

    @property
    def volume(self) -> float:
        """The volumes of all simplexes together; each is of its own dimension."""
        products = centred_products(self.points)
        return sum(volume(products, simplex).item() for simplex in self.simplexes)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """The shares of `n` points, shape (n, k): a simplex, all alike, then uniformly in it."""
        chosen = torch.randint(len(self.simplexes), (n,), generator=generator)
        shares = torch.zeros(n, len(self.points), dtype=torch.double)
        for number, (part, simplex) in enumerate(zip(self.parts, self.simplexes, strict=True)):
            rows = (chosen == number).nonzero()
            shares[rows, torch.tensor(simplex)] = part.draw(len(rows), generator)
        return shares

    def sample(self, n: int, *, seed: int) -> Combinations:
        """Draw `n` points, as a fit draws them."""
        return self.at(self.draw(n, torch.Generator().manual_seed(seed)))

    def through(self, points: Iterable[Weights]) -> Complex:
        """The complex over other vertices."""
        return Complex(tuple(points), self.simplexes, self.fixed)

    def cone(self, apex: Weights) -> Complex:
        """This complex with one vertex more, a corner of every simplex; only it is free."""
        new = len(self.points)
        return Complex(
            (*self.points, apex),
            tuple((*simplex, new) for simplex in self.simplexes),
            tuple(range(new)),
        )


def connect(
    model: nn.Module,
    data: Any,
    modes: Sequence[Weights],
    recipe: Recipe | None = None,
    *,
    seed: int,
    objective: AnyObjective = None,
    connectors: int = 1,
    weight: float = 1e-3,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> list[Fit[Complex]]:
    """Join trained networks by vertices of low loss around, one vertex after another.

    Each new vertex θ is joined to all that is there, K ← cone(K, θ), and fitted while the others
    stay: min over θ of E_{φ ∈ K} L(φ) − λ log Vol(K). Its start is the mean of the vertices,
    a little off their hull: where the volume is 0, its logarithm has no slope.

    Args:
        model: gives its architecture; it is not changed.
        data: `Data`, or what `Data.of` takes.
        modes: what to join; independent trained networks, usually.
        recipe: how each vertex is trained; by default `Recipe()`.
        seed: draws starts, batches and shares.
        objective: as for `fit`.
        connectors: how many vertices to add.
        weight: λ, the reward for volume.
        device: where to compute; by default where the data lie.
        progress: show a bar if it takes longer than a second.

    Returns:
        One fit per new vertex, of which the last holds the whole complex. After an interrupt,
        those begun so far.

    Raises:
        ValueError: as `fit`; also if there are fewer than two modes or no connector.

    Source:
        Benton et al. 2021, arXiv:2102.13042 (SPRO).
    """
    if len(modes) < 2 or connectors < 1:
        raise ValueError(
            f"{connectors} vertices cannot connect {len(modes)} modes: give at least two modes "
            "and one connector."
        )
    fits: list[Fit[Complex]] = []
    grown = Complex.of(modes)
    while len(fits) < connectors and (not fits or fits[-1].complete):
        grown = grown.cone(_start(grown.points, seed=seed + len(fits)))
        fits.append(
            fit(
                model, data, grown, recipe, seed=seed + len(fits), objective=objective,
                penalty=volume_penalty(grown.simplexes, weight), device=device, progress=progress,
            )
        )  # fmt: skip
        grown = fits[-1].shape
    return fits


def _start(points: Sequence[Weights], *, seed: int) -> Weights:
    """The mean of the points, moved off their hull along a random direction."""
    middle = mean(points)
    spread = torch.stack([(point - middle).norm() for point in points]).mean()
    away = random_direction(middle, seed=seed)
    return middle + (OFF * spread / away.norm()).item() * away
