"""One output for each number of the targets: truth values, and numbers to be predicted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from fusionlab.objectives.objective import Objective, Sums, whole, widened
from fusionlab.quantities import CLASSIFIED, Measures, Quantity

EACH_LABEL = Measures(
    CLASSIFIED.loss, Quantity("label accuracy", share=True, higher_is_better=True)
)
SQUARES = Measures(Quantity("loss", "squared error"), Quantity("mean absolute error"))


@dataclass(frozen=True, eq=False)
class BinaryCrossEntropy(Objective):
    """Binary cross-entropy in nats, with one logit for each truth value."""

    pos_weight: Tensor | None = None
    measures: Measures = CLASSIFIED

    def sums(self, outputs: Tensor, targets: Tensor) -> Sums:
        """Sums over all logits; a logit above 0 means yes."""
        logits, truth = _aligned(widened(outputs), targets)
        weight = None if self.pos_weight is None else self.pos_weight.to(logits)
        loss = functional.binary_cross_entropy_with_logits(
            logits, truth.to(logits), pos_weight=weight, reduction="sum"
        )
        count = whole(logits.numel(), loss)
        hits = ((logits > 0) == (truth > 0.5)) & ~logits.isnan()
        return Sums(loss, count, hits.sum(), count)

    def _check_targets(self, targets: Tensor) -> None:
        """Truth values 0 and 1, or probabilities."""
        if targets.min() < 0 or targets.max() > 1:
            raise ValueError(
                f"targets run from {targets.min().item():g} to {targets.max().item():g}, but this "
                "objective needs truth values: yes (1) or no (0). For class numbers, give "
                "objective='classification'."
            )

    def checked(self, outputs: Tensor, targets: Tensor) -> Self:
        """Itself, for as many logits as truth values; with several per row, each is an answer."""
        self._check_targets(targets)
        logits, _ = _aligned(outputs, targets)
        several = logits.numel() > len(logits) and self.measures is CLASSIFIED
        return replace(self, measures=EACH_LABEL) if several else self

    def probabilities(self, outputs: Tensor) -> Tensor:
        """The probabilities of "no" and of "yes"."""
        yes = outputs.reshape(len(outputs), -1).sigmoid()
        return torch.cat([1 - yes, yes], 1)

    @property
    def classifies(self) -> bool:
        """Whether each row gets one answer."""
        return self.measures is CLASSIFIED


@dataclass(frozen=True, eq=False)
class SquaredError(Objective):
    """Mean squared error over all numbers of the targets, and the mean absolute error."""

    measures: Measures = SQUARES

    def sums(self, outputs: Tensor, targets: Tensor) -> Sums:
        """Sums over all numbers."""
        given, wanted = _aligned(widened(outputs), targets)
        off = given - wanted.to(given)
        count = whole(off.numel(), off)
        return Sums(off.square().sum(), count, off.detach().abs().sum(), count)

    def checked(self, outputs: Tensor, targets: Tensor) -> Self:
        """Itself, for as many outputs as targets."""
        _aligned(outputs, targets)
        return self


def _aligned(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs and targets in one shape: axes of length 1 may be missing in either.

    Raises:
        ValueError: if they differ in another way; torch would broadcast one of them.
    """
    if outputs.shape == targets.shape:
        return outputs, targets
    given, wanted = ([d for d in t.shape[1:] if d != 1] for t in (outputs, targets))
    if given != wanted or len(outputs) != len(targets):
        raise ValueError(
            f"the network gives {tuple(outputs.shape)} for targets {tuple(targets.shape)}: each "
            "number of the targets needs its own output."
        )
    return outputs.reshape(targets.shape), targets
