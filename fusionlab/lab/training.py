"""Training: a model, data and a seed make a run, whose checkpoints are points of weight space."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from fusionlab.data import Data
from fusionlab.descent import (
    Optimizer,
    Recipe,
    batch_rows,
    checked_data,
    factor,
    fitted,
    noisy_targets,
)
from fusionlab.lab.runs import Run, TrainingPlan, follow
from fusionlab.lab.starts import fresh
from fusionlab.objectives import AnyObjective, Objective
from fusionlab.outputs import forward, in_precision, map_tensors
from fusionlab.randomness import seeded
from fusionlab.threads import threads, threads_worth
from fusionlab.weights import Weights


def train(
    model: nn.Module,
    data: Any,
    recipe: Recipe | None = None,
    *,
    seed: int,
    objective: AnyObjective = None,
    order_seed: int | None = None,
    start: Weights | None = None,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> Run:
    """Train a copy of `model`; the same seed gives the same run on the same machine.

    Args:
        model: gives the architecture; it is not changed.
        data: `Data`, or what `Data.of` takes.
        recipe: how; by default `Recipe()`.
        seed: draws the initial weights, dropout, and the order of the batches.
        objective: what is minimised, as for a `Landscape`; by default cross-entropy.
        order_seed: draws the order of the batches instead.
        start: where to begin, instead of weights drawn by `seed`.
        device: where to compute and keep the checkpoints; by default the device of the data.
            "auto" takes a GPU if there is one: for networks this small it is seldom faster.
        progress: show a bar if it takes longer than a second.

    Returns:
        The run. If it is interrupted or diverges, a warning, and the run up to there.

    Raises:
        ValueError: if the network cannot take the inputs, or its outputs do not fit the targets.
    """
    recipe, data = recipe or Recipe(), checked_data(data, device)
    plan = TrainingPlan(recipe, seed, seed if order_seed is None else order_seed)
    return train_alone(model, data, plan, objective=objective, start=start, progress=progress)


def train_alone(
    model: nn.Module,
    data: Data,
    plan: TrainingPlan,
    *,
    objective: AnyObjective = None,
    start: Weights | None,
    progress: bool,
) -> Run:
    """Make one planned run by itself."""
    with seeded(data.device, plan.seed):
        network = fresh(model, start=start).to(data.device)
        chosen = fitted(network, data, objective)
        with threads(threads_worth(network, data[: plan.recipe.batch_size].inputs)):
            learner = _Single(network, data, plan, chosen)
            [run] = follow(learner, [plan], len(data), progress=progress)
    return run


class _Single:
    """One network, as it is."""

    def __init__(
        self, network: nn.Module, data: Data, plan: TrainingPlan, objective: Objective
    ) -> None:
        self.network, self.objective, self.recipe = network, objective, plan.recipe
        self.inputs = in_precision(data.inputs, dict(network.named_parameters()))
        self.targets = noisy_targets(data, plan.recipe)
        self.total = plan.recipe.total_steps(len(data))
        self.rows = batch_rows(len(data), plan.recipe.batch_size, [plan.order_seed])
        self.free = [p for p in network.parameters() if p.requires_grad]
        self.descent = Optimizer(
            self.free,
            plan.recipe.optimizer,
            momentum=plan.recipe.momentum,
            decay=plan.recipe.weight_decay,
        )

    @torch.enable_grad()  # a reader may have turned gradients off
    def step(self, number: int) -> Tensor:
        rows = next(self.rows)[0].to(self.targets.device)
        for parameter in self.free:
            parameter.grad = None
        returned = forward(self.network, map_tensors(lambda t: t[rows], self.inputs))
        outputs = self.objective.select(returned)
        loss = self.objective.loss(outputs, self.targets[rows])
        loss.backward()
        rate = self.recipe.lr * factor(self.recipe, number, self.total)
        self.descent.step([parameter.grad for parameter in self.free], rate)
        return loss.detach()[None]

    def points(self) -> list[Weights]:
        return [Weights.of(self.network)]
