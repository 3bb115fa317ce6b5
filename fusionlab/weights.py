"""Points of weight space.

A network with d parameters is a point θ of ℝᵈ. `Weights` keeps that point as named tensors
and gives it the arithmetic of a vector space, so that code reads like the text.
"""

from __future__ import annotations

import operator
from collections.abc import (
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    Sequence,
)
from math import pi, sin
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import register_pytree_node

from fusionlab.modes import begin_training, has_own_modes, holds_merged, take_modes
from fusionlab.modules import copy_module
from fusionlab.spaces import check_same_space, check_statistics

_Scalar = float | Tensor


class Weights(Mapping[str, Tensor]):
    """A point θ of weight space: named tensors with `+ - * /`, `@` (inner product), `norm`.

    `buffers` holds what a network measured while it was trained (BatchNorm's running mean and
    variance, counters). They are measurements, not coordinates: arithmetic drops them, and a
    `Landscape` that needs them says so. Operations return new points; nothing changes in place.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> a, b = (Weights({"w": torch.tensor(w)}) for w in ([1.0, 2.0], [3.0, 0.0]))
        >>> ((a + b) / 2)["w"]
        tensor([2., 1.])
        >>> (a @ b).item()
        3.0
    """

    __array_ufunc__ = None  # lets numpy_scalar * theta reach __rmul__

    def __init__(
        self, tensors: Mapping[str, Tensor], buffers: Mapping[str, Tensor] | None = None
    ) -> None:
        self._tensors = dict(tensors)
        self._buffers = dict(buffers or {})

    @classmethod
    def of(cls, module: nn.Module) -> Weights:
        """Copy the parameters and buffers of `module`; a tied parameter counts once.

        Of layers that merge weights in evaluation mode (LoRA) these are those before that.
        """
        if holds_merged(module):
            module = begin_training(copy_module(module))
        parameters = {name: p.detach().clone() for name, p in module.named_parameters()}
        return cls(parameters, {name: b.detach().clone() for name, b in module.named_buffers()})

    def to(self, module: nn.Module) -> nn.Module:
        """Return a fresh copy of `module` at θ, in θ's precision and on its device.

        Where θ has no buffers, the copy has those of `module`. Layers that cache or merge weights
        in evaluation mode begin it anew.

        Raises:
            ValueError: if names or shapes differ, or if `module` has BatchNorm and θ no statistics.
        """
        return _copy_at(self, module)

    def move(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> Weights:
        """Return θ on `device` and in `dtype`; complex tensors take its twin, integers stay."""
        return Weights(_moved(self, device, dtype), _moved(self.buffers, device, dtype))

    @property
    def buffers(self) -> Mapping[str, Tensor]:
        """The network's measurements at this point; empty after arithmetic."""
        return MappingProxyType(self._buffers)

    def map(self, function: Callable[..., Tensor], *others: Weights) -> Weights:
        """Apply `function` tensor by tensor to points of the same space."""
        for other in others:
            check_same_space(self, other)
        return Weights({name: function(t, *(o[name] for o in others)) for name, t in self.items()})

    def __add__(self, other: Weights) -> Weights:
        return self.map(operator.add, other)

    def __sub__(self, other: Weights) -> Weights:
        return self.map(operator.sub, other)

    def __mul__(self, scale: _Scalar) -> Weights:
        if isinstance(scale, Weights):
            return NotImplemented  # a vector space has no product of points; @ is the inner one
        return self.map(lambda t: scale * t)

    __rmul__ = __mul__

    def __truediv__(self, scale: _Scalar) -> Weights:
        return self.map(lambda t: t / scale)

    def __neg__(self) -> Weights:
        return self.map(operator.neg)

    def __matmul__(self, other: Weights) -> Tensor:
        """Inner product ⟨θ, φ⟩ over all coordinates, summed in double precision.

        Of complex coordinates it is Re Σ z̄w, as if real and imaginary parts were coordinates.
        """
        check_same_space(self, other)
        terms = [_inner(_double(t), _double(other[name])) for name, t in self.items()]
        return torch.stack(terms).sum() if terms else torch.zeros((), dtype=torch.double)

    def norm(self) -> Tensor:
        """Euclidean length ‖θ‖₂."""
        return (self @ self).sqrt()

    def flat(self) -> Tensor:
        """All coordinates as one vector, shape (d,)."""
        return torch.cat([t.flatten() for t in self.values()])

    def unflatten(self, vector: Tensor) -> Weights:
        """The point whose `flat` is this vector, under θ's names and in its shapes.

        Args:
            vector: d coordinates, shape (d,). Its precision and device are the new point's; where
                θ's tensors are of several types, each keeps its own.

        Raises:
            ValueError: if the vector has not one number for each coordinate.
        """
        if vector.shape != (self.size,):
            raise ValueError(
                f"a vector of shape {tuple(vector.shape)} does not fit this space, which has "
                f"{self.size} coordinates: give one of shape ({self.size},), as flat() does."
            )
        mixed = len({t.dtype for t in self.values()}) > 1
        parts = {name: rows[0] for name, rows in shaped(vector[None], self).items()}
        return Weights({n: _cast(t, self[n].dtype) if mixed else t for n, t in parts.items()})

    @property
    def size(self) -> int:
        """The dimension d of the space."""
        return sum(t.numel() for t in self.values())

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        """Count the tensors; `size` counts the coordinates."""
        return len(self._tensors)

    def keys(self) -> KeysView[str]:
        """The names of the tensors."""
        return self._tensors.keys()  # a Mapping's own views are slower

    def items(self) -> ItemsView[str, Tensor]:
        """Pairs of name and tensor."""
        return self._tensors.items()

    __eq__ = object.__eq__  # a Mapping would compare tensors; two points are one only by identity
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"Weights(d={self.size}, norm={self.norm().item():.3g}, tensors={list(self)})"


def _copy_at(theta: Weights, module: nn.Module) -> nn.Module:
    check_same_space(theta, dict(module.named_parameters()))
    check_statistics(module, theta.buffers)
    fresh = copy_module(module)
    if own := has_own_modes(fresh):
        begin_training(fresh)  # nothing is cached or merged while the weights change
    for name, parameter in fresh.named_parameters():
        parameter.data = theta[name].detach().clone()
        parameter.grad = None
    for name, buffer in fresh.named_buffers():
        if name in theta.buffers:
            buffer.data = theta.buffers[name].detach().clone()
    return take_modes(fresh, module) if own else fresh


def _moved(
    tensors: Mapping[str, Tensor], device: torch.device | str | None, dtype: torch.dtype | None
) -> dict[str, Tensor]:
    return {n: t.to(device=device, dtype=_twin(dtype, t)) for n, t in tensors.items()}


def _flatten(theta: Weights) -> tuple[list[Tensor], tuple[str, ...]]:
    return list(theta.values()), tuple(theta)


def _unflatten(tensors: Iterable[Any], names: tuple[str, ...]) -> Weights:
    return Weights(dict(zip(names, tensors, strict=True)))


# A pytree, so that torch.func.grad(loss)(theta) is a point again and vmap runs over stacked ones.
register_pytree_node(Weights, _flatten, _unflatten)


def shaped(vectors: Tensor, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rows of flat vectors (m, d) as tensors (m, ...), named and shaped as those of `like`."""
    parts = vectors.split([t.numel() for t in like.values()], 1)
    return {n: p.reshape(len(p), *t.shape) for (n, t), p in zip(like.items(), parts, strict=True)}


def lerp(a: Weights, b: Weights, t: _Scalar) -> Weights:
    """Linear interpolation (1 − t) a + t b; at t = 0 and t = 1 the ends themselves."""
    return combine([1 - t, t], [a, b])


def slerp(a: Weights, b: Weights, t: float) -> Weights:
    """Spherical interpolation along the great arc from `a` to `b`, all tensors as one vector.

    Source:
        Shoemake 1985, "Animating rotation with quaternion curves".
    """
    cosine = (a @ b) / (a.norm() * b.norm())
    angle = torch.arccos(cosine.clamp(-1, 1)).item()
    if angle < 1e-4:  # nearly parallel: the arc is the line
        return lerp(a, b, t)
    if pi - angle < 1e-4:
        raise ValueError(
            "the two points are opposite (cosine -1), so no one arc joins them: "
            "slerp needs an angle below 180°. Use lerp, or another end."
        )
    return combine([sin((1 - t) * angle) / sin(angle), sin(t * angle) / sin(angle)], [a, b])


def mean(points: Sequence[Weights]) -> Weights:
    """Uniform average of points."""
    return combine([1 / len(points)] * len(points), points)


def combine(coefficients: Iterable[_Scalar], points: Iterable[Weights]) -> Weights:
    """Linear combination Σᵢ cᵢ θᵢ; where one cᵢ is 1 and the others 0, the point θᵢ itself.

    Raises:
        ValueError: if the points are of different spaces, none, or not as many as coefficients.
    """
    terms = list(zip(coefficients, points, strict=True))
    if not terms:
        raise ValueError("a combination needs at least one point")
    first = terms[0][1]
    for _, point in terms[1:]:
        check_same_space(first, point)
    nonzero = [(c, p) for c, p in terms if not _is_number(c) or c != 0]
    if len(nonzero) == 1 and _is_number(nonzero[0][0]) and nonzero[0][0] == 1:
        return nonzero[0][1]
    kept = nonzero or terms[:1]
    return first.map(lambda *ts: _weighted_sum([c for c, _ in kept], ts[1:]), *(p for _, p in kept))


def _is_number(c: _Scalar) -> bool:
    return not isinstance(c, Tensor) or not c.requires_grad


def _weighted_sum(coefficients: Sequence[_Scalar], tensors: Sequence[Tensor]) -> Tensor:
    total = coefficients[0] * tensors[0]
    for c, t in zip(coefficients[1:], tensors[1:], strict=True):
        total = total + c * t
    return total


def _double(tensor: Tensor) -> Tensor:
    there = tensor.cpu() if tensor.device.type == "mps" else tensor  # MPS has no float64
    return there.to(torch.promote_types(tensor.dtype, torch.double))


def _inner(a: Tensor, b: Tensor) -> Tensor:
    return (a.conj() * b).sum().real


def _twin(dtype: torch.dtype | None, tensor: Tensor) -> torch.dtype | None:
    """The type that a tensor takes where points take `dtype`; None: its own."""
    if dtype is None or tensor.is_floating_point():
        return dtype
    return dtype.to_complex() if tensor.is_complex() else None


def _cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return (tensor if dtype.is_complex or not tensor.is_complex() else tensor.real).to(dtype)
