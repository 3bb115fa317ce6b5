"""A module as a pure function (tensors, inputs) ↦ logits that many threads may call at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from fusionlab.spaces import running_statistics


class Moments(NamedTuple):
    """Mean and population variance of each channel of one batch, and how many values each sums."""

    mean: Tensor
    variance: Tensor
    values: int


class Network:
    """The architecture of `module`, in evaluation mode; the module itself is left alone.

    Args:
        module: any network; its structure and constant buffers are kept, on `device`.
        batch_statistics: let BatchNorm normalise by the batch at hand, not by stored statistics.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        device: torch.device | None = None,
        batch_statistics: bool = False,
    ) -> None:
        self.module = deepcopy(module).to(device).eval().requires_grad_(False)
        self.measured = running_statistics(self.module)
        self.parameters = dict(self.module.named_parameters())
        self.constants = {
            name: b for name, b in self.module.named_buffers() if name not in self.measured
        }
        if batch_statistics:
            self.module = _with_batch_statistics(self.module)
        self._own = threading.local()

    def __call__(self, tensors: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        """Outputs (n, classes) with parameters and buffers taken from `tensors`."""
        outputs = functional_call(self._structure, dict(tensors), (inputs,))
        if not isinstance(outputs, Tensor):
            raise TypeError(
                f"the network returned a {type(outputs).__name__}, not one tensor of logits: wrap "
                "it in a module whose forward returns (n, classes)."
            )
        return outputs

    def moments(self) -> dict[str, list[Moments]]:
        """What each normalising layer saw in this thread since the last reading, by name."""
        layers = self._structure.named_modules()
        return {name: layer.read() for name, layer in layers if isinstance(layer, _ByBatch)}

    def order(self, tensors: Mapping[str, Tensor], inputs: Tensor) -> list[str]:
        """Names of the layers with parameters of their own, in the order in which they run."""
        seen: list[str] = []
        with ExitStack() as stack:
            for name, layer in self._structure.named_modules():
                if any(True for _ in layer.parameters(recurse=False)):
                    note = partial(_note_name, seen, name)
                    stack.enter_context(layer.register_forward_pre_hook(note))
            self(tensors, inputs)
        return seen

    def input_of(self, name: str, tensors: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        """What the layer `name` sees."""
        seen: list[Tensor] = []
        layer = self._structure.get_submodule(name)
        with layer.register_forward_pre_hook(lambda _, given: seen.append(given[0])):
            self(tensors, inputs)
        return seen[0]

    def without(self, name: str) -> Network:
        """The network with the tensor `name.value` in place of the outputs of a layer."""
        module = deepcopy(self.module)
        module.set_submodule(name, _Given())
        return Network(module)

    @property
    def _structure(self) -> nn.Module:
        # functional_call swaps tensors into the module while it runs, so each thread needs
        # modules of its own; the tensors inside are shared.
        if not hasattr(self._own, "module"):
            tensors = [*self.module.parameters(), *self.module.buffers()]
            self._own.module = deepcopy(self.module, {id(t): t for t in tensors})
        return self._own.module  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Cost:
    """What one input costs a network: floating-point operations, and bytes of the widest layer."""

    flops: int
    bytes: int
    convolutional: bool


def cost(network: Network, one_input: Tensor) -> Cost:
    """Count a forward pass of one input, shape (1, ...)."""
    from torch.utils.flop_counter import FlopCounterMode  # imports triton, where there is one

    with FlopCounterMode(display=False) as counter, _outputs(network.module) as sizes:
        network.module(one_input)
    convolutional = any(isinstance(layer, _ConvNd) for layer in network.module.modules())
    widest = max([one_input.numel(), *sizes])
    return Cost(counter.get_total_flops(), widest * one_input.element_size(), convolutional)


@contextmanager
def _outputs(module: nn.Module) -> Iterator[list[int]]:
    """Note the size of every layer's output while the block runs."""
    sizes: list[int] = []

    def note(_: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            sizes.append(output.numel())

    handles = [layer.register_forward_hook(note) for layer in module.modules()]
    try:
        yield sizes
    finally:
        for handle in handles:
            handle.remove()


def _note_name(seen: list[str], name: str, *_: object) -> None:
    seen.append(name)


class _Given(nn.Module):
    """Stands in for a layer whose outputs are known."""

    def __init__(self) -> None:
        super().__init__()
        self.value: Tensor
        self.register_buffer("value", torch.zeros(()))

    def forward(self, _: Tensor) -> Tensor:
        return self.value


class _ByBatch(nn.Module):
    """A BatchNorm that normalises by the batch, as in training, and notes its moments."""

    def __init__(self, layer: _NormBase) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = layer.weight, layer.bias, layer.eps
        self.seen: list[Moments] = []

    def forward(self, inputs: Tensor) -> Tensor:
        outputs, mean, scale = torch.native_batch_norm(
            inputs, self.weight, self.bias, None, None, True, 0.0, self.eps
        )
        mean, scale = (t.to("cpu", torch.double) for t in (mean, scale))
        variance = (scale**-2 - self.eps).clamp_min(0)
        self.seen.append(Moments(mean, variance, inputs.numel() // inputs.shape[1]))
        return outputs

    def read(self) -> list[Moments]:
        seen, self.seen = self.seen, []
        return seen


def _with_batch_statistics(module: nn.Module) -> nn.Module:
    swapped: dict[int, nn.Module] = {}

    def swap(layer: nn.Module) -> nn.Module:
        if not isinstance(layer, _NormBase) or not layer.track_running_stats:
            return layer
        return swapped.setdefault(id(layer), _ByBatch(layer))

    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            setattr(parent, name, swap(child))
    return swap(module)
