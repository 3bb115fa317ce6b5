"""An elastic band finds the valley between two ends, and the saddle in it."""

import os
import signal
from itertools import pairwise

import pytest
import torch

from fusionlab import Weights, lerp
from fusionlab.connectivity import BandFitting, Bezier, Line, elastic_band, profile

from .surfaces import LEFT, MIDDLE, RIGHT, Surface, bent_valley, muller_brown, place

A, B = place(-1, 0), place(1, 0)
GENTLE = {"lr": 0.02, "steps": 60, "cycles": 3, "progress": False}
STEEP = {"lr": 2e-4, "momentum": 0.5, "pivots": 7, "steps": 120, "cycles": 3, "progress": False}


def coordinates(theta: Weights) -> list[float]:
    return theta["w"].tolist()


def highest(surface: Surface, path, points: int = 400) -> float:
    return profile(surface, path, points=points).loss.max().item()


def test_a_band_leaves_the_wall_for_the_valley():
    surface = Surface(bent_valley)
    band = elastic_band(surface, A, B, **GENTLE)
    assert highest(surface, Line(A, B)) == pytest.approx(6, abs=0.01)
    assert highest(surface, band) == pytest.approx(1, abs=0.05)
    assert coordinates(band(band.saddle.t)) == pytest.approx([0, 1], abs=0.1)
    for pivot in band.points:
        x, y = coordinates(pivot)
        assert y == pytest.approx(1 - x**2, abs=0.2)


@pytest.mark.parametrize(
    ("ends", "height", "x", "y"),
    [((LEFT, MIDDLE), -40.6648, -0.8220, 0.6243), ((MIDDLE, RIGHT), -72.2489, 0.2125, 0.2930)],
)
def test_a_climbing_pivot_finds_the_saddles_of_muller_and_brown(ends, height, x, y):
    band = elastic_band(Surface(muller_brown), *ends, climb=True, **STEEP)
    top = int(band.losses.argmax())
    assert band.losses[top].item() == pytest.approx(height, abs=0.005)
    assert coordinates(band.points[top]) == pytest.approx([x, y], abs=2e-3)
    assert band.saddle.loss == pytest.approx(height, abs=0.05)


@pytest.mark.parametrize("settings", [{}, {"spring": 100.0}])
def test_without_climbing_the_saddle_is_near(settings):
    band = elastic_band(Surface(muller_brown), LEFT, RIGHT, **STEEP, **settings)
    assert band.saddle.loss == pytest.approx(-40.66, abs=1.0)
    assert highest(Surface(muller_brown), Line(LEFT, RIGHT)) > -20


def test_the_saddle_is_the_highest_loss_between_the_pivots_too():
    surface = Surface(bent_valley)
    band = elastic_band(surface, A, B, pivots=2, cycles=1, lr=0.02, steps=80, progress=False)
    assert band.losses.max() < 0.9  # no pivot stands near the top
    assert band.saddle.loss > band.losses.max()
    assert band.saddle.loss == pytest.approx(highest(surface, band), rel=0.02)


def test_infinite_springs_hold_the_shares_of_the_length():
    band = elastic_band(Surface(bent_valley), A, B, pivots=5, cycles=1, lr=0.02, progress=False)
    gaps = torch.stack([(q - p).norm() for p, q in pairwise(band.points)])
    assert (gaps.max() / gaps.min()).item() < 1.1
    assert torch.allclose(band.positions, torch.linspace(0, 1, 7, dtype=torch.double))


def test_springs_even_out_what_starts_uneven():
    bunched = [lerp(A, B, 0.05), lerp(A, B, 0.1), lerp(A, B, 0.15)]
    settings = {"start": bunched, "cycles": 1, "steps": 300, "lr": 0.02, "progress": False}
    loose = elastic_band(Surface(bent_valley), A, B, spring=0.0, **settings)
    tight = elastic_band(Surface(bent_valley), A, B, spring=3.0, **settings)
    assert tight.positions.diff().min() > 0.2 > loose.positions.diff().min()


def test_pivots_are_added_where_the_loss_rises_between_them():
    def needle(x, y):
        return torch.exp(-200 * (x - 0.6) ** 2) + y**2

    *_, last = BandFitting(Surface(needle), A, B, pivots=3, cycles=2, steps=5, lr=0.01)
    assert len(last.points) == 6
    assert last.positions[4].item() == pytest.approx(0.8, abs=0.03)  # x = 0.6


def test_a_band_moves_by_as_many_steps_as_it_is_asked_for():
    walk = BandFitting(Surface(bent_valley), A, B, pivots=3, cycles=2, steps=5, lr=0.01)
    walk.stride = 3
    assert [next(walk) and walk.steps for _ in range(4)] == [3, 6, 9, 10]


def test_no_pivot_is_added_beyond_the_most():
    settings = {"pivots": 3, "cycles": 4, "steps": 3, "lr": 0.001, "tolerance": 0.0}
    band = elastic_band(Surface(bent_valley), A, B, max_pivots=6, progress=False, **settings)
    assert len(band.points) - 2 <= 6


def test_ends_are_exact_buffers_included():
    a, b = (Weights(p, {"mark": torch.ones(1)}) for p in (A, B))
    band = elastic_band(Surface(bent_valley), a, b, **GENTLE)
    assert band(0.0) is a
    assert band(1.0) is b
    assert band.at(torch.tensor([0.0, 1.0]))[1] is b


def test_a_band_passes_its_points_at_their_positions_and_at_an_even_pace():
    band = elastic_band(Surface(bent_valley), A, B, **GENTLE)
    for t, pivot in zip(band.positions.tolist(), band.points, strict=True):
        assert (band(t) - pivot).norm() < 1e-12
    along = band.at(torch.linspace(0, 1, 2001))
    gaps = torch.stack([(q - p).norm() for p, q in pairwise(list(along))])
    assert (gaps.max() / gaps.min()).item() < 1.1  # a chord across a corner is shorter


def test_a_band_starts_from_any_path_or_points():
    surface = Surface(bent_valley)
    valley = Bezier((A, place(0, 2), B))  # y = 1 − x², the valley itself
    band = elastic_band(surface, A, B, start=valley, steps=1, cycles=1, lr=1e-3, progress=False)
    assert band.saddle.loss < 1.3
    band = elastic_band(surface, A, B, start=[place(0, 1)], steps=1, cycles=1, progress=False)
    assert len(band.points) == 3


def test_the_best_band_is_kept_even_if_all_steps_lead_astray():
    surface = Surface(bent_valley)
    surface.slope = lambda theta: (surface(theta), place(0, 10.0))  # down the wrong way
    band = elastic_band(surface, A, B, **GENTLE)
    assert band.saddle.loss == pytest.approx(6)
    assert band.complete


def test_a_band_that_diverges_says_so_and_keeps_the_best():
    with pytest.warns(RuntimeWarning, match="lower learning rate than 50"):
        band = elastic_band(Surface(bent_valley), A, B, lr=50, progress=False)
    assert not band.complete
    assert band.saddle.loss <= 6


def test_an_interrupt_keeps_the_best_so_far():
    class Pressed(Surface):
        def slope(self, theta):
            if self.slopes == 300:
                os.kill(os.getpid(), signal.SIGINT)
            return super().slope(theta)

    with pytest.warns(RuntimeWarning, match="interrupted after step"):
        band = elastic_band(Pressed(bent_valley), A, B, lr=0.02, cycles=100, progress=False)
    assert not band.complete
    assert band.saddle.loss < 5


def test_what_one_watches_is_what_one_gets():
    surface = Surface(bent_valley)
    stretching = BandFitting(surface, A, B, lr=0.02, steps=60, cycles=3)
    looks = list(stretching)
    assert stretching.steps == stretching.total == 180
    assert all(look(0.0) is A and look(1.0) is B for look in looks)
    assert torch.equal(looks[-1].along.t, looks[-1].positions)
    best = elastic_band(surface, A, B, lr=0.02, steps=60, cycles=3, progress=False)
    assert torch.equal(stretching.so_far().along.loss, best.along.loss)


def test_two_ends_and_a_way_between_them_are_needed():
    surface = Surface(bent_valley)
    with pytest.raises(ValueError, match="two different ends"):
        elastic_band(surface, A, A)
    with pytest.raises(ValueError, match="does not lead from a to b"):
        elastic_band(surface, A, B, start=Line(B, A))
    with pytest.raises(ValueError, match="at least one"):
        elastic_band(surface, A, B, pivots=0)


def test_arguments_stay_as_they_are():
    a, b = place(-1, 0), place(1, 0)
    before = torch.get_rng_state()
    elastic_band(Surface(bent_valley), a, b, **GENTLE)
    assert coordinates(a) == [-1, 0]
    assert coordinates(b) == [1, 0]
    assert torch.equal(before, torch.get_rng_state())
