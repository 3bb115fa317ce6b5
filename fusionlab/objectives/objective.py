"""What an objective is: outputs and targets ↦ sums that add up over batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

from fusionlab.outputs import logits_of, map_tensors, tensors_of
from fusionlab.quantities import Measures


class Sums(NamedTuple):
    """Sums over rows, each a number: of the loss and its weight, of the quality and its count.

    The loss of all rows is Σ loss / Σ weight over any batches that hold each row once.

    Example:
        >>> import torch
        >>> from fusionlab.objectives import classification
        >>> sums = classification().sums(torch.zeros(4, 2), torch.tensor([0, 1, 0, 1]))
        >>> round(sums.mean.item(), 3), int(sums.counted)
        (0.693, 4)
    """

    loss: Tensor
    weight: Tensor
    quality: Tensor
    counted: Tensor

    @property
    def mean(self) -> Tensor:
        """The loss of these rows, to be differentiated."""
        return self.loss / self.weight


class Objective(ABC):
    """What is measured on a network's outputs and targets; `measures` names it.

    Example:
        >>> import torch
        >>> from fusionlab.objectives import regression
        >>> outputs, targets = torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [3.0]])
        >>> regression(unit="m").sums(outputs, targets).mean
        tensor(0.5000)
        >>> regression(unit="m").measures.quality.axis
        'mean absolute error (m)'
    """

    measures: Measures

    def select(self, returned: Any) -> Any:
        """The part of a network's outputs that is needed; by default its one tensor."""
        return logits_of(returned)

    @abstractmethod
    def sums(self, outputs: Any, targets: Tensor) -> Sums:
        """Sums over the rows of what `select` gave; `loss` can be differentiated."""

    @abstractmethod
    def checked(self, outputs: Any, targets: Tensor) -> Self:
        """The objective for these outputs and targets.

        Raises:
            ValueError: if they do not fit; the error says what to give.
        """

    def stacked(self, outputs: Any, targets: Tensor) -> Tensor:
        """The sums of q networks, for outputs (q, n, ...); float64 on the CPU, shape (4, q)."""
        count = len(tensors_of(outputs)[0])
        each = (self.sums(map_tensors(lambda t: t[i], outputs), targets) for i in range(count))  # noqa: B023
        return torch.stack([torch.stack([*map(double, one)]) for one in each], 1)

    def loss(self, outputs: Any, targets: Tensor) -> Tensor:
        """The loss of these rows alone, a number to be differentiated: what a step descends."""
        return self.sums(outputs, targets).mean

    def means(self, outputs: Any, targets: Tensor) -> Tensor:
        """The losses of q networks on rows of their own, to be differentiated, shape (q,).

        Args:
            outputs: (q, n, ...).
            targets: (q, n, ...).
        """
        each = (
            self.loss(map_tensors(lambda t: t[i], outputs), one)  # noqa: B023
            for i, one in enumerate(targets)
        )
        return torch.stack(list(each))

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Class probabilities (n, classes) of outputs, for objectives that classify rows.

        Raises:
            ValueError: if the outputs are not scores of classes.
        """
        raise ValueError(
            f"this objective measures only {self.measures.loss.name}, so its outputs are not class "
            "probabilities. Use 'classification' or 'one_logit' for them."
        )

    @property
    def classifies(self) -> bool:
        """Whether each row is given one class."""
        return type(self).probabilities is not Objective.probabilities


def double(number: Tensor) -> Tensor:
    """A sum as it is added up: in float64, on the CPU."""
    return number.detach().cpu().double()


def whole(count: int, like: Tensor) -> Tensor:
    """A count as a number beside `like`, exact also where that has half precision."""
    return torch.tensor(float(count), device=like.device)


def widened(outputs: Tensor) -> Tensor:
    """Outputs in float32 where they have half precision: losses are sums of many small numbers."""
    return outputs.float() if outputs.dtype in (torch.half, torch.bfloat16) else outputs
