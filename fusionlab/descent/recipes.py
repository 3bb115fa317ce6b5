"""A recipe: all settings of a training, except the network, the data and the seed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import cos, pi
from typing import Literal, get_args

OptimizerName = Literal["sgd", "adam", "adamw"]
Schedule = Literal["constant", "cosine", "step"]


@dataclass(frozen=True)
class Recipe:
    """How to train; made of plain numbers and words, so `dataclasses.asdict` gives JSON.

    Args:
        epochs: passes through the data; `steps`, if given, replaces it.
        steps: optimizer steps.
        batch_size: examples per step; an epoch leaves out those that do not fill a batch.
        lr: the highest learning rate; `schedule` and `warmup` scale it.
        optimizer: "sgd" with momentum, "adam", or "adamw" (weight decay apart from the gradient).
        momentum: of SGD; Adam's are 0.9 and 0.999.
        weight_decay: λ of the term λθ.
        schedule: "constant", "cosine" to 0, or "step": × 0.1 at 1/2 and again at 3/4 of the way.
        warmup: steps over which the rate first rises linearly.
        label_noise: share of the training labels that are replaced by a wrong class.
        noise_seed: draws these labels; all seeds of a recipe share them.
        checkpoints: points kept after the start, evenly spaced, including the last step; or the
            steps to keep. The start and the last step are always kept.
        skip: steps of the schedule before the start. The schedule counts from 0, so `steps - skip`
            steps are taken, with the learning rates that belong to them.

    Raises:
        ValueError: if a value is out of its range.

    Example:
        >>> from fusionlab.lab import Recipe
        >>> Recipe(epochs=5, lr=0.05).label
        'sgd lr 0.05, 5 epochs of batch 32, cosine'
        >>> Recipe(epochs=2).total_steps(examples=320)
        20
    """

    epochs: int = 20
    steps: int | None = None
    batch_size: int = 32
    lr: float = 0.1
    optimizer: OptimizerName = "sgd"
    momentum: float = 0.9
    weight_decay: float = 1e-4
    schedule: Schedule = "cosine"
    warmup: int = 0
    label_noise: float = 0.0
    noise_seed: int = 0
    checkpoints: int | tuple[int, ...] = 10
    skip: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.checkpoints, int):
            object.__setattr__(self, "checkpoints", tuple(self.checkpoints))  # JSON has lists
        for name in ("epochs", "batch_size"):
            _require(name, getattr(self, name), getattr(self, name) >= 1, "at least 1")
        _require(
            "checkpoints",
            self.checkpoints,
            _keeps(self.checkpoints),
            "at least 1, or a tuple of steps",
        )
        _require("steps", self.steps, self.steps is None or self.steps >= 1, "at least 1, or None")
        _require("lr", self.lr, 0 < self.lr < float("inf"), "above 0")
        _require("momentum", self.momentum, 0 <= self.momentum < 1, "from 0 to below 1")
        _require("weight_decay", self.weight_decay, self.weight_decay >= 0, "0 or more")
        _require("warmup", self.warmup, self.warmup >= 0, "0 or more steps")
        _require("label_noise", self.label_noise, 0 <= self.label_noise <= 1, "from 0 to 1")
        short = self.skip >= 0 and (self.steps is None or self.skip < self.steps)
        _require("skip", self.skip, short, "from 0 to below the number of steps")
        for name, known in (("optimizer", OptimizerName), ("schedule", Schedule)):
            words = get_args(known)
            _require(name, getattr(self, name), getattr(self, name) in words, f"one of {words}")

    @property
    def label(self) -> str:
        """The recipe in a few words, for legends: main settings, then all that are not default."""
        usual = ("epochs", "steps", "batch_size", "lr", "optimizer", "schedule")
        length = f"{self.steps} steps" if self.steps else f"{self.epochs} epochs"
        changed = [
            f"{field.name.replace('_', ' ')} {_written(getattr(self, field.name))}"
            for field in fields(self)
            if field.name not in usual and getattr(self, field.name) != field.default
        ]
        words = [f"{self.optimizer} lr {self.lr:g}", f"{length} of batch {self.batch_size}"]
        return ", ".join([*words, self.schedule, *changed])

    def total_steps(self, examples: int) -> int:
        """Optimizer steps on a data set of this size; every epoch has at least one.

        Raises:
            ValueError: if `skip` leaves no steps.
        """
        whole = self.steps or self.epochs * max(1, examples // self.batch_size)
        _require("skip", self.skip, self.skip < whole, f"below the {whole} steps of the schedule")
        return whole - self.skip

    def kept_steps(self, examples: int) -> tuple[int, ...]:
        """The steps whose points are kept, from 0 to the last step of the run."""
        total, kept = self.total_steps(examples), self.checkpoints
        if isinstance(kept, int):
            kept = tuple(round(i * total / kept) for i in range(kept + 1))
        return tuple(sorted({0, *(step for step in kept if step < total), total}))


def factor(recipe: Recipe, step: int, total: int) -> float:
    """What the learning rate is multiplied by at `step` (from 0) of `total`, in (0, 1]."""
    step, total = step + recipe.skip, total + recipe.skip
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    if recipe.schedule == "constant":
        return 1.0
    if recipe.schedule == "step":
        return 0.1 ** ((2 * step >= total) + (4 * step >= 3 * total))
    share = (step - recipe.warmup) / (total - recipe.warmup)
    return (1 + cos(pi * share)) / 2


def _keeps(checkpoints: int | tuple[int, ...]) -> bool:
    if isinstance(checkpoints, int):
        return checkpoints >= 1
    return min(checkpoints, default=0) >= 0


def _written(setting: float | tuple[int, ...]) -> str:
    if isinstance(setting, tuple):
        return ", ".join(map(str, setting))
    return f"{setting:g}"


def _require(name: str, value: object, holds: bool, range_: str) -> None:
    if not holds:
        raise ValueError(
            f"a recipe with {name}={value!r} cannot be trained: {name} must be {range_}."
        )
