"""Curves and bands work on networks as they are: no code of theirs is touched."""

import pytest
import torch
from torch import nn

from fusionlab import Data, Weights
from fusionlab.connectivity import Bezier, Chain, Line, elastic_band, fit, path_statistics, profile
from fusionlab.lab import Recipe, convnet, digits, mlp, resnet, torchvision_model, train
from fusionlab.landscape import Landscape


def images(channels: int, size: int) -> Data:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(12) % 3
    return Data(torch.randn(12, channels, size, size, generator=generator), labels)


NETWORKS = {
    "mlp": (lambda: mlp(64, 128, 128, 10), images(1, 8)),
    "convnet": (convnet, images(1, 8)),
    "resnet": (resnet, images(1, 8)),
    "torchvision": (lambda: torchvision_model("resnet18", classes=10), images(3, 32)),
}


def near(theta: Weights) -> Weights:
    generator = torch.Generator().manual_seed(1)
    return theta.map(lambda t: t + 0.01 * torch.randn(t.shape, generator=generator))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kind", [Bezier, Chain])
def test_a_curve_is_fitted_and_scored_on_a_network_as_it_is(name, kind):
    make, data = NETWORKS[name]
    model = make()
    a = Weights.of(model)
    b = near(a)
    before = data.fingerprint()
    recipe = Recipe(steps=2, batch_size=6, lr=0.01)
    curve = fit(model, data, kind.between(a, b, bends=1), recipe, seed=0, progress=False).shape
    along = profile(Landscape(model, data), curve, points=3)
    assert along.loss.isfinite().all()
    assert (curve.bends[0] - kind.between(a, b, bends=1).bends[0]).norm() > 0
    assert curve(0.0) is a
    assert curve(1.0) is b
    assert data.fingerprint() == before
    after = Weights.of(model)
    assert (after - a).norm() == 0
    assert all(torch.equal(t, a.buffers[n]) for n, t in after.buffers.items())


@pytest.mark.parametrize("name", ["mlp", "convnet", "resnet"])
def test_a_band_is_stretched_over_a_network_as_it_is(name):
    make, data = NETWORKS[name]
    model = make()
    a = Weights.of(model)
    b = near(a)
    landscape = Landscape(model, data)
    settings = {"pivots": 2, "cycles": 2, "steps": 2, "lr": 0.01, "progress": False}
    whole = elastic_band(landscape, a, b, **settings)
    again = elastic_band(landscape, a, b, batch=6, seed=3, **settings)
    same = elastic_band(landscape, a, b, batch=6, seed=3, **settings)
    assert whole.complete
    assert whole(0.0) is a
    assert torch.equal(again.along.loss, same.along.loss)
    assert model.training
    assert path_statistics(landscape, whole, points=5).detour >= 1


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_one_bend_and_a_band_avoid_the_hill_of_the_line(norm):
    task = digits(n_train=300)
    model = nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 16),
        nn.BatchNorm1d(16) if norm == "batch" else nn.Identity(),
        nn.ReLU(),
        nn.Linear(16, 10),
    )
    recipe = Recipe(epochs=15)
    a, b = (train(model, task.train, recipe, seed=s, progress=False).final for s in (0, 1))
    landscape = Landscape(model, task.train)
    line = profile(landscape, Line(a, b)).barrier
    settings = {"seed": 0, "progress": False}
    fitted = fit(model, task.train, Bezier.between(a, b), Recipe(steps=600, lr=0.05), **settings)
    curve = profile(landscape, fitted.shape).barrier
    band = elastic_band(landscape, a, b, cycles=2, steps=40, lr=0.3, progress=False)
    assert line > 0.3
    assert curve < 0.25 * line
    assert profile(landscape, band).barrier < 0.25 * line
