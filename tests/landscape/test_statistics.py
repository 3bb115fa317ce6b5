"""Recalibrated statistics are those that the network has on the data."""

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from fusionlab import Data, Weights
from fusionlab.landscape import recalibrate


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.BatchNorm2d(5)
    )


@pytest.fixture
def data():
    return Data(3 + 2 * torch.randn(50, 1, 8, 8), torch.arange(50) % 2)


def test_the_statistics_of_each_layer_are_the_moments_of_its_input(data):
    model = network()
    theta = recalibrate(model, 0.5 * Weights.of(model), data)
    fresh = theta.to(model).eval()
    for depth in (1, 4):
        seen = fresh[:depth](data.inputs)
        variance, mean = torch.var_mean(seen, (0, 2, 3), correction=0)
        torch.testing.assert_close(fresh[depth].running_mean, mean, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(fresh[depth].running_var, variance, rtol=1e-4, atol=1e-5)


def test_they_agree_with_torchs_update_bn_up_to_its_unbiased_variance(data):
    model = network()
    theta = recalibrate(model, Weights.of(model), data)
    update_bn([data.inputs], model)
    values = data.inputs.shape[0] * 6 * 6
    torch.testing.assert_close(theta.buffers["1.running_mean"], model[1].running_mean)
    torch.testing.assert_close(
        theta.buffers["1.running_var"] * values / (values - 1), model[1].running_var
    )


def test_ragged_batches_count_by_their_size(data):
    model = network()
    theta = Weights.of(model)
    whole = recalibrate(model, theta, data).buffers
    ragged = recalibrate(model, theta, data, batch_size=49).buffers
    for name in ("1.running_mean", "1.running_var"):  # the first layer sees the data themselves
        torch.testing.assert_close(ragged[name], whole[name], rtol=1e-4, atol=1e-5)
    assert ragged["1.num_batches_tracked"] == 2


def test_nothing_else_changes_and_other_networks_pass(data):
    model = network().eval()
    before = Weights.of(model)
    theta = recalibrate(model, before, data)
    assert (theta - before).norm() == 0
    assert not model.training
    assert torch.equal(model[1].running_mean, before.buffers["1.running_mean"])
    plain = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    assert not recalibrate(plain, Weights.of(plain), data).buffers


def test_a_layer_used_twice_or_a_bare_batch_norm_is_measured():
    norm = nn.BatchNorm1d(3)
    twice = nn.Sequential(norm, nn.ReLU(), norm)
    data = Data(torch.randn(40, 3), torch.arange(40) % 2)
    assert "0.running_mean" in recalibrate(twice, Weights.of(twice), data).buffers
    bare = recalibrate(norm, Weights.of(norm), data)
    torch.testing.assert_close(bare.buffers["running_mean"], data.inputs.mean(0))
