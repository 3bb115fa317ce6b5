"""The steepest and the flattest directions at a point: eigenpairs of the Hessian of the loss."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from torch import Tensor

from fusionlab.descent import bar, interrupts_wait
from fusionlab.landscape.hessians import Curved
from fusionlab.landscape.lanczos import Lanczos, Which
from fusionlab.landscape.planes import Plane
from fusionlab.weights import Weights


@dataclass(frozen=True, eq=False)
class Eigenpairs:
    """Eigenvalues λ (k,), float64, their unit vectors v, and the lengths ‖Hv − λv‖ (k,).

    Pairs whose search was interrupted or did not converge are not `complete`.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.landscape import Hessian, eigenpairs
        >>> class Saddle:
        ...     def hessian(self, theta):
        ...         return Hessian(lambda rows: rows * torch.tensor([4.0, -1.0]), theta)
        >>> found = eigenpairs(Saddle(), Weights({"w": torch.zeros(2)}), k=2)
        >>> found.values.round(decimals=4)
        tensor([ 4., -1.], dtype=torch.float64)
    """

    values: Tensor
    vectors: tuple[Weights, ...]
    residuals: Tensor
    products: int
    complete: bool

    def __len__(self) -> int:
        return len(self.values)


def eigenpairs(
    landscape: Curved,
    theta: Weights,
    *,
    k: int = 10,
    which: Which = "largest magnitude",
    tolerance: float = 1e-3,
    most: int = 1000,
    seed: int = 0,
    progress: bool = True,
) -> Eigenpairs:
    """Find k eigenpairs of the Hessian at θ, negative ones too, in the order of `which`.

    A pair has converged when ‖Hv − λv‖ ≤ `tolerance` · |λ|; λ is then off by far less, about
    ‖Hv − λv‖² over its distance to the next one.

    Args:
        landscape: a `Landscape`, or anything with `hessian(theta)`.
        theta: the point.
        k: how many pairs; all d of them at most.
        which: the largest |λ|, the largest λ, or the smallest λ (the most negative).
        tolerance: when to stop; in float32 little below 1e-5 can be reached.
        most: Hessian products at most; a warning tells if they did not suffice.
        seed: draws the first vector.
        progress: show a bar.

    Source:
        Lanczos with full re-orthogonalisation, restarted from the best vectors: Wu and Simon
        2000, "Thick-restart Lanczos method for large symmetric eigenvalue problems".
    """
    hessian = landscape.hessian(theta)
    search = Lanczos(hessian, min(k, hessian.size), which, seed=seed)
    done = False
    with interrupts_wait() as interrupts, bar(None, "eigenpairs", progress=progress) as ticks:
        while not done and search.products < most and not interrupts.pressed:
            search.step()
            ticks.update()
            done = search.converged(tolerance)
    if interrupts.pressed:
        interrupts.tell("the search for eigenpairs was interrupted: these are the best so far.")
    elif not done:
        warnings.warn(
            f"after {most} Hessian products not all of the {k} eigenpairs have converged: trust "
            "them as far as their residuals go, or ask for fewer, or give `most` or `tolerance` "
            "a larger value.",
            RuntimeWarning,
            stacklevel=2,
        )
    values, vectors, residuals = search.pairs()
    points = tuple(hessian.point(vector) for vector in vectors)
    return Eigenpairs(values, points, residuals, search.products, done)


def eigenplane(
    landscape: Curved,
    theta: Weights,
    *,
    which: Which = "largest magnitude",
    tolerance: float = 1e-3,
    seed: int = 0,
    progress: bool = True,
) -> Plane:
    """The plane from θ along the two leading eigenvectors of the Hessian, both of length 1."""
    options = {"which": which, "tolerance": tolerance, "seed": seed, "progress": progress}
    return Plane.around(theta, *eigenpairs(landscape, theta, k=2, **options).vectors)  # type: ignore[arg-type]
