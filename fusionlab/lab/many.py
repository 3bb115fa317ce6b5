"""Many runs at once: seeds or recipes, stacked where that is faster."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from fusionlab.data import Data
from fusionlab.descent import (
    Recipe,
    checked_data,
    fitted,
    interrupts_wait,
)
from fusionlab.lab.runs import Run, TrainingPlan, follow
from fusionlab.lab.stacking import Stack, can_stack
from fusionlab.lab.starts import fresh
from fusionlab.lab.training import train_alone
from fusionlab.objectives import AnyObjective
from fusionlab.outputs import tensors_of
from fusionlab.randomness import seeded
from fusionlab.threads import threads, threads_worth
from fusionlab.weights import Weights

# Beyond these a step's arithmetic outweighs its overhead, and on a CPU stacking loses.
SMALL = 120_000  # parameters
FEW = 10_000  # pixels of a batch that goes through convolutions
TOGETHER = 16  # more runs do not make each one cheaper, and need memory


def train_many(
    model: nn.Module,
    data: Any,
    recipes: Recipe | Sequence[Recipe] | None = None,
    *,
    seeds: int | Sequence[int],
    objective: AnyObjective = None,
    start: Weights | None = None,
    device: torch.device | str | None = None,
    progress: bool = True,
    stacked: bool | None = None,
) -> list[Run]:
    """Train several copies of `model` at once; each run equals that of `train` up to rounding.

    Args:
        model: gives the architecture.
        data: as for `train`.
        recipes: one for all runs, or one per seed.
        seeds: one per run, or one for all recipes.
        objective: as for `train`.
        start: where all begin, instead of weights drawn by their seeds.
        device: as for `train`.
        progress: show a bar if it takes longer than a second.
        stacked: True or False; by default, small networks that can be stacked are stacked.

    Returns:
        One run per seed or recipe, in order. A run does not depend on those beside it. An
        interrupt keeps what all of them have reached.

    Raises:
        ValueError: as `train`; also if `stacked=True` and the network has BatchNorm or dropout.
    """
    data = checked_data(data, device)
    plans = _pair(recipes or Recipe(), seeds)
    recipes = [plan.recipe for plan in plans]
    if not stacks(model, data, recipes, objective=objective, stacked=stacked):
        return train_in_turn(
            model, data, plans, objective=objective, start=start, progress=progress
        )
    runs: dict[int, Run] = {}
    with interrupts_wait():
        for batch in _alike(plans, len(data)):
            chosen = [plans[i] for i in batch]
            made = _train_stack(
                model, data, chosen, objective=objective, start=start, progress=progress
            )
            runs |= dict(zip(batch, made, strict=True))
    return [runs[i] for i in range(len(plans))]


def train_in_turn(
    model: nn.Module,
    data: Data,
    plans: Sequence[TrainingPlan],
    *,
    objective: AnyObjective = None,
    start: Weights | None,
    progress: bool,
) -> list[Run]:
    """Make the planned runs one by one; after an interrupt, the others stay at their start."""
    one = partial(train_alone, model, data, objective=objective, start=start, progress=progress)
    with interrupts_wait():
        return [one(plan) for plan in plans]


def _pair(recipes: Recipe | Sequence[Recipe], seeds: int | Sequence[int]) -> list[TrainingPlan]:
    recipes = [recipes] if isinstance(recipes, Recipe) else list(recipes)
    seeds = [seeds] if isinstance(seeds, int) else list(seeds)
    count = max(len(recipes), len(seeds))
    if min(len(recipes), len(seeds)) not in (1, count):
        raise ValueError(
            f"{len(recipes)} recipes and {len(seeds)} seeds do not form pairs. Give equally many, "
            "or only one recipe or one seed."
        )
    recipes, seeds = recipes * (count // len(recipes)), seeds * (count // len(seeds))
    return [TrainingPlan(recipe, seed, seed) for recipe, seed in zip(recipes, seeds, strict=True)]


def stacks(
    model: nn.Module,
    data: Data,
    recipes: Sequence[Recipe],
    *,
    objective: AnyObjective = None,
    stacked: bool | None = None,
) -> bool:
    """Tell whether runs of this network on these data are stacked: possible, and worth it."""
    if stacked is False:
        return False
    with seeded(data.device, 0):
        network = fresh(model).to(data.device)
        fitted(network, data, objective)
        possible = can_stack(network, data.inputs)
    if stacked and not possible:
        raise ValueError(
            "these networks cannot be stacked: layers that measure or draw random numbers during "
            "training, such as BatchNorm and dropout, need separate runs. Leave `stacked` out."
        )
    return possible and (stacked or _is_light(network, data, recipes))


def _is_light(network: nn.Module, data: Data, recipes: Sequence[Recipe]) -> bool:
    """A rule, not a measurement: the same call must go the same way every time."""
    if sum(p.numel() for p in network.parameters()) > SMALL:
        return False
    if not any(isinstance(layer, _ConvNd) for layer in network.modules()):
        return True
    pixels = max(t.shape[2:].numel() for t in tensors_of(data.inputs))
    return max(r.batch_size for r in recipes) * pixels <= FEW


def _alike(plans: Sequence[TrainingPlan], examples: int) -> list[list[int]]:
    """Divide the plans into those that can take their steps together."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for i, plan in enumerate(plans):
        recipe = plan.recipe
        kind = (recipe.optimizer, recipe.batch_size, recipe.kept_steps(examples))
        groups.setdefault(kind, []).append(i)
    return [g[j : j + TOGETHER] for g in groups.values() for j in range(0, len(g), TOGETHER)]


def _train_stack(
    model: nn.Module,
    data: Data,
    plans: Sequence[TrainingPlan],
    *,
    objective: AnyObjective,
    start: Weights | None,
    progress: bool,
) -> list[Run]:
    """Make runs that take their steps together.

    A single plan is trained twice: with two or more runs, matrix libraries round each of them in
    the same way, whatever the others are; with one run they may not.
    """
    pair = list(plans) * 2 if len(plans) == 1 else list(plans)
    networks = []
    for plan in pair:
        with seeded(data.device, plan.seed):
            networks.append(fresh(model, start=start).to(data.device))
    rows = data[: len(pair) * plans[0].recipe.batch_size].inputs
    with threads(threads_worth(networks[0], rows)):
        stack = Stack(networks, data, pair, fitted(networks[0], data, objective))
        return follow(stack, plans, len(data), progress=progress)
