"""What a path is like: its length, and its loss and accuracy by t and by arc length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from fusionlab.combinations import Combinations
from fusionlab.connectivity.paths import Path, points_on
from fusionlab.connectivity.profiles import Profile
from fusionlab.landscape import centred_products
from fusionlab.scores import ScoreFunction, score_all
from fusionlab.weights import Weights


@dataclass(frozen=True)
class Summary:
    """A quantity along a path; `by_length` is its mean per unit of length, `mean` that over t.

    Example:
        >>> from fusionlab.connectivity import Summary
        >>> loss = Summary(start=0.1, end=0.2, lowest=0.1, highest=0.9, mean=0.5, by_length=0.6)
        >>> loss.highest - loss.lowest
        0.8
    """

    start: float
    end: float
    lowest: float
    highest: float
    mean: float
    by_length: float


@dataclass(frozen=True, eq=False)
class PathStatistics:
    """A path in numbers.

    `along` holds the scores, `passed` the length up to each of its positions, (points,), and
    `detour` is the whole length over the distance between the ends.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.connectivity import Chain, path_statistics
        >>> from fusionlab.landscape import Score
        >>> a, b, c = (Weights({"w": torch.tensor([w])}) for w in (0.0, 3.0, 2.0))
        >>> path = path_statistics(lambda theta: Score(theta["w"].item(), 1.0), Chain((a, b, c)))
        >>> round(path.length, 3), round(path.detour, 3)
        (4.0, 2.0)
    """

    along: Profile
    passed: Tensor
    detour: float

    @property
    def length(self) -> float:
        """The arc length of the path."""
        return self.passed[-1].item()

    @property
    def loss(self) -> Summary:
        """The loss in nats."""
        return self._summary(self.along.loss)

    @property
    def accuracy(self) -> Summary:
        """The share of right answers."""
        return self._summary(self.along.accuracy)

    def _summary(self, values: Tensor) -> Summary:
        numbers = (
            values[0], values[-1], values.min(), values.max(),
            torch.trapezoid(values, self.along.t),
            torch.trapezoid(values, self.passed / self.passed[-1]),
        )  # fmt: skip
        return Summary(*(number.item() for number in numbers))


def path_statistics(landscape: ScoreFunction, path: Path, *, points: int = 61) -> PathStatistics:
    """Score a path at evenly spaced t, and measure how far it has gone there.

    A path hurries and lingers: evenly spaced t are not evenly spaced places. The mean over t is
    what a fit minimises; the mean by length is what a walker at an even pace sees.

    Args:
        landscape: θ ↦ Score.
        path: t ↦ θ(t) for t in [0, 1].
        points: how many; lengths are those of the chain through them, never too long.

    Raises:
        ValueError: if the path goes nowhere.

    Source:
        Garipov et al. 2018, arXiv:1802.10026, equations 1 and 2.
    """
    t = torch.linspace(0, 1, points, dtype=torch.double)
    places = points_on(path, t)
    gaps, distance = lengths(places)
    if not distance > 0:
        raise ValueError("this path ends where it starts: give one between two different points")
    scores = score_all(landscape, places)
    passed = torch.cat([gaps.new_zeros(1), gaps.cumsum(0)])
    detour = (passed[-1] / distance).item()
    return PathStatistics(Profile(t, scores.loss, scores.accuracy), passed, detour)


def lengths(points: Sequence[Weights]) -> tuple[Tensor, Tensor]:
    """Distances between neighbours of P points, (P − 1,), and from the first to the last.

    For combinations Σᵢ cᵢ θᵢ with Σᵢ cᵢ = 1 they follow from inner products,
    ‖Σᵢ Δcᵢ θᵢ‖² = Δcᵀ G Δc, so the coordinates are read once, however many points there are.
    """
    if not (isinstance(points, Combinations) and _affine(points.coefficients)):
        gaps = [float((q - p).norm()) for p, q in pairwise(points)]
        return torch.tensor(gaps, dtype=torch.double), (points[-1] - points[0]).norm().cpu()
    c = points.coefficients
    steps = torch.cat([c.diff(dim=0), c[-1:] - c[:1]])  # rows sum to 0: any origin will do
    products = centred_products(points.points)
    norms = ((steps @ products) * steps).sum(1).clamp_min(0).sqrt()
    return norms[:-1], norms[-1]


def _affine(coefficients: Tensor) -> bool:
    return torch.allclose(coefficients.sum(1), coefficients.new_ones(()))
