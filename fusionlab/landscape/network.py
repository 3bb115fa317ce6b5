"""A module as a pure function (tensors, inputs) ↦ logits that many threads may call at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from fusionlab.landscape.stopping import Stopped, watch
from fusionlab.modules import copy_module
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
    """

    def __init__(self, module: nn.Module, *, device: torch.device | None = None) -> None:
        self.module = copy_module(module).to(device).eval().requires_grad_(False)
        self.measured = running_statistics(self.module)
        self.parameters = dict(self.module.named_parameters())
        self.constants = {
            name: b for name, b in self.module.named_buffers() if name not in self.measured
        }
        self._own = threading.local()

    def __call__(self, tensors: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        """Outputs (n, classes) with parameters and buffers taken from `tensors`."""
        try:
            outputs = functional_call(self._structure, dict(tensors), (inputs,))
        except Stopped:
            self.moments()  # what the layers have noted so far belongs to no whole pass
            raise
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

    def outputs_of(
        self, names: Sequence[str], tensors: Mapping[str, Tensor], inputs: Tensor
    ) -> list[Tensor]:
        """What the layers `names` give; of a layer that runs several times, the last."""
        seen: dict[str, Tensor] = {}
        with ExitStack() as stack:
            for name in names:
                note = partial(_note_output, seen, name)
                layer = self._structure.get_submodule(name)
                stack.enter_context(layer.register_forward_hook(note))
            self(tensors, inputs)
        return [seen[name] for name in names]

    def without(self, name: str) -> Network:
        """The network with the tensor `name.value` in place of the outputs of a layer."""
        module = copy_module(self.module)
        module.set_submodule(name, _Given())
        return Network(module)

    @cached_property
    def by_batch(self) -> Network:
        """The same network, whose BatchNorm normalises by the batch at hand; tensors are shared."""
        twin = copy(self)
        twin.module, twin._own = _with_batch_statistics(_twin(self.module)), threading.local()
        return twin

    @property
    def _structure(self) -> nn.Module:
        # functional_call swaps tensors into the module while it runs, so each thread needs
        # modules of its own; the tensors inside are shared.
        if not hasattr(self._own, "module"):
            self._own.module = watch(_twin(self.module))
        return self._own.module  # type: ignore[no-any-return]


def _twin(module: nn.Module) -> nn.Module:
    """A copy with layers of its own and the same tensors."""
    return copy_module(module, share=[*module.parameters(), *module.buffers()])


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


def _note_output(seen: dict[str, Tensor], name: str, _: object, __: object, out: Tensor) -> None:
    seen[name] = out.clone()  # a ReLU that works in place comes next


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
