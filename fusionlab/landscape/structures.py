"""A module into which tensors can be put, for the time of a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


class Structure:
    """The layers of a module, and where each of its tensors lies."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self._places: dict[str, list[tuple[dict[str, Any], str, Tensor]]] = {}
        names: dict[int, str] = {}
        for full, own, key, tensor in _held(module):
            name = names.setdefault(id(tensor), full)
            self._places.setdefault(name, []).append((own, key, tensor))

    @contextmanager
    def holding(self, tensors: Mapping[str, Tensor]) -> Iterator[nn.Module]:
        """The module with these tensors at their places, tied ones at all of theirs."""
        try:
            for name, tensor in tensors.items():
                for own, key, _ in self._places.get(name, ()):
                    own[key] = tensor
            yield self.module
        finally:
            for places in self._places.values():  # all, as a forward may set others, too
                for own, key, tensor in places:
                    own[key] = tensor


def _held(module: nn.Module) -> Iterator[tuple[str, dict[str, Any], str, Tensor]]:
    """The full name of each tensor, the dictionary that holds it, its name there, and itself."""
    for prefix, layer in module.named_modules():
        pairs: list[tuple[dict[str, Any], str]] = [
            (layer._parameters, k) for k in layer._parameters
        ]
        pairs += [(layer._buffers, key) for key in layer._buffers]
        for own, key in pairs:
            if own[key] is not None:
                yield f"{prefix}.{key}".lstrip("."), own, key, own[key]
