"""Weights that torch computes before each forward pass: by parametrizations, and by older hooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

SETTLING = 15  # evaluations of a weight, after which spectral_norm has found its vectors


def computed(layer: nn.Module) -> list[str]:
    """Names of a layer's tensors that torch computes from parameters before each forward pass."""
    if parametrize.is_parametrized(layer):
        return list(layer.parametrizations)  # type: ignore[arg-type]
    own, held = layer._parameters, vars(layer)
    return [n for n in held if isinstance(held[n], Tensor) and {f"{n}_orig", f"{n}_v"} & {*own}]


@contextmanager
def plain(network: nn.Module) -> Iterator[None]:
    """A block in which such weights are plain parameters; their sources are set at its end."""
    layers = [
        (layer, type(layer), names) for layer in network.modules() if (names := computed(layer))
    ]
    before: dict[nn.Module, list[Tensor]] = {}
    for layer, _, names in layers:
        values = [getattr(layer, name).detach().clone() for name in names]
        layer.__class__ = parametrize.type_before_parametrizations(layer)
        for name, value in zip(names, values, strict=True):
            vars(layer).pop(name, None)
            layer.register_parameter(name, nn.Parameter(value))
        before[layer] = [value.clone() for value in values]
    yield
    for layer, kind, names in layers:
        values = [cast(Tensor, layer._parameters.pop(name)).detach() for name in names]
        layer.__class__ = kind
        for name, value, old in zip(names, values, before[layer], strict=True):
            if not torch.equal(value, old):
                _bind(layer, name, value)
        _settle(layer, names)


@torch.no_grad()
def _bind(layer: nn.Module, name: str, value: Tensor) -> None:
    """Set the parameters that a weight is computed from so that it has a value."""
    own = cast(dict[str, Tensor], layer._parameters)
    if parametrize.is_parametrized(layer):
        _bind_parametrized(layer, name, value)
    elif (original := own.get(f"{name}_orig")) is not None:  # old spectral_norm, pruning
        original.copy_(value)
    else:  # old weight_norm: its direction and its length over the axes where that has size 1
        length, direction = own[f"{name}_g"], own[f"{name}_v"]
        axes = [i for i in range(value.ndim) if length.ndim == 0 or length.shape[i] == 1]
        direction.copy_(value)
        length.copy_(torch.linalg.vector_norm(value, dim=axes, keepdim=length.ndim > 0))


def _bind_parametrized(layer: nn.Module, name: str, value: Tensor) -> None:
    source = cast(Any, layer.parametrizations)[name]
    before = {n: buffer.clone() for n, buffer in source.named_buffers()}
    try:
        setattr(layer, name, value)
    except RuntimeError:  # it has no inverse: set it as torch does at the beginning
        if (original := getattr(source, "original", value)).shape == value.shape:
            original.copy_(value)
        return
    after = dict(source.named_buffers())
    if any(not torch.equal(buffer, before[n]) for n, buffer in after.items()):
        # `orthogonal` has put it into a buffer; but points of one space must share buffers, so
        # draw around the old one. Its diagonal holds signs, not coordinates.
        apart = ~torch.eye(*value.shape[-2:], dtype=torch.bool, device=value.device)
        source.original.copy_(torch.where(apart, value, source.original))
        for n, buffer in after.items():
            buffer.copy_(before[n])


@torch.no_grad()
def _settle(layer: nn.Module, names: Sequence[str]) -> None:
    """Have spectral_norm find its vectors from fresh ones, as it does at first."""
    for name, buffer in layer.named_buffers():
        if name.endswith(("_u", "_v")):
            buffer.copy_(normalize(torch.randn_like(buffer), dim=0))
    for _ in range(SETTLING):
        for hook in layer._forward_pre_hooks.values():
            if type(hook).__module__.startswith("torch.nn.utils"):
                hook(layer, ())
        for name in names:
            getattr(layer, name)
