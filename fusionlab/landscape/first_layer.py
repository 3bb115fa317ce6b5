"""The first layer of a network, computed once for all combinations of a few points.

Before any activation the outputs of the first layer are linear in its weights, so those of
Σᵢ cᵢ θᵢ are Σᵢ cᵢ (those of θᵢ). Only the layers after it are computed anew for each point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fusionlab.landscape.basis import mix
from fusionlab.landscape.hooks import input_of, order_of_layers
from fusionlab.landscape.network import Network
from fusionlab.modules import copy_module

Points = Mapping[str, Tensor]  # k points stacked by name, each (k, ...)

LINEAR = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
WORTH = 256  # inputs of a unit × points of a call, above which mixing beats multiplying
MOST_BYTES = 256e6  # of kept outputs


class FirstLayer:
    """The outputs of one layer at each of k points, for all rows of the data."""

    def __init__(
        self, network: Network, name: str, points: Points, batches: Sequence[Tensor]
    ) -> None:
        # A copy, since its tensors are replaced while it runs, and other threads read the module.
        layer = copy_module(network.module.get_submodule(name))
        self.name = name
        self.names = [f"{name}.{own}" for own, _ in layer.named_parameters()]
        self.network = network.without(name)
        self._stand_in = f"{name}.value"
        weights = {key.removeprefix(f"{name}."): points[key] for key in self.names}
        seen = [input_of(network, name, next(_each(points)), inputs) for inputs in batches]
        self._outputs = torch.stack(
            [torch.cat([functional_call(layer, at, (x,)) for x in seen]) for at in _each(weights)]
        )

    def at(self, c: Tensor, rows: slice) -> dict[str, Tensor]:
        """What replaces the layer at coefficients c (q, k), for these rows of the data."""
        return {self._stand_in: mix(c, self._outputs[:, rows])}


def find(network: Network, points: Points, inputs: Tensor, *, rows: int, stack: int) -> str | None:
    """Name the layer that can be computed once, if there is one and it is worth it.

    It must be linear, run first and once, share no weights, and see the same inputs at every
    point, which is tried out on `inputs`, a few rows of the data.
    """
    name, *later = order_of_layers(network, next(_each(points)), inputs) or [""]
    layer = network.module.get_submodule(name)
    if not name or name in later or not _is_plain(layer):
        return None
    if _is_shared(network.module, layer) or _inputs(layer) * min(stack, 8) < WORTH:
        return None
    looks = [input_of(network, name, at, inputs) for at in _each(points)]
    if not all(torch.equal(looks[0], look) for look in looks):
        return None
    weights = {own: points[f"{name}.{own}"][0] for own, _ in layer.named_parameters()}
    bytes_each = functional_call(copy_module(layer), weights, (looks[0],)).nbytes / len(looks[0])
    return name if bytes_each * rows * len(looks) < MOST_BYTES else None


def _each(points: Points) -> Iterator[dict[str, Tensor]]:
    for i in range(len(next(iter(points.values())))):
        yield {name: stacked[i] for name, stacked in points.items()}


def _inputs(layer: nn.Module) -> int:
    """How many numbers a unit of a linear layer sees."""
    weight = layer.get_parameter("weight")
    return weight.numel() // len(weight)


def _is_plain(layer: nn.Module) -> bool:
    """Whether a layer is one of torch's that are linear in their weights, and nothing more."""
    hooked = layer._forward_hooks or layer._forward_pre_hooks
    return type(layer) in LINEAR and {n for n, _ in layer.named_parameters()} <= {
        "weight", "bias"
    } and not hooked  # fmt: skip


def _is_shared(module: nn.Module, layer: nn.Module) -> bool:
    everywhere = [id(p) for _, p in module.named_parameters(remove_duplicate=False)]
    return any(everywhere.count(id(p)) > 1 for p in layer.parameters())
