"""An evaluation can be stopped between two layers, and nothing half done is kept."""

import threading

import pytest
import torch
from torch import nn

from fusionlab import Data, Weights
from fusionlab.checkpoints import load
from fusionlab.landscape import Landscape, Plane, Survey
from fusionlab.landscape.stopping import Stopped, stops_when

DATA = Data(torch.randn(40, 1, 6, 6), torch.arange(40) % 3)
NETWORK = nn.Sequential(
    nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)
)
THETA = Weights.of(NETWORK)


class Countdown:
    """A wish to stop that comes at the n-th look."""

    def __init__(self, looks: int) -> None:
        self.left = looks

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_an_evaluation_stops_between_two_layers():
    passed = []
    network = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.Tanh(), nn.Linear(8, 3))
    network[2].register_forward_hook(lambda *_: passed.append(1))
    landscape = Landscape(network, DATA)
    landscape(Weights.of(network))
    passed.clear()
    with stops_when(Countdown(1)), pytest.raises(Stopped):
        landscape.logits(Weights.of(network), DATA.inputs)
    assert passed == [1]  # past the first linear layer, not past the second


def test_without_a_wish_or_after_it_nothing_is_stopped():
    landscape = Landscape(NETWORK, DATA)
    before = landscape(THETA)
    with stops_when(lambda: True), pytest.raises(Stopped):
        landscape(THETA)
    with stops_when(lambda: False):
        assert landscape(THETA) == before
    assert landscape(THETA) == before


@pytest.mark.parametrize("rows", [7, 40])
def test_statistics_that_were_half_measured_do_not_leak_into_the_next_point(rows):
    calibration = Data(torch.randn(60, 1, 6, 6), torch.zeros(60, dtype=torch.long))
    landscape = Landscape(NETWORK, DATA[:rows], calibration=calibration)
    truth = Landscape(NETWORK, DATA[:rows], calibration=calibration)(THETA)
    elsewhere = THETA.map(lambda t: 3 * t + 1)
    for looks in range(1, 6):
        with stops_when(Countdown(looks)), pytest.raises(Stopped):
            landscape(elsewhere)
        assert landscape(THETA) == truth


def test_a_wish_reaches_the_threads_of_the_pool():
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.Flatten(), nn.Linear(128, 3))
    landscape, theta = Landscape(model, DATA), Weights.of(model)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with stops_when(Countdown(5)), pytest.raises(Stopped):
            landscape.scores([theta] * 12)
        assert len(landscape.scores([theta] * 12)) == 12
    finally:
        torch.set_num_threads(threads)


def test_another_threads_evaluation_goes_on():
    landscape, found = Landscape(NETWORK, DATA), []
    with stops_when(lambda: True):
        other = threading.Thread(target=lambda: found.append(landscape(THETA)))
        other.start()
        other.join()
    assert len(found) == 1


def test_a_survey_that_is_stopped_keeps_whole_points_only_and_goes_on(tmp_path):
    plane, x = Plane.random(THETA, seed=0), torch.linspace(-1, 1, 9)
    landscape = Landscape(NETWORK, DATA, batch_norm="fixed")
    truth = Survey(landscape, plane, x, x).finish()
    kept = []
    for looks in range(2, 40, 4):
        file = tmp_path / f"{looks}.safetensors"
        walk = Survey(landscape, plane, x, x, file=file)
        with stops_when(Countdown(looks)), pytest.raises(Stopped):
            walk.finish()
        if walk._exact.known.any():  # what an earlier round has measured is on file
            kept.append(int(load(file).theta["known"].sum()))
            assert kept[-1] == int(walk._exact.known.sum())
        assert torch.equal(Survey(landscape, plane, x, x, file=file).finish().loss, truth.loss)
        assert torch.equal(walk.finish().loss, truth.loss)
    assert 0 < kept[0] < kept[-1] < truth.loss.numel()


def test_a_sample_of_a_landscape_shares_its_network():
    landscape = Landscape(NETWORK, DATA)
    assert landscape.sample(10)._work.network is landscape._work.network
