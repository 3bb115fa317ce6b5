"""The random state that reading moves and puts back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

_States = list[Any]


class Draws:
    """The generators that a source may draw from: torch's, NumPy's, Python's, and its own.

    Example:
        >>> import torch
        >>> from fusionlab.rows import Draws
        >>> before = torch.get_rng_state()
        >>> with Draws().put_back():
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
        """Where all of them stand."""
        own = [generator.get_state() for generator in self._own]
        return [torch.get_rng_state(), np.random.get_state(), random.getstate(), *own]  # noqa: NPY002

    def restore(self, state: _States) -> None:
        """Put all of them where they stood."""
        torch.set_rng_state(state[0])
        np.random.set_state(state[1])  # noqa: NPY002
        random.setstate(state[2])
        for generator, own in zip(self._own, state[3:], strict=True):
            generator.set_state(own)

    @contextmanager
    def put_back(self) -> Iterator[None]:
        """A block after which all of them stand where they stood before."""
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
