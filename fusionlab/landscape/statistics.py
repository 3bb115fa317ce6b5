"""Running statistics of normalising layers: measured at a point on data, never averaged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from fusionlab.landscape.moments import COUNTER, Moments, normalising_layers
from fusionlab.landscape.network import Network
from fusionlab.outputs import Inputs, in_precision


@torch.no_grad()
def measure(
    network: Network, tensors: Mapping[str, Tensor], batches: Iterable[Inputs]
) -> dict[str, Tensor]:
    """Running statistics of a network at `tensors` over batches, by buffer name.

    A layer that is not reached (a head that only trains) has none.
    """
    by_batch = network.by_batch
    for inputs in batches:
        by_batch(tensors, in_precision(inputs, tensors))
    moments = by_batch.moments()
    layers = normalising_layers(by_batch.module)
    pooled = {
        f"{layer}.{name}".lstrip("."): value
        for layer, seen in moments.items()
        for name, value in _pool(seen, of_batches=isinstance(layers[layer], _BatchNorm)).items()
    }
    one = next(iter(tensors.values()))
    kinds = network.kinds_measured(tensors)
    return {n: pooled[n].to(one.device, kind) for n, kind in kinds.items() if n in pooled}


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
