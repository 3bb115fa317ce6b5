"""Lengths and means along a path agree with integrals on paper."""

import math
from itertools import pairwise

import pytest
import torch

from fusionlab import Weights, lerp
from fusionlab.combinations import Combinations
from fusionlab.connectivity import Bezier, Chain, Line, path_statistics
from fusionlab.connectivity.summaries import lengths
from fusionlab.landscape import Score

from .surfaces import place

FLAT = Score(1.0, 0.5)


def test_the_length_of_a_bezier_is_its_integral():
    # θ(t) = (2t, 4t(1 − t)), a parabola: ∫ |θ'| dt = √5 + asinh(2) / 2
    curve = Bezier((place(0, 0), place(1, 2), place(2, 0)))
    found = path_statistics(lambda _: FLAT, curve, points=1001)
    expected = math.sqrt(5) + math.asinh(2) / 2
    assert found.length == pytest.approx(expected, rel=1e-5)
    assert found.detour == pytest.approx(expected / 2, rel=1e-5)


def test_a_line_is_as_long_as_the_distance_and_a_chain_as_its_segments():
    assert path_statistics(lambda _: FLAT, Line(place(0, 0), place(3, 4))).length == pytest.approx(
        5
    )
    corner = Chain((place(0, 0), place(3, 0), place(3, 4)))
    found = path_statistics(lambda _: FLAT, corner, points=61)
    assert found.length == pytest.approx(7)
    assert found.detour == pytest.approx(7 / 5)


def test_means_by_t_and_by_length_part_where_a_path_hurries():
    # Half of t on the first 1 of the length, half on the other 3; the loss is 0 there, 1 here.
    def step(theta):
        return Score(float(theta["w"][0] > 1), float(theta["w"][0] <= 1))

    found = path_statistics(step, Chain((place(0), place(1), place(4))), points=2001)
    assert found.loss.mean == pytest.approx(0.5, abs=1e-3)
    assert found.loss.by_length == pytest.approx(0.75, abs=1e-3)
    assert found.accuracy.by_length == pytest.approx(0.25, abs=1e-3)


def test_start_end_lowest_and_highest_are_those_of_the_profile():
    def wave(theta):
        return Score(3 + math.sin(2 * math.pi * theta["w"].item()) + theta["w"].item(), 0.5)

    loss = path_statistics(wave, Line(place(0), place(1)), points=401).loss
    top = math.acos(-1 / (2 * math.pi)) / (2 * math.pi)
    assert (loss.start, loss.end) == pytest.approx((3, 4))
    assert loss.highest == pytest.approx(wave(place(top)).loss, abs=1e-4)
    assert loss.lowest == pytest.approx(wave(place(1 - top)).loss, abs=1e-4)
    assert loss.mean == pytest.approx(3.5, abs=1e-4)


def test_lengths_from_inner_products_are_those_of_the_points():
    dice = torch.Generator().manual_seed(0)
    far = Weights({"w": torch.full((50,), 1e4)})
    points = [far + Weights({"w": torch.randn(50, generator=dice)}) for _ in range(4)]
    for c in (torch.rand(6, 4, generator=dice), torch.rand(6, 4, generator=dice).softmax(1)):
        batch = Combinations(points, c)
        exact = [(q["w"].double() - p["w"].double()).norm() for p, q in pairwise(list(batch))]
        gaps, distance = lengths(batch)
        rough = 1e-2 * (1e4 if abs(c.sum(1)[0] - 1) > 1e-6 else 1)  # float32 points are coarse
        assert torch.allclose(gaps, torch.stack(exact), atol=rough)
        assert distance == pytest.approx((batch[5] - batch[0]).norm().item(), abs=rough)


def test_short_steps_far_from_zero_lose_nothing():
    far = place(1e6, 1e6)
    line = Line(far, far + place(3e-3, 4e-3))
    found = path_statistics(lambda _: FLAT, line)
    assert found.length == pytest.approx(5e-3, rel=1e-4)


def test_any_function_of_t_is_a_path():
    a, b = place(0, 0), place(1, 0)
    found = path_statistics(lambda _: FLAT, lambda t: lerp(a, b, t**2), points=11)
    assert found.length == pytest.approx(1)
    assert found.passed[5].item() == pytest.approx(0.25)


def test_a_path_that_goes_nowhere_has_no_statistics():
    with pytest.raises(ValueError, match="ends where it starts"):
        path_statistics(lambda _: FLAT, Line(place(1), place(1)))
