"""A module as a pure function (tensors, inputs) ↦ outputs that many threads may call at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.utils.hooks import RemovableHandle

from fusionlab.costs import Cost, cost
from fusionlab.landscape.moments import (
    Moments,
    normalising_layers,
    take_notes,
    use_batches,
)
from fusionlab.landscape.stopping import Stopped, watch
from fusionlab.landscape.structures import Structure
from fusionlab.modes import begin_evaluation, begin_training, set_flags
from fusionlab.modules import copy_module
from fusionlab.outputs import Inputs, explained, forward, in_precision, map_tensors
from fusionlab.spaces import running_statistics

Tensors: TypeAlias = Mapping[str, Tensor]
Modes = Literal["evaluation", "flags"]
Listen: TypeAlias = Callable[[nn.Module], Iterable[RemovableHandle]]  # registers hooks


@dataclass(frozen=True)
class Handling:
    """How a network has to be called so that it is a function of its tensors.

    Attributes:
        modes: "evaluation", begun once; "flags" where that would cache or merge weights.
        anew: each call takes a fresh network around its tensors.
        copies_inputs: its forward writes into them.
        copies_tensors: its forward writes into its weights or buffers.
    """

    modes: Modes = "evaluation"
    anew: bool = False
    copies_inputs: bool = False
    copies_tensors: bool = False


class Network:
    """The architecture of `module`, in evaluation mode; the module itself is left alone.

    Args:
        module: any network; its structure and constant buffers are kept, on `device`.
        handling: how it has to be called.
        select: what is needed of what the module returns.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        device: torch.device | None = None,
        handling: Handling | None = None,
        select: Callable[[Any], Any] = lambda returned: returned,
    ) -> None:
        self.handling, self.select = handling or Handling(), select
        self.module = _settle(copy_module(module).to(device).requires_grad_(False), self.handling)
        self.measured = running_statistics(self.module)
        self.parameters = dict(self.module.named_parameters())
        self.constants = {
            name: b for name, b in self.module.named_buffers() if name not in self.measured
        }
        self.convolutional = any(isinstance(m, _ConvNd) for m in self.module.modules())
        self.momenta: dict[str, float] = {}
        self.filled = 0.0  # what is written over when statistics are measured
        self._batches = False
        self._own = threading.local()

    def __call__(
        self, tensors: Tensors, inputs: Inputs, *, listen: Listen = lambda module: ()
    ) -> Any:
        """Outputs with parameters and buffers taken from `tensors`; others are the module's own."""
        if self.handling.copies_inputs:
            inputs = map_tensors(torch.clone, inputs)
        if self._batches:
            tensors = {**tensors, **self._to_be_measured(tensors)}
        if self.handling.copies_tensors:
            tensors = {n: t.clone() for n, t in {**self.constants, **tensors}.items()}
        try:
            with self._holding(tensors) as module, _removed(listen(module)):
                return self.select(forward(module, inputs))
        except Stopped:
            self.moments()  # what the layers have noted so far belongs to no whole pass
            raise

    def moments(self) -> dict[str, list[Moments]]:
        """What each normalising layer saw in this thread since the last reading, by name."""
        noted: dict[str, list[Moments]] = getattr(self._own, "noted", {})
        self._own.noted = {}
        return noted

    def cost(self, inputs: Inputs) -> Cost:
        """What one row of such inputs costs."""
        writes = self.handling.copies_tensors or self.handling.anew
        shared = {} if writes else _shared(self.module)
        with explained(inputs):
            return cost(
                copy_module(self.module, instead=shared), in_precision(inputs, self.parameters)
            )

    def without(self, name: str) -> Network:
        """The network with the tensor `name.value` in place of the outputs of a layer."""
        module = copy_module(self.module, instead=_shared(self.module))
        module.set_submodule(name, _Given(module.get_submodule(name)))
        return self._like(module)

    @cached_property
    def by_batch(self) -> Network:
        """The same network, whose BatchNorm normalises by the batch at hand; tensors are shared."""
        module = use_batches(copy_module(self.module, instead=_shared(self.module)), self.momenta)
        twin = self._like(module)
        twin._batches = True
        return twin

    def forget(self) -> None:
        """Drop the modules that have been called so far, and with them whatever they kept."""
        self._own = threading.local()
        self.__dict__.pop("by_batch", None)

    @property
    def fresh(self) -> Network:
        """The same network, of which each call takes a fresh one that stays at its tensors."""
        twin = self._like(begin_training(copy_module(self.module, instead=_shared(self.module))))
        twin.handling = replace(self.handling, anew=True)
        return twin

    def _like(self, module: nn.Module) -> Network:
        """This network with another module."""
        twin = copy(self)
        twin.__dict__.pop("by_batch", None)
        twin.module, twin._own = module, threading.local()
        return twin

    def _to_be_measured(self, tensors: Tensors) -> dict[str, Tensor]:
        """Buffers of normalising layers to be written over, for one call."""
        layers = normalising_layers(self.module)
        own = {n: b for n, b in self.module.named_buffers() if n.rpartition(".")[0] in layers}
        kinds = self.kinds_measured(tensors)
        return {
            n: torch.full_like(b, self.filled, dtype=kinds[n])
            if n in kinds
            else tensors.get(n, b).clone()
            for n, b in own.items()
        }

    def kinds_measured(self, tensors: Tensors) -> dict[str, torch.dtype]:
        """The types of what is measured: the module's, or those of a point in other precision."""
        name, own = next(iter(self.parameters.items()))
        kind = tensors.get(name, own).dtype.to_real()
        other = kind if kind != own.dtype.to_real() else None
        buffers = {n: b for n, b in self.module.named_buffers() if n in self.measured}
        return {
            n: other if other and b.is_floating_point() else b.dtype for n, b in buffers.items()
        }

    @contextmanager
    def _holding(self, tensors: Tensors) -> Iterator[nn.Module]:
        """A module of this thread whose tensors are these."""
        if not self.handling.anew:
            with self._structure.holding(tensors) as module:
                yield module
            return
        own = (*self.module.named_parameters(), *self.module.named_buffers())
        around = {t: tensors.get(name, t).clone() for name, t in own}  # it may write into them
        module = _in_modes(copy_module(self.module, instead=around), self.handling.modes)
        yield self._prepared(use_batches(module, self.momenta) if self._batches else module)

    @property
    def _structure(self) -> Structure:
        # Tensors are put into the module while it runs, so each thread needs modules of its own;
        # the tensors inside are shared.
        if not hasattr(self._own, "structure"):
            twin = copy_module(self.module, instead=_shared(self.module))
            self._own.structure = Structure(self._prepared(twin))
        return self._own.structure  # type: ignore[no-any-return]

    def _prepared(self, module: nn.Module) -> nn.Module:
        """The module, which looks whether to stop and, if it normalises by batches, takes notes."""
        watch(module)
        if self._batches:
            take_notes(normalising_layers(module), self._note)
        return module

    def _note(self, name: str, moments: Moments) -> None:
        if not hasattr(self._own, "noted"):
            self._own.noted = {}
        self._own.noted.setdefault(name, []).append(moments)


class _Given(nn.Module):
    """Replaces a layer whose outputs are known; its tensors are still there to be read."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        self.value: Tensor
        self.register_buffer("value", torch.zeros(()))

    def forward(self, *_: Tensor, **__: Tensor) -> Tensor:
        return self.value


def _settle(module: nn.Module, handling: Handling) -> nn.Module:
    """Put a module into the mode in which it is called, or copied where that begins anew."""
    return begin_training(module) if handling.anew else _in_modes(module, handling.modes)


def _in_modes(module: nn.Module, modes: Modes) -> nn.Module:
    return begin_evaluation(module) if modes == "evaluation" else set_flags(module)


@contextmanager
def _removed(handles: Iterable[RemovableHandle]) -> Iterator[None]:
    """A block after which these hooks are gone."""
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _shared(module: nn.Module) -> dict[Tensor, Tensor]:
    """Which tensor is which in a copy that has layers of its own and the same tensors."""
    return {t: t for t in (*module.parameters(), *module.buffers())}
