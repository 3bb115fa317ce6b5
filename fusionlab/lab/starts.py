"""Where a training begins: a fresh network from a seed, and the order and labels that it sees."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fusionlab.descent.batches import seeded
from fusionlab.modules import copy_module
from fusionlab.weights import Weights

RESETS = ("reset_parameters", "_reset_parameters")  # the second is nn.MultiheadAttention's


def fresh(model: nn.Module, *, start: Weights | None = None) -> nn.Module:
    """A copy of `model` in training mode, every layer's weights drawn anew; or at `start`.

    The draws are torch's global ones: call it inside `seeded`. Parameters of a layer without
    `reset_parameters` (a transformer's class token) stay as they are in `model`; buffers that
    `start` has lost begin as in a fresh network.
    """
    network = copy_module(model).train()
    network.zero_grad()
    for layer in reversed(list(network.modules())):  # a parent may overrule its children
        if reset := _reset_of(layer):
            getattr(layer, reset)()
    if start is None:
        return network
    buffers = {**Weights.of(network).buffers, **start.buffers}
    return Weights(start, buffers).to(network)


def initial(model: nn.Module, *, seed: int) -> Weights:
    """Weights drawn by `seed`: where `train` with this seed would begin."""
    with seeded(torch.device("cpu"), seed):
        return Weights.of(fresh(model))


def unchanged_by_reset(model: nn.Module) -> dict[str, Tensor]:
    """What a fresh copy takes over from `model`: tensors of layers that cannot be drawn anew."""
    return {
        f"{prefix}.{name}": tensor
        for prefix, layer in model.named_modules()
        if not _reset_of(layer)
        for own in (layer.named_parameters(recurse=False), layer.named_buffers(recurse=False))
        for name, tensor in own
    }


def _reset_of(layer: nn.Module) -> str | None:
    return next((name for name in RESETS if callable(getattr(layer, name, None))), None)
