"""In which precision points are combined and scored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

HALF = (torch.half, torch.bfloat16)


def working(tensors: Mapping[str, Tensor]) -> torch.dtype | None:
    """float32 for a point of half precision, else None: its own.

    Steps between two points are often smaller than what half precision tells apart.
    """
    return torch.float32 if any(t.dtype in HALF for t in tensors.values()) else None


def wide(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    """A tensor in `dtype`, if that is one and the tensor holds real numbers."""
    return tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor


def precision_of(tensors: Iterable[Tensor]) -> float:
    """The unit of rounding of the coarsest of these tensors."""
    kinds = {t.dtype.to_real() for t in tensors if t.is_floating_point() or t.is_complex()}
    return max((torch.finfo(kind).eps for kind in kinds), default=0.0)
