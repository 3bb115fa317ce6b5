"""What single layers see and give while a network runs at a point."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from fusionlab.landscape.moments import first_seen
from fusionlab.landscape.network import Network, Tensors
from fusionlab.outputs import Inputs, map_tensors


def order_of_layers(network: Network, tensors: Tensors, inputs: Inputs) -> list[str]:
    """Names of the layers with parameters of their own, in the order in which they run."""
    seen: list[str] = []

    def listen(module: nn.Module) -> list[RemovableHandle]:
        return [
            layer.register_forward_pre_hook(partial(_note_name, seen, name))
            for name, layer in module.named_modules()
            if any(True for _ in layer.parameters(recurse=False))
        ]

    network(tensors, inputs, listen=listen)
    return seen


def input_of(network: Network, name: str, tensors: Tensors, inputs: Inputs) -> Tensor:
    """What the layer `name` sees."""
    seen: list[Tensor] = []

    def note(_: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        seen.append(first_seen(args, named).clone())

    def listen(module: nn.Module) -> list[RemovableHandle]:
        return [module.get_submodule(name).register_forward_pre_hook(note, with_kwargs=True)]

    network(tensors, inputs, listen=listen)
    return seen[0]


def outputs_of(
    network: Network, names: Sequence[str], tensors: Tensors, inputs: Inputs
) -> list[Any]:
    """What the layers `names` give; of a layer that runs several times, the last."""
    seen: dict[str, Any] = {}

    def listen(module: nn.Module) -> list[RemovableHandle]:
        return [
            module.get_submodule(n).register_forward_hook(partial(_note_output, seen, n))
            for n in names
        ]

    network(tensors, inputs, listen=listen)
    return [seen.get(name) for name in names]


def _note_name(seen: list[str], name: str, *_: object) -> None:
    seen.append(name)


def _note_output(seen: dict[str, Any], name: str, _: object, __: object, outputs: Any) -> None:
    seen[name] = map_tensors(torch.clone, outputs)  # a ReLU that works in place comes next
