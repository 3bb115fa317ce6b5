"""A landscape is the loss of the network at a point, whichever way it is computed."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss, one_hot

from fusionlab import Data, Weights, lerp
from fusionlab.combinations import Combinations
from fusionlab.landscape import Landscape, recalibrate
from fusionlab.landscape import jobs as engine
from fusionlab.landscape.batching import Batching


class Residual(nn.Module):
    """BatchNorm, a skip connection, dropout and a constant buffer, as in a real network."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4))
        self.drop, self.head = nn.Dropout(0.5), nn.Linear(4, 3)
        self.register_buffer("shift", torch.tensor(0.1))

    def forward(self, x):
        x = self.inner(x) + self.shift
        x = torch.relu(x + self.second(x))
        return self.head(self.drop(x.mean((2, 3))))


def tied():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))
    model[3].weight = model[1].weight
    return model


MODELS = {
    "mlp": lambda: nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3)),
    "convnet": lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)),
    "batch norm": Residual,
    "tied": tied,
    "layer norm": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(16, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3)
    ),
}


@pytest.fixture(params=MODELS.values(), ids=MODELS.keys())
def case(request):
    torch.manual_seed(0)
    model = request.param()
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(3, (53,), generator=generator)
    data = Data(torch.randn(53, 1, 4, 4, generator=generator), labels)
    with torch.no_grad():
        for _ in range(3):
            model(data.inputs)  # so that BatchNorm has seen something
    return model.eval(), data


def plain(model: nn.Module, theta: Weights, data: Data) -> tuple[float, float]:
    """The oracle: load the point into a copy of the model and call it as everyone does."""
    network = theta.to(model).eval()
    with torch.no_grad():
        outputs = network(data.inputs)
    right = (outputs.argmax(1) == data.labels).double().mean().item()
    return cross_entropy(outputs, data.labels).item(), right


def two_points(model: nn.Module) -> tuple[Weights, Weights]:
    a = Weights.of(model)
    generator = torch.Generator().manual_seed(2)
    noise = a.map(lambda t: torch.randn(t.shape, generator=generator))
    return a, Weights(a + 0.3 * noise, a.buffers)


def test_a_score_is_that_of_the_loaded_network(case):
    model, data = case
    for theta in two_points(model):
        score = Landscape(model, data, batch_norm="fixed")(theta)
        assert score == pytest.approx(plain(model, theta, data), rel=1e-5)


def test_fixed_statistics_are_each_points_own_in_a_list(case):
    model, data = case
    a = Weights.of(model)
    other = copy.deepcopy(model).train()
    other(3 * data.inputs + 1)
    b = Weights.of(other)
    landscape = Landscape(model, data, batch_norm="fixed")
    together, apart = landscape.scores([a, b]), [landscape(a), landscape(b)]
    torch.testing.assert_close(together.loss, torch.tensor([s.loss for s in apart]).double())


WAYS = [Batching(1, 1, 53), Batching(1, 2, 53), Batching(1, 3, 10), Batching(4, 2, 20)]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_every_way_of_computing_gives_the_same_scores(case, way, monkeypatch):
    model, data = case
    a, b = two_points(model)
    t = torch.linspace(0, 1, 11)
    line = Combinations([a, b], torch.stack([1 - t, t], 1))
    monkeypatch.setattr(engine, "choose", lambda *_: way)
    scores = Landscape(model, data, batch_norm="fixed").scores(line)
    for s, score in zip(t.tolist(), scores, strict=True):
        expected = plain(model, Weights(lerp(a, b, s), a.buffers), data)
        assert score == pytest.approx(expected, rel=1e-5)


def test_a_list_of_points_is_scored_like_its_points(case):
    model, data = case
    landscape = Landscape(model, data)
    points = list(two_points(model))
    together = landscape.scores(points)
    assert len(together) == 2
    assert list(together) == [pytest.approx(landscape(p), rel=1e-5) for p in points]


def test_no_points_have_no_scores(case):
    model, data = case
    a, b = two_points(model)
    assert len(Landscape(model, data).scores(Combinations([a, b], torch.empty(0, 2)))) == 0
    with pytest.raises(ValueError, match="at least one point"):
        Landscape(model, data).scores([])


def test_one_pass_over_all_data_is_exact_recalibration(case):
    model, data = case
    theta = two_points(model)[1]
    score = Landscape(model, data)(theta)
    assert score == pytest.approx(plain(model, recalibrate(model, theta, data), data), rel=1e-4)


def test_calibration_data_give_the_statistics(case):
    model, data = case
    theta = two_points(model)[1]
    train, test = data[:40], data[40:]
    score = Landscape(model, test, calibration=train)(theta)
    assert score == pytest.approx(plain(model, recalibrate(model, theta, train), test), rel=1e-4)


def test_interpolated_statistics_are_those_of_the_ends_mixed():
    model = Residual()
    data = Data(torch.randn(20, 1, 4, 4), torch.arange(20) % 3)
    a, b = (
        recalibrate(model, p, data[i : i + 10])
        for p, i in zip(two_points(model), (0, 10), strict=True)
    )
    line = Combinations([a, b], torch.tensor([[1.0, 0.0], [0.3, 0.7], [-9.0, 10.0]]))
    scores = list(Landscape(model, data, batch_norm="interpolate").scores(line))
    mixed = {
        n: t if not t.is_floating_point() else 0.3 * t + 0.7 * b.buffers[n]
        for n, t in a.buffers.items()
    }
    assert scores[0] == pytest.approx(plain(model, a, data), rel=1e-5)
    assert scores[1] == pytest.approx(plain(model, Weights(lerp(a, b, 0.7), mixed), data), rel=1e-5)
    assert scores[2].loss < float("inf"), "a negative variance was taken as it is"


def test_a_point_without_statistics_names_recalibrate():
    model = Residual()
    data = Data(torch.randn(20, 1, 4, 4), torch.arange(20) % 3)
    merged = 0.5 * Weights.of(model)
    with pytest.raises(ValueError, match="recalibrate"):
        Landscape(model, data, batch_norm="fixed")(merged)
    assert Landscape(model, data)(merged).loss > 0


def test_the_callers_model_mode_gradients_threads_and_dice_are_untouched(case):
    model, data = case
    model.train()
    model(data.inputs).sum().backward()
    before = copy.deepcopy(model.state_dict())
    gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    landscape = Landscape(model, data)
    a, b = two_points(model)
    landscape.scores([a, b, lerp(a, b, 0.5)])
    landscape.probabilities(a, data.inputs[:2])
    assert model.training
    assert torch.equal(state, torch.get_rng_state())
    assert threads == torch.get_num_threads()
    assert all(torch.equal(t, before[n]) for n, t in model.state_dict().items())
    assert all(torch.equal(dict(model.named_parameters())[n].grad, g) for n, g in gradients.items())
    assert all(p.requires_grad for p in model.parameters())


def test_dropout_is_off_so_two_looks_agree():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Dropout(0.5), nn.Linear(8, 3)).train()
    data = Data(torch.randn(20, 1, 4, 4), torch.arange(20) % 3)
    landscape = Landscape(model, data)
    assert landscape(Weights.of(model)) == landscape(Weights.of(model))


def test_the_loss_is_an_argument():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    data = Data(torch.randn(20, 1, 4, 4), torch.arange(20) % 3)

    def squares(logits, labels):
        return mse_loss(logits, one_hot(labels, 3).float())

    theta = Weights.of(model)
    expected = squares(model(data.inputs), data.labels).item()
    landscape = Landscape(model, data, squares)
    assert landscape(theta).loss == pytest.approx(expected, rel=1e-5)
    assert list(landscape.scores([theta] * 3))[2].loss == pytest.approx(expected, rel=1e-5)


def test_equal_logits_count_as_argmax_counts_them():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    data = Data(torch.randn(30, 4), torch.arange(30) % 3)
    assert Landscape(model, data)(0 * Weights.of(model)).accuracy == pytest.approx(1 / 3)


def test_nan_weights_score_nan_and_nothing_right():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    data = Data(torch.randn(30, 4), torch.arange(30) % 3)
    score = Landscape(model, data)(torch.nan * Weights.of(model))
    assert score.loss != score.loss
    assert score.accuracy == 0


def test_half_and_double_precision_points_are_scored_in_their_precision():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    data = Data(torch.randn(30, 4), torch.arange(30) % 3)
    landscape = Landscape(model, data)
    theta = Weights.of(model)
    full = landscape(theta)
    assert landscape(theta.move(dtype=torch.double)).loss == pytest.approx(full.loss, rel=1e-5)
    assert landscape(theta.move(dtype=torch.bfloat16)).loss == pytest.approx(full.loss, rel=5e-2)


def test_a_network_that_vmap_cannot_take_is_scored_one_point_after_another():
    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x):
            x = self.layer(x)
            return x if x.sum().item() > 0 else -x

    model = Branching()
    data = Data(torch.randn(30, 4), torch.arange(30) % 3)
    landscape = Landscape(model, data)
    theta = Weights.of(model)
    assert list(landscape.scores([theta, 2 * theta])) == [landscape(theta), landscape(2 * theta)]


class Positional(nn.Module):
    """Adds a learned vector before its first layer, so that layer does not see the data alone."""

    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.randn(64))
        self.layer, self.head = nn.Linear(64, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(torch.relu(self.layer(x.flatten(1) + self.place)))


class Twice(Positional):
    """Runs its first layer two times."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 64)
        self.head = nn.Linear(64, 3)

    def forward(self, x):
        return self.head(torch.relu(self.layer(torch.relu(self.layer(x.flatten(1))))))


FIRST = {
    "linear": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 3)),
        True,
    ),
    "convolution": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 8, 8, stride=8), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)
        ),
        False,  # convolutions are not stacked, so 64 inputs are not worth it
    ),
    "learned input": (Positional, False),
    "run twice": (Twice, False),
}


@pytest.mark.parametrize(("make", "found"), FIRST.values(), ids=FIRST.keys())
def test_the_first_layer_is_computed_once_only_where_that_is_the_same(make, found):
    torch.manual_seed(0)
    model = make()
    data = Data(torch.randn(60, 1, 8, 8), torch.arange(60) % 3)
    a, b = (Weights.of(make()) for _ in range(2))
    t = torch.linspace(0, 1, 9)
    line = Combinations([a, b], torch.stack([1 - t, t], 1))
    landscape = Landscape(model, data)
    scores = list(landscape.scores(line))
    assert bool(landscape._plan.first) == found
    assert scores == [pytest.approx(plain(model, theta, data), rel=1e-5) for theta in line]


@pytest.mark.parametrize("channels", [1, 3])
def test_images_have_their_channels_last_also_where_there_is_one(channels):
    model = nn.Sequential(nn.Conv2d(channels, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    landscape = Landscape(model, (torch.randn(30, channels, 8, 8), torch.arange(30) % 3))
    landscape(Weights.of(model))
    assert {batch.inputs.stride(1) for batch in landscape._plan.batches} == {1}


def test_data_are_laid_out_once_for_all_points():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    landscape = Landscape(model, (torch.randn(30, 3, 8, 8), torch.arange(30) % 3))
    seen = []
    for theta in (Weights.of(model), 2 * Weights.of(model)):
        landscape(theta)
        seen.append(landscape._plan._whole.inputs)
    assert seen[0] is seen[1]


def test_wrong_spaces_policies_and_outputs_are_told():
    model, other = nn.Linear(4, 3), nn.Linear(4, 2)
    data = Data(torch.randn(30, 4), torch.arange(30) % 3)
    with pytest.raises(ValueError, match="same widths"):
        Landscape(model, data)(Weights.of(other))
    with pytest.raises(ValueError, match="Unknown batch_norm"):
        Landscape(model, data, batch_norm="average")

    class Named(nn.Linear):
        def forward(self, x):
            return {"scores": super().forward(x), "inputs": x}

    named = Named(4, 3)
    with pytest.raises(ValueError, match=r"scores \(4, 3\), inputs"):
        Landscape(named, data)(Weights.of(named))


def test_a_sample_of_the_landscape_draws_rows_of_every_class():
    model = nn.Linear(4, 3)
    data = Data(torch.randn(300, 4), torch.arange(300) % 3)
    small = Landscape(model, data, calibration=data[:10]).sample(30)
    assert torch.bincount(small.data.labels).tolist() == [10, 10, 10]
    assert len(small.calibration) == 10


def test_while_one_thread_prepares_the_others_find_the_network_whole(monkeypatch):
    model, points = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), []
    for seed in range(3):
        torch.manual_seed(seed)
        points.append(Weights.of(nn.Sequential(nn.Flatten(), nn.Linear(64, 10))))
    landscape, seen = Landscape(model, (torch.randn(30, 1, 8, 8), torch.arange(30) % 10)), []

    def spy(layer, tensors, inputs):
        def look(*_):
            held = landscape._work.network.module.parameters()
            seen.append([isinstance(tensor, nn.Parameter) for tensor in held])

        with layer.register_forward_hook(look):
            return torch.func.functional_call(layer, tensors, inputs)

    monkeypatch.setattr("fusionlab.landscape.first_layer.functional_call", spy)
    landscape.scores(Combinations(points, torch.eye(3)))
    assert seen
    assert all(whole == [True, True] for whole in seen)
