"""The plain path, which defines every answer: `theta.to(model)` in evaluation mode, called on rows.

Whatever is faster is compared with it on a few rows. How far outputs may differ follows from how
far they move when the weights move by rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn

from fusionlab.landscape.precision import precision_of, wide
from fusionlab.modes import begin_evaluation
from fusionlab.modules import copy_module
from fusionlab.outputs import Inputs, forward, in_precision, map_tensors, tensors_of
from fusionlab.randomness import all_seeded
from fusionlab.weights import Weights

ULPS = 50  # relative difference in units of rounding that any two ways of computing may show
SPREAD = 20  # how much further than a change of the weights by one unit moves the outputs
_GOLDEN = 0.618  # its multiples spread over the unit interval
MOST = 3e7  # parameters of a network that is copied in double precision
_WORST = 1e-3  # relative difference that is never taken for rounding


@torch.no_grad()
def plain_outputs(
    model: nn.Module, theta: Weights, inputs: Inputs, select: Callable[[Any], Any], seed: int = 0
) -> Any:
    """What the network at θ gives for rows; neither it nor the rows are changed."""
    network = begin_evaluation(theta.to(model))
    rows = map_tensors(torch.clone, in_precision(inputs, theta))
    with all_seeded(tensors_of(inputs)[0].device, seed=seed):
        return select(forward(network, rows))


def elsewhere(theta: Weights, share: float = 0.1) -> Weights:
    """A point near θ at which nothing that was kept from θ is right; nothing is drawn."""

    def move(tensor: Tensor) -> Tensor:
        inexact = tensor.is_floating_point() or tensor.is_complex()
        if not inexact or not tensor.isfinite().all():  # indices, or a mask of −∞
            return tensor
        # Positive, and nowhere alike: softmax does not see what is added to all biases.
        ripple = 0.5 + (_GOLDEN * torch.arange(tensor.numel(), device=tensor.device)).frac()
        moves = tensor.flatten().flip(0) + (share * ripple).to(tensor.dtype)
        return tensor + share * (moves.view(tensor.shape) - tensor)

    def moved(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: move(tensor) for name, tensor in tensors.items()}

    return Weights(moved(theta), moved(theta.buffers))


def rounded(theta: Weights) -> Weights:
    """θ moved by about one unit of its rounding."""
    unit = precision_of(theta.values())
    moved = theta.map(lambda t: t + unit * t.flatten().flip(0).view(t.shape))
    return Weights(moved, theta.buffers)


def difference(one: Any, other: Any) -> float:
    """The largest difference of two outputs, as a share of the largest of the first.

    Numbers that are not finite at the same places are alike; other shapes are infinitely far.
    """
    pairs: list[tuple[Tensor, Tensor]] = list(zip(tensors_of(one), tensors_of(other), strict=False))
    if len(tensors_of(one)) != len(tensors_of(other)) or any(p.shape != q.shape for p, q in pairs):
        return float("inf")
    return max((_apart(p, q) for p, q in pairs), default=0.0)


def _apart(one: Tensor, other: Tensor) -> float:
    if not one.numel():
        return 0.0
    kinds = torch.complex128 if one.is_complex() else torch.double
    p, q = one.detach().to("cpu", kinds), other.detach().to("cpu", kinds)
    finite = p.isfinite()
    if not torch.equal(finite, q.isfinite()):
        return float("inf")
    p, q = p[finite], q[finite]
    if not p.numel():
        return 0.0
    return float((p - q).abs().max() / p.abs().max().clamp_min(torch.finfo(torch.float32).tiny))


class Yardstick:
    """Tells a fault from rounding: plain outputs at one point on a few rows, to compare with."""

    def __init__(
        self, model: nn.Module, theta: Weights, inputs: Inputs, select: Callable[[Any], Any]
    ) -> None:
        self.model, self.theta, self.inputs, self.select = model, theta, inputs, select
        self.outputs = plain_outputs(model, theta, inputs, select)

    def agrees(self, outputs: Any) -> bool:
        """Whether outputs are those of the plain path, up to rounding."""
        return self.alike(self.outputs, outputs)

    def alike(self, one: Any, other: Any) -> bool:
        """Whether two outputs at this point differ by no more than rounding does."""
        apart = difference(one, other)
        return apart <= ULPS * precision_of(self.theta.values()) or apart <= self._allowed

    def same(self, one: Any, other: Any) -> bool:
        """Whether two outputs are the same numbers, as those of the same operations are.

        What is kept from another point shows so, however little it moves the outputs. Where the
        plain path itself gives other numbers each time, rounding is allowed.
        """
        return difference(one, other) == 0 or (not self._repeats and self.alike(one, other))

    @property
    def finer(self) -> Yardstick | None:
        """The same in double precision, if that can be: what layers scale down is seen there."""
        if self.theta.size > MOST:
            return None
        with suppress(RuntimeError, TypeError):  # of layers that take no double precision
            model = copy_module(self.model).double()
            tensors, buffers = (
                {name: wide(tensor, torch.double) for name, tensor in held.items()}
                for held in (self.theta, self.theta.buffers)
            )
            theta = Weights(tensors, buffers)
            finer = Yardstick(model, theta, in_precision(self.inputs, theta), self.select)
            return finer if finer.finite else None
        return None

    @cached_property
    def _repeats(self) -> bool:
        again = plain_outputs(self.model, self.theta, self.inputs, self.select)
        return difference(self.outputs, again) == 0

    @property
    def steady(self) -> bool:
        """Whether the plain path gives the same outputs whatever is drawn."""
        again = plain_outputs(self.model, self.theta, self.inputs, self.select, seed=1)
        return difference(self.outputs, again) == 0

    @property
    def finite(self) -> bool:
        """Whether there are outputs that can be compared."""
        return all(bool(t.isfinite().any()) for t in tensors_of(self.outputs))

    def first_apart(self, outputs_of: Callable[[list[str]], list[Any]]) -> str:
        """The name of the first layer, in the order of their ends, whose outputs differ."""
        network, seen = begin_evaluation(self.theta.to(self.model)), dict[str, Any]()
        for name, layer in network.named_modules():
            layer.register_forward_hook(partial(_note, seen, name))
        with all_seeded(tensors_of(self.inputs)[0].device):
            forward(network, map_tensors(torch.clone, self.inputs))
        others = outputs_of(list(seen))
        pairs = zip(seen.items(), others, strict=True)
        apart = [name for (name, own), other in pairs if difference(own, other) > _WORST]
        return next(iter(apart), "")

    @cached_property
    def _allowed(self) -> float:
        """How far outputs move with the rounding of the weights, many times over."""
        moved = plain_outputs(self.model, rounded(self.theta), self.inputs, self.select)
        return min(_WORST, SPREAD * difference(self.outputs, moved))


def _note(seen: dict[str, Any], name: str, _: object, __: object, outputs: Any) -> None:
    seen[name] = map_tensors(torch.clone, outputs)
