"""What people bring to a landscape, each kind once, beside the value that plain PyTorch gives."""

import random
import warnings
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.functional import cross_entropy
from torch.nn.utils import parametrizations, prune
from torch.nn.utils import spectral_norm as old_spectral_norm
from torch.nn.utils import weight_norm as old_weight_norm

from fusionlab import Data, Weights, lerp
from fusionlab.combinations import Combinations
from fusionlab.landscape import Landscape, Plane, eigenpairs, recalibrate, score_all, survey

WIDE = 300  # inputs at which a first layer is worth computing once


def rows(n=60, width=8, classes=3, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return Data(torch.randn(n, width, generator=generator), torch.arange(n) % classes)


def plain(model, theta, data, loss=cross_entropy):
    """The reader's loop."""
    network = theta.to(model)
    network.train()
    network.eval()
    with torch.no_grad():
        return loss(network(data.inputs.clone()), data.targets).item()


def beside(theta, seed=2, size=0.3):
    generator = torch.Generator().manual_seed(seed)
    noise = theta.map(lambda t: torch.randn(t.shape, generator=generator, dtype=t.dtype))
    return Weights(theta + size * noise, theta.buffers)


def line(a, b, points=5):
    t = torch.linspace(0, 1, points)
    return Combinations([a, b], torch.stack([1 - t, t], 1))


def head(layer, width=8):
    return nn.Sequential(layer, nn.ReLU(), nn.Linear(width, 3))


class NormAct(nn.BatchNorm1d):
    def forward(self, x):
        return torch.relu(super().forward(x))


def test_a_norm_that_holds_an_activation_keeps_it():
    torch.manual_seed(0)
    model, data = nn.Sequential(nn.Linear(8, 16), NormAct(16), nn.Linear(16, 3)), rows()
    theta = Weights.of(model)
    right = cross_entropy(model.train()(data.inputs), data.targets)
    gradient = torch.autograd.grad(right, list(model.parameters()))
    landscape = Landscape(model, data)
    assert landscape(theta).loss == pytest.approx(right.item(), rel=1e-5)
    for mine, own in zip(landscape.slope(theta)[1].values(), gradient, strict=True):
        torch.testing.assert_close(mine, own, rtol=1e-3, atol=1e-6)


def test_a_norm_that_holds_an_activation_measures_what_its_own_pass_does():
    torch.manual_seed(0)
    model, data = nn.Sequential(nn.Linear(8, 16), NormAct(16), nn.Linear(16, 3)), rows()
    seen = model[0](data.inputs).detach()
    buffers = recalibrate(model, Weights.of(model), data).buffers
    torch.testing.assert_close(buffers["1.running_mean"], seen.mean(0))
    torch.testing.assert_close(buffers["1.running_var"], seen.var(0, correction=0))


def test_instance_norm_with_statistics_is_measured_by_instance():
    torch.manual_seed(0)
    norm = nn.InstanceNorm2d(4, affine=True, track_running_stats=True)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), norm, nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    images = torch.randn(30, 1, 6, 6) * torch.linspace(0.2, 3, 30).view(-1, 1, 1, 1)
    data, theta = Data(images, torch.arange(30) % 3), Weights.of(model)
    seen = model[0](images).detach().flatten(2)
    own = {"1.running_mean": seen.mean(2).mean(0), "1.running_var": seen.var(2).mean(0)}
    measured = recalibrate(model, theta, data).buffers
    for name, right in own.items():
        torch.testing.assert_close(measured[name], right)
    right = plain(model, Weights(theta, {**theta.buffers, **own}), data)
    assert Landscape(model, data)(theta).loss == pytest.approx(right, rel=1e-5)


class LowRank(nn.Linear):
    def __init__(self, width, out):
        super().__init__(width, out)
        self.A = nn.Parameter(torch.randn(2, width) * 0.1)
        self.B = nn.Parameter(torch.randn(out, 2))

    def forward(self, x):
        return functional.linear(x, self.weight + self.B @ self.A, self.bias)


FIRST = {
    "weight norm": lambda: parametrizations.weight_norm(nn.Linear(WIDE, 8)),
    "spectral norm": lambda: parametrizations.spectral_norm(nn.Linear(WIDE, 8)),
    "orthogonal": lambda: parametrizations.orthogonal(nn.Linear(WIDE, 8)),
    "old weight norm": lambda: old_weight_norm(nn.Linear(WIDE, 8)),
    "old spectral norm": lambda: old_spectral_norm(nn.Linear(WIDE, 8)),
    "low rank": lambda: LowRank(WIDE, 8),
    "pruned": lambda: prune.l1_unstructured(nn.Linear(WIDE, 8), "weight", 0.5),
    "plain": lambda: nn.Linear(WIDE, 8),
}


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore:these points bring:RuntimeWarning")
@pytest.mark.parametrize("kind", FIRST)
def test_a_first_layer_on_a_line_is_what_it_is_at_each_point(kind):
    torch.manual_seed(0)
    model, data = head(FIRST[kind]()), rows(width=WIDE)
    a, b = Weights.of(model), Weights.of(head(FIRST[kind]()))
    b = Weights(b, a.buffers)
    scores = Landscape(model, data).scores(line(a, b)).loss.tolist()
    right = [plain(model, Weights(theta, a.buffers), data) for theta in line(a, b)]
    assert scores == pytest.approx(right, rel=1e-5)


class Reads(nn.Module):
    """A tied decoder, and the norm of a weight as a number."""

    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Linear(WIDE, 8), nn.Linear(WIDE, 3)

    def forward(self, x):
        h = torch.relu(self.first(x)) / self.first.weight.norm().item()
        return self.head(functional.linear(h, self.first.weight.T))


@pytest.mark.filterwarnings("ignore:.*not linear in its weights:RuntimeWarning")
def test_a_weight_that_is_read_elsewhere_is_the_points_own():
    torch.manual_seed(0)
    model, data = Reads(), rows(width=WIDE)
    a, b = Weights.of(model), Weights.of(Reads())
    scores = Landscape(model, data).scores(line(a, b)).loss.tolist()
    assert scores == pytest.approx([plain(model, p, data) for p in line(a, b)], rel=1e-5)


class Caches(nn.Linear):
    """Keeps what it made of its weight, from the first call in evaluation mode."""

    kept = None

    def train(self, mode=True):
        self.kept = None
        return super().train(mode)

    def forward(self, x):
        if self.training:
            return functional.linear(x, self.weight.tanh(), self.bias)
        if self.kept is None:
            self.kept = self.weight.tanh().detach()
        return functional.linear(x, self.kept, self.bias)


def test_a_layer_that_caches_in_evaluation_mode_is_scored_at_each_point_and_has_a_slope():
    torch.manual_seed(0)
    model, data = head(Caches(8, 8)).eval(), rows()
    model(data.inputs)
    a = Weights.of(model)
    b = beside(a)
    landscape = Landscape(model, data)
    assert [landscape(p).loss for p in (a, b)] == pytest.approx(
        [plain(model, p, data) for p in (a, b)], rel=1e-5
    )
    training = b.to(model)
    training.train()
    loss = cross_entropy(training(data.inputs), data.targets)
    [own] = torch.autograd.grad(loss, [training[0].weight])
    torch.testing.assert_close(landscape.slope(b)[1]["0.weight"], own, rtol=1e-4, atol=1e-7)


def test_a_cache_of_attention_biases_that_begin_at_zero_is_seen():
    class Biased(nn.Module):
        def __init__(self):
            super().__init__()
            self.biases, self.head = nn.Parameter(torch.zeros(8)), nn.Linear(8, 3)
            self.kept = {}

        def train(self, mode=True):
            self.kept.clear()
            return super().train(mode)

        def forward(self, x):
            if self.training:
                return self.head((x + self.biases).softmax(1))
            key = str(x.device)
            if key not in self.kept:
                self.kept[key] = self.biases * 1
            return self.head((x + self.kept[key]).softmax(1))

    torch.manual_seed(0)
    model, data = Biased(), rows()
    landscape, b = Landscape(model, data), beside(Weights.of(model), size=2.0)
    landscape(Weights.of(model))
    assert landscape(b).loss == pytest.approx(plain(model, b, data), rel=1e-5)


class Standardises(nn.Module):
    def __init__(self, mean=0.0, std=1.0, width=8):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))
        self.layer, self.head = nn.Linear(width, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(torch.relu(self.layer((x - self.mean) / self.std)))


@pytest.mark.parametrize("width", [8, WIDE])
@pytest.mark.filterwarnings("ignore:these points bring:RuntimeWarning")
def test_a_point_brings_its_buffers_to_scores_logits_and_slopes_alike(width):
    torch.manual_seed(0)
    fresh, data = Standardises(width=width), rows(width=width)
    a, b = (Weights.of(Standardises(*s, width)) for s in ((2.0, 0.1), (1.0, 0.2)))
    landscape = Landscape(fresh, data)
    right = plain(fresh, b, data)
    assert right != pytest.approx(plain(fresh, Weights(b), data), rel=1e-2)
    assert landscape(b).loss == pytest.approx(right, rel=1e-5)
    assert landscape.slope(b)[0].loss == pytest.approx(right, rel=1e-5)
    logits = landscape.logits(b, data.inputs)
    assert cross_entropy(logits, data.targets).item() == pytest.approx(right, rel=1e-5)
    ends = landscape.scores(line(a, b)).loss[[0, -1]].tolist()
    assert ends == pytest.approx([plain(fresh, p, data) for p in (a, b)], rel=1e-5)


def test_between_points_with_buffers_of_their_own_the_reader_is_told_once():
    torch.manual_seed(0)
    a, b = (Weights.of(Standardises(m, 0.5)) for m in (1.0, 2.0))
    model, data = Standardises(), rows()
    landscape = Landscape(model, data)
    with pytest.warns(RuntimeWarning, match="bring buffers of their own") as told:  # noqa: PT031
        scores = landscape.scores(line(a, b, 3)).loss
        landscape.scores(line(a, b, 3))
    assert len(told) == 1
    assert told[0].filename == __file__
    assert scores[1].item() == pytest.approx(plain(model, lerp(a, b, 0.5), data), rel=1e-5)


class Writes(nn.Linear):
    def forward(self, x):
        x -= 0.5
        x /= 0.25
        return super().forward(x)


class WritesUnseen(nn.Linear):
    def forward(self, x):
        x.data -= 0.5
        x.numpy()[:] *= 4
        return super().forward(x)


@pytest.mark.parametrize("kind", [Writes, WritesUnseen, nn.ReLU], ids=lambda k: k.__name__)
def test_a_forward_that_writes_into_its_input_leaves_the_readers_data(kind):
    torch.manual_seed(0)
    layer = kind(inplace=True) if kind is nn.ReLU else kind(8, 8)
    model, data = nn.Sequential(layer, nn.Linear(8, 3)), rows()
    before, theta = data.inputs.clone(), Weights.of(model)
    right = cross_entropy(model(before.clone()), data.targets).item()
    landscape = Landscape(model, data)
    assert [landscape(theta).loss for _ in range(3)] == pytest.approx([right] * 3, rel=1e-5)
    plane, x = Plane.random(theta, seed=0), torch.linspace(-1, 1, 3)
    corner = survey(landscape, plane, x, x).loss[0, 0].item()
    assert corner == pytest.approx(plain(model, plane(-1.0, -1.0), data), rel=1e-5)
    landscape.slope(theta)
    landscape.logits(theta, data.inputs)
    assert torch.equal(data.inputs, before)


def test_an_embedding_that_bounds_its_weights_leaves_the_readers_point():
    torch.manual_seed(0)
    layers = [nn.Embedding(10, 4, max_norm=1.0), nn.Flatten(), nn.Linear(12, 3)]
    model, data = nn.Sequential(*layers), Data(torch.randint(10, (30, 3)), torch.arange(30) % 3)
    theta = 5 * Weights.of(model)
    before = {name: t.clone() for name, t in theta.items()}
    landscape = Landscape(model, data)
    right = plain(model, theta, data)
    assert landscape(theta).loss == pytest.approx(right, rel=1e-5)
    landscape.logits(theta, data.inputs)
    landscape.slope(theta)
    assert all(torch.equal(theta[name], t) for name, t in before.items())


def sorted_rows(n=3000):
    generator = torch.Generator().manual_seed(0)
    return Data(torch.randn(n, 8, generator=generator), torch.arange(n) // (n // 2))


@pytest.mark.parametrize(
    "settings", [{"weight": torch.tensor([1.0, 4.0])}, {"ignore_index": 1}], ids=str
)
def test_a_weighted_mean_is_that_of_all_rows_however_they_are_divided(settings):
    torch.manual_seed(0)
    model, data = nn.Linear(8, 2), sorted_rows()
    theta = Weights.of(model)
    right = cross_entropy(model(data.inputs), data.targets, **settings).item()
    for loss in (partial(cross_entropy, **settings), nn.CrossEntropyLoss(**settings)):
        landscape = Landscape(model, data, loss)
        assert landscape(theta).loss == pytest.approx(right, rel=1e-5)
        assert landscape.slope(theta)[0].loss == pytest.approx(right, rel=1e-5)


def test_a_loss_that_is_no_mean_is_refused_also_where_only_rare_rows_show_it():
    torch.manual_seed(0)
    labels = torch.cat([torch.zeros(3000), torch.ones(30), torch.full((2970,), 2.0)]).long()
    model, data = nn.Linear(8, 3), Data(torch.randn(6000, 8), labels)
    weight = torch.tensor([1.0, 50.0, 1.0])
    with pytest.raises(ValueError, match="not a plain mean"):
        Landscape(model, data, lambda o, t: cross_entropy(o, t, weight=weight))(Weights.of(model))
    with pytest.raises(ValueError, match="not a mean"):
        Landscape(model, data, nn.CrossEntropyLoss(reduction="sum"))


def test_one_logit_has_the_readers_loss_and_a_curvature():
    torch.manual_seed(0)
    model, data = nn.Linear(8, 1), rows(classes=2)
    theta = Weights.of(model)

    def loss(z, y):
        return functional.binary_cross_entropy_with_logits(z.squeeze(-1), y.float())

    landscape = Landscape(model, data, loss)
    assert landscape(theta).loss == pytest.approx(plain(model, theta, data, loss), rel=1e-5)
    assert eigenpairs(landscape, theta, k=1, progress=False).values[0] > 0


def test_more_labels_than_scores_are_told_in_the_readers_terms():
    model = nn.Linear(8, 3)
    data = Data(rows().inputs, rows().targets + 1)
    with pytest.raises(ValueError, match="3"):
        Landscape(model, data)(Weights.of(model))


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("kind", ["old weight norm", "pruned"])
def test_a_network_with_computed_tensors_can_be_copied(kind):
    torch.manual_seed(0)
    model, data = head(FIRST[kind]()), rows(width=WIDE)
    theta = Weights.of(model)
    right = cross_entropy(model(data.inputs), data.targets).item()
    assert Landscape(model, data)(theta).loss == pytest.approx(right, rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
@pytest.mark.parametrize("policy", ["fixed", "interpolate", "recalibrate"])
def test_points_of_half_precision_are_scored_as_in_float32(dtype, policy):
    torch.manual_seed(0)
    model, data = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)), rows()
    a = Weights.of(model)
    full = Landscape(model, data, batch_norm=policy)(a).loss
    half = Landscape(model, data, batch_norm=policy)(a.move(dtype=dtype)).loss
    assert half == pytest.approx(full, rel=1e-2)
    assert recalibrate(model, a.move(dtype=dtype), data).buffers["1.running_var"].dtype is dtype


def test_small_steps_around_a_point_of_half_precision_are_no_terraces():
    torch.manual_seed(0)
    model, data = head(nn.Linear(8, 8)), rows()
    theta = Weights.of(model).move(dtype=torch.bfloat16)
    wide = theta.move(dtype=torch.float32)
    x = torch.linspace(-0.02, 0.02, 9)
    u, v = (beside(wide, seed, 0.1) - wide for seed in (2, 3))
    seen = survey(Landscape(model, data), Plane.around(theta, u, v), x, torch.zeros(1)).loss[0]
    right = survey(Landscape(model, data), Plane.around(wide, u, v), x, torch.zeros(1)).loss[0]
    assert len(set(seen.tolist())) == 9
    torch.testing.assert_close(seen, right, rtol=1e-4, atol=0)


@pytest.mark.parametrize("policy", ["fixed", "recalibrate"])
def test_points_of_double_precision_take_their_buffers_with_them(policy):
    class Projects(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("matrix", torch.randn(8, 8))
            self.norm, self.layer = nn.BatchNorm1d(8), nn.Linear(8, 3)

        def forward(self, x):
            return self.layer(self.norm(functional.linear(x, self.matrix)))

    torch.manual_seed(0)
    model, data = Projects(), rows()
    theta = Weights.of(model)
    right = Landscape(model, data, batch_norm=policy)(theta).loss
    double = theta.move(dtype=torch.double)
    assert Landscape(model, data, batch_norm=policy)(double).loss == pytest.approx(right, rel=1e-6)
    wide = Landscape(model, data, batch_norm=policy, precision=torch.double)
    assert wide(theta).loss == pytest.approx(right, rel=1e-6)


def test_auxiliary_heads_of_training_do_not_show_in_a_landscape():
    class Aux(nn.Linear):
        def forward(self, x):
            out = super().forward(x)
            return (out, out * 2) if self.training else out

    torch.manual_seed(0)
    model, data = Aux(8, 3).train(), rows()
    theta = Weights.of(model)
    right = cross_entropy(functional.linear(data.inputs, model.weight, model.bias), data.targets)
    assert Landscape(model, data)(theta).loss == pytest.approx(right.item(), rel=1e-5)


def test_batch_norm_without_statistics_sees_the_whole_batch():
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(8, track_running_stats=False)
    model, data = nn.Sequential(nn.Linear(8, 8), norm, nn.Linear(8, 3)), rows(1500)
    theta = Weights.of(model)
    right = cross_entropy(model.eval()(data.inputs), data.targets).item()
    assert Landscape(model, data)(theta).loss == pytest.approx(right, rel=1e-5)


class Along(nn.Module):
    """A reader's oversight: LSTM takes the rows for time."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.LSTM(8, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.body(x)[0].mean(1))


class Largest(nn.Linear):
    def forward(self, x):
        return super().forward(x / x.abs().max())


def test_rows_that_depend_on_those_before_them_stay_together():
    torch.manual_seed(0)
    inputs = torch.randn(2500, 8)
    inputs[0] *= 10
    cases = [
        (Along(), Data(torch.randn(2500, 4, 8), torch.arange(2500) % 3)),
        (Largest(8, 3), Data(inputs, torch.arange(2500) % 3)),
    ]
    for model, data in cases:
        theta = Weights.of(model)
        landscape, right = Landscape(model, data), plain(model, theta, data)
        assert landscape(theta).loss == pytest.approx(right, rel=1e-6)
        assert landscape.slope(theta)[0].loss == pytest.approx(right, rel=1e-6)


def test_rows_that_depend_on_each_other_are_calibrated_together():
    class Centres(nn.Module):
        def forward(self, x):
            return x - x.mean(0)

    torch.manual_seed(0)
    layers = [nn.Linear(8, 8), Centres(), nn.BatchNorm1d(8), nn.Linear(8, 3)]
    model, data, train = nn.Sequential(*layers), rows(20), rows(60, seed=5)
    theta = Weights.of(model)
    right = plain(model, recalibrate(model, theta, train), data)
    assert Landscape(model, data, calibration=train)(theta).loss == pytest.approx(right, rel=1e-5)


def test_a_landscape_takes_what_a_newcomer_has():
    torch.manual_seed(0)
    model, data = nn.Linear(8, 3), rows()
    theta, right = Weights.of(model), plain(model, Weights.of(model), data)
    for given in ((data.inputs, data.targets), (data.inputs.numpy(), data.targets.numpy())):
        assert Landscape(model, given)(theta).loss == pytest.approx(right, rel=1e-5)
    with pytest.raises(TypeError, match=r"Weights\.of"):
        Landscape(model, data)(model)


def test_complex_parameters_count_with_their_length():
    class Fourier(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.head = (
                nn.Parameter(torch.randn(5, dtype=torch.cfloat)),
                nn.Linear(8, 3),
            )

        def forward(self, x):
            return self.head(torch.fft.irfft(torch.fft.rfft(x) * self.weight, n=8))

    torch.manual_seed(0)
    model, data = Fourier(), rows()
    a = Weights.of(model)
    length = sum(t.abs().square().sum() for t in a.values()).sqrt().item()
    assert a.norm().item() == pytest.approx(length, rel=1e-6)
    b = Weights.of(Fourier())
    scores = Landscape(model, data).scores(line(a, b)).loss.tolist()
    assert scores == pytest.approx([plain(model, p, data) for p in line(a, b)], rel=1e-5)


SEQUENCES = {
    "lstm": lambda: nn.LSTM(8, 8, batch_first=True),
    "encoder": lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
}


class Last(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.body, self.head = SEQUENCES[kind](), nn.Linear(8, 3)

    def forward(self, x):
        seen = self.body(x)
        return self.head((seen[0] if isinstance(seen, tuple) else seen)[:, -1])


@pytest.mark.parametrize("kind", SEQUENCES)
def test_readers_of_sequences_agree_with_the_loop_and_its_quick_attention(kind):
    torch.manual_seed(0)
    model, data = Last(kind), Data(torch.randn(40, 5, 8), torch.arange(40) % 3)
    a, b = Weights.of(model), Weights.of(Last(kind))
    landscape = Landscape(model, data)
    scores = landscape.scores(line(a, b)).loss.tolist()
    assert scores == pytest.approx([plain(model, p, data) for p in line(a, b)], rel=1e-5)
    own = a.to(model).eval()
    loss = cross_entropy(own(data.inputs), data.targets)
    slopes = torch.autograd.grad(loss, list(own.parameters()))
    for mine, right in zip(landscape.slope(a)[1].values(), slopes, strict=True):
        torch.testing.assert_close(mine, right, rtol=1e-3, atol=1e-6)


class Drops(nn.Linear):
    def forward(self, x):
        return super().forward(functional.dropout(x)) * np.random.rand() * random.random()  # noqa: NPY002


def test_a_network_that_draws_is_told_once_and_scored_with_the_same_numbers():
    torch.manual_seed(0)
    model, data = Drops(8, 3), rows()
    theta = Weights.of(model)
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    with pytest.warns(RuntimeWarning, match=r"F\.dropout") as told:  # noqa: PT031
        landscape = Landscape(model, data)
        looks = [landscape(theta).loss for _ in range(2)]
        looks += landscape.scores([theta, theta]).loss.tolist()
    landscape.slope(theta)
    landscape.hessian(theta)(torch.ones(1, theta.size))
    landscape.layers(theta)
    assert len(told) == 1
    assert told[0].filename == __file__
    assert len(set(looks)) == 1
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002


def test_a_point_of_infinity_does_not_spoil_those_beside_it():
    torch.manual_seed(0)
    model, data = head(nn.Linear(WIDE, 8)), rows(width=WIDE)
    theta = Weights.of(model)
    right = plain(model, theta, data)
    landscape = Landscape(model, data)
    assert landscape.scores([theta, torch.inf * theta]).loss[0].item() == pytest.approx(right)
    ends = landscape.scores(line(theta, torch.inf * theta, 3)).loss
    assert ends[0].item() == pytest.approx(right)


def test_layers_may_be_called_by_name():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.norm, self.head = (
                nn.Linear(WIDE, 8),
                nn.BatchNorm1d(8),
                nn.Linear(8, 3),
            )

        def forward(self, x):
            return self.head(self.norm(input=self.layer(input=x)))

    torch.manual_seed(0)
    model, data = Named(), rows(width=WIDE)
    a = Weights.of(model)
    b = beside(a)
    fixed = Landscape(model, data, batch_norm="fixed").scores(line(a, b)).loss.tolist()
    right = [plain(model, Weights(p, a.buffers), data) for p in line(a, b)]
    assert fixed == pytest.approx(right, rel=1e-5)
    own = plain(model, recalibrate(model, b, data), data)
    assert Landscape(model, data)(b).loss == pytest.approx(own, rel=1e-5)


def test_train_may_return_nothing():
    class Forgets(nn.Linear):
        def train(self, mode=True):
            super().train(mode)

    model, data = Forgets(8, 3), rows()
    theta = Weights.of(model)
    right = cross_entropy(functional.linear(data.inputs, model.weight, model.bias), data.targets)
    assert Landscape(model, data)(theta).loss == pytest.approx(right.item(), rel=1e-5)


class Merges(nn.Linear):
    def __init__(self):
        super().__init__(8, 8)
        self.A, self.B = nn.Parameter(torch.randn(2, 8)), nn.Parameter(torch.randn(8, 2))
        self.merged = False

    def train(self, mode=True):
        if mode == self.merged:
            delta = self.B.data @ self.A.data
            self.weight.data += -delta if mode else delta
            self.merged = not mode
        return super().train(mode)

    def forward(self, x):
        more = 0 if self.merged else x @ self.A.T @ self.B.T
        return super().forward(x) + more


def test_a_part_that_has_merged_its_weights_is_read_as_it_was_before():
    torch.manual_seed(0)
    model, data = head(Merges()), rows()
    own = Weights.of(model)
    right = cross_entropy(model(data.inputs), data.targets).item()
    model.train()
    model[0].eval()
    theta = Weights.of(model)
    for name, tensor in own.items():
        torch.testing.assert_close(theta[name], tensor)
    assert [m.training for m in theta.to(model).modules()] == [m.training for m in model.modules()]
    assert Landscape(model, data)(theta).loss == pytest.approx(right, rel=1e-5)


def test_layers_whose_weights_are_kept_in_lists_can_be_looked_into():
    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(8, 3)
            self.kept = [self.layer.weight]

        def forward(self, x):
            return self.layer(x) + functional.linear(x, self.kept[0])

    torch.manual_seed(0)
    model, data = Listed(), rows()
    theta = beside(Weights.of(model))
    with pytest.warns(RuntimeWarning, match="fresh network"):  # noqa: PT031
        landscape = Landscape(model, data)
        assert landscape.layers(theta) == ["layer"]
    [seen] = landscape.features(theta, ["layer"], data.inputs)
    own = functional.linear(data.inputs, theta["layer.weight"], theta["layer.bias"])
    torch.testing.assert_close(seen, own)
    assert landscape(theta).loss == pytest.approx(plain(model, theta, data), rel=1e-5)


def test_statistics_that_cannot_be_measured_are_told_by_the_name_of_the_layer():
    class Whitens(nn.Module):
        def __init__(self):
            super().__init__()
            self.momentum = 0.1
            self.register_buffer("running_mean", torch.zeros(8))
            self.register_buffer("whitener", torch.eye(8))

        def forward(self, x):
            if self.training:
                self.running_mean.lerp_(x.mean(0), self.momentum)
                self.whitener.lerp_(x.T @ x / len(x), self.momentum)
            return (x - self.running_mean) @ self.whitener

    torch.manual_seed(0)
    model, data = nn.Sequential(nn.Linear(8, 8), Whitens(), nn.Linear(8, 3)), rows()
    theta = Weights.of(model)
    before = {name: b.clone() for name, b in theta.buffers.items()}
    for ask in (Landscape(model, data), partial(recalibrate, model, data=data)):
        with pytest.raises(ValueError, match=r"'1'.*fixed"):
            ask(theta=theta)
    assert all(torch.equal(theta.buffers[name], b) for name, b in before.items())
    fixed = Landscape(model, data, batch_norm="fixed")(theta).loss
    assert fixed == pytest.approx(plain(model, theta, data), rel=1e-5)


def test_fixed_statistics_need_no_row_that_could_be_measured():
    torch.manual_seed(0)
    model, data = nn.Sequential(nn.Linear(8, 8), NormAct(8), nn.Linear(8, 3)), rows(1)
    theta = Weights.of(model)
    fixed = Landscape(model, data, batch_norm="fixed")(theta).loss
    assert fixed == pytest.approx(plain(model, theta, data), rel=1e-5)


def test_many_points_of_a_readers_own_landscape_are_scored_by_its_own_way():
    class Mine:
        def scores(self, points):
            return ("mine", len(points))

    assert score_all(Mine(), [1, 2]) == ("mine", 2)


def test_what_is_computed_again_in_backward_passes_sees_the_point():
    class Again(nn.Linear):
        def forward(self, x):
            return torch.utils.checkpoint.checkpoint(super().forward, x, use_reentrant=False)

    torch.manual_seed(0)
    model, data = head(Again(8, 8)), rows()
    theta = beside(Weights.of(model))
    own = theta.to(model).eval()
    loss = cross_entropy(own(data.inputs), data.targets)
    slopes = torch.autograd.grad(loss, list(own.parameters()))
    for mine, right in zip(Landscape(model, data).slope(theta)[1].values(), slopes, strict=True):
        torch.testing.assert_close(mine, right, rtol=1e-4, atol=1e-7)


def test_ordinary_networks_are_told_nothing():
    torch.manual_seed(0)
    layers = [
        nn.Linear(8, 8),
        nn.BatchNorm1d(8),
        nn.ReLU(inplace=True),
        nn.Dropout(),
        nn.Linear(8, 3),
    ]
    model, data = nn.Sequential(*layers), rows()
    a = Weights.of(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Landscape(model, data).scores(line(a, beside(a)))
        Landscape(model, data, batch_norm="interpolate").scores(line(a, beside(a)))
