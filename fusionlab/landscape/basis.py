"""A few points, stacked by name, whose combinations are scored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from fusionlab.coordinates import in_one_precision
from fusionlab.landscape.own_buffers import OwnBuffers
from fusionlab.landscape.precision import HALF, wide, working
from fusionlab.weights import Weights


class Basis:
    """A few points, stacked by name, whose combinations are the points to score.

    Args:
        points: one or more, of one space.
        constants: the module's own buffers that are not measured.
        mixed: names of measured buffers that are mixed as coordinates are.
        kept: names of measured buffers that are the first point's everywhere.
        device: where to compute.
        precision: of the combinations; by default the points' own, and float32 for half precision.
    """

    def __init__(
        self,
        points: tuple[Weights, ...],
        constants: Mapping[str, Tensor],
        *,
        mixed: Sequence[str] = (),
        kept: Sequence[str] = (),
        device: torch.device,
        precision: torch.dtype | None = None,
    ) -> None:
        self._given, self._device, self._precision = points, device, precision
        self.points = points = in_one_precision(points)
        narrow = precision is None or precision in HALF  # to combine in which would lose steps
        each = {f"{i} {n}": t for i, p in enumerate(points) for n, t in p.items()}
        self._wide = working(each) if narrow else precision
        self._mixed = {name: self._stack(p.buffers[name] for p in points) for name in mixed}
        self._kept = {name: self._buffer(points[0].buffers[name]) for name in kept}
        self._own = OwnBuffers(points, constants, self._buffer)
        self.dtype = self._placed(next(iter(points[0].values()))).dtype

    @cached_property
    def coordinates(self) -> dict[str, Tensor]:
        """The points' tensors, stacked: k times the memory of one, so only where it is of use."""
        return {name: self._stack(p[name] for p in self.points) for name in self.points[0]}

    @cached_property
    def form(self) -> dict[str, Tensor]:
        """The parameters without their values, in the precision in which they are scored."""
        point = self.points[0].items()
        form = {name: wide(tensor.to("meta"), self._wide) for name, tensor in point}
        return {name: wide(tensor, self._precision) for name, tensor in form.items()}

    @property
    def ends(self) -> dict[str, Tensor]:
        """The points' tensors with the statistics that belong to them, stacked."""
        kept = {n: t.expand(len(self.points), *t.shape) for n, t in self._kept.items()}
        return {**self.coordinates, **self._mixed, **kept}

    @cached_property
    def sound(self) -> bool:
        """Whether all coordinates are numbers of which Σᵢ cᵢ θᵢ can be computed at once."""
        tensors = [tensor for point in self.points for tensor in point.values()]
        return all(t.is_floating_point() or t.is_complex() for t in tensors) and bool(
            torch.stack([t.isfinite().all().cpu() for t in tensors]).all()
        )

    @cached_property
    def _in_place(self) -> bool:
        """Whether the points lie where they are combined, in the precision of that."""
        return all(self._placed(t) is t for point in self.points for t in point.values())

    @property
    def brings_buffers(self) -> bool:
        """Whether a point has other buffers than the module, or in another precision."""
        return bool(self._own.names)

    def is_of(self, points: tuple[Weights, ...]) -> bool:
        """Whether these very points are combined."""
        return [*map(id, self._given)] == [*map(id, points)]

    def at(self, c: Tensor, *, without: Sequence[str] = ()) -> dict[str, Tensor]:
        """Parameters and buffers at the coefficients c (q, k), each of shape (q, ...).

        Args:
            c: one row per combination.
            without: names of parameters that are not needed.
        """
        names = [name for name in self.points[0] if name not in without]
        if len(c) == 1:
            tensors = self._one(c, names)
        else:
            tensors = {name: mix(c, self.coordinates[name]) for name in names}
        tensors |= {name: mix(c, stacked) for name, stacked in self._mixed.items()}
        for name in self._mixed:
            if name.endswith("running_var"):  # beyond the ends a variance could fall below zero
                tensors[name].clamp_min_(0)
        if self._precision is not None:
            tensors = {n: wide(t, self._precision) for n, t in tensors.items()}
        tensors |= {n: t.expand(len(c), *t.shape) for n, t in self._kept.items()}
        return tensors | self._own.at(c)

    def _buffer(self, tensor: Tensor) -> Tensor:
        """A buffer where it is needed, in the precision in which points are scored."""
        return wide(self._placed(tensor), self._precision)

    def _one(self, c: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """One combination, from the points as they lie."""
        if not names:
            return {}
        total = combined(c[0].tolist(), lambda i: self._tensors(i, names))
        return {name: tensor[None] for name, tensor in zip(names, total, strict=True)}

    def _tensors(self, i: int, names: Sequence[str]) -> list[Tensor]:
        """Point i where it is combined, in the precision of that."""
        if self._in_place:
            return [self.points[i][name] for name in names]
        if "coordinates" in vars(self) or self._device.type != "cpu":
            return [self.coordinates[name][i] for name in names]
        return [self._placed(self.points[i][name]) for name in names]

    def _stack(self, tensors: Iterable[Tensor]) -> Tensor:
        return torch.stack([self._placed(tensor) for tensor in tensors])

    def _placed(self, tensor: Tensor) -> Tensor:
        return wide(tensor.to(self._device), self._wide)


def mix(c: Tensor, stacked: Tensor) -> Tensor:
    """Σᵢ cᵢ tᵢ for rows c (q, k) and tensors (k, ...), shape (q, ...)."""
    if len(c) > 1:
        mixed: Tensor = torch.tensordot(c.to(stacked.dtype), stacked, 1)
        return mixed
    [total] = combined(c[0].tolist(), lambda i: [stacked[i]])
    return total[None]


def combined(shares: Sequence[float], tensors_of: Callable[[int], list[Tensor]]) -> list[Tensor]:
    """Σᵢ cᵢ θᵢ, tensor by tensor; points whose share is 0 are not read, one alone is copied."""
    first, *others = [i for i, share in enumerate(shares) if share != 0] or [0]
    if shares[first] == 1 and not others:
        return [tensor.clone() for tensor in tensors_of(first)]
    # Sums are faster here than a product of matrices.
    total = list(torch._foreach_mul(tensors_of(first), shares[first]))
    for i in others:
        torch._foreach_add_(total, tensors_of(i), alpha=shares[i])
    return total
