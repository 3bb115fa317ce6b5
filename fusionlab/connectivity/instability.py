"""How far apart several runs end: how they answer, and what is left of them when fused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import fmean

import torch
from torch import Tensor

from fusionlab.connectivity.paths import Line
from fusionlab.connectivity.profiles import profile
from fusionlab.coordinates import check_finite
from fusionlab.data import Data
from fusionlab.landscape import Landscape
from fusionlab.weights import Weights, mean


@dataclass(frozen=True)
class Instability:
    """Several networks of one task, and their two fusions; all are shares in [0, 1].

    `single` is the mean accuracy of the networks, `ensemble` that of the mean of their
    probabilities, `average` that of the mean of their weights. `disagreement` is the share of
    examples to which two of them give different answers, mean over all pairs. `error_barrier` is
    the mean over neighbours: the first and the second, the second and the third, and so on.

    Example:
        >>> from fusionlab.connectivity import Instability
        >>> twins = Instability(0.875, 0.9375, 0.25, disagreement=0.125, error_barrier=0.625)
        >>> twins.ensemble_gain, twins.average_gain
        (0.0625, -0.625)
    """

    single: float
    ensemble: float
    average: float
    disagreement: float
    error_barrier: float

    @property
    def ensemble_gain(self) -> float:
        """Accuracy that the ensemble has over a single network."""
        return self.ensemble - self.single

    @property
    def average_gain(self) -> float:
        """Accuracy that the weight average has over a single network."""
        return self.average - self.single


def instability(
    landscape: Landscape, thetas: Sequence[Weights], *, points: int = 11
) -> Instability:
    """Compare networks that shared a part of their training, on the landscape's data.

    Args:
        landscape: where they are compared.
        thetas: two or more networks.
        points: of each line on which a barrier is looked for.

    Raises:
        ValueError: if there are fewer than two networks.

    Source:
        Frankle et al. 2020, arXiv:1912.05671: the error barrier between two of them.
    """
    if len(thetas) < 2:
        raise ValueError(f"{len(thetas)} network cannot disagree with itself: give two or more.")
    check_finite(thetas)  # NaN would count as an answer, the first class
    data = Data.of(landscape.data)
    labels = data.labels
    beliefs = torch.stack([landscape.probabilities(p, data.inputs) for p in thetas])
    answers = beliefs.argmax(-1)  # (networks, n)
    lines = [profile(landscape, Line(*ends), points=points) for ends in pairwise(thetas)]
    return Instability(
        single=_share(answers == labels),
        ensemble=_share(beliefs.mean(0).argmax(-1) == labels),
        average=landscape(mean(thetas)).accuracy,
        disagreement=fmean(_share(p != q) for p, q in combinations(answers, 2)),
        error_barrier=fmean(line.error_barrier for line in lines),
    )


def _share(which: Tensor) -> float:
    return which.double().mean().item()
