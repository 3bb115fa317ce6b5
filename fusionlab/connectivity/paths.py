"""Paths between two points of weight space: functions t ↦ θ(t), with `a` at 0 and `b` at 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fusionlab.combinations import Combinations
from fusionlab.spaces import check_same_space
from fusionlab.weights import Weights, lerp

Path = Callable[[float], Weights]


@dataclass(frozen=True, eq=False)
class Line:
    """The segment (1 − t) a + t b; outside [0, 1] it goes on straight.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.connectivity import Line
        >>> a, b = (Weights({"w": torch.tensor([w])}) for w in (0.0, 4.0))
        >>> Line(a, b)(0.25)["w"]
        tensor([1.])
        >>> Line(a, b)(1.0) is b
        True
    """

    a: Weights
    b: Weights

    def __post_init__(self) -> None:
        check_same_space(self.a, self.b)

    def __call__(self, t: float) -> Weights:
        """The point at t; at 0 and 1 the ends themselves, buffers included."""
        return lerp(self.a, self.b, t)

    def at(self, t: Tensor) -> Combinations:
        """The points at many t (P,), as one batch."""
        t = t.double()
        return Combinations((self.a, self.b), torch.stack([1 - t, t], 1))


def points_on(path: Path, t: Tensor) -> Sequence[Weights]:
    """The points of a path at many t (P,): one batch, the fast way, where the path has `at`."""
    if hasattr(path, "at"):
        return path.at(t)  # type: ignore[no-any-return]
    return [path(s) for s in t.tolist()]
