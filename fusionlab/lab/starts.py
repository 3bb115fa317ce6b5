"""Where a training begins: a fresh network from a seed, and the order and labels that it sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch import Tensor, nn

from fusionlab.data import Data
from fusionlab.lab.recipes import Recipe
from fusionlab.weights import Weights

RESETS = ("reset_parameters", "_reset_parameters")  # the second is nn.MultiheadAttention's


def fresh(model: nn.Module, *, start: Weights | None = None) -> nn.Module:
    """A copy of `model` in training mode, every layer's weights drawn anew; or at `start`.

    The draws are torch's global ones: call it inside `seeded`. Parameters of a layer without
    `reset_parameters` (a transformer's class token) stay as they are in `model`; buffers that
    `start` has lost begin as in a fresh network.
    """
    network = deepcopy(model).train()
    network.zero_grad()
    for layer in reversed(list(network.modules())):  # a parent may overrule its children
        if reset := _reset_of(layer):
            getattr(layer, reset)()
    if start is None:
        return network
    buffers = {**Weights.of(network).buffers, **start.buffers}
    return Weights(start, buffers).to(network)


def unchanged_by_reset(model: nn.Module) -> dict[str, Tensor]:
    """What a fresh copy takes over from `model`: tensors of layers that cannot be drawn anew."""
    return {
        f"{prefix}.{name}": tensor
        for prefix, layer in model.named_modules()
        if not _reset_of(layer)
        for own in (layer.named_parameters(recurse=False), layer.named_buffers(recurse=False))
        for name, tensor in own
    }


@contextmanager
def seeded(device: torch.device, seed: int) -> Iterator[None]:
    """A block in which torch draws from `seed`; its global generators are then as before."""
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would also touch all GPUs
        for gpu in cuda:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield


def batch_rows(examples: int, size: int, seeds: Sequence[int]) -> Iterator[Tensor]:
    """Endless batches of row numbers, shape (runs, size): every run goes its own way.

    Each epoch is a new order of all rows; those that fill no batch are left out of it.
    """
    size = min(size, examples)
    dice = [torch.Generator().manual_seed(seed) for seed in seeds]
    while True:
        orders = torch.stack([torch.randperm(examples, generator=die) for die in dice])
        yield from orders[:, : examples - examples % size].unflatten(1, (-1, size)).unbind(1)


def noisy_labels(data: Data, recipe: Recipe) -> Tensor:
    """The labels, of which the recipe's share is replaced by another class; shape (n,)."""
    labels = data.labels.clone()
    count = round(recipe.label_noise * len(labels))
    if count == 0:
        return labels
    if data.classes < 2:
        raise ValueError("label noise needs at least two classes: all labels here are 0")
    dice = torch.Generator().manual_seed(recipe.noise_seed)
    rows = torch.randperm(len(labels), generator=dice)[:count]
    steps = torch.randint(1, data.classes, (count,), generator=dice)  # never a full turn
    rows, steps = rows.to(labels.device), steps.to(labels.device, labels.dtype)
    labels[rows] = (labels[rows] + steps) % data.classes
    return labels


def _reset_of(layer: nn.Module) -> str | None:
    return next((name for name in RESETS if callable(getattr(layer, name, None))), None)
