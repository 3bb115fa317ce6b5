"""A fit moves the free vertices of a shape downhill, and nothing else."""

import signal

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from fusionlab import Data, Weights
from fusionlab.connectivity import Bezier, Chain, Fitting, Line, Simplex, fit, profile
from fusionlab.connectivity.fitting import _may_draw
from fusionlab.connectivity.vertices import Vertices
from fusionlab.descent import Recipe
from fusionlab.lab import train
from fusionlab.landscape import Landscape

SHORT = Recipe(steps=30, lr=0.05)


def blobs(n: int = 120) -> Data:
    generator = torch.Generator().manual_seed(7)
    labels = torch.arange(n) % 3
    inputs = torch.randn(n, 4, generator=generator)
    inputs[:, 0] += 3 * labels
    return Data(inputs, labels)


def net(seed: int, *extra: nn.Module) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), *extra, nn.ReLU(), nn.Linear(8, 3))


def ends(*extra: nn.Module) -> tuple[Weights, Weights]:
    return Weights.of(net(0, *extra)), Weights.of(net(1, *extra))


def same(p: Weights, q: Weights) -> bool:
    return all(torch.equal(p[name], q[name]) for name in p)


def close(p: Weights, q: Weights) -> bool:
    return bool((p - q).norm() < 1e-5 * q.norm())


def test_the_slope_at_each_vertex_is_its_share_of_the_slope_at_the_mix():
    data, model = blobs(), net(0)
    points = (Weights.of(net(1)), Weights.of(net(2)), Weights.of(net(3)))
    shares = torch.tensor([[0.2, 0.5, 0.3]], dtype=torch.double)
    vertices = Vertices(model, Simplex(points, fixed=(1,)), data, penalty=None, layerwise=False)
    loss, slopes = vertices.slopes(vertices.arrange(shares), data.inputs, data.labels)

    free = [p.map(lambda t: t.clone().requires_grad_()) for p in points]
    mix = {n: sum(c * p[n] for c, p in zip((0.2, 0.5, 0.3), free, strict=True)) for n in free[0]}
    expected = cross_entropy(functional_call(model, mix, (data.inputs,)), data.labels)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    for row, i in zip(slopes, (0, 2), strict=True):
        flat = torch.cat([t.grad.flatten() for t in free[i].values()])
        torch.testing.assert_close(row, flat, atol=1e-6, rtol=1e-4)


def test_layers_that_draw_apart_are_mixed_apart():
    points = ends()
    vertices = Vertices(net(0), Simplex(points), blobs(), penalty=None, layerwise=True)
    assert vertices.layers == 2
    shares = vertices.arrange(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    data = blobs()
    loss, slopes = vertices.slopes(shares, data.inputs, data.labels)
    mixed = {n: points[0][n] if n.startswith("0.") else points[1][n] for n in points[0]}
    logits = functional_call(net(0), mixed, (data.inputs,))
    assert loss == pytest.approx(cross_entropy(logits, data.labels).item(), rel=1e-5)
    first = points[0]["0.weight"].numel() + 8
    assert slopes[0, first:].abs().max() == 0
    assert slopes[1, :first].abs().max() == 0


def test_a_penalty_pulls_as_autograd_says():
    def penalty(products):  # the squared cosine of the two, and something without symmetry
        return products[0, 1] ** 2 / (products[0, 0] * products[1, 1]) + 0.1 * products[2, 0]

    points = (*ends(), Weights.of(net(5)))
    shape = Simplex(points, fixed=(0,))
    data, zero = blobs(), torch.zeros(1, 3)
    vertices = Vertices(net(0), shape, data, penalty=penalty, layerwise=False)
    _, slopes = vertices.slopes(
        vertices.arrange(zero), data.inputs, data.labels
    )  # the loss pulls at none
    flat = torch.stack([p.flat() for p in points]).double().requires_grad_()
    [expected] = torch.autograd.grad(penalty(flat @ flat.T), flat)
    torch.testing.assert_close(slopes.double(), expected[1:], atol=1e-6, rtol=1e-4)


def test_a_shape_of_one_vertex_is_trained_as_any_network():
    data, start = blobs(), Weights.of(net(3))
    made = fit(net(0), data, Simplex((start,)), SHORT, seed=4, progress=False)
    network = start.to(net(0))
    slow = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(slow, 30)
    order = torch.Generator().manual_seed(4)
    rows = [r for _ in range(10) for r in torch.randperm(120, generator=order).split(32)[:3]]
    for batch in rows:
        slow.zero_grad()
        cross_entropy(network(data.inputs[batch]), data.labels[batch]).backward()
        slow.step()
        schedule.step()
    assert close(made.shape.points[0], Weights.of(network))
    assert made.complete


def test_a_fit_lowers_the_hill_and_leaves_the_ends():
    data = blobs()
    a, b = (
        fit(net(0), data, Simplex((p,)), SHORT, seed=i, progress=False).shape.points[0]
        for i, p in enumerate(ends())
    )
    landscape = Landscape(net(0), data)
    for kind in (Bezier, Chain):
        made = fit(net(0), data, kind.between(a, b), Recipe(steps=150), seed=0, progress=False)
        assert made.shape.points[0] is a
        assert made.shape.points[2] is b
        assert isinstance(made.shape, kind)
        before, after = profile(landscape, Line(a, b)), profile(landscape, made.shape)
        assert after.barrier < 0.5 * before.barrier
        assert after.loss[0] == pytest.approx(before.loss[0].item(), rel=1e-6)


def test_a_fit_in_strides_of_any_size_is_the_same_fit():
    shape, plan = Bezier.between(*ends()), Recipe(steps=20)
    whole = fit(net(0), blobs(), shape, plan, seed=1, progress=False)
    walk, steps = Fitting(net(0), blobs(), shape, plan, seed=1), []
    for stride in (1, 2, 4, None):
        walk.stride = stride
        steps.append(next(walk).steps)
    assert steps[:3] == [1, 3, 7]
    *_, last = [walk.so_far(), *walk]
    assert torch.equal(last.losses, whole.losses)
    assert same(last.shape.bends[0], whole.shape.bends[0])


def test_the_same_seed_gives_the_same_fit_whatever_torch_drew_before():
    shape = Bezier.between(*ends(nn.Dropout(0.3)), bends=2)
    model = net(0, nn.Dropout(0.3))
    one = fit(model, blobs(), shape, SHORT, seed=1, progress=False)
    torch.rand(5)
    two = list(Fitting(model, blobs(), shape, SHORT, seed=1))[-1]
    other = fit(model, blobs(), shape, SHORT, seed=2, progress=False)
    assert same(one.shape.bends[0], two.shape.bends[0])
    assert torch.equal(one.losses, two.losses)
    assert not same(one.shape.bends[0], other.shape.bends[0])


def test_model_points_and_randomness_are_left_as_they_were():
    model, shape = net(0, nn.BatchNorm1d(8), nn.Dropout(0.5)), None
    model.eval()
    points = ends(nn.BatchNorm1d(8), nn.Dropout(0.5))
    before = [Weights.of(model), *(Weights(p, p.buffers) for p in points)]
    kept = [p.map(torch.clone) for p in before]
    shape = Chain.between(*points)
    state = torch.get_rng_state()
    fit(model, blobs(), shape, SHORT, seed=0, progress=False)
    assert torch.equal(torch.get_rng_state(), state)
    assert not model.training
    assert all(p.grad is None for p in model.parameters())
    assert all(same(p, q) for p, q in zip(before, kept, strict=True))
    assert same(Weights.of(model), kept[0])


def test_a_batch_norm_network_has_a_low_curve_once_recalibrated():
    norm = nn.BatchNorm1d(8)
    model, data = net(0, norm), blobs()
    made = fit(model, data, Bezier.between(*ends(norm)), Recipe(steps=150), seed=0, progress=False)
    landscape = Landscape(model, data)
    middle = profile(landscape, made.shape).loss[12]
    assert middle < 0.5 * profile(landscape, Line(*ends(norm))).loss[12]


class Interrupting(nn.Sequential):
    """Presses Ctrl-C in its fifth step."""

    steps = 0

    def forward(self, x):
        if self.training:
            self.steps += 1
            if self.steps == 5:
                signal.raise_signal(signal.SIGINT)
        return super().forward(x)


def test_an_interrupt_keeps_what_was_reached(monkeypatch):
    monkeypatch.setattr("fusionlab.connectivity.fitting.PACE", 0.0)  # a look after every step
    shape = Chain.between(*ends())
    with pytest.warns(RuntimeWarning, match="interrupted after step 5 of 30"):
        made = fit(Interrupting(*net(0)), blobs(), shape, SHORT, seed=0, progress=False)
    assert made.steps == 5
    assert not made.complete
    assert not same(made.shape.bends[0], shape.bends[0])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_diverging_fit_says_so_and_keeps_numbers():
    wild = Recipe(steps=200, lr=1e8, momentum=0.0, schedule="constant")
    with pytest.warns(RuntimeWarning, match="diverged.*lower learning rate"):
        made = fit(net(0), blobs(), Chain.between(*ends()), wild, seed=0, progress=False)
    assert not made.complete
    assert made.losses.isfinite().all()
    assert all(t.isfinite().all() for t in made.shape.bends[0].values())


def test_only_networks_that_may_draw_get_randomness_of_their_own():
    class Own(nn.Module):
        pass

    drawing = nn.Dropout(0.1), nn.RReLU(), nn.LSTM(2, 2, 2, dropout=0.5), Own()
    assert all(_may_draw(nn.Sequential(layer)) for layer in drawing)
    assert not _may_draw(net(0, nn.BatchNorm1d(8), nn.Softplus()))


def test_the_order_of_a_points_names_does_not_matter():
    a, b = ends()
    turned = Weights({name: b[name] for name in reversed(list(b))})
    one = fit(net(0), blobs(), Chain.between(a, b), SHORT, seed=0, progress=False)
    back = fit(net(0), blobs(), Chain.between(a, turned), SHORT, seed=0, progress=False)
    assert same(one.shape.bends[0], back.shape.bends[0])


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("layerwise", [False, True])
def test_coordinates_of_frozen_parameters_stay_where_the_shape_has_them(kind, layerwise):
    model = net(0)
    model[0].requires_grad_(False)
    model[-1].bias.requires_grad_(False)
    recipe = Recipe(steps=9, optimizer=kind, lr=0.01, weight_decay=0.1)
    shape = Simplex(tuple(Weights.of(net(seed)) for seed in (1, 2, 3)), fixed=(1,))
    made = fit(
        model, blobs(), shape, recipe, seed=0, progress=False,
        penalty=lambda products: products.sum(), layerwise=layerwise,
    )  # fmt: skip
    for vertex, before in zip(made.shape.points, shape.points, strict=True):
        for name in ("0.weight", "0.bias", "2.bias"):
            assert torch.equal(vertex[name], before[name])
    assert not torch.equal(made.shape.points[0]["2.weight"], shape.points[0]["2.weight"])


def test_a_fit_moves_what_is_not_frozen_as_a_training_does():
    data, recipe = blobs(), Recipe(steps=9, weight_decay=0.1)
    model = net(0)
    model[0].requires_grad_(False)
    start = Weights.of(net(1))
    run = train(model, data, recipe, seed=5, start=start, progress=False)
    made = fit(model, data, Simplex((start,)), recipe, seed=5, progress=False)
    assert torch.equal(run.final["0.weight"], start["0.weight"])
    assert torch.equal(made.shape.points[0]["0.weight"], start["0.weight"])
    torch.testing.assert_close(made.shape.points[0]["2.weight"], run.final["2.weight"])


def test_a_network_that_is_frozen_as_a_whole_cannot_be_fitted_or_trained():
    model = net(0).requires_grad_(False)
    with pytest.raises(ValueError, match="all are frozen"):
        fit(model, blobs(), Chain.between(*ends()), SHORT, seed=0)
    with pytest.raises(ValueError, match="all are frozen"):
        train(model, blobs(), SHORT, seed=0)


def test_vertices_in_double_precision_stay_so():
    shape = Chain.between(*(p.move(dtype=torch.double) for p in ends()))
    bend = fit(net(0), blobs(), shape, SHORT, seed=0, progress=False).shape.bends[0]
    single = fit(net(0), blobs(), Chain.between(*ends()), SHORT, seed=0, progress=False)
    assert bend["0.weight"].dtype is torch.double
    assert close(single.shape.bends[0].move(dtype=torch.double), bend)


def test_vertices_of_another_network_are_refused():
    other = Weights.of(nn.Linear(4, 3))
    with pytest.raises(ValueError, match="different spaces"):
        fit(net(0), blobs(), Simplex((other,)), SHORT, seed=0)
    wide = Data(torch.zeros(9, 5), torch.zeros(9, dtype=torch.long))
    with pytest.raises(ValueError, match="cannot take inputs"):
        fit(net(0), wide, Chain.between(*ends()), SHORT, seed=0)


def test_a_shape_with_nothing_free_is_complete_at_once():
    assert fit(net(0), blobs(), Chain.between(*ends(), bends=0), SHORT, seed=0).steps == 0


def test_a_reader_who_turned_gradients_off_gets_the_same_fit():
    def fitted():
        curve = Bezier.between(*ends())
        return fit(net(0), blobs(), curve, SHORT, seed=0, progress=False)

    expected = fitted()
    with torch.set_grad_enabled(False):
        found = fitted()
    assert torch.equal(found.losses, expected.losses)
