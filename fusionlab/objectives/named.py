"""The objectives by name."""

from __future__ import annotations

from torch import Tensor

from fusionlab.objectives.classes import IGNORED, CrossEntropy
from fusionlab.objectives.functions import Loss, OwnLoss
from fusionlab.objectives.numbers import EACH_LABEL, BinaryCrossEntropy, SquaredError
from fusionlab.objectives.objective import Objective
from fusionlab.quantities import CLASSIFIED, Measures, Quantity


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
    """One logit (n,) or (n, 1) for truth values (n,); above 0 it means yes."""
    return BinaryCrossEntropy(pos_weight)


def several_labels(*, pos_weight: Tensor | None = None) -> Objective:
    """Logits (n, labels) for truth values (n, labels), independent of each other."""
    return BinaryCrossEntropy(pos_weight, EACH_LABEL)


def regression(*, unit: str = "") -> Objective:
    """Mean squared error of outputs for targets of the same shape, which are in `unit`."""
    loss = Quantity("loss", f"squared {unit}" if unit else "squared error")
    return SquaredError(Measures(loss, Quantity("mean absolute error", unit)))


def own(loss: Loss, *, quality: Loss | None = None, measures: Quantity | None = None) -> Objective:
    """A function (outputs of the network, targets) ↦ mean loss, and a second one for a quality.

    Args:
        loss: a plain mean over the rows.
        quality: a second such function; without it, class scores for class numbers get accuracy.
        measures: what the quality is; by default an accuracy.
    """
    measured = None if quality is None else measures or CLASSIFIED.quality
    return OwnLoss(loss, quality, Measures(Quantity("loss"), measured))


def _named(name: str) -> Measures:
    return Measures(CLASSIFIED.loss, Quantity(name, share=True, higher_is_better=True))
