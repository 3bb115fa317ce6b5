"""A shape in weight space as one matrix, and a network at any mix of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Protocol, Self

import torch
from torch import Tensor, nn

from fusionlab.coordinates import check_finite, check_real
from fusionlab.data import Data
from fusionlab.descent import fitted
from fusionlab.modules import copy_module
from fusionlab.objectives import AnyObjective
from fusionlab.outputs import Inputs, forward
from fusionlab.spaces import check_same_space
from fusionlab.weights import Weights, shaped

Penalty = Callable[[Tensor], Tensor]  # inner products ⟨θᵢ, θⱼ⟩ of the vertices (k, k) ↦ a number


class Shape(Protocol):
    """Combinations of vertices; `fixed` are the numbers of those that a fit leaves alone."""

    @property
    def points(self) -> tuple[Weights, ...]:
        """The k vertices."""

    @property
    def fixed(self) -> tuple[int, ...]:
        """The numbers of the vertices that stay."""

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """The shares cᵢ of `n` random points, shape (n, k)."""

    def through(self, points: Iterable[Weights]) -> Self:
        """The same shape over other vertices."""


class Vertices:
    """The vertices as rows of one matrix, and a network whose parameters are views of one mix."""

    def __init__(
        self,
        model: nn.Module,
        shape: Shape,
        data: Data,
        *,
        penalty: Penalty | None,
        layerwise: bool,
        objective: AnyObjective = None,
    ) -> None:
        device = data.device
        self._penalty = penalty
        self.network = copy_module(model).to(device)
        for point in shape.points:
            check_same_space(point, dict(self.network.named_parameters()))
            check_real(point, "a fit")
        check_finite(shape.points)
        self._objective = fitted(self.network, data, objective)
        self.network.train()
        fixed = {i % len(shape.points) for i in shape.fixed}
        self._free = [i for i in range(len(shape.points)) if i not in fixed]
        self._order = [*self._free, *sorted(fixed)]  # free vertices first: one block of memory
        self._home = torch.tensor(self._order).argsort()
        self._parameters = dict(self.network.named_parameters())
        flat = [self._flat(shape.points[i]).to(device) for i in self._order]
        self._vertices = torch.stack(flat)  # (k, d)
        self.free = self._vertices[: len(self._free)]
        self._slopes = torch.zeros_like(self.free)
        self._theta, self._slope = torch.zeros_like(flat[0]), torch.zeros_like(flat[0])
        self.network.to(self._theta.dtype)  # its buffers, too
        self._layers = self._place_views(layerwise=layerwise)
        self._moving = self._unfrozen()

    @property
    def layers(self) -> int:
        """How many parts draw shares of their own."""
        return len(self._layers)

    def moving(self, rows: Tensor) -> list[Tensor]:
        """Views of rows (n, d) at the coordinates that a fit may move: of no frozen parameter."""
        return [rows[:, block] for block in self._moving]

    def arrange(self, shares: Tensor) -> Tensor:
        """Shares in the order, precision and place of the matrix's rows."""
        return shares[:, self._order].to(self._theta)

    @torch.enable_grad()  # a reader may have turned gradients off
    def slopes(self, shares: Tensor, inputs: Inputs, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The loss at the mix of these shares (layers, k), and its slopes at the free vertices.

        The shares come from `arrange`.
        """
        for c, layer in zip(shares, self._layers, strict=True):
            torch.mv(self._vertices[:, layer].T, c, out=self._theta[layer])
        self._slope.zero_()
        outputs = self._objective.select(forward(self.network, inputs))
        loss = self._objective.loss(outputs, targets)
        loss.backward()
        for c, layer in zip(shares, self._layers, strict=True):
            torch.outer(c[: len(self._free)], self._slope[layer], out=self._slopes[:, layer])
        if self._penalty is not None:
            self._slopes += self._pull(self._penalty)
        return loss.detach(), self._slopes

    def points(self, before: tuple[Weights, ...], free: Tensor) -> list[Weights]:
        """All vertices as points: copies of the rows of `free`, and the fixed ones of `before`."""
        points, rows = list(before), shaped(free.clone(), self._parameters)
        for row, i in enumerate(self._free):
            points[i] = Weights({name: tensors[row] for name, tensors in rows.items()})
        return points

    def _flat(self, theta: Weights) -> Tensor:
        """All coordinates in the order of the network's, whatever the order of the point's."""
        return torch.cat([theta[name].flatten() for name in self._parameters])

    def _pull(self, penalty: Penalty) -> Tensor:
        """The slope of the penalty at the free vertices, by way of the inner products."""
        wide = self._vertices.double()
        products = (wide @ wide.T)[self._home][:, self._home].requires_grad_()
        [slope] = torch.autograd.grad(penalty(products), products)
        slope = (slope + slope.T)[self._order][:, self._order].to(self._vertices)
        return slope[: len(self._free)] @ self._vertices

    def _unfrozen(self) -> list[slice]:
        """Where the parameters with a gradient lie, in as few blocks as can be."""
        blocks, end = [], 0
        for free, group in groupby(self._parameters.values(), attrgetter("requires_grad")):
            begin, end = end, end + sum(parameter.numel() for parameter in group)
            blocks += [slice(begin, end)] if free else []
        return blocks

    def _place_views(self, *, layerwise: bool) -> list[slice]:
        """Make the network's parameters views of the mix; return where its layers lie."""
        edges, layers, last = [0], [], None
        for name, parameter in self.network.named_parameters():
            begin, end = edges[-1], edges[-1] + parameter.numel()
            parameter.data = self._theta[begin:end].view(parameter.shape)
            if parameter.requires_grad:
                parameter.grad = self._slope[begin:end].view(parameter.shape)
            edges.append(end)
            layer = name.rpartition(".")[0] if layerwise else ""
            layers += [begin] if layer != last else []
            last = layer
        return [slice(*pair) for pair in pairwise([*layers, edges[-1]])]
