"""Running statistics of normalising layers: measured at a point on data, never averaged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from fusionlab.landscape.moments import COUNTER, Moments, normalising_layers
from fusionlab.landscape.network import Network
from fusionlab.outputs import Inputs, in_precision

Noted = dict[str, list[Moments]]  # by the name of the layer


def measure(
    network: Network, tensors: Mapping[str, Tensor], batches: Iterable[Inputs]
) -> dict[str, Tensor]:
    """Running statistics of a network at `tensors` over batches, by buffer name.

    A layer that is not reached (a head that only trains) has none.
    """
    return pool(network, tensors, [noted(network, tensors, inputs) for inputs in batches])


@torch.no_grad()
def noted(network: Network, tensors: Mapping[str, Tensor], inputs: Inputs) -> Noted:
    """What each normalising layer measures of one batch."""
    network.by_batch(tensors, in_precision(inputs, tensors))
    return network.by_batch.moments()


def pool(
    network: Network, tensors: Mapping[str, Tensor], parts: Sequence[Noted]
) -> dict[str, Tensor]:
    """The running statistics of several batches together, by buffer name, beside `tensors`."""
    layers = normalising_layers(network.by_batch.module)
    pooled: dict[str, Tensor] = {}
    for layer in dict.fromkeys(name for part in parts for name in part):
        seen = [moments for part in parts for moments in part.get(layer, ())]
        of_batches = isinstance(layers[layer], _BatchNorm)
        for name, value in _pool(seen, of_batches=of_batches).items():
            pooled[f"{layer}.{name}".lstrip(".")] = value
    device, kinds = next(iter(tensors.values())).device, network.kinds_measured(tensors)
    return {name: pooled[name].to(device, kind) for name, kind in kinds.items() if name in pooled}


def _pool(batches: Sequence[Moments], *, of_batches: bool) -> dict[str, Tensor]:
    """The statistics of all batches together, weighted by size.

    BatchNorm's follow the law of total variance; others, such as InstanceNorm's, are means.
    """
    counts = torch.tensor([b.values for b in batches], dtype=torch.double)
    share = (counts / counts.sum())[:, None]
    stacked = {
        name: torch.stack([b.statistics[name] for b in batches]) for name in batches[0].statistics
    }
    pooled = {name: (share * values).sum(0) for name, values in stacked.items()}
    if of_batches:
        spread = (share * (stacked["running_mean"] - pooled["running_mean"]) ** 2).sum(0)
        pooled["running_var"] = pooled["running_var"] + spread
    return {**pooled, COUNTER: torch.tensor(len(batches))}
