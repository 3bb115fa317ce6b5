"""Evaluations that can be stopped: between two layers, in whatever thread they run.

A large network takes seconds for one point, so a request to stop cannot wait until a point is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import nn

_request: ContextVar[Callable[[], bool] | None] = ContextVar("request", default=None)


class Stopped(Exception):  # noqa: N818 (nothing went wrong)
    """An evaluation was stopped before its end; what was done before it is whole.

    Example:
        >>> import torch
        >>> from fusionlab.lab import initial, mlp
        >>> from fusionlab.landscape import Landscape, Stopped, stops_when
        >>> model = mlp(2, 2)
        >>> landscape = Landscape(model, (torch.randn(4, 2), torch.tensor([0, 1, 0, 1])))
        >>> with stops_when(lambda: True):
        ...     try:
        ...         landscape(initial(model, seed=0))
        ...     except Stopped:
        ...         print("stopped")
        stopped
    """


@contextmanager
def stops_when(wanted: Callable[[], bool]) -> Iterator[None]:
    """Evaluations in this block raise `Stopped` as soon as `wanted()` is true."""
    token = _request.set(wanted)
    try:
        yield
    finally:
        _request.reset(token)


def watch(module: nn.Module) -> nn.Module:
    """Have each layer with parameters of its own look for a request to stop before it runs."""
    for layer in module.modules():
        if any(True for _ in layer.parameters(recurse=False)):
            layer.register_forward_pre_hook(_look)
    return module


def _look(*_: object) -> None:
    wanted = _request.get()
    if wanted is not None and wanted():
        raise Stopped
