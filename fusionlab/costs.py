"""What one row costs a network, counted while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from fusionlab.modes import overrides_train
from fusionlab.outputs import Inputs, forward, map_tensors, tensors_of


@dataclass(frozen=True)
class Cost:
    """What one row costs: floating-point operations, and bytes of the widest layer's output."""

    flops: int
    bytes: int
    convolutional: bool


@torch.no_grad()
def cost(network: nn.Module, rows: Inputs) -> Cost:
    """Count a forward pass of a few rows, in evaluation mode; the network is left as it was.

    A layer multiplies each of its weights once at each place of its output. What a forward
    multiplies beside its layers (scores of attention) is not seen.
    """
    n = len(tensors_of(rows)[0])
    flops: list[float] = []
    sizes = [t.numel() * t.element_size() for t in tensors_of(rows)]

    def note(layer: nn.Module, _: object, output: Any) -> None:
        tensor = output[0] if isinstance(output, tuple) and len(output) else output
        if isinstance(tensor, Tensor):
            sizes.append(tensor.numel() * tensor.element_size())
            flops.append(2 * _products(layer, tensor))

    with ExitStack() as stack:
        stack.enter_context(_evaluating(network))
        for layer in network.modules():
            stack.enter_context(layer.register_forward_hook(note))
        forward(network, map_tensors(torch.clone, rows))
    convolutional = any(isinstance(layer, _ConvNd) for layer in network.modules())
    return Cost(int(sum(flops) / n), max(sizes) // n, convolutional)


def _products(layer: nn.Module, output: Tensor) -> float:
    """How often a layer multiplies by its own weights."""
    weights = sum(p.numel() for p in layer.parameters(recurse=False) if p.ndim > 1)
    if not weights or isinstance(layer, nn.Embedding | nn.EmbeddingBag):
        return 0
    channels = output.shape[1] if isinstance(layer, _ConvNd) else output.shape[-1]
    return weights * output.numel() / max(1, channels)


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """A block in which nothing is drawn or measured; layers with modes of their own stay as is."""
    modes = {layer: layer.training for layer in network.modules() if not overrides_train(layer)}
    for layer in modes:
        layer.training = False
    try:
        yield
    finally:
        for layer, training in modes.items():
            layer.training = training
