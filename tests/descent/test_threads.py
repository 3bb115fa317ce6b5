"""Small steps have one thread, and the caller's setting comes back."""

import pytest
import torch
from torch import nn

from fusionlab.descent import few_threads


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_a_small_step_has_one_thread():
    with few_threads(nn.Linear(64, 32), rows=32):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("network", [nn.Linear(512, 512), nn.Conv2d(1, 2, 3)])
def test_a_larger_step_and_a_convolution_keep_theirs(network):
    with few_threads(network, rows=32):
        assert torch.get_num_threads() == 2


def test_the_setting_comes_back_after_an_error():
    with pytest.raises(ValueError, match="on purpose"), few_threads(nn.Linear(4, 4), rows=1):
        raise ValueError("on purpose")
    assert torch.get_num_threads() == 2
