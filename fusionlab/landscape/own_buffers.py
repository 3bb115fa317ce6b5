"""Buffers that points bring and that differ from the module's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from fusionlab.landscape.notices import notice
from fusionlab.weights import Weights


class OwnBuffers:
    """Buffers that a few points have otherwise than the module has them.

    Where a combination is one of the points, its own are taken. Between points there are none,
    since arithmetic drops them: there the module's are taken, as `Weights.to` takes them.

    Args:
        points: k points of one space.
        constants: the module's buffers that are not measured.
        place: brings a buffer to where it is needed, in the precision in which points are scored.
    """

    def __init__(
        self,
        points: Sequence[Weights],
        constants: Mapping[str, Tensor],
        place: Callable[[Tensor], Tensor],
    ) -> None:
        self._count, self._warned = len(points), False
        self._stacked = {
            name: torch.stack([*values, place(constant)])
            for name, constant in constants.items()
            if (values := _differing(points, name, constant, place))
        }

    @property
    def names(self) -> list[str]:
        """Names of the buffers that differ."""
        return list(self._stacked)

    def at(self, c: Tensor) -> dict[str, Tensor]:
        """These buffers at the coefficients c (q, k), each of shape (q, ...)."""
        if not self._stacked:
            return {}
        corner = ((c != 0).sum(1) == 1) & (c.max(1).values == 1)
        if not bool(corner.all()):
            self._warn()
        rows = torch.where(corner, c.argmax(1), self._count)
        return {name: values[rows] for name, values in self._stacked.items()}

    def _warn(self) -> None:
        """Warn, once, of buffers that differ from the module's in more than their precision."""
        if self._warned:
            return
        self._warned = True
        others = sorted(n for n, held in self._stacked.items() if not (held == held[-1:]).all())
        if others:
            notice(
                f"these points bring buffers of their own that differ from the module's: "
                f"{', '.join(others[:3])}. Arithmetic has no rule for them, so between the points "
                "the module's are taken. Give the landscape the module that they belong to, or "
                "points without buffers, Weights(theta)."
            )


def _differing(
    points: Sequence[Weights], name: str, constant: Tensor, place: Callable[[Tensor], Tensor]
) -> list[Tensor]:
    """A buffer at each point, if any point's is not the module's; else nothing."""
    placed = [place(point.buffers.get(name, constant)) for point in points]
    alike = all(b.dtype == constant.dtype and torch.equal(b, constant) for b in placed)
    return [] if alike else placed
