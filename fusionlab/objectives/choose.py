"""The objective that a reader gives, by its name or as a loss function."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from torch import nn
from torch.nn import functional

from fusionlab.objectives.classes import CrossEntropy
from fusionlab.objectives.functions import Loss, OwnLoss
from fusionlab.objectives.named import (
    classification,
    one_logit,
    pictures,
    regression,
    several_labels,
    tokens,
)
from fusionlab.objectives.objective import Objective

AnyObjective: TypeAlias = Objective | Loss | str | None

_EXACT = {"weight", "ignore_index", "label_smoothing"}  # of torch's cross-entropy


NAMES: dict[str, Callable[[], Objective]] = {
    "classification": classification,
    "one_logit": one_logit,
    "several_labels": several_labels,
    "regression": regression,
    "tokens": tokens,
    "pictures": pictures,
}


def objective_of(given: AnyObjective) -> Objective:
    """The objective that is given: one of ours, its name, or a loss of torch or the reader.

    Losses of torch whose batches do not add up (class weights, ignored targets) become ours.

    Raises:
        ValueError: if the name is unknown, or a loss is not a mean.
    """
    if given is None:
        return classification()
    if isinstance(given, Objective):
        return given
    if isinstance(given, str):
        if given not in NAMES:
            *names, last = map(repr, NAMES)
            raise ValueError(f"Unknown objective {given!r}. Choose {', '.join(names)} or {last}.")
        return NAMES[given]()
    if not callable(given):
        raise TypeError(
            f"expected an objective, its name, or a function loss(outputs, targets), got a "
            f"{type(given).__name__}."
        )
    return _of_torch(given) or OwnLoss(given)


def _of_torch(loss: Any) -> Objective | None:
    """Our objective for a loss of torch, if ours has all its settings."""
    if isinstance(loss, nn.Module) and getattr(loss, "reduction", "mean") != "mean":
        raise ValueError(
            f"{loss} with reduction={loss.reduction!r} is not a mean over the rows. Use "  # type: ignore[union-attr]
            "reduction='mean'."
        )
    if type(loss) is nn.CrossEntropyLoss:
        settings = {name: getattr(loss, name) for name in _EXACT}
        return CrossEntropy(**settings)
    if type(loss) is nn.BCEWithLogitsLoss and loss.weight is None:
        return one_logit(pos_weight=loss.pos_weight)
    if loss is functional.binary_cross_entropy_with_logits:
        return one_logit()
    if type(loss) is nn.MSELoss or loss is functional.mse_loss:
        return regression()
    if isinstance(loss, partial) and loss.func is functional.cross_entropy and not loss.args:
        settings = {n: v for n, v in loss.keywords.items() if n != "reduction" or v != "mean"}
        return CrossEntropy(**settings) if settings.keys() <= _EXACT else None
    return CrossEntropy() if loss is functional.cross_entropy else None
