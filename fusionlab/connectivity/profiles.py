"""The loss along a path, and three measures of the barrier on it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fusionlab.arguments import expect
from fusionlab.connectivity.paths import Path, points_on
from fusionlab.quantities import CLASSIFIED, Measured, Measures
from fusionlab.scores import ScoreFunction, score_all


@dataclass(frozen=True, eq=False)
class Profile(Measured):
    """Scores along a path: position t, loss, and the quality beside it; each (points,), float64.

    Of a classifier these are the loss in nats and the accuracy in [0, 1]. Three barriers are in
    use; each is a property, and 0 means that nothing rises.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.connectivity import Line, profile
        >>> from fusionlab.landscape import Score
        >>> a, b = (Weights({"w": torch.tensor([w])}) for w in (-1.0, 1.0))
        >>> def hill(theta):
        ...     return Score(1 - theta["w"].item() ** 2, 1.0)
        >>> along = profile(hill, Line(a, b), points=3)
        >>> along.loss.tolist(), along.barrier
        ([0.0, 1.0, 0.0], 1.0)
    """

    t: Tensor
    loss: Tensor
    quality: Tensor
    measures: Measures = CLASSIFIED

    @property
    def chord(self) -> Tensor:
        """(1 − t) L(a) + t L(b): the loss if it were straight between the ends, (points,)."""
        start, end = self._ends
        return torch.lerp(self.loss[start], self.loss[end], self.t)

    @property
    def barrier(self) -> float:
        """max_t [L(θ(t)) − ((1 − t) L(a) + t L(b))], in nats.

        Source:
            Entezari et al. 2022, arXiv:2110.06296.
        """
        return (self.loss - self.chord)[self._between].max().item()

    @property
    def midpoint_barrier(self) -> float:
        """max_t L(θ(t)) − (L(a) + L(b)) / 2, in nats; not 0 on a slope.

        Source:
            Ainsworth et al. 2023, arXiv:2209.04836.
        """
        return self._rise(self.loss)

    @property
    def error_barrier(self) -> float:
        """max_t E(θ(t)) − (E(a) + E(b)) / 2 for the error E, a share in [0, 1].

        Source:
            Frankle et al. 2020, arXiv:1912.05671, who call a pair stable below 0.02.
        """
        return self._rise(self.error)

    @property
    def rise(self) -> float:
        """max_{s < t} L(θ(t)) − L(θ(s)), in nats: the highest climb on the way from a to b.

        0 where the loss falls all the way, as it often does from a start to where training ends.

        Source:
            Goodfellow et al. 2015, arXiv:1412.6544; Lucas et al. 2021, arXiv:2104.11044.
        """
        loss = self.loss[self._between]
        return (loss - loss.cummin(0).values).max().item()

    @property
    def monotone(self) -> bool:
        """Whether the loss never rises on the way from a to b."""
        return self.rise == 0

    def _rise(self, values: Tensor) -> float:
        ends = values[list(self._ends)].mean()
        return (values[self._between].max() - ends).item()

    @property
    def _ends(self) -> tuple[int, int]:
        return int(self.t.abs().argmin()), int((self.t - 1).abs().argmin())

    @property
    def _between(self) -> Tensor:
        return (self.t >= 0) & (self.t <= 1)  # beyond the ends there is no barrier between them


def profile(
    landscape: ScoreFunction,
    path: Path,
    *,
    points: int = 25,
    t: Tensor | None = None,
) -> Profile:
    """Score a path at evenly spaced points, both ends included, or at given positions.

    Args:
        landscape: θ ↦ Score on fixed data; a `Landscape`, or any such function.
        path: t ↦ θ(t) for t in [0, 1].
        points: how many; a peak narrower than 1 / (points − 1) can be missed.
        t: positions instead, ascending, 0 and 1 among them; a line also goes beyond the ends.

    Raises:
        ValueError: if the ends are not among the positions.
    """
    expect("landscape", landscape)
    expect("path", path)
    t = torch.linspace(0, 1, points, dtype=torch.double) if t is None else torch.as_tensor(t)
    t = t.double()
    if not {0.0, 1.0} <= set(t.tolist()):
        raise ValueError(
            f"a profile needs both ends of the path, t = 0 and t = 1: it has {len(t)} positions "
            f"from {t.min().item():g} to {t.max().item():g}."
        )
    scores = score_all(landscape, points_on(path, t))
    return Profile(t, scores.loss, scores.quality, scores.measures)
