"""Many points, one prediction: the mean of their class probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import nll_loss

from fusionlab.data import Data
from fusionlab.outputs import Inputs
from fusionlab.scores import Score
from fusionlab.weights import Weights

if TYPE_CHECKING:
    from fusionlab.landscape.evaluation import Landscape


def ensemble_probabilities(
    landscape: Landscape, points: Sequence[Weights], inputs: Inputs
) -> Tensor:
    """Class probabilities, averaged over the networks at `points`; shape (n, classes)."""
    if not len(points):
        raise ValueError("an ensemble needs at least one member: no point is given")
    total = torch.zeros(())
    for theta in points:  # one by one: a member's probabilities are not kept
        total = total.to(landscape.device) + landscape.probabilities(theta, inputs)
    return total / len(points)


def ensemble_score(landscape: Landscape, points: Sequence[Weights]) -> Score:
    """Score the ensemble on the landscape's data: its loss is −log of the mean probability."""
    data = Data.of(landscape.data)
    believed = ensemble_probabilities(landscape, points, data.inputs)
    loss = nll_loss(believed.clamp_min(torch.finfo(believed.dtype).tiny).log(), data.labels)
    right = believed.argmax(-1) == data.labels
    return Score(loss.item(), right.double().mean().item())
