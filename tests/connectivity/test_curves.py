"""Curves meet their ends and follow their formulas; a convex hull holds what it is drawn from."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from fusionlab import Weights, lerp
from fusionlab.connectivity import Bezier, Chain, Line, Simplex

T = torch.linspace(0, 1, 13, dtype=torch.double)


def point(*coordinates: float) -> Weights:
    return Weights({"w": torch.tensor(coordinates, dtype=torch.double)})


def places(points) -> np.ndarray:
    return np.stack([theta["w"].numpy() for theta in points])


CORNERS = (point(0, 0), point(1, 3), point(4, -1), point(2, 2))


@pytest.mark.parametrize("kind", [Chain, Bezier])
@pytest.mark.parametrize("bends", [0, 1, 3])
def test_a_curve_meets_its_ends_bit_for_bit_buffers_included(kind, bends):
    a, b = (Weights.of(nn.BatchNorm1d(3)) for _ in range(2))
    curve = kind.between(a, b, bends=bends)
    assert curve(0.0) is a
    assert curve(1.0) is b
    assert curve.at(T)[0] is a
    assert curve.at(T)[12] is b
    assert len(curve.bends) == bends


@pytest.mark.parametrize("kind", [Chain, Bezier])
def test_a_curve_between_two_points_begins_as_the_line(kind):
    a, b = point(1, 2), point(-3, 5)
    straight = places(Line(a, b).at(T))
    np.testing.assert_allclose(places(kind.between(a, b, bends=4).at(T)), straight, atol=1e-12)


def test_a_chain_is_linear_from_point_to_point():
    expected = np.stack([np.interp(T, np.linspace(0, 1, 4), c) for c in places(CORNERS).T], 1)
    np.testing.assert_allclose(places(Chain(CORNERS).at(T)), expected, atol=1e-12)


def test_a_bezier_curve_is_what_de_casteljau_draws():
    def casteljau(points, t):
        while len(points) > 1:
            points = [lerp(p, q, t) for p, q in pairwise(points)]
        return points[0]

    expected = places([casteljau(CORNERS, t) for t in T.tolist()])
    np.testing.assert_allclose(places(Bezier(CORNERS).at(T)), expected, atol=1e-12)


@pytest.mark.parametrize("kind", [Chain, Bezier])
def test_one_point_and_many_are_the_same_points(kind):
    curve = kind(CORNERS)
    np.testing.assert_allclose(places(curve.at(T)), places([curve(t) for t in T.tolist()]))


def test_a_curve_needs_two_ends_of_one_space():
    with pytest.raises(ValueError, match="two ends"):
        Bezier((point(0),))
    with pytest.raises(ValueError, match="different spaces"):
        Chain((point(0), point(1, 2)))


def test_a_simplex_draws_shares_that_sum_to_one_evenly():
    shares = Simplex(CORNERS).draw(40_000, torch.Generator().manual_seed(0))
    assert shares.min() >= 0
    torch.testing.assert_close(shares.sum(1), torch.ones(40_000, dtype=torch.double))
    # Dirichlet(1, 1, 1, 1): mean 1/4, variance 3/80.
    torch.testing.assert_close(shares.mean(0), torch.full((4,), 0.25).double(), atol=4e-3, rtol=0)
    torch.testing.assert_close(shares.var(0), torch.full((4,), 3 / 80).double(), atol=2e-3, rtol=0)


def test_a_simplex_holds_its_vertices_and_its_centre():
    triangle = Simplex(CORNERS[:3])
    assert triangle([0, 1, 0]) is CORNERS[1]
    np.testing.assert_allclose(triangle.centre["w"], places(CORNERS[:3]).mean(0))
    assert len(triangle.sample(7, seed=0)) == 7
    again, other = (places(triangle.sample(7, seed=s)) for s in (0, 1))
    np.testing.assert_array_equal(places(triangle.sample(7, seed=0)), again)
    assert not np.allclose(again, other)
