"""Training: a model, data and a seed make a run, whose checkpoints are points of weight space."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from fusionlab.data import Data
from fusionlab.descent.batches import batch_rows, check_fit, checked_data, noisy_labels, seeded
from fusionlab.descent.optimizers import Descent
from fusionlab.descent.recipes import Recipe, factor
from fusionlab.descent.threads import threads, threads_worth
from fusionlab.lab.runs import Plan, Run, follow
from fusionlab.lab.starts import fresh
from fusionlab.weights import Weights


def train(
    model: nn.Module,
    data: Any,
    recipe: Recipe | None = None,
    *,
    seed: int,
    order_seed: int | None = None,
    start: Weights | None = None,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> Run:
    """Train a copy of `model`; the same seed gives the same run on the same machine.

    Args:
        model: lends its architecture; it is not changed.
        data: `Data`, a pair (inputs, labels) or a `Dataset`.
        recipe: how; by default `Recipe()`.
        seed: draws the initial weights, dropout, and the order of the batches.
        order_seed: draws that order instead.
        start: where to begin, instead of at weights drawn by `seed`.
        device: where to compute and leave the checkpoints; by default where the data lie.
            "auto" takes a GPU if there is one: for networks this small it is seldom faster.
        progress: show a bar if it takes longer than a second.

    Returns:
        The run. If it is interrupted or diverges, with a warning, what was reached so far.

    Raises:
        ValueError: if the network cannot take the inputs, or has too few outputs for the labels.
    """
    recipe, data = recipe or Recipe(), checked_data(data, device)
    plan = Plan(recipe, seed, seed if order_seed is None else order_seed)
    return train_alone(model, data, plan, start=start, progress=progress)


def train_alone(
    model: nn.Module, data: Data, plan: Plan, *, start: Weights | None, progress: bool
) -> Run:
    """Make one planned run by itself."""
    with seeded(data.inputs.device, plan.seed):
        network = fresh(model, start=start).to(data.inputs.device)
        check_fit(network, data)
        with threads(threads_worth(network, data.inputs[: plan.recipe.batch_size])):
            learner = _Single(network, data, plan)
            [run] = follow(learner, [plan], len(data), progress=progress)
    return run


class _Single:
    """One network, as it is."""

    def __init__(self, network: nn.Module, data: Data, plan: Plan) -> None:
        self.network, self.inputs, self.recipe = network, data.inputs, plan.recipe
        self.labels = noisy_labels(data, plan.recipe)
        self.total = plan.recipe.total_steps(len(data))
        self.rows = batch_rows(len(data), plan.recipe.batch_size, [plan.order_seed])
        self.free = [p for p in network.parameters() if p.requires_grad]
        self.descent = Descent(
            self.free,
            plan.recipe.optimizer,
            momentum=plan.recipe.momentum,
            decay=plan.recipe.weight_decay,
        )

    def step(self, number: int) -> Tensor:
        rows = next(self.rows)[0].to(self.labels.device)
        for parameter in self.free:
            parameter.grad = None
        loss = cross_entropy(self.network(self.inputs[rows]), self.labels[rows])
        loss.backward()
        rate = self.recipe.lr * factor(self.recipe, number, self.total)
        self.descent.step([parameter.grad for parameter in self.free], rate)
        return loss.detach()[None]

    def points(self) -> list[Weights]:
        return [Weights.of(self.network)]
