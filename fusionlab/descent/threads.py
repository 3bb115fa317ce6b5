"""How many threads a step is worth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

ALONE = 3e6  # products of a forward pass below which a second thread waits more than it computes


def threads_worth(network: nn.Module, inputs: Tensor) -> int:
    """How many threads a step on such a batch of inputs is worth: one, if it is small.

    Beside other work a second thread of a small step costs many times what it saves.
    """
    now = torch.get_num_threads()
    small = now > 1 and len(inputs) * _products(network, inputs[:1]) < ALONE
    return 1 if small else now


@contextmanager
def threads(number: int) -> Iterator[None]:
    """A block in which torch has so many threads."""
    before = torch.get_num_threads()
    if number != before:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        if number != before:
            torch.set_num_threads(before)


@torch.no_grad()
def _products(network: nn.Module, one_input: Tensor) -> float:
    """Multiplications by weights that one input costs."""
    counts: list[float] = []

    def count(layer: nn.Module, _: object, outputs: object) -> None:
        weight = getattr(layer, "weight", None)
        if isinstance(weight, Tensor) and isinstance(outputs, Tensor) and weight.ndim > 1:
            counts.append(weight.numel() * outputs.numel() / len(weight))  # once at each place

    modes = {layer: layer.training for layer in network.modules()}
    with ExitStack() as stack:
        for layer in modes:
            stack.enter_context(layer.register_forward_hook(count))
        network.eval()(one_input)  # BatchNorm must not measure this
    for layer, training in modes.items():
        layer.training = training
    return sum(counts)
