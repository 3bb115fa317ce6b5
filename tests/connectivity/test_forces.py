"""Tangents and forces of an elastic band agree with the formulas on paper."""

import math

import pytest

from fusionlab.connectivity.forces import force, tangent

from .surfaces import place

BEFORE, HERE, AFTER = place(0, 0), place(1, 0), place(1, 3)  # τ₋ = (1, 0), τ₊ = (0, 3)


def direction(*losses: float) -> list[float]:
    return tangent((BEFORE, HERE, AFTER), losses)["w"].tolist()


def test_on_a_slope_the_tangent_is_the_segment_that_leads_uphill():
    assert direction(0, 1, 2) == [0, 1]
    assert direction(2, 1, 0) == [1, 0]


def test_at_a_peak_the_segment_to_the_higher_neighbour_weighs_more():
    # |differences| 1 to the next and 10 to the one before: τ = 10 τ₊ + 1 τ₋ = (1, 30)
    assert direction(0, 10, 9) == pytest.approx([1 / math.hypot(1, 30), 30 / math.hypot(1, 30)])
    # mirrored: τ = 1 τ₊ + 10 τ₋ = (10, 3)
    assert direction(9, 10, 0) == pytest.approx([10 / math.hypot(10, 3), 3 / math.hypot(10, 3)])


def test_in_a_dip_likewise():
    assert direction(1, 0, 10) == pytest.approx([1 / math.hypot(1, 30), 30 / math.hypot(1, 30)])
    assert direction(10, 0, 1) == pytest.approx([10 / math.hypot(10, 3), 3 / math.hypot(10, 3)])


def test_where_the_loss_is_flat_the_tangent_joins_the_neighbours():
    assert direction(1, 1, 1) == pytest.approx([1 / math.hypot(1, 3), 3 / math.hypot(1, 3)])
    assert direction(0, 1, 0) == pytest.approx([1 / math.hypot(1, 3), 3 / math.hypot(1, 3)])


def pull(slope, **settings) -> list[float]:
    along = place(0.6, 0.8)
    return force((BEFORE, HERE, AFTER), place(*slope), along, **settings)["w"].tolist()


def test_the_slope_pulls_across_the_band_only():
    across = pull((1, 0), spring=0, climbs=False)  # −(1, 0) + 0.6 (0.6, 0.8)
    assert across == pytest.approx([-0.64, 0.48])
    assert pull((0.6, 0.8), spring=0, climbs=False) == pytest.approx([0, 0])


def test_springs_pull_along_the_band_by_the_difference_of_distances():
    expected = [2 * (3 - 1) * 0.6, 2 * (3 - 1) * 0.8]
    assert pull((0.6, 0.8), spring=2, climbs=False) == pytest.approx(expected)


def test_infinite_springs_are_no_force():
    assert pull((0.6, 0.8), spring=math.inf, climbs=False) == pytest.approx([0, 0])


def test_a_pivot_that_climbs_feels_the_slope_along_the_band_turned_round():
    assert pull((0.6, 0.8), spring=2, climbs=True) == pytest.approx([0.6, 0.8])
    assert pull((0.8, -0.6), spring=2, climbs=True) == pytest.approx([-0.8, 0.6])
