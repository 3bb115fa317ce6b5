"""The plane of a trajectory is PCA's, and says what it leaves out."""

from itertools import accumulate
from math import pi

import numpy as np
import pytest
import torch

from fusionlab import Weights
from fusionlab.landscape import (
    Plane,
    Score,
    principal_components,
    project_run,
    random_direction,
    trajectory_plane,
)


def walk(n: int = 7, *, dtype: torch.dtype = torch.double) -> list[Weights]:
    """Points far from zero that differ little, so that a careless sum would lose them."""
    dice = torch.Generator().manual_seed(3)
    home = {"w": 100 + torch.randn(5, 4, generator=dice), "b": torch.randn(6, generator=dice)}
    points = [Weights(home, {"count": torch.tensor(0)})]
    for i in range(1, n):
        step = points[-1].map(lambda t: t + torch.randn(t.shape, generator=dice) / 10)
        points.append(Weights(step, {"count": torch.tensor(i)}))
    return [p.move(dtype=dtype) for p in points]


def table(points: list[Weights]) -> np.ndarray:
    return torch.stack([p.flat() for p in points]).double().numpy()


def bowl(theta: Weights) -> Score:
    """Twice the squared distance from zero, so that a projection's score can be foretold."""
    return Score(2 * (theta @ theta).item(), 0.5)


@pytest.mark.parametrize("dtype", [torch.float, torch.double])
def test_the_components_are_those_of_a_singular_value_decomposition(dtype):
    points = walk(dtype=dtype)
    centred = table(points) - table(points).mean(0)
    left, sizes, right = np.linalg.svd(centred, full_matrices=False)
    found = principal_components(points, 4)
    np.testing.assert_allclose(found.explained, (sizes**2 / (sizes**2).sum())[:4], rtol=1e-8)
    np.testing.assert_allclose(abs(found.coordinates), abs(left * sizes)[:, :4], atol=1e-8)
    directions = found.mixtures.numpy() @ table(points)
    np.testing.assert_allclose(abs(directions), abs(right[:4]), atol=1e-8)
    np.testing.assert_allclose(centred @ directions.T, found.coordinates, atol=1e-8)


def test_signs_do_not_hang_on_the_library_the_farthest_point_is_on_the_positive_side():
    coordinates = principal_components(walk(), 3).coordinates
    assert (coordinates.max(0).values >= -coordinates.min(0).values).all()


@pytest.mark.parametrize("around", ["final", "mean"])
def test_places_and_distances_are_those_of_projection(around):
    points = walk()
    found = trajectory_plane(points, around=around)
    assert found.plane.isometric
    for theta, place, distance in zip(points, found.places, found.distances, strict=True):
        assert found.plane.project(theta) == pytest.approx(place.tolist(), abs=1e-6)
        assert found.plane.distance(theta) == pytest.approx(distance.item(), abs=1e-6)


def test_the_plane_around_the_final_point_holds_it_bit_for_bit():
    points = walk(dtype=torch.float)
    found = trajectory_plane(points)
    assert found.plane(0, 0) is points[-1]
    assert found.distances[-1] == 0
    assert found.places[-1].tolist() == [0, 0]


def test_the_plane_around_the_mean_is_the_nearest_of_all():
    points = walk()
    nearest = trajectory_plane(points, around="mean").distances.square().sum()
    others = [trajectory_plane(points).distances.square().sum()]
    for a, b, c in ((0, 3, 6), (0, 1, 2), (2, 4, 5)):
        plane = Plane.through(points[a], points[b], points[c])
        others.append(torch.tensor([plane.distance(p) for p in points]).square().sum())
    assert nearest < min(others)


def test_a_trajectory_that_lies_in_a_plane_is_held_whole():
    a, b, c = walk(3)
    points = [a + 0.3 * i * (b - a) + 0.1 * i**2 * (c - a) for i in range(6)]
    found = trajectory_plane(points)
    assert found.explained.sum().item() == pytest.approx(1)
    assert found.distances.max() < 1e-6


def test_a_straight_trajectory_has_no_plane():
    a, b, _ = walk(3)
    with pytest.raises(ValueError, match="1 directions have no 2 principal components"):
        trajectory_plane([a + t * (b - a) for t in (0.0, 0.3, 0.5, 1.0)])
    with pytest.raises(ValueError, match="no 3 principal components"):
        principal_components(walk(3), 3)
    with pytest.raises(ValueError, match="0 directions"):
        trajectory_plane([a, a, a])


def test_of_a_random_walk_the_components_are_cosines():
    theta = Weights({"w": torch.zeros(200, 200)})
    points = list(accumulate(random_direction(theta, seed=i) for i in range(60)))
    found = principal_components(points, 3)
    middle = (torch.arange(60) + 0.5) / 60
    for j, values in enumerate(found.coordinates.T, start=1):
        cosine = torch.cos(pi * j * middle).double()
        assert abs(torch.corrcoef(torch.stack([values, cosine]))[0, 1]) > 0.99
        assert found.explained[j - 1].item() == pytest.approx(6 / (pi * j) ** 2, rel=0.1)


def test_a_projection_is_the_nearest_point_of_the_plane_and_the_scores_are_of_both():
    points = walk()
    plane = Plane.through(*points[:3])
    found = project_run(bowl, points, plane)
    for i, theta in enumerate(points):
        assert found.real.loss[i].item() == pytest.approx(bowl(theta).loss)
        nearest = plane(*plane.project(theta))
        assert found.projected.loss[i].item() == pytest.approx(bowl(nearest).loss)
        assert found.distances[i].item() == pytest.approx((theta - nearest).norm().item())
    assert found.distances[:3].tolist() == [0, 0, 0]
    assert found.distances[3:].min() > 0.1
