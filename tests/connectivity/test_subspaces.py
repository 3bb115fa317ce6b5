"""Lines, curves and simplexes whose vertices are all learned in one run."""

import os
import signal
import threading
from math import cos, pi

import pytest
import torch
from torch import nn

from fusionlab import Weights
from fusionlab.connectivity import Bezier, Chain, Simplex, cosine_penalty, fit
from fusionlab.data import Data
from fusionlab.descent import Recipe
from fusionlab.lab import convnet, initial, mlp, train
from fusionlab.landscape import Landscape, ensemble_probabilities, ensemble_score

DICE = torch.Generator().manual_seed(0)
LABELS = torch.arange(60) % 3
BRIGHT = torch.rand(60, 1, 4, 4, generator=DICE) + LABELS[:, None, None, None]
IMAGES = Data(BRIGHT, LABELS)
NETS = {
    "mlp": mlp(16, 8, 3),
    "convnet": convnet((4, 6), classes=3),
    "BatchNorm": convnet((4, 6), classes=3, norm="batch"),
}
SHAPES = {
    "line": lambda starts: Simplex(tuple(starts[:2])),
    "triangle": lambda starts: Simplex(tuple(starts)),
    "curve": lambda starts: Bezier(tuple(starts), fixed=()),
    "chain": lambda starts: Chain(tuple(starts), fixed=()),
}
QUICK = Recipe(steps=60, lr=0.1)


def starts(model, count=3):
    return [initial(model, seed=seed) for seed in range(count)]


def cosine(a: Weights, b: Weights) -> float:
    return (a @ b / (a.norm() * b.norm())).item()


def test_initial_weights_are_where_training_begins():
    model = NETS["BatchNorm"]
    before = Weights.of(model)
    theta, run = initial(model, seed=3), train(model, IMAGES, Recipe(steps=1), seed=3)
    assert all(torch.equal(t, run.start[name]) for name, t in theta.items())
    assert theta.buffers.keys() == run.start.buffers.keys()
    assert all(torch.equal(t, before[name]) for name, t in Weights.of(model).items())


def test_initial_weights_leave_torchs_own_dice():
    before = torch.get_rng_state()
    initial(NETS["mlp"], seed=5)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("net", NETS)
def test_all_vertices_of_a_subspace_are_learned(net, name):
    model, begin = NETS[net], SHAPES[name](starts(NETS[net]))
    fitted = fit(model, IMAGES, begin, QUICK, seed=0, progress=False)
    moved = [(p - q).norm() for p, q in zip(fitted.shape.points, begin.points, strict=True)]
    landscape, middle = Landscape(model, IMAGES), torch.full((1, len(begin.points)), 0.5)
    middle = middle / middle.sum()
    at = [Simplex(shape.points)(middle[0]) for shape in (begin, fitted.shape)]
    assert (type(fitted.shape), fitted.shape.fixed) == (type(begin), ())
    assert min(moved) > 0
    assert landscape(at[1]).loss < landscape(at[0]).loss


def test_a_curve_keeps_its_ends_unless_they_are_free():
    curve = Bezier(tuple(starts(NETS["mlp"])))
    fitted = fit(NETS["mlp"], IMAGES, curve, QUICK, seed=0, progress=False)
    assert fitted.shape(0.0) is curve(0.0)
    assert fitted.shape(1.0) is curve(1.0)


def test_the_cosine_penalty_is_the_mean_of_squared_cosines():
    angles = torch.tensor([0.0, pi / 3, pi / 2])
    vertices = torch.stack([angles.cos(), angles.sin()], 1).double() * torch.tensor(
        [[1.0], [5.0], [0.2]]
    )
    expected = 2 * (cos(pi / 3) ** 2 + 0 + cos(pi / 6) ** 2) / 3
    assert cosine_penalty(2.0)(vertices @ vertices.T).item() == pytest.approx(expected)


def test_the_cosine_penalty_has_the_slope_of_finite_differences():
    vertices = torch.randn(3, 5, generator=DICE, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: cosine_penalty(0.7)(v @ v.T), vertices)


def test_a_vertex_at_the_origin_has_no_angle():
    vertices = torch.zeros(2, 3, dtype=torch.double)
    assert cosine_penalty(1.0)(vertices @ vertices.T) == 0


def test_the_penalty_keeps_vertices_apart():
    model = NETS["mlp"]
    common = initial(model, seed=0)
    near = [common + 0.3 * initial(model, seed=seed) for seed in (1, 2)]
    cosines = [
        cosine(*fit(model, IMAGES, Simplex(tuple(near)), QUICK, seed=0, penalty=p).shape.points)
        for p in (None, cosine_penalty(5.0))
    ]
    assert cosines[0] > 0.8
    assert abs(cosines[1]) < 0.2


def test_the_same_seed_learns_the_same_subspace():
    model, begin = NETS["mlp"], Simplex(tuple(starts(NETS["mlp"])))
    one, two, other = (
        fit(model, IMAGES, begin, QUICK, seed=seed, penalty=cosine_penalty(1.0), progress=False)
        for seed in (0, 0, 1)
    )
    assert torch.equal(one.losses, two.losses)
    assert not torch.equal(one.losses, other.losses)


@pytest.mark.parametrize("layerwise", [False, True])
def test_layers_draw_for_themselves_when_told_so(layerwise):
    seen = []

    class Spy(nn.Module):
        """Two layers that note where they stand."""

        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(16, 3), nn.Linear(16, 3)

        def forward(self, x):
            seen.append((self.one.bias[0].item(), self.two.bias[0].item()))
            return self.one(x.flatten(1)) + self.two(x.flatten(1))

    model = Spy()
    zero = Weights.of(model).map(torch.zeros_like)
    line = Simplex((zero, zero.map(torch.ones_like)))
    still = Recipe(steps=20, lr=1e-12, weight_decay=0.0)
    fit(model, IMAGES, line, still, seed=0, layerwise=layerwise, progress=False)
    one, two = torch.tensor(seen[-20:]).T
    assert torch.allclose(one, two) is not layerwise
    assert one.std() > 0.1


def test_an_interrupt_keeps_the_subspace_so_far():
    model, begin = NETS["mlp"], Simplex(tuple(starts(NETS["mlp"])))
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.warns(RuntimeWarning, match="interrupted"):
        fitted = fit(model, IMAGES, begin, Recipe(steps=1_000_000), seed=0, progress=False)
    assert not fitted.complete
    assert len(fitted.losses) == fitted.steps > 0
    assert (fitted.shape.points[0] - begin.points[0]).norm() > 0


def test_an_ensemble_is_the_mean_of_its_members_probabilities():
    landscape, points = Landscape(NETS["mlp"], IMAGES), starts(NETS["mlp"])
    told = [landscape.probabilities(theta, IMAGES.inputs) for theta in points]
    believed = ensemble_probabilities(landscape, points, IMAGES.inputs)
    assert torch.allclose(believed, sum(told) / 3)
    assert torch.allclose(believed.sum(1), torch.ones(60))
    right = believed[range(60), IMAGES.labels]
    score = ensemble_score(landscape, points)
    assert score.loss == pytest.approx(-right.log().mean().item())
    assert score.accuracy == pytest.approx((believed.argmax(1) == IMAGES.labels).float().mean())


def test_an_ensemble_of_one_is_that_network():
    landscape, theta = Landscape(NETS["BatchNorm"], IMAGES), initial(NETS["BatchNorm"], seed=1)
    assert ensemble_score(landscape, [theta]) == pytest.approx(landscape(theta))


def test_an_ensemble_of_none_is_refused():
    with pytest.raises(ValueError, match="at least one member"):
        ensemble_score(Landscape(NETS["mlp"], IMAGES), [])
