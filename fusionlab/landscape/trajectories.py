"""Trajectories: the plane that holds most of a training run, and what it leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from fusionlab.landscape.planes import Plane, centred_products
from fusionlab.scores import ScoreFunction, Scores, measures_of, score_all
from fusionlab.weights import Weights

FLAT = 1e-12  # share of the variance below which a direction is rounding


@dataclass(frozen=True, eq=False)
class Components:
    """The principal components of n points, the widest first.

    Attributes:
        coordinates: where the points lie from their mean, in units of weight space, shape (n, k).
        explained: each component's share of the variance, shape (k,).
        mixtures: component j is the unit vector Σᵢ mixtures[j, i] θᵢ, shape (k, n).

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.landscape import principal_components
        >>> walk = [Weights({"w": w}) for w in torch.tensor([[0.0, 0], [2, 1], [4, 0], [6, 1]])]
        >>> found = principal_components(walk)
        >>> found.explained.round(decimals=3)
        tensor([0.9620, 0.0380], dtype=torch.float64)
    """

    coordinates: Tensor
    explained: Tensor
    mixtures: Tensor


@dataclass(frozen=True, eq=False)
class TrajectoryPlane:
    """The plane of the two widest components of n checkpoints, and how much it misses.

    Attributes:
        plane: orthonormal, so distances on it are true.
        explained: the shares of the variance that u and v hold, shape (2,).
        places: the checkpoints' coordinates on the plane, shape (n, 2).
        distances: how far each checkpoint lies from the plane, shape (n,).

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.landscape import trajectory_plane
        >>> walk = [Weights({"w": w}) for w in torch.tensor([[0.0, 0], [2, 1], [4, 0], [6, 1]])]
        >>> found = trajectory_plane(walk)
        >>> found.places[-1].tolist(), found.distances.max().item() < 1e-6  # around the last
        ([0.0, 0.0], True)
    """

    plane: Plane
    explained: Tensor
    places: Tensor
    distances: Tensor


@dataclass(frozen=True, eq=False)
class ProjectedRun:
    """The scores of n points beside those of their projections, the nearest points of a plane.

    Attributes:
        real: what the points score.
        projected: what the picture shows in their place.
        distances: how far each point lies from its projection, shape (n,).

    Example:
        >>> import torch
        >>> from fusionlab import Weights
        >>> from fusionlab.landscape import Plane, Score, project_run
        >>> a, b, c, off = (Weights({"w": row}) for row in torch.tensor(
        ...     [[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 2]]
        ... ))
        >>> found = project_run(lambda p: Score((p @ p).item(), 0.0), [off], Plane.through(a, b, c))
        >>> found.real.loss.item(), found.projected.loss.item(), found.distances.item()
        (6.0, 2.0, 2.0)
    """

    real: Scores
    projected: Scores
    distances: Tensor


def principal_components(points: Sequence[Weights], k: int = 2) -> Components:
    """PCA of points of weight space, by their n × n inner products.

    Raises:
        ValueError: if the points spread along fewer than k directions.

    Source:
        Li et al. 2018, arXiv:1712.09913, section 7. Of a random walk, too, the components are
        smooth cosines: Antognini and Sohl-Dickstein 2018, arXiv:1806.08805.
    """
    return _widest(_coordinates(points), k)


def trajectory_plane(
    checkpoints: Sequence[Weights], *, around: Literal["final", "mean"] = "final"
) -> TrajectoryPlane:
    """Span the plane along the two directions in which the checkpoints spread most.

    Args:
        checkpoints: at least three points.
        around: the plane's origin. "final" is the last checkpoint itself; "mean" gives the plane
            that lies nearest to all of them.

    Source:
        Li et al. 2018, arXiv:1712.09913, section 7.
    """
    seen = _coordinates(checkpoints)
    components, n = _widest(seen, 2), len(checkpoints)
    origin = torch.full((n,), 1 / n, dtype=torch.double)
    if around == "final":
        origin = torch.eye(n, dtype=torch.double)[-1]
    plane = Plane(tuple(checkpoints), torch.cat([origin[None], components.mixtures]))
    seen = seen - origin @ seen  # from the plane's origin; the first two are u and v
    return TrajectoryPlane(plane, components.explained, seen[:, :2], seen[:, 2:].norm(dim=1))


def project_run(landscape: ScoreFunction, points: Sequence[Weights], plane: Plane) -> ProjectedRun:
    """Score points, and the places where a picture of `plane` shows them."""
    places, distances = plane.locate(points)
    each = [landscape(theta) for theta in points]
    loss, quality = torch.tensor(each, dtype=torch.double).T
    real = Scores(loss, quality, measures_of(each[0]))
    return ProjectedRun(real, score_all(landscape, plane.at(places)), distances)


def _coordinates(points: Sequence[Weights]) -> Tensor:
    """Where points lie from their mean along all their principal axes, widest first; (n, n)."""
    squares, modes = torch.linalg.eigh(centred_products(points))
    axes: Tensor = (modes * squares.clamp_min(0).sqrt()).flip(1)  # eigh sorts upwards
    signs = axes.gather(0, axes.abs().argmax(0)[None]).sign()
    return axes * signs


def _widest(coordinates: Tensor, k: int) -> Components:
    squares = coordinates.square().sum(0)
    spread = int((squares > FLAT * squares.sum()).sum())
    if spread < k:
        raise ValueError(
            f"{len(coordinates)} points that spread along {spread} directions have no {k} "
            "principal components: give more checkpoints (a recipe's `checkpoints`), or ask for "
            "fewer components."
        )
    kept = coordinates[:, :k]
    return Components(kept, squares[:k] / squares.sum(), (kept / squares[:k]).T)
