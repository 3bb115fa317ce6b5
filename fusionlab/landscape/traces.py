"""The trace of the Hessian: the mean curvature over all directions, from random ones."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Literal

import torch
from torch import Tensor

from fusionlab.descent import bar, interrupts_wait
from fusionlab.landscape.hessians import Curved, Hessian, inner
from fusionlab.landscape.lanczos import BASIS_BYTES
from fusionlab.weights import Weights

Method = Literal["hutch++", "hutchinson"]

GROUP = 8  # vectors between two looks, where memory allows
HELD = 4  # such groups at once: signs, their products, new directions and theirs


@dataclass(frozen=True)
class Trace:
    """An estimate of a trace and its standard error; `probes` random vectors, all `products`.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.landscape import Hessian, trace
        >>> class Saddle:
        ...     def hessian(self, theta):
        ...         return Hessian(lambda rows: rows * torch.tensor([4.0, -1.0]), theta)
        >>> found = trace(Saddle(), Weights({"w": torch.zeros(2)}))
        >>> round(found.value, 4), found.error  # all directions are known here, so it is exact
        (3.0, 0.0)
    """

    value: float
    error: float
    probes: int
    products: int
    complete: bool


def trace(
    landscape: Curved,
    theta: Weights,
    *,
    method: Method = "hutch++",
    tolerance: float = 0.02,
    most: int = 1000,
    seed: int = 0,
    progress: bool = True,
) -> Trace:
    """Estimate the trace of the Hessian at θ to a standard error of `tolerance` times its size.

    A probe g with independent signs ±1 has the mean tr H = E[gᵀHg]. Hutch++ first takes out the
    steep directions Q, whose share tr(QᵀHQ) it knows exactly, and probes the rest; how many is
    chosen so that the products in all are few.

    Few probes can agree by luck. So the search ends only when even the upper end of a 90 %
    interval for the standard error is small enough, which for few probes is far above it.

    Args:
        landscape: a `Landscape`, or anything with `hessian(theta)`.
        theta: the point.
        method: with or without taking out steep directions.
        tolerance: the standard error wanted, as a share of the trace.
        most: Hessian products at most; then `complete` is false.
        seed: draws the vectors.
        progress: show a bar.

    Source:
        Meyer et al. 2021, arXiv:2010.09649; the number of directions as Persson, Cortinovis and
        Kressner 2022, arXiv:2109.10659.
    """
    if method not in ("hutch++", "hutchinson"):
        raise ValueError(f"Unknown method {method!r}. Choose 'hutch++' or 'hutchinson'.")
    hessian = landscape.hessian(theta)
    generator = torch.Generator().manual_seed(seed)
    deflated, probes, done = _Deflated(hessian, tolerance), _Probes(), False
    with interrupts_wait() as interrupts, bar(None, "trace", progress=progress) as ticks:
        while method == "hutch++" and deflated.pays and deflated.products < most / 2:
            if interrupts.pressed:
                break
            deflated.grow(generator)
            ticks.update(2 * deflated.group)
        while not (done := deflated.full or probes.settled(deflated.trace, tolerance)):
            if deflated.products + len(probes) >= most or (interrupts.pressed and len(probes) > 1):
                break
            probes.add(deflated.rest(hessian.signs(deflated.group, generator)))
            ticks.update(deflated.group)
    if not done and interrupts.pressed:
        interrupts.tell("the trace was interrupted: its standard error tells how far it has come.")
    value, error = deflated.trace + probes.mean, 0.0 if deflated.full else probes.error
    return Trace(value, error, len(probes), deflated.products + len(probes), done)


class _Probes:
    """Values whose mean is wanted."""

    def __init__(self) -> None:
        self.values = torch.zeros(0, dtype=torch.double)

    def __len__(self) -> int:
        return len(self.values)

    def add(self, values: Tensor) -> None:
        self.values = torch.cat([self.values, values.double().cpu()])

    @property
    def mean(self) -> float:
        return float(self.values.mean()) if len(self) else 0.0

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return float(self.values.std()) / sqrt(len(self)) if len(self) > 1 else float("inf")

    def settled(self, known: float, tolerance: float) -> bool:
        """Whether the standard error, taken at the upper end of what it may be, is small."""
        from scipy.special import chdtri

        if len(self) < 2:
            return False
        free = len(self) - 1
        upper = sqrt(free / chdtri(free, 0.95)) * self.error  # the 5 % quantile of χ²
        return upper <= tolerance * abs(known + self.mean)


class _Deflated:
    """The Hessian split into what a few steep directions Q see of it, and the rest."""

    def __init__(self, hessian: Hessian, tolerance: float) -> None:
        self.hessian, self.tolerance = hessian, tolerance
        self.q = hessian.zeros(0, hessian.size)
        self.trace, self.products = 0.0, 0
        self._sketches, self._squares = _Probes(), _Probes()
        self._known = self._gain = 0.0
        self._room = int(BASIS_BYTES / (hessian.size * self.q.element_size()))
        self.group = max(1, min(GROUP, self._room // HELD))

    @property
    def full(self) -> bool:
        """Whether nothing is left beside Q."""
        return len(self.q) == self.hessian.size

    @property
    def pays(self) -> bool:
        """Whether more directions save more probes of the rest than they cost products."""
        if not len(self.q):
            return self._room >= HELD
        if self.full or len(self.q) + self.group > self._room:
            return False
        allowed = (self.tolerance * max(abs(self._sketches.mean), abs(self.trace))) ** 2
        left = max(0.0, self._squares.mean - self._known)  # ‖H‖² of the rest
        return 2 * min(self._gain, left) > 2 * self.group * allowed

    def grow(self, generator: torch.Generator) -> None:
        """Add the directions of H times random signs, and their products with H."""
        count = min(self.group, self.hessian.size - len(self.q))
        signs = self.hessian.signs(count, generator)
        sketch = self.hessian(signs)
        self._sketches.add(inner(signs, sketch))
        self._squares.add(inner(sketch, sketch))
        new = torch.linalg.qr(self._outside(self._outside(sketch)).T).Q.T
        images = self.hessian(new)
        self.trace += float(inner(new, images).sum())
        # ‖H‖² less that of the rest: 2‖HQ‖² − ‖QᵀHQ‖², of which the new directions add
        within, across = images @ new.T, images @ self.q.T
        gain = 2 * inner(images, images).sum() - within.square().sum() - 2 * across.square().sum()
        self._gain = float(gain)
        self._known += self._gain
        self.q = torch.cat([self.q, new])
        self.products += 2 * count

    def rest(self, probes: Tensor) -> Tensor:
        """gᵀPHPg for each row g, where P takes out Q."""
        outside = self._outside(probes)
        return inner(outside, self.hessian(outside))

    def _outside(self, vectors: Tensor) -> Tensor:
        return vectors - (vectors @ self.q.T) @ self.q
