"""What normalising layers measure of a batch, by their own forward in training mode."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from fusionlab.spaces import keeps_statistics, own_statistics

COUNTER = "num_batches_tracked"
TORCHS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


class Moments(NamedTuple):
    """The running statistics of one batch by buffer name, and how many values each sums."""

    statistics: dict[str, Tensor]
    values: int


def normalising_layers(module: nn.Module) -> dict[str, nn.Module]:
    """The layers that keep running statistics, by name."""
    return {name: layer for name, layer in module.named_modules() if keeps_statistics(layer)}


def use_batches(module: nn.Module, momenta: Mapping[str, float]) -> nn.Module:
    """Have normalising layers work as in training, and take the statistics of each batch whole.

    Args:
        module: changed in place.
        momenta: of layers, by name, whose momentum counts what was before; torch's counts the new.
    """
    for name, layer in normalising_layers(module).items():
        layer.training = True
        layer.momentum = momenta.get(name, 1.0)  # type: ignore[assignment]
        if type(layer) in TORCHS:
            layer.__class__ = _ByBatch  # type: ignore[assignment]
    return module


def take_notes(layers: dict[str, nn.Module], note: Callable[[str, Moments], None]) -> None:
    """Have each layer note what it has measured after each of its calls."""

    def look(
        name: str, layer: nn.Module, args: tuple[Any, ...], named: dict[str, Any], _: object
    ) -> None:
        seen = first_seen(args, named)
        values = seen.numel() // seen.shape[1]
        batch = isinstance(layer, _BatchNorm)
        note(name, Moments(dict(_population(layer, values)), values if batch else len(seen)))

    for name, layer in layers.items():
        layer.register_forward_hook(lambda *given, name=name: look(name, *given), with_kwargs=True)


def first_seen(args: tuple[Any, ...], named: Mapping[str, Any]) -> Tensor:
    """The first thing that a layer was given, by its place or by its name."""
    return next(iter((*args, *named.values())))  # type: ignore[no-any-return]


def _population(layer: nn.Module, values: int) -> Iterable[tuple[str, Tensor]]:
    """A layer's statistics; BatchNorm's variance is that of the batch itself, not an estimate."""
    for name in own_statistics(layer):
        value = getattr(layer, name).detach()
        if name == COUNTER:
            continue
        value = value.to("cpu", torch.double)
        if isinstance(layer, _BatchNorm) and name == "running_var":
            value = value * ((values - 1) / values) if values > 1 else torch.zeros_like(value)
        yield name, value.clone()


class _ByBatch(_BatchNorm):
    """Torch's BatchNorm in training mode, on one device and also for a batch of one row."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise by the batch."""
        return torch.batch_norm(
            input, self.weight, self.bias, self.running_mean, self.running_var, True, 1.0,
            self.eps, torch.backends.cudnn.enabled,
        )  # fmt: skip


def is_torchs(layer: nn.Module) -> bool:
    """Whether a layer's momentum means what torch's does."""
    return type(layer).__module__.startswith("torch.nn.")
