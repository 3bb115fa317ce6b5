"""Cross-entropy: of class numbers, tokens and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from fusionlab.objectives.objective import Objective, Sums, whole, widened
from fusionlab.quantities import CLASSIFIED, Measures

IGNORED = -100  # torch's default
FEW = 50_000  # scores; below, one call takes less time than several vectorised ones
NEARLY = 0.01  # how far from 1 the sum of probabilities in half precision may be


@dataclass(frozen=True, eq=False)
class CrossEntropy(Objective):
    """Cross-entropy in nats over classes; as in torch, ignored targets and weights count."""

    weight: Tensor | None = None
    ignore_index: int = IGNORED
    label_smoothing: float = 0.0
    shift: bool = False
    classes_last: bool = False
    measures: Measures = CLASSIFIED

    def sums(self, outputs: Tensor, targets: Tensor) -> Sums:
        """Sums over all places of outputs (n, classes, ...) or, of tokens, (n, T, classes)."""
        scores, targets = self._arrange(widened(outputs), targets)
        weight, loss = self._weight(scores), self._loss(scores, targets, "sum")
        if targets.is_floating_point():  # probabilities of the classes
            places = whole(targets[:, 0].numel(), loss)
            return Sums(loss, places, _hits(scores, targets.argmax(1)).sum(), places)
        counted = targets != self.ignore_index
        count = counted.sum()
        total = count if weight is None else weight[targets[counted]].sum()
        hits = (_hits(scores, targets) & counted).sum()
        return Sums(loss, total.to(loss), hits, count)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """As `Objective.loss`, without looking for the right answers."""
        return self._loss(*self._arrange(widened(outputs), targets), "mean")

    def stacked(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """As `Objective.stacked`, with one call for all networks where targets are plain."""
        if not self._is_plain(outputs, targets):
            return super().stacked(outputs, targets)
        # Classes before rows: on a CPU sums over a short last axis are 10–20 times slower.
        classes_first = widened(outputs).mT.contiguous()  # (q, classes, n)
        rows = targets.expand(len(outputs), 1, len(targets))
        sums = torch.full((4, len(outputs)), len(targets), dtype=torch.double)
        sums[0] = -classes_first.log_softmax(1).gather(1, rows).sum((1, 2))
        sums[2] = _hits(classes_first, rows[:, 0]).sum(-1)
        return sums

    def means(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """As `Objective.means`, in one call where targets are plain."""
        if not self._is_plain(outputs, targets, places=2):
            return super().means(outputs, targets)
        # (q, classes, n): a softmax over a middle axis is the faster one
        each = functional.cross_entropy(outputs.mT, targets, reduction="none")
        return each.mean(1)

    def _is_plain(self, outputs: Tensor, targets: Tensor, *, places: int = 1) -> bool:
        """Whether each row of (q, n, classes) has one class number, and all count alike."""
        if self.weight is not None or self.label_smoothing or self.classes_last:
            return False
        numbers = outputs.ndim == 3 and targets.ndim == places and not targets.is_floating_point()
        return numbers and bool((targets != self.ignore_index).all())

    def _check_targets(self, targets: Tensor) -> None:
        """Class numbers (n, ...), or probabilities (n, classes)."""
        if targets.is_floating_point():
            self._check_probabilities(targets)
        elif (low := int(targets.min())) < 0 and bool(
            ((targets < 0) & (targets != self.ignore_index)).any()
        ):
            raise ValueError(
                f"targets go down to {low}, but class numbers are 0, 1, …. Use {self.ignore_index} "
                "for "
                "targets that must not count."
            )

    def _check_probabilities(self, targets: Tensor) -> None:
        """Floats of shape (n, classes, ...) of which each place has a sum of 1."""
        if targets.ndim < 2:
            raise ValueError(
                f"targets are {targets.dtype} of shape {tuple(targets.shape)}: expected class "
                "numbers 0, 1, … as integers. To predict numbers, give objective='regression'; "
                "for truth values 0.0 and 1.0, give objective='one_logit'."
            )
        sums = targets.double().sum(-1 if self.classes_last else 1)
        if targets.min() < 0 or (sums - 1).abs().max() > NEARLY:
            raise ValueError(
                f"targets are {targets.dtype} of shape {tuple(targets.shape)}, but not "
                "probabilities of classes, which are 0 or more and have a sum of 1. For several "
                "truth values 0.0 and 1.0, give objective='several_labels'; to predict numbers, "
                "objective='regression'."
            )

    def checked(self, outputs: Tensor, targets: Tensor) -> Self:
        """Itself, if there is one score per class for each target."""
        self._check_targets(targets)
        shape, wanted = tuple(outputs.shape), tuple(targets.shape)
        if not outputs.is_floating_point():
            raise ValueError(
                f"outputs are {outputs.dtype}, but one score per class is needed, as floats."
            )
        axis = -1 if self.classes_last else 1
        given = list(shape)
        if len(given) > 1:
            del given[axis]
        probabilities = targets.is_floating_point() and wanted == shape
        if len(shape) < 2 or shape[axis] < 2 or (tuple(given) != wanted and not probabilities):
            raise ValueError(_unfit(shape, targets, self.classes_last))
        most = 0 if probabilities else _largest(targets[targets != self.ignore_index])
        if most >= shape[axis]:
            raise ValueError(
                f"labels run to {most}, but the network gives {shape[axis]} scores per row. It "
                f"must give at least {most + 1}; or do the labels belong to other data?"
            )
        return self

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Softmax over the classes."""
        return outputs.softmax(-1 if self.classes_last else 1)

    @property
    def classifies(self) -> bool:
        """Whether each row is given one class; tokens and pictures get several."""
        return self.measures is CLASSIFIED

    def _weight(self, scores: Tensor) -> Tensor | None:
        return None if self.weight is None else self.weight.to(scores)

    def _loss(self, scores: Tensor, targets: Tensor, reduction: str) -> Tensor:
        return functional.cross_entropy(
            scores, targets, weight=self._weight(scores), ignore_index=self.ignore_index,
            reduction=reduction, label_smoothing=self.label_smoothing,
        )  # fmt: skip

    def _arrange(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (n, classes, ...) and the targets they are for."""
        if self.shift:
            outputs, targets = outputs[:, :-1], targets[:, 1:]
        if self.classes_last and targets.ndim == outputs.ndim:
            targets = targets.movedim(-1, 1)  # probabilities
        return (outputs.movedim(-1, 1) if self.classes_last else outputs), targets


def _hits(scores: Tensor, targets: Tensor) -> Tensor:
    """Whether the largest score is that of the target, as with `argmax`; False for NaN.

    Args:
        scores: (n, classes, ...).
        targets: class numbers (n, ...).
    """
    scores = scores.detach()
    if scores.numel() < FEW:
        best = scores.max(1)  # of equal scores, the first
        return (best.indices == targets) & (best.values == best.values)
    known = targets.clamp(0, scores.shape[1] - 1).unsqueeze(1)
    largest = scores.amax(1, keepdim=True)
    hits = scores.gather(1, known) == largest
    # As numbers: a comparison that gives booleans takes four times as long on a CPU.
    ties = torch.eq(scores, largest, out=torch.empty_like(scores))
    if ties.sum(dtype=torch.double) > hits.numel():  # of equal scores, the first counts
        hits &= scores.max(1, keepdim=True).indices == known
    return hits.squeeze(1)


def _largest(labels: Tensor) -> int:
    return int(labels.max()) if len(labels) else 0


def _unfit(shape: tuple[int, ...], targets: Tensor, tokens: bool) -> str:
    wanted = tuple(targets.shape)
    if len(wanted) == 2 and wanted[1] == 1 and len(shape) == 2 and shape[1] > 1:
        hint = "The targets have one axis too many: give targets[:, 0]"
    elif len(wanted) == 2 and wanted[:1] == shape[:1] and _is_one_hot(targets):
        hint = "The targets look one-hot: give class numbers, targets.argmax(1)"
    elif shape in {wanted, (*wanted, 1)} or (len(shape) == 2 and shape[1] == 1):
        hint = (
            "For one output per target give objective='one_logit', 'several_labels' or 'regression'"
        )
    elif len(shape) == 3 and shape[:2] == wanted and not tokens:
        hint = "For scores (n, T, classes) of tokens give objective='tokens'"
    else:
        hint = "Each target needs one row of scores, classes " + ("last" if tokens else "second")
    return f"the network gives {shape} for targets {wanted}. {hint}."


def _is_one_hot(targets: Tensor) -> bool:
    return bool(((targets == 0) | (targets == 1)).all()) and bool((targets.sum(1) == 1).all())
