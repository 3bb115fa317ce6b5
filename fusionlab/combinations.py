"""Many points of the span of a few, which need not be held at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from fusionlab.spaces import check_same_space
from fusionlab.weights import Weights, combine


class Combinations(Sequence[Weights]):
    """Many points Σᵢ cₚᵢ θᵢ of the span of a few: a batch that need not be held at once.

    Args:
        points: the k points θᵢ, all of one space.
        coefficients: cₚᵢ, shape (P, k).

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.combinations import Combinations
        >>> a, b = (Weights({"w": torch.tensor([w])}) for w in (0.0, 4.0))
        >>> third = torch.tensor([[0.5, 0.5], [0.25, 0.75]])
        >>> [theta["w"].item() for theta in Combinations([a, b], third)]
        [2.0, 3.0]
    """

    def __init__(self, points: Sequence[Weights], coefficients: Tensor) -> None:
        if coefficients.ndim != 2 or coefficients.shape[1] != len(points):
            raise ValueError(
                f"coefficients of shape {tuple(coefficients.shape)} do not fit {len(points)} "
                "points: give one row per combination, one column per point."
            )
        if not points:
            raise ValueError("combinations need at least one point to combine")
        for point in points[1:]:
            check_same_space(points[0], point)
        self.points = tuple(points)
        self.coefficients = coefficients.double()

    def __len__(self) -> int:
        return len(self.coefficients)

    def __getitem__(self, index: Any) -> Any:
        """One point for an integer; for a slice or a tensor of rows, these combinations."""
        if isinstance(index, int):
            return combine(self.coefficients[index].tolist(), self.points)
        return Combinations(self.points, self.coefficients[index])
