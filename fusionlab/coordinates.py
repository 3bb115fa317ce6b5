"""What coordinates must be before one computes with them: finite, real, or of one precision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

import torch
from torch import Tensor

from fusionlab.spaces import check_same_space, few
from fusionlab.weights import Weights


def check_finite(points: Iterable[Weights]) -> None:
    """Raise a ValueError that names the tensors of a point that hold NaN or infinity."""
    for number, point in enumerate(points):
        if bad := [name for name, tensor in point.items() if not tensor.isfinite().all()]:
            raise ValueError(
                f"point {number} has coordinates that are NaN or infinite, in {few(bad)}: its "
                "training may have diverged. Take an earlier checkpoint, or train with a lower "
                "learning rate."
            )


def check_real(theta: Weights, what: str) -> None:
    """Raise a ValueError if θ has complex coordinates, where `what` is for real ones only."""
    if found := [name for name, tensor in theta.items() if tensor.is_complex()]:
        raise ValueError(
            f"this point has complex coordinates, in {few(found)}, and {what} needs real ones: "
            "keep them as two real parameters, and make the complex one in the network's forward."
        )


def in_one_precision(points: Sequence[Weights]) -> tuple[Weights, ...]:
    """The points, each tensor in the widest precision that any of them has for it.

    Raises:
        ValueError: if they are of different spaces.
    """
    first = points[0]
    for point in points[1:]:
        check_same_space(first, point)
    if all(p[name].dtype == tensor.dtype for p in points for name, tensor in first.items()):
        return tuple(points)
    widest = {name: _widest([point[name] for point in points]) for name in first}
    return tuple(
        Weights({name: t.to(widest[name]) for name, t in point.items()}, point.buffers)
        for point in points
    )


def real_parts(tensor: Tensor) -> Tensor:
    """A tensor as real coordinates: of complex ones the real and the imaginary parts."""
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor


def _widest(tensors: Sequence[Tensor]) -> torch.dtype:
    return reduce(torch.promote_types, [tensor.dtype for tensor in tensors])
