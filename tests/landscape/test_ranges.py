"""A picture reaches to where the loss has risen."""

import pytest
import torch

from fusionlab import Weights
from fusionlab.landscape import Plane, Score, loss_range

U, V = (Weights({"w": torch.tensor(w, dtype=torch.double)}) for w in ([1.0, 0.0], [0.0, 1.0]))
PLANE = Plane.around(0 * U, U, V)


def valley(theta: Weights) -> Score:
    """Steep to the left, flat to the right, a wall above, no end below: 1 at the origin."""
    x, y = theta["w"].tolist()
    wall = float("nan") if y > 0.25 else 0.0
    return Score(1 + (8 * x**2 if x < 0 else 2 * x**2) + wall, 0.5)


def test_it_ends_where_the_loss_has_risen_each_way_for_itself():
    bounds = loss_range(valley, PLANE, rise=2.0)
    assert 0.5 <= -bounds.x_min < 0.5 * 1.04
    assert 1.0 <= bounds.x_max < 1.0 * 1.04


def test_an_overflow_ends_it_and_flat_ground_is_left_at_the_longest_way():
    bounds = loss_range(valley, PLANE, most=3.0)
    assert 0.25 < bounds.y_max < 0.26
    assert bounds.y_min == -3.0


def test_a_smaller_rise_is_a_nearer_view():
    near, far = (loss_range(valley, PLANE, rise=rise) for rise in (0.02, 2.0))
    assert near.x_max == pytest.approx(far.x_max / 10, rel=0.04)


def test_the_longest_way_is_counted_in_lengths_of_the_origin_whatever_the_directions_length():
    plane = Plane.around(5 * U, 10 * V, 2 * U + V)
    bounds = loss_range(lambda _: Score(1.0, 0.5), plane, most=2.0)
    assert bounds[:2] == pytest.approx((-1.0, 1.0))
    assert bounds.y_max == pytest.approx(10 / 5**0.5)


def test_it_works_on_a_network_in_few_calls():
    calls = []

    def counted(theta):
        calls.append(theta)
        return valley(theta)

    loss_range(counted, PLANE)
    assert len(calls) <= 1 + 4 * (11 + 4)


def test_an_origin_without_a_loss_is_refused():
    with pytest.raises(ValueError, match="is nan, so nothing can rise above it"):
        loss_range(lambda _: Score(float("nan"), 0.0), PLANE)
