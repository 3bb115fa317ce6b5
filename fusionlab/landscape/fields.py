"""Which way is down on a plane: the gradient as arrows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fusionlab.descent import bar, interrupts_wait
from fusionlab.landscape.planes import Plane
from fusionlab.quantities import CLASSIFIED, Measures
from fusionlab.scores import Sloped, measures_of
from fusionlab.weights import Weights


@dataclass(frozen=True, eq=False)
class GradientField:
    """Downhill on a plane: the arrow (u[i, j], v[i, j]) lies at (x[j], y[i]).

    It is the part of −∇L that lies in the plane, in the plane's coordinates; `norm` is the length
    of the whole gradient and `loss` the loss there. All of shape (ny, nx), NaN if not reached.

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.landscape import Plane, Score, gradient_field
        >>> class Bowl:
        ...     def __call__(self, theta):
        ...         return Score((theta @ theta).item(), 0.0)
        ...
        ...     def slope(self, theta):
        ...         return self(theta), 2 * theta
        >>> a, b, c = (Weights({"w": w}) for w in torch.tensor([[0.0, 0], [2, 0], [1, 1]]))
        >>> x = y = torch.tensor([1.0])
        >>> field = gradient_field(Bowl(), Plane.through(a, b, c), x, y)
        >>> round(field.u.item(), 4), round(field.v.item(), 4)
        (-2.0, -2.0)
    """

    x: Tensor
    y: Tensor
    u: Tensor
    v: Tensor
    norm: Tensor
    loss: Tensor
    complete: bool
    measures: Measures = CLASSIFIED


def gradient_field(
    landscape: Sloped, plane: Plane, x: Tensor, y: Tensor, *, progress: bool = True
) -> GradientField:
    """Measure the gradient at the points of a grid and project −∇L onto the plane.

    With D = (u, v) the directions of the plane, the arrow a solves DᵀD a = −Dᵀ∇L, so that Da is the
    point of the plane nearest to −∇L, whether or not u and v are orthonormal. A BatchNorm that is
    not recalibrated has the statistics of the plane's first point.

    Args:
        landscape: a `Landscape`, or anything with `slope(theta)`.
        plane: where to look.
        x: columns of the grid, shape (nx,).
        y: rows of the grid, shape (ny,).
        progress: show a bar.
    """
    points = plane.grid(x, y)
    found = torch.full((len(points), 4), torch.nan, dtype=torch.double)
    with interrupts_wait() as interrupts, bar(len(points), "gradients", progress=progress) as ticks:
        for i in range(len(points)):
            if interrupts.pressed:
                interrupts.tell(f"interrupted: {i} of {len(points)} arrows are known.")
                break
            score, gradient = landscape.slope(Weights(points[i], plane.points[0].buffers))
            arrow = _project(plane, -gradient)
            found[i] = torch.tensor([*arrow, float(gradient.norm()), score.loss])
            ticks.update()
    u, v, norm, loss = found.T.reshape(4, len(y), len(x))
    return GradientField(
        x, y, u, v, norm, loss, bool(loss.isfinite().all()), measures_of(landscape)
    )


def _project(plane: Plane, direction: Weights) -> list[float]:
    """Coordinates of the direction of the plane that is nearest to `direction`."""
    products = torch.stack([(direction @ point).cpu() for point in plane.points])
    solved: list[float] = torch.linalg.solve(plane.gram, plane.frame[1:] @ products).tolist()
    return solved
