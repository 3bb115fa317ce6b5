"""Lanczos: a small space in which a large symmetric map shows its extreme eigenpairs."""

from __future__ import annotations

import os
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from fusionlab.landscape.hessians import PIECE, Hessian, norms

Which = Literal["largest magnitude", "largest", "smallest"]

BASIS_BYTES = 1e9  # of the vectors that are held at once, where so many are enough
LEAST = 3  # vectors beyond those wanted, without which the space would hardly grow
ORDERS = {
    "largest magnitude": lambda values: -values.abs(),
    "largest": lambda values: -values,
    "smallest": lambda values: values,
}


class Ritz(NamedTuple):
    """The best p pairs of a space: values (p,), vectors over its basis (m, p), residuals (p,)."""

    values: Tensor
    vectors: Tensor
    residuals: Tensor


class Lanczos:
    """A space that grows by one product a step, and shrinks to its best half when it is full.

    The rows vⱼ of `basis` are orthonormal, and H vⱼ = Σᵢ image[i, j] vᵢ up to rounding, so that
    the residuals of its pairs are true ones.

    Args:
        hessian: the map H.
        k: how many pairs are wanted.
        which: those with the largest |λ|, the largest λ, or the smallest λ.
        seed: draws the first vector.
        limit: vectors of a full space; by default a few times k, as `BASIS_BYTES` allows, and
            at least `k + LEAST`.

    Raises:
        MemoryError: if not even these have room in half of the memory.

    Source:
        Wu and Simon 2000, "Thick-restart Lanczos method for large symmetric eigenvalue problems".
    """

    def __init__(
        self, hessian: Hessian, k: int, which: Which, *, seed: int, limit: int | None = None
    ) -> None:
        if which not in ORDERS:
            raise ValueError(f"Unknown which {which!r}. Choose one of {list(ORDERS)}.")
        self.hessian, self.k, self.which = hessian, k, which
        self.size = self.products = 0
        self._generator = torch.Generator().manual_seed(seed)
        limit = min(hessian.size, limit or _limit(hessian, k))
        # Rows that have not been written yet take no memory on a CPU.
        self.basis = hessian.zeros(0).new_empty(limit + 1, hessian.size)
        self.image = torch.zeros(limit + 1, limit, dtype=torch.double)
        self._scale = 0.0  # the longest product so far
        self._kept = 0  # vectors that the last restart left
        self._settled = 0  # products before which the search may not end
        self.basis[0] = self._fresh()

    @property
    def newest(self) -> Tensor:
        """The vector whose product comes next, shape (d,)."""
        return self.basis[self.size]

    def step(self) -> None:
        """Grow by one product."""
        if self.size == self.image.shape[1]:
            self._shrink()
        self.add(self.hessian(self.newest[None])[0])

    def add(self, rest: Tensor) -> None:
        """Grow by the newest vector, whose product with H is given."""
        j = self.size
        self.size, self.products = j + 1, self.products + 1
        self._scale = max(self._scale, norms(rest).item())
        rest = self._subtract(rest, 0 if j == self._kept else max(0, j - 1))
        for _ in range(3):  # without rounding the line above would be all
            before, rest = norms(rest).item(), self._subtract(rest, 0)
            length = norms(rest).item()
            if length > 0.1 * before:
                break
        if self.size == self.hessian.size:
            return
        if length > self._noise:
            self.image[j + 1, j], self.basis[j + 1] = length, rest / length
        else:  # H maps this space into itself: there may be more elsewhere
            self.basis[j + 1] = self._fresh()
            self._settled = self._settled or self.products + self.k * min(self.size, 10)

    def _subtract(self, rest: Tensor, first: int) -> Tensor:
        """What is left of a product beside the vectors from `first` on, whose parts are noted."""
        vectors = self.basis[first : self.size]
        parts = _parts(vectors, rest)
        self.image[first : self.size, self.size - 1] += parts.cpu()
        return torch.addmv(rest, vectors.T, parts.to(rest), alpha=-1)

    def ritz(self, count: int) -> Ritz:
        """The best `count` pairs of the space, in the order wanted; fewer in a smaller space."""
        m = self.size
        square, last = self.image[:m, :m], self.image[m, :m]
        values, vectors = torch.linalg.eigh((square + square.T) / 2)
        best = ORDERS[self.which](values).argsort()[:count]
        values, vectors = values[best], vectors[:, best]
        inside = square @ vectors - values * vectors
        residuals = (inside.square().sum(0) + (last @ vectors).square()).sqrt()
        return Ritz(values, vectors, residuals)

    def converged(self, tolerance: float) -> bool:
        """Whether the residuals of k pairs are below `tolerance` · |λ|, or below rounding."""
        if self.size == self.hessian.size:
            return True
        full = self.size == self.image.shape[1]
        if self.size < self.k or (self.size % max(1, self.size // 10) and not full):
            return False  # small spaces are looked at after every step, large ones seldom
        values, _, residuals = self.ritz(self.k)
        enough = (tolerance * values.abs()).clamp_min(self._noise)
        return bool((residuals <= enough).all()) and self.products >= self._settled

    @property
    def _noise(self) -> float:
        """Lengths that may be rounding."""
        return 10 * torch.finfo(self.basis.dtype).eps * self._scale

    def pairs(self) -> tuple[Tensor, Tensor, Tensor]:
        """Values (k,), unit vectors (k, d) whose largest coordinate is positive, residuals (k,)."""
        values, inner, residuals = self.ritz(self.k)
        vectors = inner.T.to(self.basis) @ self.basis[: self.size]
        for i, vector in enumerate(vectors):
            vectors[i] *= vector[vector.abs().argmax()].sign() / norms(vector).item()
        return values, vectors, residuals

    def _shrink(self) -> None:
        """Restart from the best pairs: more than are wanted, so that the next ones converge too."""
        m = self.size
        kept = self.ritz((self.k + m) // 2)
        last = self.image[m, :m] @ kept.vectors
        p = len(kept.values)
        mix = kept.vectors.T.to(self.basis)
        for piece in self.basis.split(PIECE, 1):  # a whole product would need as much room again
            piece[:p] = mix @ piece[:m]
        self.basis[p] = self.basis[m]
        self.image.zero_()
        self.image[:p, :p] = kept.values.diag()
        self.image[p, :p] = last
        self.size = self._kept = p

    def _fresh(self) -> Tensor:
        """A random unit vector, orthogonal to the space."""
        vector = self.hessian.normal(self._generator)
        for _ in range(2):
            parts = _parts(self.basis[: self.size], vector).to(vector)
            vector = torch.addmv(vector, self.basis[: self.size].T, parts, alpha=-1)
        return vector / norms(vector).item()


def _parts(vectors: Tensor, vector: Tensor) -> Tensor:
    """Inner products with rows (m, d): of pieces as they come, then summed in double, (m,)."""
    pieces = zip(vectors.split(PIECE, 1), vector.split(PIECE), strict=True)
    return torch.stack([(rows @ part).double() for rows, part in pieces]).sum(0)


def _limit(hessian: Hessian, k: int) -> int:
    """How many vectors a full space may have."""
    one = hessian.zeros(1)
    each = hessian.size * one.element_size()
    least = (k + LEAST + 1) * each
    if least > max(BASIS_BYTES, _memory(one.device) / 2):
        raise MemoryError(
            f"{k} eigenpairs of a network with {hessian.size:,} parameters need {k + LEAST + 1} "
            f"vectors of that length at once, {least / 1e9:.1f} GB, and this machine has "
            f"{_memory(one.device) / 1e9:.1f} GB in all. Ask for fewer pairs, or use a smaller "
            "network or a larger machine."
        )
    return max(k + LEAST, min(int(BASIS_BYTES / each) - 1, 10 * k + 50))


def _memory(device: torch.device) -> float:
    """Bytes that the machine or the GPU has; endless where it does not tell."""
    if device.type == "cuda":
        return float(torch.cuda.get_device_properties(device).total_memory)
    if not hasattr(os, "sysconf"):
        return float("inf")
    return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
