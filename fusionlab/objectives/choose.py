"""The objectives by name, and the one that a reader means."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from torch import Tensor, nn
from torch.nn import functional

from fusionlab.objectives.classes import IGNORED, CrossEntropy
from fusionlab.objectives.numbers import BinaryCrossEntropy, SquaredError
from fusionlab.objectives.objective import Objective
from fusionlab.objectives.own import Loss, OwnLoss
from fusionlab.quantities import CLASSIFIED, Measures, Quantity

AnyObjective: TypeAlias = Objective | Loss | str | None

_EXACT = {"weight", "ignore_index", "label_smoothing"}  # of torch's cross-entropy


def classification(
    weight: Tensor | None = None, *, ignore_index: int = IGNORED, label_smoothing: float = 0.0
) -> Objective:
    """Scores (n, classes) for class numbers (n,), or for probabilities (n, classes)."""
    return CrossEntropy(weight, ignore_index, label_smoothing)


def tokens(
    weight: Tensor | None = None,
    *,
    ignore_index: int = IGNORED,
    label_smoothing: float = 0.0,
    shift: bool = False,
) -> Objective:
    """Scores (n, T, classes) for class numbers (n, T); `shift` compares each with the next."""
    measures = _named("token accuracy")
    return CrossEntropy(weight, ignore_index, label_smoothing, shift, True, measures)


def pictures(
    weight: Tensor | None = None, *, ignore_index: int = IGNORED, label_smoothing: float = 0.0
) -> Objective:
    """Scores (n, classes, H, W) for the classes of pixels (n, H, W)."""
    measures = _named("pixel accuracy")
    return CrossEntropy(weight, ignore_index, label_smoothing, measures=measures)


def one_logit(*, pos_weight: Tensor | None = None) -> Objective:
    """One logit (n,) or (n, 1) for truth values (n,); above 0 it says yes."""
    return BinaryCrossEntropy(pos_weight)


def several_labels(*, pos_weight: Tensor | None = None) -> Objective:
    """Logits (n, labels) for truth values (n, labels), each by itself."""
    return BinaryCrossEntropy(pos_weight, _named("label accuracy"))


def regression(*, unit: str = "") -> Objective:
    """Outputs for targets of the same shape, which are in `unit`; their mean squared error."""
    loss = Quantity("loss", f"squared {unit}" if unit else "squared error")
    return SquaredError(Measures(loss, Quantity("mean absolute error", unit)))


def own(loss: Loss, *, quality: Loss | None = None, measures: Quantity | None = None) -> Objective:
    """A function (what the network returns, targets) ↦ mean loss, and one that gives a quality.

    Args:
        loss: a plain mean over the rows.
        quality: as the loss; without it, class scores for class numbers have their accuracy.
        measures: what the quality is; without it, an accuracy.
    """
    measured = None if quality is None else measures or CLASSIFIED.quality
    return OwnLoss(loss, quality, Measures(Quantity("loss"), measured))


NAMES: dict[str, Callable[[], Objective]] = {
    "classification": classification,
    "one_logit": one_logit,
    "several_labels": several_labels,
    "regression": regression,
    "tokens": tokens,
    "pictures": pictures,
}


def objective_of(given: AnyObjective) -> Objective:
    """The objective that is meant: one of ours, by its name, or a loss of torch's or the reader's.

    Losses of torch whose batches would not add up (class weights, ignored targets) become ours.

    Raises:
        ValueError: if there is none of this name, or a loss is no mean.
    """
    if given is None:
        return classification()
    if isinstance(given, Objective):
        return given
    if isinstance(given, str):
        if given not in NAMES:
            raise ValueError(f"Unknown objective {given!r}. Choose {', '.join(map(repr, NAMES))}.")
        return NAMES[given]()
    if not callable(given):
        raise TypeError(
            f"expected an objective, its name, or a function loss(outputs, targets), got a "
            f"{type(given).__name__}."
        )
    return _of_torch(given) or OwnLoss(given)


def _of_torch(loss: Any) -> Objective | None:
    """Our objective for a loss of torch, if it is one whose settings ours has."""
    if isinstance(loss, nn.Module) and getattr(loss, "reduction", "mean") != "mean":
        raise ValueError(
            f"{loss} with reduction={loss.reduction!r} is no mean over the rows: take "  # type: ignore[union-attr]
            "reduction='mean'."
        )
    if type(loss) is nn.CrossEntropyLoss:
        settings = {name: getattr(loss, name) for name in _EXACT}
        return CrossEntropy(**settings)
    if type(loss) is nn.MSELoss or loss is functional.mse_loss:
        return regression()
    if isinstance(loss, partial) and loss.func is functional.cross_entropy and not loss.args:
        settings = {n: v for n, v in loss.keywords.items() if n != "reduction" or v != "mean"}
        return CrossEntropy(**settings) if settings.keys() <= _EXACT else None
    return CrossEntropy() if loss is functional.cross_entropy else None


def _named(name: str) -> Measures:
    return Measures(CLASSIFIED.loss, Quantity(name, share=True, higher_is_better=True))
