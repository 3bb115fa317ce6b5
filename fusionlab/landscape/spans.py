"""A few points, stacked by name, whose combinations are scored."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import torch
from torch import Tensor

from fusionlab.landscape.first_layer import FirstLayer
from fusionlab.weights import Weights


class Span:
    """A few points, stacked by name, whose combinations are the points to score."""

    def __init__(
        self, points: tuple[Weights, ...], mixed: list[str], kept: list[str], device: torch.device
    ) -> None:
        self.points, self._device = points, device
        self.first: FirstLayer | None = None
        self.mixed = {name: self._stack(p.buffers[name] for p in points) for name in mixed}
        self.kept = {name: points[0].buffers[name].to(device) for name in kept}
        self.dtype = next(iter(points[0].values())).dtype

    @cached_property
    def coordinates(self) -> dict[str, Tensor]:
        """The points' tensors, stacked: k times the memory of one, so only where it is of use."""
        return {name: self._stack(p[name] for p in self.points) for name in self.points[0]}

    def is_of(self, points: tuple[Weights, ...]) -> bool:
        """Whether these very points are combined."""
        return [*map(id, self.points)] == [*map(id, points)]

    def at(self, c: Tensor) -> dict[str, Tensor]:
        """Parameters and buffers at the coefficients c (q, k), each of shape (q, ...)."""
        known = self.first.names if self.first else []
        if len(c) == 1 and self._device.type == "cpu" and "coordinates" not in vars(self):
            tensors = {name: self._sum(c[0].tolist(), name)[None] for name in self.points[0]}
        else:
            mixed = {n: t for n, t in self.coordinates.items() if n not in known}
            tensors = {name: torch.tensordot(c, stacked, 1) for name, stacked in mixed.items()}
        tensors |= {name: torch.tensordot(c, stacked, 1) for name, stacked in self.mixed.items()}
        for name in self.mixed:
            if name.endswith("running_var"):  # beyond the ends a variance could fall below zero
                tensors[name].clamp_min_(0)
        return tensors | {n: t.expand(len(c), *t.shape) for n, t in self.kept.items()}

    def _sum(self, coefficients: list[float], name: str) -> Tensor:
        """Σᵢ cᵢ θᵢ of one tensor, from the points as they are."""
        total = torch.zeros_like(self.points[0][name])
        for each, point in zip(coefficients, self.points, strict=True):
            if each != 0:
                total.add_(point[name], alpha=each)
        return total

    def _stack(self, tensors: Iterable[Tensor]) -> Tensor:
        return torch.stack(list(tensors)).to(self._device)
