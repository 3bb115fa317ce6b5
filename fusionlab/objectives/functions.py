"""A loss that a reader wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from fusionlab.objectives.objective import Objective, Sums
from fusionlab.outputs import OutputsError, logits_of, map_tensors
from fusionlab.quantities import ACCURACY, Measures, Quantity

LOSS = Measures(Quantity("loss"), None)
Loss = Callable[[Any, Tensor], Tensor]  # what a network returns, and targets ↦ their mean loss


@dataclass(frozen=True, eq=False)
class OwnLoss(Objective):
    """A reader's function (what the network returns, targets) ↦ mean loss over the rows.

    Args:
        function: it must be a plain mean over the rows; `checked` tests this.
        quality: a second such function, whose mean is the quality.
        measures: what they measure.
    """

    function: Loss
    quality: Loss | None = None
    measures: Measures = LOSS

    def select(self, returned: Any) -> Any:
        """All that the network returns."""
        return returned

    def sums(self, outputs: Any, targets: Tensor) -> Sums:
        """The means times the rows."""
        loss = self.function(outputs, targets)
        n = torch.tensor(float(len(targets)), device=loss.device)
        quality = torch.full_like(n, torch.nan)
        if self.quality is not None:
            quality = torch.as_tensor(self.quality(outputs, targets)).detach() * n
        return Sums(loss.squeeze() * n, n, quality.squeeze(), n)

    def checked(self, outputs: Any, targets: Tensor) -> Self:
        """Itself; with accuracy if the outputs are class scores and no quality is given.

        Raises:
            ValueError: if the loss is not one number, or not the mean over the rows.
        """
        loss = self.function(outputs, targets)
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            given = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
            raise ValueError(
                f"the loss is {given}, not one number. It must be the mean over the rows "
                "(in torch, reduction='mean')."
            )
        if len(targets) > 1:
            _check_mean(self.function, outputs, targets)
        if self.quality is None and _are_scores(outputs, targets):
            return replace(self, quality=_accuracy, measures=Measures(self.measures.loss, ACCURACY))
        return self

    def probabilities(self, outputs: Any) -> Tensor:
        """Softmax over the classes, where the outputs are scores of classes."""
        if not self.classifies:
            return super().probabilities(outputs)
        return logits_of(outputs).softmax(1)

    @property
    def classifies(self) -> bool:
        """Whether the outputs are scores of classes."""
        return self.quality is _accuracy


def _are_scores(outputs: Any, targets: Tensor) -> bool:
    try:
        scores = logits_of(outputs)
    except OutputsError:
        return False
    labels = targets.ndim == 1 and targets.dtype == torch.long and bool(targets.min() >= 0)
    return labels and scores.ndim == 2 and int(targets.max()) < scores.shape[1] > 1


def _accuracy(outputs: Any, targets: Tensor) -> Tensor:
    return (logits_of(outputs).argmax(1) == targets).float().mean()


def _check_mean(function: Loss, outputs: Any, targets: Tensor) -> None:
    """Raise a ValueError unless the loss of all rows is the mean of the losses of their parts."""
    n = len(targets)
    order = targets.reshape(n, -1).double().mean(1).argsort()
    parts = [order[: (n + 2) // 3], order[(n + 2) // 3 :]]

    def loss(rows: Tensor) -> float:
        rows = rows.to(targets.device)
        kept = map_tensors(lambda t: t[rows] if t.ndim and len(t) == n else t, outputs)
        return float(function(kept, targets[rows]))

    whole = loss(order)
    mean = sum(loss(part) * len(part) for part in parts) / n
    if not abs(whole - mean) <= 1e-4 * max(abs(whole), 1e-3):
        raise ValueError(
            f"this loss is {whole:.6g} on {n} rows, but the mean of its parts is {mean:.6g}: it is "
            "not a plain mean over the rows, so batches would not add up (it may be a sum, or have "
            "class weights, ignored targets, or rows that are compared). Return the mean; for "
            "class weights or ignored targets use "
            "objectives.classification(weight=…, ignore_index=…)."
        )
