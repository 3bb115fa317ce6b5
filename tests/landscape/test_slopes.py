"""A slope is the derivative of the landscape itself, and the Hessian is the slope of the slope."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss, one_hot

from fusionlab import Data, Weights
from fusionlab.combinations import Combinations
from fusionlab.landscape import Landscape, slopes

from .test_evaluation import MODELS


class Attention(nn.Module):
    """torch's fast attention, which has no second derivative of its own."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.layer(x.flatten(1, 2)).mean(1))


@pytest.fixture(params=[*MODELS, "attention"])
def case(request):
    torch.manual_seed(0)
    model = {**MODELS, "attention": Attention}[request.param]().double()
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(53, 1, 4, 4, generator=generator, dtype=torch.double)
    data = Data(inputs, torch.randint(3, (53,), generator=generator))
    with torch.no_grad():
        for _ in range(3):
            model.train()(data.inputs)  # so that BatchNorm has seen something
    return model.eval(), data


def direction(theta: Weights, seed: int = 3) -> Weights:
    generator = torch.Generator().manual_seed(seed)
    noise = theta.map(lambda t: torch.randn(t.shape, generator=generator, dtype=t.dtype))
    return noise / noise.norm()


def difference(landscape: Landscape, theta: Weights, v: Weights, step: float = 1e-5) -> float:
    """The oracle: ⟨∇L, v⟩ by central differences of the landscape's own values."""
    places = torch.tensor([[1, step, 0], [1, -step, 0]], dtype=torch.double)
    high, low = landscape.scores(Combinations([theta, v, v], places)).loss
    return float(high - low) / (2 * step)


@pytest.mark.parametrize("policy", ["recalibrate", "fixed"])
def test_the_slope_is_that_of_the_landscape(case, policy):
    model, data = case
    landscape, theta = Landscape(model, data, batch_norm=policy), Weights.of(model)
    score, gradient = landscape.slope(theta)
    assert score == pytest.approx(landscape(theta), rel=1e-9)
    for seed in range(3):
        v = direction(theta, seed)
        assert float(gradient @ v) == pytest.approx(difference(landscape, theta, v), abs=2e-8)


def test_where_statistics_come_from_other_data_they_are_held():
    torch.manual_seed(0)
    model = MODELS["batch norm"]().double()
    generator = torch.Generator().manual_seed(1)
    data = Data(torch.randn(60, 1, 4, 4, generator=generator).double(), torch.arange(60) % 3)
    landscape = Landscape(model, data[:30], calibration=data[30:])
    theta = landscape.at(Weights.of(model))
    held = Landscape(model, data[:30], batch_norm="fixed")
    v = direction(theta)
    assert float(landscape.slope(theta)[1] @ v) == pytest.approx(
        difference(held, theta, v), abs=1e-8
    )


def test_the_hessian_is_the_slope_of_the_slope_with_statistics_held(case):
    model, data = case
    landscape = Landscape(model, data)
    theta = landscape.at(Weights.of(model))
    fixed, hessian, v = Landscape(model, data, batch_norm="fixed"), landscape.hessian(theta), None
    for seed in range(2):
        v, step = direction(theta, seed), 1e-5
        ahead, behind = (Weights(theta + s * v, theta.buffers) for s in (step, -step))
        expected = (fixed.slope(ahead)[1] - fixed.slope(behind)[1]) / (2 * step)
        torch.testing.assert_close(hessian(v.flat()[None])[0], expected.flat(), atol=2e-7, rtol=0)


def test_many_directions_at_once_are_one_after_another(case):
    model, data = case
    landscape, theta = Landscape(model, data), Weights.of(model)
    hessian = landscape.hessian(theta)
    vectors = torch.stack([direction(theta, seed).flat() for seed in range(11)])
    one_by_one = torch.cat([hessian(v[None]) for v in vectors])
    hessian.together = 4
    torch.testing.assert_close(hessian(vectors), one_by_one)


def test_the_hessian_is_that_of_torch():
    torch.manual_seed(0)
    model = MODELS["mlp"]().double()
    data = Data(torch.randn(20, 1, 4, 4).double(), torch.arange(20) % 3)
    theta = Weights.of(model)
    hessian = Landscape(model, data).hessian(theta)

    def loss(flat):
        logits = torch.func.functional_call(model, dict(hessian.point(flat)), (data.inputs,))
        return nn.functional.cross_entropy(logits, data.labels)

    expected = torch.func.hessian(loss)(theta.flat())
    torch.testing.assert_close(hessian(torch.eye(theta.size).double()), expected)


def test_memory_sets_the_batches_and_not_the_numbers(case, monkeypatch):
    model, data = case
    theta = Weights.of(model)
    whole = Landscape(model, data, batch_norm="fixed")
    v = direction(theta).flat()[None]
    gradient, product = whole.slope(theta)[1], whole.hessian(theta)(v)
    monkeypatch.setattr(slopes, "BATCH_BYTES", 10 * whole._slopes.bytes)
    monkeypatch.setattr(slopes, "KEPT_BYTES", 0)
    parts = Landscape(model, data, batch_norm="fixed")
    assert len(list(parts._slopes._batches())) == 6
    torch.testing.assert_close(parts.slope(theta)[1].flat(), gradient.flat())
    torch.testing.assert_close(parts.hessian(theta)(v), product)


def test_the_bytes_of_a_row_are_what_its_graph_holds():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 1000), nn.Tanh(), nn.Linear(1000, 3))
    data = Data(torch.randn(9, 1, 4, 4), torch.arange(9) % 3)
    held = Landscape(model, data)._slopes.bytes
    assert 2 * 4 * 1000 <= held <= 3 * 4 * 1000, "the hidden layer and its slope, in float32"


def test_any_loss_that_is_smooth_will_do():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3, bias=False)).double()
    data = Data(torch.randn(40, 1, 4, 4).double(), torch.arange(40) % 3)

    def squares(logits, labels):
        return mse_loss(logits, one_hot(labels, 3).to(logits))

    landscape, theta = Landscape(model, data, squares), Weights.of(model)
    x = data.inputs.flatten(1)
    rest = x @ theta["1.weight"].T - one_hot(data.labels, 3)
    score, gradient = landscape.slope(theta)
    assert score.loss == pytest.approx(rest.square().mean().item())
    torch.testing.assert_close(gradient["1.weight"], 2 * rest.T @ x / rest.numel())
    expected = torch.kron(torch.eye(3).double(), 2 * x.T @ x / rest.numel())
    torch.testing.assert_close(landscape.hessian(theta)(torch.eye(48).double()), expected)


def test_a_parameter_that_is_not_used_has_slope_zero():
    class Idle(nn.Linear):
        def forward(self, x):
            return nn.functional.linear(x.flatten(1), self.weight)

    torch.manual_seed(0)
    data = Data(torch.randn(9, 1, 4, 4), torch.arange(9) % 3)
    model = Idle(16, 3)
    landscape, theta = Landscape(model, data), Weights.of(model)
    assert not landscape.slope(theta)[1]["bias"].any()
    assert not landscape.hessian(theta)(torch.ones(1, 51))[0, -3:].any()


def test_the_model_its_gradients_and_the_random_state_stay(case):
    model, data = case
    model.train()
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    theta = Weights.of(model)
    with torch.no_grad():  # as a notebook's cell may well do
        landscape = Landscape(model, data)
        landscape.slope(theta)
        landscape.hessian(theta)(direction(theta).flat()[None])
    after = model.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert not any(t.requires_grad for t in theta.values())
    assert model.training
    assert torch.equal(torch.get_rng_state(), random)


def test_another_space_is_refused(case):
    model, data = case
    stranger = Weights.of(nn.Linear(2, 3))
    with pytest.raises(ValueError, match="different spaces"):
        Landscape(model, data).slope(stranger)
