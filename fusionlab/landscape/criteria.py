"""What is measured at a point: the mean loss over the data and the share of right answers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

Loss = Callable[[Tensor, Tensor], Tensor]  # logits (n, classes), labels (n,) ↦ their mean loss


def totals(loss: Loss, logits: Tensor, labels: Tensor) -> Tensor:
    """Sums over the rows of the loss and of right answers, for logits (q, n, classes); (2, q)."""
    # Classes before rows: on a CPU sums over a short last axis are 10–20 times slower.
    classes_first = logits.mT.contiguous()  # (q, classes, n)
    rows = labels.expand(len(logits), 1, len(labels))
    if loss is cross_entropy:
        total = -classes_first.log_softmax(1).gather(1, rows).sum((1, 2))
    else:
        total = torch.stack([loss(each, labels) for each in logits]) * len(labels)
    return torch.stack([total.cpu().double(), right(classes_first, rows).sum(-1).cpu().double()])


def right(classes_first: Tensor, rows: Tensor) -> Tensor:
    """Whether the largest logit stands at the label, as `argmax` tells it; shape (q, n).

    Args:
        classes_first: logits, shape (q, classes, n).
        rows: labels, shape (q, 1, n).
    """
    own = classes_first.gather(1, rows)
    largest = classes_first.amax(1, keepdim=True)
    hits = own == largest  # false for NaN
    ties = classes_first == largest
    if ties.sum() > hits.numel():  # of equal logits the first counts; seldom needed
        first = ties.to(torch.uint8).argmax(1, keepdim=True)
        hits &= first == rows
    return hits.squeeze(1)
