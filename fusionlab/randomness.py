"""Random numbers of torch, NumPy and Python: blocks that draw from a seed, states put back."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

_States = list[Any]


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


@contextmanager
def all_seeded(device: torch.device, *, seed: int = 0) -> Iterator[None]:
    """A block in which torch, NumPy and Python draw from `seed`; then all are as before."""
    with Generators().put_back(), seeded(device, seed):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        yield


def random_states(device: torch.device) -> Hashable:
    """Where the global generators are, as a value to compare."""
    torchs = [torch.get_rng_state()]
    if device.type == "cuda":
        torchs.append(torch.cuda.get_rng_state(device))
    _, numbers, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 (networks draw there)
    numpy = (np.asarray(numbers).tobytes(), *rest)
    return (random.getstate(), *numpy, *(bytes(t.numpy()) for t in torchs))


class Generators:
    """The generators that a source may draw from: torch's, NumPy's, Python's, and its own.

    Example:
        >>> import torch
        >>> from fusionlab.randomness import Generators
        >>> before = torch.get_rng_state()
        >>> with Generators().put_back():
        ...     drawn = torch.rand(3)
        >>> torch.equal(torch.get_rng_state(), before)
        True
    """

    def __init__(self, source: Any = None) -> None:
        samplers = [getattr(source, name, None) for name in ("sampler", "batch_sampler")]
        holders = [source, *samplers, *(getattr(s, "sampler", None) for s in samplers)]
        found = {id(g): g for g in (getattr(h, "generator", None) for h in holders)}
        self._own = [g for g in found.values() if isinstance(g, torch.Generator)]

    def state(self) -> _States:
        """Where all of them are."""
        own = [generator.get_state() for generator in self._own]
        return [torch.get_rng_state(), np.random.get_state(), random.getstate(), *own]  # noqa: NPY002

    def restore(self, state: _States) -> None:
        """Put all of them back to a state."""
        torch.set_rng_state(state[0])
        np.random.set_state(state[1])  # noqa: NPY002
        random.setstate(state[2])
        for generator, own in zip(self._own, state[3:], strict=True):
            generator.set_state(own)

    @contextmanager
    def put_back(self) -> Iterator[None]:
        """A block after which all of them are where they were before."""
        before = self.state()
        try:
            yield
        finally:
            self.restore(before)

    def replay(self, state: _States, items: Iterator[Any]) -> Iterator[Any]:
        """Go through `items` as if from `state`; between them the generators are the caller's."""
        while True:
            with self.put_back():
                self.restore(state)
                item = next(items, _END)
                state = self.state()
            if item is _END:
                return
            yield item


_END = object()
