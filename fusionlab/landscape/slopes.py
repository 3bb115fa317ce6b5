"""Slopes of the mean loss over data: its gradient at a point, and products with its Hessian."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, partial, reduce
from math import inf
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import CheckpointError

from fusionlab.data import AnyData, Data
from fusionlab.landscape.hessians import TOGETHER, Hessian
from fusionlab.landscape.network import Network
from fusionlab.landscape.precision import wide, working
from fusionlab.landscape.twice import twice_differentiable
from fusionlab.objectives import Objective, Sums
from fusionlab.outputs import in_precision, map_tensors
from fusionlab.spaces import check_same_space
from fusionlab.weights import Weights, shaped

Tensors = Mapping[str, Tensor]

BATCH_BYTES = 2.5e8  # of the graph of one batch
KEPT_BYTES = 1e9  # of the graphs of all batches, kept from product to product
WHOLE_BYTES = 2e9  # of the one graph through BatchNorm's statistics
PRODUCT_FLOPS = 1e7  # a CPU's pass with more is bound by arithmetic: directions go one by one


class Slope(NamedTuple):
    """The loss, the quality beside it, and the gradient of the loss at a point."""

    loss: float
    quality: float
    gradient: Weights


class Slopes:
    """The mean loss of a network over data, to be differentiated.

    All torch threads share each step: backward passes gain nothing from threads of their own.

    Args:
        network: the pure function (tensors, inputs) ↦ outputs.
        data: taken in batches whose graphs are not large.
        objective: outputs and targets ↦ sums; twice differentiable for the Hessian.
        together: directions of one Hessian product.
        by_row: whether rows do not depend on each other, so that data can be divided.
        draws: makes a block in which the network draws the same random numbers each time.
    """

    def __init__(
        self,
        network: Network,
        data: AnyData,
        objective: Objective,
        *,
        together: int = 1,
        by_row: bool = True,
        draws: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._draws = draws
        self.network, self.data, self.objective, self._by_row = network, data, objective, by_row
        self.together = min(together, TOGETHER)

    @property
    def whole(self) -> bool:
        """Whether one graph can hold all data, as a gradient through their statistics needs."""
        return self._all_bytes <= WHOLE_BYTES

    def at(self, theta: Weights, *, by_batch: bool = False) -> Slope:
        """The loss and its gradient at θ.

        Args:
            theta: the point, with the statistics to hold.
            by_batch: normalise by the data, and differentiate through that.
        """
        batches = [self.data] if by_batch else self._batches()
        leaves, held = self._place(theta)
        network = self.network.by_batch if by_batch else self.network
        slope = partial(_slope, partial(self._sums, network, leaves, held), leaves)
        sums, *slopes = _total(map(slope, batches))
        loss, weight, quality, counted = sums.tolist()
        named = zip(theta.items(), slopes, strict=True)
        gradient = {name: (g / weight).to(t.device, t.dtype) for (name, t), g in named}
        return Slope(loss / weight, quality / counted, Weights(gradient))

    def hessian(self, theta: Weights) -> Hessian:
        """The Hessian at θ; the graphs of its gradient are kept while memory allows."""
        keeps, (leaves, held) = self._all_bytes <= KEPT_BYTES, self._place(theta)
        grow = partial(_graph, partial(self._sums, self.network, leaves, held), leaves)
        kept = list(map(grow, self._batches())) if keeps else []

        def product(vectors: Tensor) -> Tensor:
            given = list(shaped(vectors, leaves).values())
            graphs = kept or map(grow, self._batches())
            with twice_differentiable(self.network.module):
                weight, *total = _total([w, *_products(g, leaves, given)] for w, g in graphs)
            return torch.cat([t.reshape(len(t), -1) for t in total], 1) / weight.to(total[0].device)

        point = Weights({name: leaf.detach() for name, leaf in leaves.items()})
        return Hessian(product, point, together=self.together)

    @cached_property
    def bytes(self) -> int:
        """What one more row of data adds to the graph of a gradient."""
        try:
            return self._bytes(_graph)
        except NotImplementedError:  # there is no second derivative
            return 2 * self._bytes(lambda sums, _, batch: sums(batch))
        except CheckpointError:  # what is computed again in backward passes needs its weights there
            self.network = self.network.fresh
            return self._bytes(_graph)

    def _bytes(self, graph: Callable[..., object]) -> int:
        leaves, held = self._place(Weights.of(self.network.module))
        grow = partial(graph, partial(self._sums, self.network, leaves, held), leaves)
        first = self.data.first(4)
        rows = torch.arange(4, device=first.device) % len(first)
        few, more = (first[rows[:n]] for n in (2, 4))  # copies, not views
        return max(1, (_saved(partial(grow, more)) - _saved(partial(grow, few))) // 2)

    @property
    def _all_bytes(self) -> float:
        return len(self.data) * self.bytes if isinstance(self.data, Data) else inf

    def _batches(self) -> Iterator[Data]:
        rows = max(2, int(BATCH_BYTES // self.bytes))  # this also tries the network
        if not isinstance(self.data, Data):
            return self.data.parts(rows)
        if not self._by_row:
            return iter([self.data])
        # Torch's gradient of a convolution of a single row is wrong where strides tell no layout.
        while len(self.data) % rows == 1 and rows < len(self.data):
            rows += 1
        return self.data.parts(rows)

    def _place(self, theta: Weights) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """θ's coordinates as leaves of graphs, and the buffers that are held."""
        check_same_space(theta, self.network.parameters)
        moved, dtype = theta.move(self.data.device), working(theta)
        leaves = {n: wide(t.detach(), dtype).clone().requires_grad_() for n, t in moved.items()}
        return leaves, {n: wide(b, dtype).clone() for n, b in moved.buffers.items()}

    def _sums(self, network: Network, leaves: Tensors, held: Tensors, batch: Data) -> Sums:
        """Sums of the objective over the batch."""
        inputs = map_tensors(torch.clone, in_precision(batch.inputs, leaves))
        with self._draws():
            outputs = network({**held, **leaves}, inputs)
        network.moments()  # what normalising layers noted is of no use here
        return self.objective.sums(outputs, batch.targets)


_Sums = Callable[[Data], Sums]


def _slope(sums: _Sums, leaves: Tensors, batch: Data) -> list[Tensor]:
    """The batch's sums (4,), and the gradient of the first of them."""
    with torch.enable_grad():
        found = sums(batch)
        slopes = torch.autograd.grad(found.loss, list(leaves.values()), materialize_grads=True)
    return [torch.stack([number.detach().cpu().double() for number in found]), *slopes]


def _graph(sums: _Sums, leaves: Tensors, batch: Data) -> tuple[Tensor, Sequence[Tensor]]:
    """The weight of the batch's loss, and the gradient of its sum with its graph."""
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):  # other attentions lack 2nd derivatives
        found = sums(batch)
        gradient = torch.autograd.grad(
            found.loss, list(leaves.values()), create_graph=True, materialize_grads=True
        )
    return found.weight.detach(), gradient


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
