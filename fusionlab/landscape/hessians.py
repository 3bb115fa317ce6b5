"""The Hessian of a landscape at a point, as a linear map that is never written down whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from fusionlab.coordinates import check_real
from fusionlab.spaces import few
from fusionlab.weights import Weights

TOGETHER = 8  # more vectors at once gain little
PIECE = 1 << 20  # coordinates that are summed at once: longer sums in float32 lose digits


class Hessian:
    """The linear map v ↦ ∇²L(θ) v on rows of flat vectors, (m, d) ↦ (m, d).

    Args:
        product: the map; for any function of weights, such as one whose Hessian is known.
        theta: the point; its precision and its device are those of the vectors.
        together: how many vectors `product` takes well at once.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.landscape import Hessian
        >>> hessian = Hessian(lambda rows: 3 * rows, Weights({"w": torch.zeros(2)}))
        >>> hessian(torch.tensor([[1.0, 2.0]]))
        tensor([[3., 6.]])
    """

    def __init__(
        self, product: Callable[[Tensor], Tensor], theta: Weights, *, together: int = TOGETHER
    ) -> None:
        check_real(theta, "the Hessian")
        self._product, self._theta, self.together = product, theta, together
        self.size = theta.size

    def __call__(self, vectors: Tensor) -> Tensor:
        """Hv for each row v.

        Raises:
            ValueError: if a product is not finite, with the tensors where it is not.
        """
        products = torch.cat([self._product(rows) for rows in vectors.split(self.together)])
        if not products.isfinite().all():
            raise ValueError(self._undefined(products, vectors))
        return products

    def _undefined(self, products: Tensor, vectors: Tensor) -> str:
        if not vectors.isfinite().all():
            return "a direction holds numbers that are not finite: give finite ones."
        bad = (~products.isfinite()).any(0)
        each = bad.split([t.numel() for t in self._theta.values()])
        names = [name for name, part in zip(self._theta, each, strict=True) if part.any()]
        return (
            f"the second derivative of the loss is NaN or infinite in {few(names)}. The loss may "
            "be too large there, or torch's derivative undefined, as that of a norm at zero is. "
            "Score the point, and add a small number below a root, (x.square().sum() + 1e-12)."
        )

    def point(self, vector: Tensor) -> Weights:
        """A flat vector (d,) under the names and in the shapes of θ's space."""
        return self._theta.unflatten(vector)

    def zeros(self, *shape: int) -> Tensor:
        """Zeros in the precision and on the device of the vectors."""
        return next(iter(self._theta.values())).new_zeros(shape)

    def normal(self, generator: torch.Generator) -> Tensor:
        """A draw from the standard normal distribution, shape (d,)."""
        return torch.randn(self.size, generator=generator).to(self.zeros(0))

    def signs(self, count: int, generator: torch.Generator) -> Tensor:
        """Draws of ±1, shape (count, d)."""
        bits = torch.randint(2, (count, self.size), generator=generator, dtype=torch.int8)
        return (2 * bits - 1).to(self.zeros(0))


class Curved(Protocol):
    """A landscape, or any function in its place where only its Hessian is needed."""

    def hessian(self, theta: Weights) -> Hessian:
        """The Hessian at θ."""


def inner(a: Tensor, b: Tensor) -> Tensor:
    """Inner products of vectors (..., d), in double precision and in little memory, (...)."""
    pieces = zip(a.split(PIECE, -1), b.split(PIECE, -1), strict=True)
    return torch.stack([(x.double() * y.double()).sum(-1) for x, y in pieces]).sum(0)


def norms(vectors: Tensor) -> Tensor:
    """Euclidean lengths of vectors (..., d), in double precision, (...)."""
    return inner(vectors, vectors).sqrt()
