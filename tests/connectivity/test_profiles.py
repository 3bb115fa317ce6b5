"""Paths meet their ends, and a barrier is the height of the hill between them."""

import pytest
import torch
from torch import nn

from fusionlab import Weights, lerp
from fusionlab.connectivity import Line, Profile, profile
from fusionlab.landscape import Score

A, B = (Weights({"w": torch.tensor([w], dtype=torch.double)}) for w in (0.0, 1.0))


def parabola(theta: Weights) -> Score:
    """Loss 1 + 2 t + 4 h t (1 − t) with h = 0.7, so the hill over the chord is 0.7 high."""
    t = theta["w"].item()
    return Score(1 + 2 * t + 2.8 * t * (1 - t), 0.9 - 0.4 * t)


def test_a_line_meets_its_ends_bit_for_bit_buffers_included():
    a, b = (Weights.of(nn.BatchNorm1d(3)) for _ in range(2))
    line = Line(a, b)
    assert line(0.0) is a
    assert line(1.0) is b
    assert line.at(torch.linspace(0, 1, 3))[0] is a
    assert line.at(torch.linspace(0, 1, 3))[2] is b
    assert (line(0.25) - lerp(a, b, 0.25)).norm() == 0


def test_the_barrier_is_the_rise_over_the_chord():
    assert profile(parabola, Line(A, B), points=5).barrier == pytest.approx(0.7)


def test_the_midpoint_barrier_counts_the_slope_too():
    # max of 1 + 4.8 t − 2.8 t² lies at t = 6/7; the ends' mean is 2.
    t = torch.tensor([0, 0.5, 6 / 7, 1.0], dtype=torch.double)
    expected = 1 + 4.8 * 6 / 7 - 2.8 * (6 / 7) ** 2 - 2
    assert profile(parabola, Line(A, B), t=t).midpoint_barrier == pytest.approx(expected)


def test_the_error_barrier_is_of_errors_over_the_ends_mean():
    along = Profile(torch.tensor([0, 0.5, 1.0]), torch.zeros(3), torch.tensor([0.9, 0.4, 0.7]))
    assert along.error_barrier == pytest.approx(0.6 - 0.2)
    assert along.barrier == 0


def test_a_straight_slope_has_no_barrier_but_a_midpoint_barrier():
    slope = profile(lambda p: Score(0.1 + 0.4 * p["w"].item(), 1.0), Line(A, B))
    assert slope.barrier == pytest.approx(0, abs=1e-12)
    assert slope.midpoint_barrier == pytest.approx(0.2)


def test_a_valley_has_no_barrier():
    valley = profile(lambda p: Score((p["w"].item() - 0.5) ** 2, 1.0), Line(A, B))
    assert valley.barrier == 0


def test_beyond_the_ends_there_is_no_barrier_between_them():
    def wall(theta):
        t = theta["w"].item()
        return Score(9.0 if t < 0 or t > 1 else 1.0, 0.5)

    along = profile(wall, Line(A, B), t=torch.linspace(-0.5, 1.5, 9))
    assert along.loss.max() == 9
    assert along.barrier == along.midpoint_barrier == 0


def test_a_narrow_hill_between_the_points_is_missed():
    def needle(theta):
        return Score(1.0 if theta["w"].item() == 0.5 else 0.0, 1.0)

    assert profile(needle, Line(A, B), points=4).barrier == 0
    assert profile(needle, Line(A, B), points=5).barrier == 1


def test_any_path_will_do():
    along = profile(parabola, lambda t: lerp(A, B, t**2), points=3)
    assert along.loss[1].item() == pytest.approx(parabola(lerp(A, B, 0.25)).loss)


def test_the_rise_is_the_highest_climb_on_the_way():
    t = torch.linspace(0, 1, 6, dtype=torch.double)
    loss = torch.tensor([5.0, 3.0, 4.0, 1.0, 2.5, 2.0], dtype=torch.double)
    along = Profile(t, loss, torch.ones(6))
    assert along.rise == 1.5
    assert not along.monotone


def test_a_loss_that_falls_all_the_way_is_monotone_though_it_has_a_barrier():
    bowed = profile(lambda p: Score(1 - p["w"].item() ** 2, 1.0), Line(A, B))
    assert bowed.monotone
    assert bowed.rise == 0
    assert bowed.barrier > 0.2
    assert profile(lambda p: Score(p["w"].item() ** 2, 1.0), Line(A, B)).rise == 1


def test_what_rises_beyond_the_ends_is_no_rise_between_them():
    t = torch.linspace(-0.5, 1.5, 5, dtype=torch.double)
    loss = torch.tensor([0.0, 4.0, 3.0, 2.0, 9.0], dtype=torch.double)
    assert Profile(t, loss, torch.ones(5)).monotone


def test_a_profile_needs_both_ends():
    with pytest.raises(ValueError, match="both ends"):
        profile(parabola, Line(A, B), points=1)
    with pytest.raises(ValueError, match="both ends"):
        profile(parabola, Line(A, B), t=torch.linspace(0.1, 1, 5))
