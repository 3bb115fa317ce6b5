"""A survey begins coarse, ends exact, and can be left and taken up at any moment."""

import os
import random
import signal
import time

import pytest
import torch
from torch import nn

from fusionlab import Data, Weights
from fusionlab.landscape import Landscape, Plane, Score, Scores, Survey, survey
from fusionlab.landscape.interpolation import Lattice, Readings, fuse

U, V = (Weights({"w": torch.tensor(w, dtype=torch.double)}) for w in ([1.0, 0.0], [0.0, 1.0]))
PLANE = Plane.around(0 * U, U, V)
X, Y = torch.linspace(-1, 3, 17), torch.linspace(0, 2, 11)


def bowl(theta: Weights) -> Score:
    """Stand-in landscape without symmetry: (w₀ − 1)² + 3 w₁ + 0.5."""
    w = theta["w"]
    return Score(((w[0] - 1) ** 2 + 3 * w[1] + 0.5).item(), 1 / (1 + w[1].item()))


def real_landscape(rows: int = 700) -> tuple[Landscape, Plane]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
    data = Data(torch.randn(rows, 4), torch.arange(rows) % 3)
    return Landscape(model, data), Plane.random(Weights.of(model), seed=0)


def test_row_i_and_column_j_stand_at_y_i_and_x_j():
    surface = survey(bowl, PLANE, X, Y)
    assert surface.loss.shape == surface.accuracy.shape == (11, 17)
    x, y = torch.meshgrid(X.double(), Y.double(), indexing="xy")
    torch.testing.assert_close(surface.loss, (x - 1) ** 2 + 3 * y + 0.5)
    torch.testing.assert_close(surface.accuracy, 1 / (1 + y))
    assert surface.share == 1


@pytest.mark.parametrize("shape", [(17, 11), (41, 41), (5, 2), (1, 1), (6, 30)])
def test_a_survey_ends_as_the_exact_grid(shape):
    x, y = torch.linspace(-1, 3, shape[0]), torch.linspace(0, 2, shape[1])
    exact = survey(bowl, PLANE, x, y)
    pictures = list(Survey(bowl, PLANE, x, y))
    assert torch.equal(pictures[-1].loss, exact.loss)
    assert torch.equal(pictures[-1].accuracy, exact.accuracy)
    assert pictures[-1].exact.all()


def test_of_a_network_too_with_a_sample_of_its_data_first():
    landscape, plane = real_landscape()
    x = torch.linspace(-1, 1, 21)
    exact = survey(landscape, plane, x, x)
    pictures = list(Survey(landscape, plane, x, x))
    assert pictures[0].share == 0, "the first picture needs no exact point"
    assert not pictures[0].loss.isnan().any()
    torch.testing.assert_close(pictures[-1].loss, exact.loss)
    shares = [picture.share for picture in pictures]
    assert shares == sorted(shares)


def test_the_refined_picture_is_close_before_it_is_exact():
    landscape, plane = real_landscape()
    x = torch.linspace(-1, 1, 41)
    exact = survey(landscape, plane, x, x).loss.log()
    walk = Survey(landscape, plane, x, x)
    early = next(p for p in walk if p.share >= 121 / 1681)
    wrong = (early.loss.log() - exact).abs().mean() / (exact.max() - exact.min())
    assert early.share < 0.5
    assert wrong < 0.005


def test_measured_points_are_kept_as_measured():
    landscape, plane = real_landscape()
    x = torch.linspace(-1, 1, 21)
    exact = survey(landscape, plane, x, x)
    for picture in Survey(landscape, plane, x, x):
        torch.testing.assert_close(picture.loss[picture.exact], exact.loss[picture.exact])


class Counting:
    """A landscape that counts its points, and can be interrupted."""

    def __init__(self, stop: int | None = None):
        self.seen, self.stop = [], stop

    def __call__(self, theta):
        if len(self.seen) == self.stop:
            self.stop = None
            raise KeyboardInterrupt
        self.seen.append(tuple(theta["w"].tolist()))
        return bowl(theta)


def test_no_point_is_measured_twice_when_one_stops_and_goes_on():
    counting = Counting()
    walk = Survey(counting, PLANE, X, Y)
    for _ in walk:
        break
    assert 0 < len(counting.seen) <= 17 * 11
    walk.finish()
    assert len(counting.seen) == len(set(counting.seen)) == 17 * 11


def test_an_interrupt_loses_only_the_round_at_hand():
    counting = Counting(stop=40)
    walk = Survey(counting, PLANE, X, Y)
    with pytest.raises(KeyboardInterrupt):
        walk.finish()
    assert torch.equal(walk.finish().loss, survey(bowl, PLANE, X, Y).loss)


def gap(known: torch.Tensor) -> float:
    """How far a point of the grid may be from the nearest known one, in steps of the grid."""
    everywhere = torch.ones_like(known).nonzero().double()
    return torch.cdist(everywhere, known.nonzero().double()).min(1).values.max().item()


class Slow(Counting):
    """A landscape so slow that each step of a survey measures few points."""

    def __call__(self, theta):
        time.sleep(0.01)
        return super().__call__(theta)


def test_the_first_points_of_a_slow_survey_cover_the_whole_square():
    x = torch.linspace(-1, 1, 41)
    walk, gaps = Survey(Slow(), PLANE, x, x + 2), {}
    for picture in walk:
        known = int(picture.exact.sum())
        gaps[known] = gap(picture.exact)
        assert picture.loss.isnan().any() == (known < 9), "grey until the points reach all over"
        if known > 150:
            break
    assert len(gaps) > 5
    for known, farthest in gaps.items():
        # The circles around the known points that cover the square; twice the best is even.
        assert farthest < 2 * 41 / known**0.5, known
    assert gaps[max(gaps)] < 4


def test_any_number_of_first_points_leaves_no_large_gap():
    lattice, nothing = Lattice.every(1, 41, 61), Readings.none(41, 61)
    order = nothing.missing(lattice)
    assert sorted(order.tolist()) == list(range(41 * 61))
    for count in range(9, 1000, 13):
        known = torch.zeros(41 * 61, dtype=torch.bool)
        known[order[:count]] = True
        assert gap(known.view(41, 61)) < 2 * (41 * 61 / count) ** 0.5, count


def test_a_picture_of_few_scattered_points_is_near_a_smooth_loss():
    x = torch.linspace(-1, 3, 41).double()
    levels = [Lattice.every(stride, 41, 41) for stride in (4, 2, 1)]
    true = survey(bowl, PLANE, x, x / 2 + 1).loss
    off = {}
    for count in (9, 25, 60):
        readings = Readings.none(41, 41)
        rows = readings.missing(levels[0])[:count]
        readings.put(rows, Scores(true.flatten()[rows], true.flatten()[rows]))
        guess = fuse(readings, Readings.none(41, 41), levels)
        assert torch.equal(guess.loss.flatten()[rows], true.flatten()[rows])
        off[count] = (guess.loss - true).abs().mean().item() / (true.max() - true.min()).item()
    assert off[9] > off[25] > off[60]
    assert off[25] < 0.02


def test_nothing_measured_is_no_picture():
    with pytest.raises(ValueError, match="nothing is measured yet"):
        Survey(bowl, PLANE, X, Y).surface()


def test_walls_where_the_loss_overflows_do_not_spoil_the_rest():
    def cliff(theta):
        score = bowl(theta)
        return score if theta["w"][0] < 2.5 else Score(float("inf"), 0.0)

    for picture in Survey(cliff, PLANE, X, Y):
        assert picture.loss[:, 0].isfinite().all()
    assert picture.loss[:, -1].isinf().all()


def test_a_survey_on_disk_goes_on_where_it_was_left(tmp_path):
    file = tmp_path / "survey.safetensors"
    first = Counting(stop=60)
    with pytest.raises(KeyboardInterrupt):
        Survey(first, PLANE, X, Y, file=file).finish()
    done = len(set(first.seen))
    second = Counting()
    Survey(second, PLANE, X, Y, file=file).finish()
    assert len(second.seen) <= 17 * 11
    third = Counting()
    assert torch.equal(
        Survey(third, PLANE, X, Y, file=file).finish().loss, survey(bowl, PLANE, X, Y).loss
    )
    assert done > 0
    assert third.seen == []


def test_a_file_of_another_survey_is_refused(tmp_path):
    file = tmp_path / "survey.safetensors"
    Survey(bowl, PLANE, X, Y, file=file).finish()
    with pytest.raises(ValueError, match="another plane"):
        Survey(bowl, PLANE, X, 2 * Y, file=file)


def test_killed_in_the_middle_a_survey_loses_nothing_that_was_kept(tmp_path):
    file = tmp_path / "survey.safetensors"
    exact = survey(bowl, PLANE, X, Y).loss

    def slow(theta):
        time.sleep(0.002)
        return bowl(theta)

    generator, share, kills = random.Random(0), 0.0, 0
    while share < 1 and kills < 60:
        child = os.fork()
        if child == 0:
            torch.set_num_threads(1)
            Survey(slow, PLANE, X, Y, file=file).finish()
            os._exit(0)
        time.sleep(generator.uniform(0.0, 0.03) if kills < 20 else 0.4)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        kills += 1
        if file.exists():
            surface = Survey(bowl, PLANE, X, Y, file=file).surface()
            assert surface.share >= share, "kept points were lost"
            assert torch.equal(surface.loss[surface.exact], exact[surface.exact])
            share = surface.share
    assert kills >= 20
    assert share == 1
