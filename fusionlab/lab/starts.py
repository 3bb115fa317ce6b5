"""Where a training begins: a network with new weights, drawn from a seed."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf, sqrt

import torch
from torch import Tensor, nn

from fusionlab.coordinates import check_finite
from fusionlab.lab.computed import computed, plain
from fusionlab.modules import copy_module
from fusionlab.randomness import seeded
from fusionlab.weights import Weights

RESETS = ("reset_parameters", "_reset_parameters")  # the second is nn.MultiheadAttention's
OWN = ("init_weights", "initialize_weights", "_init_weights", "_initialize_weights")
FLAG = "_is_hf_initialized"  # transformers' mark of tensors that its `init_weights` must not change
SHUFFLED, KEPT = "each gets its values in another order", "they stay as they are"
FAR = 5.0  # standard errors from 0, beyond which a correlation is real


def fresh(model: nn.Module, *, start: Weights | None = None) -> nn.Module:
    """A copy of `model` in training mode, with new weights; or at `start`.

    Layers draw with their `reset_parameters`. If a network or a part of it has its own method,
    `init_weights()` or `_init_weights(layer)` (transformers, timm), this then overrules its layers;
    an initialisation that is written into a constructor cannot be repeated. A parameter that none
    of these draws (a class token) gets its own values in another order, which for independent
    values is a fair draw from their distribution, and a warning names it. Constants, frozen
    parameters and tables whose neighbours are similar stay.

    The draws come from torch's global generator: call it inside `seeded`. Buffers that are missing
    in `start` begin as in a new network.
    """
    network = copy_module(model).train()
    network.zero_grad()
    missed = _draw_all(network)
    if start is None:
        _shuffle(network, missed)
        return network
    check_finite([start])
    buffers = {**Weights.of(network).buffers, **start.buffers}
    return Weights(start, buffers).to(network)


def initial(model: nn.Module, *, seed: int) -> Weights:
    """Weights drawn by `seed`: where `train` with this seed would begin."""
    with seeded(torch.device("cpu"), seed):
        return Weights.of(fresh(model))


def unchanged_by_reset(model: nn.Module) -> dict[str, Tensor]:
    """What a new copy takes over from `model`: tensors that no layer draws again."""
    with seeded(torch.device("cpu"), 0):
        return _draw_all(copy_module(model).train())


def own_ways(model: nn.Module) -> list[str]:
    """How `model` is drawn beyond the `reset_parameters` of plain layers."""
    layers = list(model.named_modules())
    ways = [f"{name}.{way}" for name, layer in layers if (way := _way(layer, OWN))]
    bound = [f"{name}.{tensor}" for name, layer in layers for tensor in computed(layer)]
    return [way.lstrip(".") for way in (*ways, *bound)]


def _draw_all(network: nn.Module) -> dict[str, Tensor]:
    """Draw what can be drawn; return the tensors, by name, that were left as they are."""
    before = {name: (t, t._version, t.detach().clone()) for name, t in _tensors(network)}
    for each in (*network.modules(), *network.parameters(), *network.buffers()):
        vars(each).pop(FLAG, None)
    with plain(network):
        for layer in reversed(list(network.modules())):  # a parent may overrule its children
            if reset := _way(layer, RESETS):
                _draw(layer, reset)
            if own := _way(layer, OWN):
                _draw_as_itself(layer, own)
    return {
        name: tensor
        for name, tensor in _tensors(network)
        if (old := before.get(name))
        and tensor is old[0]
        and tensor._version == old[1]
        and torch.equal(tensor, old[2])
    }


def _tensors(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from network.named_parameters()
    yield from network.named_buffers()


def _way(layer: nn.Module, names: tuple[str, ...]) -> str | None:
    """The first of these methods that can be called with nothing, or of one's own with a layer."""
    most = int(names is OWN)
    return next((name for name in names if _asks(getattr(layer, name, None)) <= most), None)


def _asks(method: object) -> float:
    """How many arguments a method must be given; infinite if it is not a method."""
    if not callable(method) or isinstance(method, nn.Module):
        return inf
    given = inspect.signature(method).parameters.values()
    open_ended = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return sum(p.kind not in open_ended and p.default is inspect.Parameter.empty for p in given)


def _draw(layer: nn.Module, way: str) -> None:
    method: Callable[..., object] = getattr(layer, way)
    if not _asks(method):
        method()
        return
    for part in reversed(list(layer.modules())):  # as `apply` would: children first
        method(part)


def _draw_as_itself(layer: nn.Module, way: str) -> None:
    try:
        _draw(layer, way)
    except Exception as error:  # a reader's code, which may do anything
        warnings.warn(
            f"{type(layer).__name__}.{way} failed ({type(error).__name__}: {error}), so its layers "
            "are drawn with their reset_parameters.",
            RuntimeWarning,
            stacklevel=2,
        )


def _shuffle(network: nn.Module, missed: Mapping[str, Tensor]) -> None:
    """Give parameters that nothing draws their own values in another order, and name them."""
    found: dict[str, list[str]] = {SHUFFLED: [], KEPT: []}
    for name, tensor in missed.items():
        if not isinstance(tensor, nn.Parameter) or not tensor.requires_grad or _is_constant(tensor):
            continue
        independent = _is_independent(tensor)
        found[SHUFFLED if independent else KEPT].append(name)
        if independent:
            order = torch.randperm(tensor.numel()).to(tensor.device)
            tensor.data = tensor.detach().flatten()[order].view(tensor.shape)
    if listed := [f"{what} ({_list(names)})" for what, names in found.items() if names]:
        warnings.warn(
            f"Some parameters cannot be drawn again: {'; '.join(listed)}. If this network is "
            "trained, "
            "they carry what it has learned into every start. Give their layers a method "
            "reset_parameters(), or the network a method init_weights().",
            RuntimeWarning,
            stacklevel=3,
        )


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _is_constant(tensor: Tensor) -> bool:
    """Whether most of the values are the same, as zeros and ones are, or there is only one."""
    values = _real(tensor).flatten()
    return tensor.numel() < 2 or bool((values == values.median()).double().mean() > 0.5)


def _is_independent(tensor: Tensor) -> bool:
    """Whether neighbours along every axis are as uncorrelated as in independent draws."""
    values = _real(tensor)
    centred = (values - values.mean()) / values.std()
    for axis, n in enumerate(tensor.shape):
        pairs = centred.narrow(axis, 1, n - 1) * centred.narrow(axis, 0, n - 1)
        if pairs.numel() and abs(float(pairs.mean())) > FAR / sqrt(pairs.numel()):
            return False
    return True


def _real(tensor: Tensor) -> Tensor:
    return (tensor.detach().real if tensor.is_complex() else tensor.detach()).double().cpu()
