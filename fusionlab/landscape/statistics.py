"""BatchNorm's running statistics: measured at a point on data, never averaged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from fusionlab.data import Data
from fusionlab.landscape.network import Moments, Network
from fusionlab.spaces import check_same_space
from fusionlab.weights import Weights


def recalibrate(
    model: nn.Module, theta: Weights, data: Data, *, batch_size: int | None = None
) -> Weights:
    """Return θ with the running statistics that its network has on `data`.

    Args:
        model: the architecture; left as it is.
        theta: a point, with or without statistics.
        data: what to measure on, usually the training data.
        batch_size: rows at once. Without it one batch holds all data and the statistics are
            exact; with it each batch is normalised by itself, and batches count by their size.

    Returns:
        θ with the mean and the population variance of each normalised channel's input.

    Source:
        Izmailov et al. 2018, arXiv:1803.05407, need this after averaging weights.
    """
    network = Network(model, device=data.labels.device).by_batch
    check_same_space(theta, network.parameters)
    theta = theta.move(data.labels.device)
    measured = measure(network, {**network.constants, **theta}, data.inputs, batch_size)
    return Weights(theta, {**theta.buffers, **measured})


@torch.no_grad()
def measure(
    network: Network, tensors: Mapping[str, Tensor], inputs: Tensor, batch_size: int | None = None
) -> dict[str, Tensor]:
    """Running statistics of a network with batch statistics over `inputs`, by buffer name."""
    for batch in inputs.split(batch_size or len(inputs)):
        network(tensors, batch)
    one = next(iter(tensors.values()))
    return {
        f"{layer}.{name}".lstrip("."): value.to(one) if name.startswith("run") else value
        for layer, seen in network.moments().items()
        for name, value in _pool(layer, seen).items()
    }


def _pool(layer: str, seen: Iterable[Moments]) -> dict[str, Tensor]:
    """Mean and variance of all batches together (law of total variance), weighted by size."""
    batches = list(seen)
    if not batches:
        raise ValueError(f"the layer {layer!r} was not reached: its statistics stay unknown")
    counts = torch.tensor([b.values for b in batches], dtype=torch.double)
    share = (counts / counts.sum())[:, None]
    means = torch.stack([b.mean for b in batches])  # (batches, channels)
    squares = torch.stack([b.variance for b in batches]) + means**2
    mean = (share * means).sum(0)
    variance = ((share * squares).sum(0) - mean**2).clamp_min(0)
    return {
        "running_mean": mean,
        "running_var": variance,
        "num_batches_tracked": torch.tensor(len(batches)),
    }
