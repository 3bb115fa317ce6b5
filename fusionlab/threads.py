"""How many threads a step needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from fusionlab.costs import cost
from fusionlab.outputs import Inputs, in_precision, map_tensors, tensors_of

ALONE = 3e6  # products of a forward pass; below, a second thread waits more than it computes


def threads_worth(network: nn.Module, inputs: Inputs) -> int:
    """How many threads pay off for a step on such a batch of inputs: one, if it is small.

    When other work runs, a second thread for a small step costs many times what it saves.
    """
    now, rows = torch.get_num_threads(), len(tensors_of(inputs)[0])
    if now == 1:
        return 1
    few = in_precision(map_tensors(lambda t: t[:2], inputs), dict(network.named_parameters()))
    return 1 if rows * cost(network, few).flops / 2 < ALONE else now


@contextmanager
def threads(number: int) -> Iterator[None]:
    """A block in which torch uses this many threads."""
    before = torch.get_num_threads()
    if number != before:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        if number != before:
            torch.set_num_threads(before)
