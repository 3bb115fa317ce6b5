"""Forks: one training run that splits at several moments into copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from fusionlab.descent import Recipe, checked_data, interrupts_wait
from fusionlab.lab.runs import Run
from fusionlab.lab.zoo import zoo
from fusionlab.weights import Weights

MOST_CHILDREN = 1000  # per seed; with more, neighbouring seeds would share children


@dataclass(frozen=True, eq=False)
class Fork:
    """One training run, and copies that left it: `children[k]` share its first k steps.

    Example:
        >>> from fusionlab.lab import Fork, Recipe, mlp, train, two_moons
        >>> model, data = mlp(2, 4, 2), two_moons(n=64).train
        >>> parent, *pair = (train(model, data, Recipe(steps=2), seed=seed) for seed in range(3))
        >>> len(Fork(parent, {1: tuple(pair)}).endings(step=1))
        2
    """

    parent: Run
    children: Mapping[int, tuple[Run, ...]]

    def endings(self, step: int) -> list[Weights]:
        """The final points of the children that left at `step`."""
        return [run.final for run in self.children[step]]


def fork(
    model: nn.Module,
    data: Any,
    recipe: Recipe | None = None,
    *,
    at: Sequence[int],
    seed: int,
    children: int = 2,
    progress: bool = True,
) -> Fork:
    """Train once; from the points after the steps `at`, train copies with other orders of the data.

    A child continues the schedule of its parent, and ends after the same total number of steps;
    only momentum starts again from zero. All runs go through the zoo, so they are trained once.
    Children of one moment are trained together, and child i sees the data in the same order at
    every moment.

    Args:
        model: gives the architecture.
        data: as for `train`.
        recipe: that of the whole training, from step 0; by default `Recipe()`.
        at: steps of the parent; 0 is its start.
        seed: draws the parent's start and the order of all data.
        children: how many leave at each moment.
        progress: show a bar if it takes longer than a second.

    Returns:
        The parent, which has a checkpoint at each of these steps, and its children by step. After
        an interrupt, some runs are not complete, and moments not reached have no children.

    Raises:
        ValueError: if a step is not one of the parent's, before its last.

    Source:
        Frankle et al. 2020, arXiv:1912.05671, section 2: instability analysis, with two children.
    """
    recipe, data = recipe or Recipe(), checked_data(data, None)
    moments = tuple(sorted(set(at)))
    _check(moments, recipe.total_steps(len(data)))
    seeds = [MOST_CHILDREN * (seed + 1) + i for i in range(children)]
    grown: dict[int, tuple[Run, ...]] = {}
    with interrupts_wait():
        trunk = replace(recipe, checkpoints=moments)
        [parent] = zoo(model, data, trunk, seeds=[seed], progress=progress)
        for step, theta in zip(parent.steps, parent.checkpoints, strict=True):
            if step in moments:
                rest = replace(recipe, skip=recipe.skip + step, checkpoints=1)
                runs = zoo(model, data, rest, seeds=seeds, start=theta, progress=progress)
                grown[step] = tuple(runs)
    return Fork(parent, grown)


def _check(moments: Sequence[int], total: int) -> None:
    if not moments or moments[0] < 0 or moments[-1] >= total:
        raise ValueError(
            f"no child can leave at steps {list(moments)}: the parent takes {total} steps. Give "
            "one "
            f"or more steps from 0, its start, to {total - 1}."
        )
