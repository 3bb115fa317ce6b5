"""A few points, stacked by name, whose combinations are scored."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from fusionlab.landscape.precision import wide, working
from fusionlab.weights import Weights


class Span:
    """A few points, stacked by name, whose combinations are the points to score.

    A point brings its own buffers. Between points there are none, since arithmetic drops them:
    there the module's are taken, as `Weights.to` takes them.

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
        self.points, self._device, self._precision = points, device, precision
        self._wide = working({f"{i} {n}": t for i, p in enumerate(points) for n, t in p.items()})
        self._mixed = {name: self._stack(p.buffers[name] for p in points) for name in mixed}
        self._kept = {name: self._placed(points[0].buffers[name]) for name in kept}
        self._own = {
            name: torch.stack([*values, constant])
            for name, constant in constants.items()
            if (values := self._differing(name, constant))
        }
        self.dtype = self._placed(next(iter(points[0].values()))).dtype

    @cached_property
    def coordinates(self) -> dict[str, Tensor]:
        """The points' tensors, stacked: k times the memory of one, so only where it is of use."""
        return {name: self._stack(p[name] for p in self.points) for name in self.points[0]}

    def is_of(self, points: tuple[Weights, ...]) -> bool:
        """Whether these very points are combined."""
        return [*map(id, self.points)] == [*map(id, points)]

    def at(self, c: Tensor, *, without: Sequence[str] = ()) -> dict[str, Tensor]:
        """Parameters and buffers at the coefficients c (q, k), each of shape (q, ...).

        Args:
            c: one row per combination.
            without: names of parameters that are not needed.
        """
        if len(c) == 1 and self._device.type == "cpu" and "coordinates" not in vars(self):
            tensors = self._one(c[0].tolist(), without)
        else:
            mixed = {n: t for n, t in self.coordinates.items() if n not in without}
            tensors = {name: _mix(c, stacked) for name, stacked in mixed.items()}
        tensors |= {name: _mix(c, stacked) for name, stacked in self._mixed.items()}
        for name in self._mixed:
            if name.endswith("running_var"):  # beyond the ends a variance could fall below zero
                tensors[name].clamp_min_(0)
        if self._precision is not None:
            tensors = {n: wide(t, self._precision) for n, t in tensors.items()}
        tensors |= {n: t.expand(len(c), *t.shape) for n, t in self._kept.items()}
        return tensors | self._buffers(c)

    def _buffers(self, c: Tensor) -> dict[str, Tensor]:
        """Each point's own buffers where a row is that point, and the module's between them."""
        if not self._own:
            return {}
        corner = ((c != 0).sum(1) == 1) & (c.max(1).values == 1)
        if not bool(corner.all()):
            self._tell()
        rows = torch.where(corner, c.argmax(1), len(self.points))
        return {name: values[rows] for name, values in self._own.items()}

    @cached_property
    def _told(self) -> list[str]:
        return []

    def _tell(self) -> None:
        """Warn, once, that points between these have other buffers than these."""
        if self._told:
            return
        self._told.extend(self._own)
        warnings.warn(
            f"these points bring buffers of their own that differ from the module's: "
            f"{', '.join(sorted(self._own)[:3])}. Arithmetic has no rule for them, so between the "
            "points the module's are taken. Give the landscape the module that they belong to, or "
            "points without buffers, Weights(theta).",
            RuntimeWarning,
            stacklevel=8,
        )

    def _differing(self, name: str, constant: Tensor) -> list[Tensor]:
        """A buffer at each point, if any point's is not the module's; else nothing."""
        given = [point.buffers.get(name) for point in self.points]
        placed = [constant if b is None else self._placed(b).to(constant.dtype) for b in given]
        return placed if not all(torch.equal(b, constant) for b in placed) else []

    def _one(self, coefficients: list[float], without: Sequence[str]) -> dict[str, Tensor]:
        """Σᵢ cᵢ θᵢ from the points as they are."""
        names = [name for name in self.points[0] if name not in without]
        used = [(c, p) for c, p in zip(coefficients, self.points, strict=True) if c != 0]
        if not used or not names:
            return {
                name: torch.zeros_like(self._placed(self.points[0][name]))[None] for name in names
            }
        (first, point), *others = used
        total = torch._foreach_mul([self._placed(point[name]) for name in names], first)
        for each, point in others:
            tensors = [self._placed(point[name]) for name in names]
            torch._foreach_add_(total, tensors, alpha=each)
        return {name: tensor[None] for name, tensor in zip(names, total, strict=True)}

    def _stack(self, tensors: Iterable[Tensor]) -> Tensor:
        return torch.stack([self._placed(tensor) for tensor in tensors])

    def _placed(self, tensor: Tensor) -> Tensor:
        return wide(tensor.to(self._device), self._wide)


def _mix(c: Tensor, stacked: Tensor) -> Tensor:
    """Σᵢ cᵢ tᵢ for rows c (q, k) and tensors (k, ...), shape (q, ...)."""
    mixed: Tensor = torch.tensordot(c.to(stacked.dtype), stacked, 1)
    return mixed
