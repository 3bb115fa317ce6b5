"""A few points, stacked by name, whose combinations are scored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from fusionlab.coordinates import in_one_precision
from fusionlab.landscape.notices import notice
from fusionlab.landscape.precision import HALF, wide, working
from fusionlab.weights import Weights


class Basis:
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
        self._given, self._device, self._precision = points, device, precision
        self.points = points = in_one_precision(points)
        self._told = False  # whether the reader knows what is taken between the points
        narrow = precision is None or precision in HALF  # to combine in which would lose steps
        each = {f"{i} {n}": t for i, p in enumerate(points) for n, t in p.items()}
        self._wide = working(each) if narrow else precision
        self._mixed = {name: self._stack(p.buffers[name] for p in points) for name in mixed}
        self._kept = {name: self._buffer(points[0].buffers[name]) for name in kept}
        self._own = {
            name: torch.stack([*values, self._buffer(constant)])
            for name, constant in constants.items()
            if (values := self._differing(name, constant))
        }
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
        return bool(self._own)

    def is_of(self, points: tuple[Weights, ...]) -> bool:
        """Whether these very points are combined."""
        return [*map(id, self._given)] == [*map(id, points)]

    def at(self, c: Tensor, *, without: Sequence[str] = ()) -> dict[str, Tensor]:
        """Parameters and buffers at the coefficients c (q, k), each of shape (q, ...).

        Args:
            c: one row per combination.
            without: names of parameters that are not needed.
        """
        held = "coordinates" in vars(self) or self._device.type != "cpu"
        if len(c) == 1 and (self._in_place or not (held and self.sound)):
            tensors = self._one(c[0].tolist(), without)
        else:
            mixed = {n: t for n, t in self.coordinates.items() if n not in without}
            tensors = {name: mix(c, stacked) for name, stacked in mixed.items()}
        tensors |= {name: mix(c, stacked) for name, stacked in self._mixed.items()}
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

    def _tell(self) -> None:
        """Warn, once, of buffers that differ from the module's in more than their precision."""
        if self._told:
            return
        self._told = True
        others = sorted(n for n, held in self._own.items() if not (held == held[-1:]).all())
        if others:
            notice(
                f"these points bring buffers of their own that differ from the module's: "
                f"{', '.join(others[:3])}. Arithmetic has no rule for them, so between the points "
                "the module's are taken. Give the landscape the module that they belong to, or "
                "points without buffers, Weights(theta)."
            )

    def _differing(self, name: str, constant: Tensor) -> list[Tensor]:
        """A buffer at each point, if any point's is not the module's; else nothing."""
        placed = [self._buffer(point.buffers.get(name, constant)) for point in self.points]
        alike = all(b.dtype == constant.dtype and torch.equal(b, constant) for b in placed)
        return [] if alike else placed

    def _buffer(self, tensor: Tensor) -> Tensor:
        """A buffer where it is needed, in the precision in which points are scored."""
        return wide(self._placed(tensor), self._precision)

    def _one(self, coefficients: list[float], without: Sequence[str]) -> dict[str, Tensor]:
        """Σᵢ cᵢ θᵢ from the points as they are."""
        names = [name for name in self.points[0] if name not in without]
        used = [(c, p) for c, p in zip(coefficients, self.points, strict=True) if c != 0]
        if not used or not names:
            return {
                name: torch.zeros_like(self._placed(self.points[0][name]))[None] for name in names
            }
        (first, point), *others = used
        if first == 1 and not others:
            return {name: self._placed(point[name])[None].clone() for name in names}
        total = torch._foreach_mul(self._tensors(point, names), first)
        for each, point in others:
            torch._foreach_add_(total, self._tensors(point, names), alpha=each)
        return {name: tensor[None] for name, tensor in zip(names, total, strict=True)}

    def _tensors(self, point: Weights, names: Sequence[str]) -> list[Tensor]:
        return [point[n] if self._in_place else self._placed(point[n]) for n in names]

    def _stack(self, tensors: Iterable[Tensor]) -> Tensor:
        return torch.stack([self._placed(tensor) for tensor in tensors])

    def _placed(self, tensor: Tensor) -> Tensor:
        return wide(tensor.to(self._device), self._wide)


def mix(c: Tensor, stacked: Tensor) -> Tensor:
    """Σᵢ cᵢ tᵢ for rows c (q, k) and tensors (k, ...), shape (q, ...)."""
    if len(c) > 1:
        mixed: Tensor = torch.tensordot(c.to(stacked.dtype), stacked, 1)
        return mixed
    first, *others = c[0].tolist()  # sums are faster here than a product of matrices
    total: Tensor = stacked[0] * first
    for each, tensor in zip(others, stacked[1:], strict=True):
        total.add_(tensor, alpha=each)
    return total[None]
