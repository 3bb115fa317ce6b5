"""What is measured at a point: the mean loss over the data and the share of right answers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

Loss = Callable[[Tensor, Tensor], Tensor]  # logits (n, classes), labels (n,) ↦ their mean loss


def total_loss(loss: Loss, logits: Tensor, labels: Tensor) -> Tensor:
    """Sum of the loss over the rows, for logits (..., n, classes); shape (...)."""
    if loss is cross_entropy:
        return _total_cross_entropy(logits, labels)
    flat = logits.reshape(-1, *logits.shape[-2:])
    losses = torch.stack([loss(each, labels) for each in flat])
    return losses.view(logits.shape[:-2]) * len(labels)


def total_right(logits: Tensor, labels: Tensor) -> Tensor:
    """How many rows have their largest logit at the label, as `argmax` counts; shape (...)."""
    classes_first = logits.mT.contiguous()  # (..., classes, n)
    own = classes_first.gather(-2, _rows(labels, classes_first))
    earlier = torch.arange(logits.shape[-1], device=logits.device)[:, None] < labels
    # Of equal logits the first counts, so an earlier class beats the label by a tie.
    beaten = (classes_first > own) | ((classes_first == own) & earlier)
    return (~beaten.any(-2) & ~own.squeeze(-2).isnan()).sum(-1)


def _total_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    # Classes before rows: the same sum, 10–20 times faster on a CPU than over a short last axis.
    log_likelihood = logits.mT.contiguous().log_softmax(-2)  # (..., classes, n)
    return -log_likelihood.gather(-2, _rows(labels, log_likelihood)).sum((-2, -1))


def _rows(labels: Tensor, classes_first: Tensor) -> Tensor:
    return labels.expand(*classes_first.shape[:-2], 1, len(labels))
