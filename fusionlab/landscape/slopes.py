"""Slopes of the mean loss over data: its gradient at a point, and products with its Hessian."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial, reduce
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.attention import SDPBackend, sdpa_kernel

from fusionlab.data import Data
from fusionlab.landscape.criteria import Loss, totals
from fusionlab.landscape.hessians import TOGETHER, Hessian, shaped
from fusionlab.landscape.network import Network
from fusionlab.landscape.twice import twice_differentiable
from fusionlab.spaces import check_same_space
from fusionlab.weights import Weights

Tensors = Mapping[str, Tensor]

BATCH_BYTES = 2.5e8  # of the graph of one batch
KEPT_BYTES = 1e9  # of the graphs of all batches, kept from product to product
WHOLE_BYTES = 2e9  # of the one graph through BatchNorm's statistics
PRODUCT_FLOPS = 1e7  # a CPU's pass with more is bound by arithmetic: directions go one by one


class Slope(NamedTuple):
    """Mean loss, share of right answers, and the gradient of the loss at a point."""

    loss: float
    accuracy: float
    gradient: Weights


class Slopes:
    """The mean loss of a network over data, to be differentiated.

    All torch threads share each step: backward passes gain nothing from threads of their own.

    Args:
        network: the pure function (tensors, inputs) ↦ logits.
        data: taken in batches whose graphs are not large.
        loss: (logits, labels) ↦ mean loss, twice differentiable for the Hessian.
        together: directions of one Hessian product.
    """

    def __init__(self, network: Network, data: Data, loss: Loss, *, together: int = 1) -> None:
        self.network, self.data, self.loss = network, data, loss
        self.together = min(together, TOGETHER)

    @property
    def whole(self) -> bool:
        """Whether one graph can hold all data, as a gradient through their statistics needs."""
        return len(self.data) * self.bytes <= WHOLE_BYTES

    def at(self, theta: Weights, *, by_batch: bool = False) -> Slope:
        """The loss and its gradient at θ.

        Args:
            theta: the point, with the statistics to hold.
            by_batch: normalise by the data, and differentiate through that.
        """
        leaves, held = self._place(theta)
        network = self.network.by_batch if by_batch else self.network
        slope = partial(_slope, partial(self._sums, network, leaves, held), leaves)
        parts = [slope(batch) for batch in ([self.data] if by_batch else self._batches)]
        loss, right = (torch.stack([sums for sums, _ in parts]).sum(0) / len(self.data)).tolist()
        total = zip(theta.items(), _total(slopes for _, slopes in parts), strict=True)
        gradient = {name: (g / len(self.data)).to(t.device) for (name, t), g in total}
        return Slope(loss, right, Weights(gradient))

    def hessian(self, theta: Weights) -> Hessian:
        """The Hessian at θ; the graphs of its gradient are kept while memory allows."""
        leaves, held = self._place(theta)
        grow = partial(_graph, partial(self._sums, self.network, leaves, held), leaves)
        kept = list(map(grow, self._batches)) if len(self.data) * self.bytes <= KEPT_BYTES else []

        def product(vectors: Tensor) -> Tensor:
            given = list(shaped(vectors, leaves).values())
            graphs = kept or map(grow, self._batches)
            with twice_differentiable(self.network.module):
                total = _total(_products(graph, leaves, given) for graph in graphs)
            return torch.cat([t.flatten(1) for t in total], 1) / len(self.data)

        point = Weights({name: leaf.detach() for name, leaf in leaves.items()})
        return Hessian(product, point, together=self.together)

    @cached_property
    def bytes(self) -> int:
        """What one more row of data adds to the graph of a gradient."""
        leaves, held = self._place(Weights.of(self.network.module))
        grow = partial(_graph, partial(self._sums, self.network, leaves, held), leaves)
        first = torch.zeros(2, dtype=torch.long, device=self.data.labels.device)
        one, two = (self.data[first[:rows]] for rows in (1, 2))  # copies, not views
        return max(1, _saved(partial(grow, two)) - _saved(partial(grow, one)))

    @cached_property
    def _batches(self) -> list[Data]:
        rows = max(1, int(BATCH_BYTES // self.bytes))
        return [self.data[first : first + rows] for first in range(0, len(self.data), rows)]

    def _place(self, theta: Weights) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """θ's coordinates as leaves of graphs, and the buffers that are held."""
        check_same_space(theta, self.network.parameters)
        moved = theta.move(self.data.labels.device)
        leaves = {name: t.detach().clone().requires_grad_() for name, t in moved.items()}
        return leaves, {**self.network.constants, **moved.buffers}

    def _sums(self, network: Network, leaves: Tensors, held: Tensors, batch: Data) -> Tensor:
        """Sums over the batch of the loss and of right answers, shape (2,)."""
        logits = network({**held, **leaves}, in_precision(batch.inputs, leaves))
        network.moments()  # what normalising layers noted is of no use here
        return totals(self.loss, logits[None], batch.labels)[:, 0]


def in_precision(inputs: Tensor, tensors: Tensors) -> Tensor:
    """Inputs in the precision of the network; class numbers or tokens stay integers."""
    dtype = next(iter(tensors.values())).dtype
    return inputs.to(dtype) if inputs.is_floating_point() else inputs


_Sums = Callable[[Data], Tensor]


def _slope(sums: _Sums, leaves: Tensors, batch: Data) -> tuple[Tensor, Sequence[Tensor]]:
    """The batch's sums, and the gradient of the first of them."""
    with torch.enable_grad():
        both = sums(batch)
        slopes = torch.autograd.grad(both[0], list(leaves.values()), materialize_grads=True)
    return both.detach(), slopes


def _graph(sums: _Sums, leaves: Tensors, batch: Data) -> Sequence[Tensor]:
    """The gradient of the batch's loss, with the graph that leads to it."""
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):  # other attentions lack 2nd derivatives
        return torch.autograd.grad(
            sums(batch)[0], list(leaves.values()), create_graph=True, materialize_grads=True
        )


def _products(
    gradient: Sequence[Tensor], leaves: Tensors, directions: Sequence[Tensor]
) -> list[Tensor]:
    """The slopes of ⟨gradient, v⟩ for m directions v at once, each of shape (m, ...)."""
    curved = [(g, v) for g, v in zip(gradient, directions, strict=True) if g.requires_grad]
    if not curved:
        return [torch.zeros_like(v) for v in directions]
    outputs, given = zip(*curved, strict=True)
    slopes = partial(
        torch.autograd.grad, outputs, list(leaves.values()),
        retain_graph=True, materialize_grads=True,
    )  # fmt: skip
    if len(given[0]) > 1:
        return list(slopes(grad_outputs=given, is_grads_batched=True))
    return [t[None] for t in slopes(grad_outputs=[v[0] for v in given])]


def _total(parts: Iterable[Sequence[Tensor]]) -> Sequence[Tensor]:
    """Sum sequences of tensors term by term, holding one at a time."""
    return reduce(lambda total, part: [a + b for a, b in zip(total, part, strict=True)], parts)


def _saved(grow: Callable[[], object]) -> int:
    """Bytes that a graph holds, each storage counted once."""
    sizes: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        graph = grow()
    del graph
    return sum(sizes.values())
