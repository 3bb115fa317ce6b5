"""Copies of modules that share nothing with the original, whatever it holds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

from torch import Tensor, nn
from torch.jit import ScriptModule
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode


def copy_module(module: nn.Module, *, instead: Mapping[Tensor, Tensor] | None = None) -> nn.Module:
    """A deep copy of `module`: hooks stay, tied parameters stay tied, gradients are left behind.

    A tensor that was computed (an activation that is kept, the `weight` of an old-style
    `weight_norm`) is copied as a plain value. In the copy a `DataParallel` runs on one device.

    Args:
        module: any network; it is not changed.
        instead: tensors that stand in the copy for tensors of the original; each may be itself.

    Raises:
        ValueError: if a parameter is not initialised yet, or `module` is of torch.jit or holds what
            cannot be copied.
    """
    _check_python(module)
    check_initialised(module)
    try:
        with _PlainValues():
            others = {id(t): other for t, other in (instead or {}).items()}
            fresh = deepcopy(module, others | _empty(module))
    except TypeError as error:
        raise ValueError(
            f"{type(module).__name__} cannot be copied, so it cannot be evaluated at other "
            f"weights: {error}. Keep such an object outside of the module, or give the module a "
            "__deepcopy__ of its own."
        ) from error
    for layer in fresh.modules():
        if type(layer) is nn.DataParallel:
            layer.__class__ = _OneDevice  # type: ignore[assignment]
    return fresh


def _empty(module: nn.Module) -> dict[int, Any]:
    """Fresh containers for the empty ones of hooks, which are most of what a deep copy takes."""
    containers = (value for layer in module.modules() for value in vars(layer).values())
    return {id(c): type(c)() for c in containers if type(c) in (OrderedDict, set) and not c}


def check_initialised(module: nn.Module) -> None:
    """Raise a ValueError if a parameter or buffer has no shape yet."""
    tensors = [*module.named_parameters(), *module.named_buffers()]
    if lazy := [name for name, t in tensors if is_lazy(t)]:
        raise ValueError(
            f"{lazy[0]!r} has no shape yet, as its layer is lazy and has seen no input: run a few "
            "rows through the network first, model(inputs[:2])."
        )


def _check_python(module: nn.Module) -> None:
    for name, layer in module.named_modules():
        if isinstance(layer, ScriptModule):
            raise ValueError(
                f"{repr(name) if name else 'the network'} is a module of torch.jit, which cannot "
                "be evaluated at other weights: give the Python module that it was made from."
            )


class _PlainValues(TorchFunctionMode):
    """While it is entered, a deep copy takes computed tensors as plain values."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is not Tensor.__deepcopy__ or args[0].is_leaf:
            return func(*args, **(kwargs or {}))
        tensor, memo = args
        return memo.setdefault(id(tensor), tensor.detach().clone())


class _OneDevice(nn.Module):
    """What a DataParallel does where there is one device: names and hooks are the same."""

    module: nn.Module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)
