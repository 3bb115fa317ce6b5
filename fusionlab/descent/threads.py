"""How many threads a step is worth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

ALONE = 3e6  # multiplications of a step below which a second thread waits more than it computes


@contextmanager
def few_threads(network: nn.Module, rows: int) -> Iterator[None]:
    """A block in which steps on `rows` rows have one thread, if they are that small.

    Beside other work a second thread of a small step costs many times what it saves.
    """
    products = rows * sum(p.numel() for p in network.parameters())
    convolutional = any(isinstance(layer, _ConvNd) for layer in network.modules())
    before = torch.get_num_threads()
    if convolutional or products > ALONE or before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
