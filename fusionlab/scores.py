"""Scores: what is measured at one point, at many, and by any function of a point."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

import torch
from torch import Tensor

from fusionlab.quantities import CLASSIFIED, Measured, Measures, accuracy
from fusionlab.weights import Weights


class _Pair(NamedTuple):
    loss: float
    quality: float


class Score(_Pair):
    """The loss at a point and one quality beside it, a pair; `measures` says what they are.

    Of a classifier these are the mean cross-entropy in nats, and the share of right answers.

    Example:
        >>> from fusionlab.landscape import Score
        >>> score = Score(0.25, 0.875)
        >>> score, score.accuracy
        (loss 0.25 nats, accuracy 87.5 %, 0.875)
        >>> loss, accuracy = score
    """

    measures: Measures

    def __new__(cls, loss: float, quality: float, measures: Measures = CLASSIFIED) -> Score:
        """A pair of numbers that knows what they mean."""
        score = super().__new__(cls, loss, quality)
        score.measures = measures
        return score

    @property
    def accuracy(self) -> float:
        """The share of right answers in [0, 1].

        Raises:
            ValueError: if the quality is another one.
        """
        return accuracy(self.quality, self.measures)

    def __repr__(self) -> str:
        """The numbers as one would write them."""
        loss, quality = self.measures.loss, self.measures.quality
        words = f"{loss.name} {loss.write(self.loss)}"
        return f"{words}, {quality.name} {quality.write(self.quality)}" if quality else words


ScoreFunction: TypeAlias = Callable[[Weights], Score]  # a landscape, or any function in its place


class Sloped(Protocol):
    """A landscape, or any function with a slope in its place."""

    def __call__(self, theta: Weights, /) -> Score:
        """The score at θ."""

    def slope(self, theta: Weights, /) -> tuple[Score, Weights]:
        """The score at θ and the gradient of the loss there."""


@dataclass(frozen=True, eq=False)
class Scores(Measured):
    """The scores of P points: loss and quality, each of shape (P,), float64.

    Example:
        >>> import torch
        >>> from fusionlab.landscape import Scores
        >>> scores = Scores(torch.tensor([0.5, 0.25]), torch.tensor([0.75, 0.875]))
        >>> len(scores), scores.error.tolist()
        (2, [0.25, 0.125])
    """

    loss: Tensor
    quality: Tensor
    measures: Measures = CLASSIFIED

    def __len__(self) -> int:
        return len(self.loss)

    def __iter__(self) -> Iterator[Score]:
        for loss, quality in zip(self.loss.tolist(), self.quality.tolist(), strict=True):
            yield Score(loss, quality, self.measures)


def score_all(landscape: ScoreFunction, points: Sequence[Weights]) -> Scores:
    """Score many points by any function θ ↦ Score, in one call where it has `scores`."""
    many: Any = getattr(landscape, "scores", None)
    if many is not None:
        return many(points)  # type: ignore[no-any-return]
    scores = [landscape(point) for point in points]
    loss, quality = torch.tensor([tuple(s) for s in scores], dtype=torch.double).reshape(-1, 2).T
    return Scores(loss, quality, measures_of(scores[0]) if scores else CLASSIFIED)


def measures_of(source: object) -> Measures:
    """What a landscape or scores measure; of a function that does not say, a classifier's."""
    return getattr(source, "measures", CLASSIFIED)
