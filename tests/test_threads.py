"""Small steps have one thread, and the caller's setting comes back."""

import pytest
import torch
from torch import nn

from fusionlab.costs import cost
from fusionlab.threads import threads, threads_worth


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_a_small_step_is_worth_one_thread():
    assert threads_worth(nn.Linear(64, 32), torch.zeros(32, 64)) == 1


def test_a_large_step_is_worth_all():
    assert threads_worth(nn.Linear(512, 512), torch.zeros(32, 512)) == 2


def test_the_setting_comes_back_even_after_an_error():
    seen = []

    def fail():
        with threads(1):
            seen.append(torch.get_num_threads())
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        fail()
    assert seen == [1]
    assert torch.get_num_threads() == 2


def test_operations_are_counted_at_every_place_and_nothing_is_changed():
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 25, 7)
    )
    network[1].eval()
    mean = network[1].running_mean.clone()
    counted = cost(network, torch.ones(2, 3, 5, 5))
    assert counted.flops == 2 * (4 * 3 * 9 * 25 + 4 * 25 * 7)
    assert counted.bytes == 4 * 4 * 25
    assert network.training
    assert not network[1].training
    assert torch.equal(network[1].running_mean, mean)
