"""Fingerprints of networks: two networks that would train differently have different ones."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

from torch import nn

from fusionlab.data import content_hash
from fusionlab.lab.starts import own_ways, unchanged_by_reset

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # differs from process to process
LIBRARIES = ("torch", "torchvision")  # the names of their classes identify their code
PLAIN = (bool, int, float, str, type(None))


def architecture(model: nn.Module) -> dict[str, Any]:
    """All of `model` except its weights, as JSON: structure, settings and code.

    The code of functions that a reader's `forward` calls is not followed.
    """
    kinds = {kind for layer in model.modules() for kind in type(layer).__mro__}
    kept, ways = unchanged_by_reset(model), own_ways(model)
    return {
        "repr": ADDRESS.sub("", repr(model)),
        "tensors": [
            (name, str(t.dtype), list(t.shape), t.requires_grad)
            for name, t in (*model.named_parameters(), *model.named_buffers())
        ],
        "settings": {name: _settings(layer) for name, layer in model.named_modules()},
        "code": {f"{k.__module__}.{k.__qualname__}": _code(k) for k in kinds if _is_own(k)},
        "kept": content_hash(kept),
        **({"drawn by": ways} if kept or ways else {}),  # plain networks do not need it
    }


def digest(facts: Mapping[str, Any]) -> str:
    """SHA-256 of JSON facts, as hexadecimal digits."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _settings(layer: nn.Module) -> dict[str, str]:
    """Plain public attributes of a layer, which its repr may leave out."""
    found = {}
    for name, value in vars(layer).items():
        if name.startswith("_") or name == "training":
            continue
        if isinstance(value, PLAIN) or _is_plain_tuple(value):
            found[name] = repr(value)
        elif callable(value):
            found[name] = getattr(value, "__qualname__", type(value).__qualname__)
    return found


def _is_plain_tuple(value: object) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(item, PLAIN) for item in value)


def _is_own(kind: type) -> bool:
    return kind is not object and kind.__module__.split(".")[0] not in LIBRARIES


def _code(kind: type) -> str:
    """Hash of the byte code of a class's own functions; comments and line numbers do not count."""
    functions = {n: f for n, f in vars(kind).items() if isinstance(f, FunctionType)}
    parts = {name: list(_byte_code(f.__code__)) for name, f in functions.items()}
    return digest(parts)


def _byte_code(code: CodeType) -> Iterator[str]:
    yield code.co_code.hex()
    yield repr((code.co_names, code.co_varnames))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _byte_code(constant)
        else:
            yield repr(constant)
