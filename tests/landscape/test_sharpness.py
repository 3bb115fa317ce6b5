"""How far the loss rises near a point, and which way it falls on a plane, in closed form."""

import os
import signal

import pytest
import torch
from torch import nn

from fusionlab import Data, Weights
from fusionlab.landscape import (
    Landscape,
    Plane,
    Score,
    filter_normalise,
    flatness,
    gradient_field,
    random_direction,
    recalibrate,
    sharpness,
)

from .test_evaluation import Residual

quiet = {"progress": False}
CURVATURES = torch.tensor([[4.0, 1.0], [0.5, 2.0], [9.0, 0.1]]).double()


def parabola(theta: Weights) -> Score:
    """½ Σ cᵢ θᵢ²."""
    return Score(0.5 * float((CURVATURES * theta["w"] ** 2).sum()), 0.5)


class Parabola:
    """The same with its slope; it counts how often it is asked."""

    def __init__(self):
        self.asked = 0

    def __call__(self, theta: Weights) -> Score:
        return parabola(theta)

    def slope(self, theta: Weights) -> tuple[Score, Weights]:
        self.asked += 1
        return parabola(theta), Weights({"w": CURVATURES * theta["w"]})


def at(value: float) -> Weights:
    return Weights({"w": torch.full((3, 2), value, dtype=torch.double)})


def test_the_worst_corner_of_a_box_is_found():
    found = sharpness(Parabola(), at(0.0), epsilon=0.1, **quiet)
    assert found.rise == pytest.approx(0.5 * float(CURVATURES.sum()) * 0.01)
    torch.testing.assert_close(found.worst["w"].abs(), at(0.1)["w"])
    there = sharpness(Parabola(), at(2.0), epsilon=0.1, **quiet)
    assert there.highest == pytest.approx(parabola(at(2 + 0.1 * 3)).loss)
    assert there.relative == pytest.approx(100 * there.rise / (1 + parabola(at(2.0)).loss))


def test_at_a_minimum_the_worst_of_a_ball_lies_along_the_steepest_eigenvector():
    found = sharpness(Parabola(), at(0.0), epsilon=0.3, region="ball", steps=60, **quiet)
    assert found.rise == pytest.approx(0.5 * 9 * 0.3**2, rel=1e-3)
    assert float(found.worst.norm()) == pytest.approx(0.3)


def test_on_a_slope_the_worst_of_a_small_ball_lies_straight_uphill():
    class Hillside(Parabola):
        def slope(self, theta):
            return Score(float(theta["w"].sum()), 0.5), theta.map(torch.ones_like)

    found = sharpness(Hillside(), at(1.0), epsilon=0.6, region="ball", **quiet)
    assert found.rise == pytest.approx(0.6 * 6**0.5)


POLICIES = ["recalibrate", "interpolate", "fixed"]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("region", ["box", "ball"])
def test_the_worst_point_of_a_network_is_in_the_region_and_is_what_it_says(region, policy):
    torch.manual_seed(0)
    model = Residual()
    data = Data(torch.randn(40, 1, 4, 4), torch.arange(40) % 3)
    landscape, theta = Landscape(model, data, batch_norm=policy), Weights.of(model)
    found = sharpness(landscape, theta, epsilon=0.01, region=region, steps=8, **quiet)
    shift = found.worst - theta
    assert found.rise > 0
    assert landscape(found.worst).loss == pytest.approx(found.highest, rel=1e-5)
    if region == "ball":
        assert float(shift.norm()) <= 0.01 * 1.0001
    else:
        assert all((shift[n].abs() <= 0.01001 * (t.abs() + 1)).all() for n, t in theta.items())


def test_an_interrupt_keeps_the_highest_point_so_far():
    class Interrupted(Parabola):
        def slope(self, theta):
            if self.asked == 4:
                os.kill(os.getpid(), signal.SIGINT)
            return super().slope(theta)

    landscape = Interrupted()
    with pytest.warns(RuntimeWarning, match="interrupted"):
        found = sharpness(landscape, at(0.0), region="ball", epsilon=1.0, **quiet)
    assert landscape.asked == 5
    assert not found.complete
    assert 0.5 < found.rise < 4.5


def test_the_rise_by_noise_is_the_mean_over_its_draws():
    found = flatness(parabola, at(1.0), scales=(0.1, 0.2), draws=3, seed=5, **quiet)
    assert found.losses.shape == (3, 2)
    noise = filter_normalise(random_direction(at(1.0), seed=16), at(1.0))
    assert float(found.losses[1, 1]) == pytest.approx(parabola(at(1.0) + 0.2 * noise).loss)
    expected = found.losses.mean(0) - parabola(at(1.0)).loss
    torch.testing.assert_close(found.rise, expected)


@pytest.mark.parametrize("policy", POLICIES)
def test_noise_on_a_network_with_batch_norm_leaves_its_statistics_alone(policy):
    torch.manual_seed(0)
    model = Residual()
    data = Data(torch.randn(40, 1, 4, 4), torch.arange(40) % 3)
    landscape, theta = Landscape(model, data, batch_norm=policy), Weights.of(model)
    found = flatness(landscape, theta, scales=(0.3,), draws=2, **quiet)
    noise = filter_normalise(random_direction(theta, seed=1), theta)
    there = landscape(Weights(theta + 0.3 * noise, theta.buffers))
    assert float(found.losses[1, 0]) == pytest.approx(there.loss, rel=1e-5)
    assert found.loss == pytest.approx(landscape(theta).loss, rel=1e-5)


def test_twice_the_noise_at_a_minimum_rises_four_times():
    def bowl(theta):
        return Score(float((theta - at(1.0)).norm() ** 2), 0.5)

    small, large = flatness(bowl, at(1.0), scales=(0.1, 0.2), draws=4, **quiet).rise
    assert float(large / small) == pytest.approx(4)
    assert float(small) == pytest.approx(0.01 * float(at(1.0).norm()) ** 2), "of each filter's norm"


def test_an_interrupt_keeps_the_draws_so_far():
    asked = []

    def landscape(theta):
        asked.append(1)
        if len(asked) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return parabola(theta)

    with pytest.warns(RuntimeWarning, match="1 of 9"):
        found = flatness(landscape, at(1.0), scales=(0.1, 0.2, 0.3), draws=9, **quiet)
    assert found.losses.shape == (1, 3)
    assert not found.complete


def oblique() -> Plane:
    u = Weights({"w": torch.tensor([[1.0, 0], [0, 0], [0, 0]]).double()})
    v = Weights({"w": torch.tensor([[1.0, 0], [2.0, 0], [0, 0]]).double()})
    return Plane.around(at(1.0), u, v)


def test_arrows_are_downhill_in_the_coordinates_of_an_oblique_plane():
    x, y = torch.linspace(-1, 1, 4).double(), torch.tensor([0.0, 0.5, 2.0]).double()
    field = gradient_field(Parabola(), oblique(), x, y, **quiet)
    assert field.u.shape == field.v.shape == field.loss.shape == (3, 4)
    plane = oblique()
    for i, j in ((0, 1), (2, 3)):
        theta = plane(float(x[j]), float(y[i]))
        downhill = -CURVATURES * theta["w"]
        drawn = field.u[i, j] * plane.points[1]["w"] + field.v[i, j] * plane.points[2]["w"]
        inside = torch.zeros(3, 2, dtype=torch.bool)
        inside[:2, 0] = True  # the plane holds these two coordinates
        torch.testing.assert_close(drawn, torch.where(inside, downhill, 0))
        assert float(field.norm[i, j]) == pytest.approx(float(downhill.norm()))
        assert float(field.loss[i, j]) == pytest.approx(parabola(theta).loss)


@pytest.mark.parametrize("policy", ["recalibrate", "fixed"])
def test_arrows_are_the_slope_of_the_picture(policy):
    """Directional derivatives on the surface are inner products with the arrows."""
    torch.manual_seed(0)
    model = Residual().double()
    data = Data(torch.randn(40, 1, 4, 4).double(), torch.arange(40) % 3)
    theta = recalibrate(model, Weights.of(model), data)
    plane = Plane.random(theta, seed=0)
    landscape, step = Landscape(model, data, batch_norm=policy), 1e-5
    field = gradient_field(landscape, plane, torch.tensor([0.3]), torch.tensor([-0.2]), **quiet)
    places = torch.tensor([[0.3, -0.2]] * 4).double() + step * torch.tensor(
        [[1, 0], [-1, 0], [0, 1], [0, -1]]
    )
    losses = landscape.scores(plane.at(places)).loss
    slope = torch.stack([losses[0] - losses[1], losses[2] - losses[3]]) / (2 * step)
    arrow = torch.stack([field.u[0, 0], field.v[0, 0]])
    torch.testing.assert_close(-plane.gram @ arrow, slope, rtol=1e-5, atol=1e-8)


def test_an_interrupt_leaves_the_other_arrows_open():
    class Interrupted(Parabola):
        def slope(self, theta):
            if self.asked == 2:
                os.kill(os.getpid(), signal.SIGINT)
            return super().slope(theta)

    with pytest.warns(RuntimeWarning, match="3 of 12"):
        field = gradient_field(
            Interrupted(), oblique(), torch.arange(4.0), torch.arange(3.0), **quiet
        )
    assert int(field.u.isfinite().sum()) == 3
    assert not field.complete


def test_an_unknown_region_is_refused():
    with pytest.raises(ValueError, match="'box' or 'ball'"):
        sharpness(Parabola(), at(0.0), region="cone", **quiet)


def test_a_linear_network_has_a_field_of_its_own_precision():
    model = nn.Linear(3, 2)
    theta = Weights.of(model)
    data = Data(torch.randn(9, 3), torch.arange(9) % 2)
    field = gradient_field(
        Landscape(model, data), Plane.random(theta, seed=1), *2 * [torch.zeros(1)]
    )
    assert field.complete
    assert field.u.dtype == torch.double
