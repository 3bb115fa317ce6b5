"""Many networks of one architecture as one: stacked weights, stacked forward pass, one update.

The runs are independent, so the gradient of the sum of their losses holds the gradient of each,
and an element-wise optimizer on the stacked vector is the optimizer of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from fusionlab.data import Data
from fusionlab.descent import Optimizer, Setting, batch_rows, factor, noisy_targets
from fusionlab.lab.runs import TrainingPlan
from fusionlab.modules import copy_module
from fusionlab.objectives import Objective
from fusionlab.outputs import Inputs, in_precision
from fusionlab.weights import Weights

Forward = Callable[[Mapping[str, Tensor], Tensor], Tensor]

# Layers that work on each number by itself, so that a stack of batches is one more batch.
ELEMENTWISE = (
    nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Identity
)  # fmt: skip


def can_stack(network: nn.Module, inputs: Inputs) -> bool:
    """Tell whether many of these networks can be trained as one.

    They cannot with buffers (BatchNorm's statistics), frozen or mixed-precision parameters, random
    layers (dropout), anything else that `torch.func.vmap` refuses, or if a stack of two gives
    other outputs than the networks themselves.
    """
    if not isinstance(inputs, Tensor):
        return False
    parameters = list(network.parameters())
    plain = all(
        p.requires_grad and p.is_floating_point() and p.dtype == parameters[0].dtype
        for p in parameters
    )
    if not parameters or not plain or any(True for _ in network.buffers()):
        return False
    here = {name: p.detach() for name, p in network.named_parameters()}
    there = {name: 0.9 * p.flip(0) if p.ndim else 0.9 * p for name, p in here.items()}
    twins = {name: torch.stack([p, there[name]]) for name, p in here.items()}
    few: Tensor = in_precision(inputs[:2], here)  # type: ignore[assignment]
    try:
        with torch.no_grad():
            alone = functional_call(copy_module(network), there, (few.clone(),))
            stacked = stacked_forward(copy_module(network))(twins, torch.stack([few] * 2))
    except (RuntimeError, ValueError, TypeError):
        return False
    return torch.allclose(stacked[1], alone, rtol=1e-3, atol=1e-4 * float(alone.abs().max()))


def stacked_forward(network: nn.Module) -> Forward:
    """The map of stacked weights (runs, ...) and inputs (runs, batch, ...) to stacked logits."""
    if isinstance(network, nn.Sequential) and _is_chain(network):
        return lambda theta, inputs: _chain(network, theta, inputs)
    return vmap(lambda theta, inputs: functional_call(network, dict(theta), (inputs,)))


class Stack:
    """Networks that learn together, their weights in one vector: a `Learner`.

    Args:
        networks: one per plan, each at its start.
        data: the training data of all.
        plans: one per network; optimizer, batch size and number of steps are the same in all.
        objective: what each of them minimises.
    """

    def __init__(
        self,
        networks: Sequence[nn.Module],
        data: Data,
        plans: Sequence[TrainingPlan],
        objective: Objective,
    ) -> None:
        self.forward, self.objective = stacked_forward(networks[0]), objective
        self.inputs: Tensor = in_precision(data.inputs, dict(networks[0].named_parameters()))  # type: ignore[assignment]
        self.targets = torch.stack([noisy_targets(data, plan.recipe) for plan in plans])
        self.rows = batch_rows(
            len(data), plans[0].recipe.batch_size, [plan.order_seed for plan in plans]
        )
        self.recipes = [plan.recipe for plan in plans]
        self.total = self.recipes[0].total_steps(len(data))
        columns = zip(*(network.parameters() for network in networks), strict=True)
        pieces = [torch.stack([p.detach() for p in column]) for column in columns]
        self.values = torch.cat([piece.flatten() for piece in pieces])
        self.slopes = torch.zeros_like(self.values)
        names = [name for name, _ in networks[0].named_parameters()]
        self.theta = dict(zip(names, self._views(pieces), strict=True))
        runs = [torch.arange(len(piece)).repeat_interleave(piece[0].numel()) for piece in pieces]
        self.run_of = torch.cat(runs).to(self.values.device)
        self.descent = Optimizer(
            [self.values],
            self.recipes[0].optimizer,
            momentum=self._spread([recipe.momentum for recipe in self.recipes]),
            decay=self._spread([recipe.weight_decay for recipe in self.recipes]),
        )

    @torch.enable_grad()  # a reader may have turned gradients off
    def step(self, number: int) -> Tensor:
        """Take a step with every network and return the losses before it, shape (runs,)."""
        rows = next(self.rows).to(self.inputs.device)
        inputs = self.inputs.index_select(0, rows.flatten()).unflatten(0, rows.shape)
        runs = torch.arange(len(rows), device=rows.device)[:, None]
        outputs = self.objective.select(self.forward(self.theta, inputs))
        losses = self.objective.means(outputs, self.targets[runs, rows])
        self.slopes.zero_()
        losses.sum().backward()
        rates = [r.lr * factor(r, number, self.total) for r in self.recipes]
        self.descent.step([self.slopes], self._spread(rates))
        return losses.detach()

    def points(self) -> list[Weights]:
        """Copy each network's point."""
        runs = range(len(self.recipes))
        return [
            Weights({name: t[k].detach().clone() for name, t in self.theta.items()}) for k in runs
        ]

    def _views(self, pieces: Sequence[Tensor]) -> list[Tensor]:
        """Leaves that share the memory of `values`, their gradients that of `slopes`."""
        sizes = [piece.numel() for piece in pieces]
        leaves = []
        for piece, value, slope in zip(
            pieces, self.values.split(sizes), self.slopes.split(sizes), strict=True
        ):
            leaf = value.view(piece.shape).requires_grad_()
            leaf.grad = slope.view(piece.shape)
            leaves.append(leaf)
        return leaves

    def _spread(self, settings: Sequence[float]) -> Setting:
        """One number per run, given to each coordinate; one number for all where they agree."""
        if len(set(settings)) == 1:
            return settings[0]
        numbers = torch.tensor(settings, dtype=self.values.dtype, device=self.values.device)
        return numbers[self.run_of]


class _Affine(torch.autograd.Function):
    """The map x ↦ xWᵀ + b of a stack, whose gradients go straight to where the leaves keep them.

    Autograd would make fresh tensors and add them, which for small batches costs as much as the
    products. It is right only where each leaf is used once.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.weight, ctx.bias = weight, bias
        if bias is None:
            return x @ weight.mT
        return torch.baddbmm(bias[:, None], x, weight.mT)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        torch.bmm(slope.mT, x, out=ctx.weight.grad)
        if ctx.bias is not None:
            torch.sum(slope, 1, out=ctx.bias.grad)
        return (torch.bmm(slope, weight) if ctx.needs_input_grad[0] else None), None, None


def _is_chain(network: nn.Sequential) -> bool:
    """Plain layers that share nothing: neither a layer nor a tensor comes twice."""
    layers, tensors = list(network), list(network.parameters())
    named = [name for name, _ in network.named_parameters(remove_duplicate=False)]
    apart = len(set(layers)) == len(layers) and len(tensors) == len(named)
    return apart and all(map(_is_plain, layers))


def _is_plain(layer: nn.Module) -> bool:
    if type(layer) is nn.Flatten:
        return (layer.start_dim, layer.end_dim) == (1, -1)
    return type(layer) in (nn.Linear, *ELEMENTWISE)


def _chain(network: nn.Sequential, theta: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
    """A stack of plain chains: one batched matrix product per linear layer."""
    x, before = inputs, None
    for name, layer in network.named_children():
        if isinstance(layer, nn.Flatten):
            x = x.flatten(2)
        elif isinstance(layer, nn.Linear):
            x = _Affine.apply(x, theta[f"{name}.weight"], theta.get(f"{name}.bias"))
        elif isinstance(layer, nn.ReLU) and isinstance(before, nn.Linear):
            x = x.relu_()  # in place: fresh memory costs more than the arithmetic
        else:
            x = layer(x)
        before = layer
    return x
