"""Paths as a plane shows them: where they run on it, and how far off it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fusionlab.combinations import Combinations
from fusionlab.connectivity import Path, points_on
from fusionlab.landscape import Plane, centred_products
from fusionlab.weights import Weights

SMOOTH = 100  # pieces in which a path is drawn


@dataclass(frozen=True, eq=False)
class Projection:
    """A path as a plane shows it: each point's foot, the nearest point of the plane.

    Attributes:
        places: coordinates of the feet, shape (P, 2), float64.
        gaps: how far each point lies from its foot, shape (P,).
        knots: the feet of the k points that span the path, shape (k, 2).
    """

    places: Tensor
    gaps: Tensor
    knots: Tensor

    @property
    def gap(self) -> float:
        """How far the path leaves the plane at most, as a share of the distance of its feet."""
        return float(self.gaps.max() / (self.places[-1] - self.places[0]).norm())


def even(pieces: int = SMOOTH) -> Tensor:
    """Evenly spaced positions t, the ends among them."""
    return torch.linspace(0, 1, pieces + 1, dtype=torch.double)


def project_all(
    plane: Plane, paths: Mapping[str, Path], t: Tensor | None = None
) -> dict[str, Projection]:
    """Project paths on a plane, at positions t (P,).

    Only the points that span the paths are read, once: a mixture's foot is the mixture of feet.
    """
    spans = [points_on(path, even() if t is None else t) for path in paths.values()]
    points, numbers = merge(spans)
    feet, missed = _project(plane, points)
    projections = {}
    for name, span, own in zip(paths, spans, numbers, strict=True):
        c = shares(span)
        squares = torch.einsum("pi,ij,pj->p", c, missed[own][:, own], c)
        projections[name] = Projection(c @ feet[own], squares.clamp_min(0).sqrt(), feet[own])
    return projections


def _project(plane: Plane, points: list[Weights]) -> tuple[Tensor, Tensor]:
    """Feet of k points, (k, 2), and the inner products of what the plane misses of them, (k, k)."""
    spanning = plane.points
    k, all_ = len(points), [*points, *spanning, 0 * points[0]]
    gram = centred_products(all_)
    own = torch.eye(k, len(all_), dtype=torch.double)
    frame = torch.zeros(3, len(all_), dtype=torch.double)
    frame[:, k:-1] = plane.frame
    # The products are from the points' mean, so they suit differences only: rows sum to 1, 0, 0.
    frame[:, -1] = torch.tensor([1.0, 0.0, 0.0]) - frame.sum(1)
    origin, directions = frame[0], frame[1:]
    across = directions @ gram @ (own - origin).T  # (2, k)
    feet = torch.linalg.solve(directions @ gram @ directions.T, across).T
    missed = own - origin - feet @ directions
    return feet, missed @ gram @ missed.T


def merge(spans: Iterable[Sequence[Weights]]) -> tuple[list[Weights], list[Tensor]]:
    """The points that span several batches, each once, and their numbers for each batch."""
    listed = [span.points if isinstance(span, Combinations) else tuple(span) for span in spans]
    points = {id(point): point for span in listed for point in span}
    number = {identity: i for i, identity in enumerate(points)}
    return list(points.values()), [torch.tensor([number[id(p)] for p in s]) for s in listed]


def shares(span: Sequence[Weights]) -> Tensor:
    """How a batch mixes the points that span it; those of a bare function span themselves."""
    if isinstance(span, Combinations):
        return span.coefficients
    return torch.eye(len(span), dtype=torch.double)
