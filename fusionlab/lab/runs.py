"""A run: the result of a training, and the loop that makes it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from fusionlab.descent import Interrupts, Recipe, bar, interrupts_wait
from fusionlab.weights import Weights

Trail = list[tuple[int, list[Weights]]]  # (steps taken, each network's point)


@dataclass(frozen=True, eq=False)
class Run:
    """The path of one network through weight space.

    `checkpoints[i]` is the point after `steps[i]` optimizer steps, from 0 to the last;
    `losses` are those of the batches, in nats, shape (steps,). A run that was interrupted or
    diverged is not `complete`; it keeps the checkpoints before that.

    Example:
        >>> from fusionlab.lab import Recipe, mlp, train, two_moons
        >>> run = train(mlp(2, 8, 2), two_moons(n=64).train, Recipe(steps=4, checkpoints=2), seed=0)
        >>> run
        Run(seed=0, 4 steps, complete: sgd lr 0.1, 4 steps of batch 32, cosine, checkpoints 2)
        >>> run.steps, run.final.size
        ((0, 2, 4), 42)
    """

    checkpoints: tuple[Weights, ...]
    steps: tuple[int, ...]
    losses: Tensor
    recipe: Recipe
    seed: int
    order_seed: int
    complete: bool = True

    @property
    def start(self) -> Weights:
        """The first checkpoint, before any step."""
        return self.checkpoints[0]

    @property
    def final(self) -> Weights:
        """The last checkpoint."""
        return self.checkpoints[-1]

    def __repr__(self) -> str:
        state = "complete" if self.complete else "not complete"
        return f"Run(seed={self.seed}, {self.steps[-1]} steps, {state}: {self.recipe.label})"


@dataclass(frozen=True)
class TrainingPlan:
    """A run to be made of a given network and data."""

    recipe: Recipe
    seed: int
    order_seed: int


class Learner(Protocol):
    """One or several networks that take their steps together."""

    def step(self, number: int) -> Tensor:
        """Take a step and return each network's loss before it, shape (runs,)."""

    def points(self) -> list[Weights]:
        """Copy each network's point."""


def follow(
    learner: Learner, plans: Sequence[TrainingPlan], examples: int, *, progress: bool
) -> list[Run]:
    """Take all steps, keeping checkpoints; stop between two steps if interrupted.

    Plans that are followed together have the same number of steps and of checkpoints.
    """
    total = plans[0].recipe.total_steps(examples)
    kept = plans[0].recipe.kept_steps(examples)
    trail: Trail = [(0, learner.points())]
    losses: list[Tensor] = []
    with interrupts_wait() as interrupts, bar(total, _title(plans), progress=progress) as moved:
        alive = True
        while len(losses) < total and alive and not interrupts.pressed:
            losses.append(learner.step(len(losses)))
            moved.update()
            if len(losses) in kept:
                trail.append((len(losses), learner.points()))
                alive = bool(losses[-1].isfinite().any())
        if interrupts.pressed:
            _keep_rest(learner, trail, len(losses), total, interrupts)
    columns = torch.stack(losses).T.cpu() if losses else torch.zeros(len(plans), 0)
    return [_run(k, plan, trail, columns[k], total) for k, plan in enumerate(plans)]


def _keep_rest(
    learner: Learner, trail: Trail, done: int, total: int, interrupts: Interrupts
) -> None:
    """Keep the point at which the run was interrupted."""
    if done > trail[-1][0]:
        trail.append((done, learner.points()))
    interrupts.tell(
        f"interrupted after step {done} of {total}: all steps so far are kept. For a run that did "
        "not reach its end, `complete` is False."
    )


def _run(k: int, plan: TrainingPlan, trail: Trail, losses: Tensor, total: int) -> Run:
    """The k-th of the runs that were trained together, up to where it is finite."""
    own = [(step, points[k]) for step, points in trail]
    sound = [(step, theta) for step, theta in own if _is_finite(theta, losses[:step])]
    steps, checkpoints = zip(*sound or own[:1], strict=True)
    if len(sound) < len(own):
        _warn_diverged(plan, losses, steps[-1], total)
        losses = losses[: _first_bad(losses)]
    complete = steps[-1] == total
    return Run(checkpoints, steps, losses, plan.recipe, plan.seed, plan.order_seed, complete)


def _is_finite(theta: Weights, losses: Tensor) -> bool:
    return bool(losses.isfinite().all()) and all(bool(t.isfinite().all()) for t in theta.values())


def _first_bad(losses: Tensor) -> int:
    """How many losses come before the first that is not finite."""
    bad = (~losses.isfinite()).nonzero()
    return int(bad[0]) if len(bad) else len(losses)


def _warn_diverged(plan: TrainingPlan, losses: Tensor, last: int, total: int) -> None:
    warnings.warn(
        f"the training with seed {plan.seed} diverged: its loss is not finite after step "
        f"{_first_bad(losses)} of {total}. The checkpoints up to step {last} are kept, and "
        f"`complete` is False. Try a lower learning rate than {plan.recipe.lr:g}, or a warmup.",
        RuntimeWarning,
        stacklevel=2,
    )


def _title(plans: Sequence[TrainingPlan]) -> str:
    if len(plans) == 1:
        return f"training, seed {plans[0].seed}"
    return f"training {len(plans)} networks at once"
