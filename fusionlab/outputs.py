"""What a network takes and gives: a tensor, several in a tuple, or several by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

Inputs: TypeAlias = Tensor | tuple[Tensor, ...] | dict[str, Tensor]

_LOGITS = ("logits", "out")  # transformers and torchvision call theirs so


class OutputsError(ValueError):
    """It is not clear which of the tensors that a network returned are its outputs."""


def _arguments(inputs: Inputs) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
    """The positional and the named arguments of a forward call with these inputs."""
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    return (inputs if isinstance(inputs, tuple) else (inputs,)), {}


def forward(network: nn.Module, inputs: Inputs) -> Any:
    """What the network returns: a tuple is given as its arguments, a dict as its named ones."""
    positional, named = _arguments(inputs)
    return network(*positional, **named)


def map_tensors(function: Callable[[Tensor], Tensor], tensors: Any) -> Any:
    """Apply `function` to each tensor of inputs or outputs; what is not a tensor stays."""
    if isinstance(tensors, Tensor):
        return function(tensors)

    def convert(one: Any) -> Any:
        if isinstance(one, Tensor):
            return function(one)
        if not _holds_tensors(one):
            return one
        fresh = copy(one)
        for name, value in vars(one).items():
            object.__setattr__(fresh, name, map_tensors(function, value))
        return fresh

    return tree_map(convert, tensors)


def _holds_tensors(one: Any) -> bool:
    """Whether this is an object of the reader's (a dataclass) with tensors as attributes."""
    return any(isinstance(value, Tensor) for value in getattr(one, "__dict__", {}).values())


def tensors_of(tensors: Any) -> list[Tensor]:
    """The tensors of inputs or outputs, in their order."""
    found: list[Tensor] = []
    map_tensors(lambda t: found.append(t) or t, tensors)  # type: ignore[func-returns-value]
    return found


def in_precision(inputs: Inputs, tensors: Mapping[str, Tensor]) -> Inputs:
    """Inputs in the precision of a network's tensors; class numbers or tokens stay integers.

    Where a network has several precisions, one that it has is left as it is; else inputs are
    brought to the precision of most of its numbers.
    """
    sizes: dict[torch.dtype, int] = {}
    for tensor in tensors.values():
        if tensor.is_floating_point() or tensor.is_complex():
            real = tensor.dtype.to_real()
            sizes[real] = sizes.get(real, 0) + tensor.numel()

    def convert(one: Tensor) -> Tensor:
        fits = not one.is_floating_point() or not sizes or one.dtype in sizes
        return one if fits else one.to(max(sizes, key=sizes.__getitem__))

    return map_tensors(convert, inputs)  # type: ignore[no-any-return]


def logits_of(returned: Any) -> Tensor:
    """The one tensor of outputs in what a network returned: its `logits`, its `out`, or the first.

    Raises:
        OutputsError: if there is none, or several and none is called so.
    """
    if isinstance(returned, Tensor):
        return returned
    if isinstance(returned, Mapping):
        named: dict[str, Any] = dict(returned)
    elif hasattr(returned, "_asdict"):
        named = returned._asdict()
    else:
        named = dict(vars(returned)) if hasattr(returned, "__dict__") else {}
    for name in _LOGITS:
        if isinstance(named.get(name), Tensor):
            return named[name]  # type: ignore[no-any-return]
    candidates = list(returned) if isinstance(returned, tuple) else list(named.values())
    tensors = [value for value in candidates if isinstance(value, Tensor)]
    if len(tensors) == 1 or (tensors and isinstance(returned, tuple)):
        return tensors[0]
    raise OutputsError(
        f"the network returned {_describe(returned, named)}, and it is not clear which tensor "
        "holds its outputs. Wrap it in a module whose forward returns that tensor, or give an "
        "objective of your own, loss(returned, targets)."
    )


def _describe(returned: Any, named: Mapping[str, Any]) -> str:
    parts = [
        f"{name} {tuple(value.shape)}" if isinstance(value, Tensor) else str(name)
        for name, value in named.items()
        if value is not None
    ]
    inside = f" of {', '.join(parts)}" if parts else ""
    return f"a {type(returned).__name__}{inside}"


@contextmanager
def explained(inputs: Inputs) -> Iterator[None]:
    """A block that calls a network on `inputs`; what goes wrong is said in the reader's terms.

    Raises:
        ValueError: with the inputs' shapes and torch's own words.
    """
    try:
        yield
    except OutputsError:
        raise
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        shapes = " and ".join(f"{tuple(t.shape[1:])} ({t.dtype})" for t in tensors_of(inputs))
        raise ValueError(
            f"this network cannot take inputs of shape {shapes.replace('torch.', '')}: {error}. "
            "Does its first layer fit the data, in width, channels and number type?"
        ) from error
