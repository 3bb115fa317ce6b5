"""A point with the running statistics that its network has on data."""

from __future__ import annotations

from typing import Any

from torch import nn

from fusionlab.data import Data
from fusionlab.landscape.examination import examine
from fusionlab.landscape.precision import wide, working
from fusionlab.landscape.statistics import measure
from fusionlab.spaces import check_same_space
from fusionlab.weights import Weights


def recalibrate(
    model: nn.Module, theta: Weights, data: Any, *, batch_size: int | None = None
) -> Weights:
    """Return θ with the running statistics that its network has on `data`.

    Args:
        model: the architecture; left as it is.
        theta: a point, with or without statistics.
        data: what to measure on, usually the training data: `Data`, or what `Data.of` takes.
        batch_size: rows at once. Without it one batch holds all data and the statistics are
            exact; with it each batch is normalised by itself, and batches count by their size.

    Returns:
        θ with the mean and the population variance of each normalised channel's input.

    Raises:
        ValueError: if a layer keeps its statistics in a way that cannot be measured.

    Source:
        Izmailov et al. 2018, arXiv:1803.05407, need this after averaging weights.
    """
    data = Data.of(data)
    examined = examine(model, data.inputs, device=data.device)
    examined.check_measurable()
    check_same_space(theta, examined.network.parameters)
    theta = theta.move(data.device)
    tensors = {n: wide(t, working(theta)) for n, t in {**theta, **theta.buffers}.items()}
    parts = (part.inputs for part in data.parts(batch_size or len(data)))
    with examined.same_draws():
        measured = measure(examined.network, tensors, parts)
    own = next(iter(theta.values())).dtype.to_real()
    return Weights(theta, {**theta.buffers, **{n: wide(b, own) for n, b in measured.items()}})
