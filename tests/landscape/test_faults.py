"""What public tools for loss landscapes got wrong, each once: here it is right.

Each test is one fault that was found in a tool in use; the oracle is a closed form.
"""

import copy
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from fusionlab import Data, Weights
from fusionlab.checkpoints import CheckpointError, load, save
from fusionlab.connectivity import Bezier, Line, fit, profile
from fusionlab.connectivity.forces import tangent
from fusionlab.descent import Recipe
from fusionlab.landscape import (
    Bounds,
    Hessian,
    Landscape,
    Plane,
    Score,
    Survey,
    filter_normalise,
    random_direction,
    recalibrate,
    survey,
    trace,
    trajectory_plane,
)
from fusionlab.landscape import jobs as engine
from fusionlab.landscape.batching import Batching


def point(*w: float) -> Weights:
    return Weights({"w": torch.tensor(w, dtype=torch.double)})


FLAT = Plane.around(point(0, 0), point(1, 0), point(0, 1))  # w is (x, y)


def where(theta: Weights) -> Score:
    """A landscape that says where it was asked: 10 x + y, negative in places, never symmetric."""
    x, y = theta["w"].tolist()
    return Score(10 * x + y, 0.5)


def network(norm: bool = True) -> nn.Sequential:
    torch.manual_seed(0)
    middle = [nn.BatchNorm1d(8)] if norm else []
    layers = [nn.Linear(5, 8), *middle, nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)]
    return nn.Sequential(*layers)


def rows(n: int = 53) -> Data:
    generator = torch.Generator().manual_seed(1)
    return Data(3 + 2 * torch.randn(n, 5, generator=generator), torch.arange(n) % 3)


def test_01_a_grid_is_no_zigzag_every_cell_is_where_it_says():
    x, y = torch.linspace(-1, 1, 4), torch.linspace(0, 3, 5)
    surface = survey(where, FLAT, x, y)
    torch.testing.assert_close(surface.loss, (10 * x[None] + y[:, None]).double())


def test_02_a_line_begins_at_its_first_end_and_stops_at_its_last():
    a, b = point(0.1, 0.7), point(0.3, -0.2)
    along = profile(where, Line(a, b))
    assert along.t[[0, -1]].tolist() == [0, 1]
    assert along.loss[0].item() == where(a).loss
    assert along.loss[-1].item() == where(b).loss


def test_03_twice_the_distance_is_twice_as_far():
    theta = Weights.of(network())
    plane = Plane.random(theta, seed=0)
    near, far = ((plane(x, 0.0) - theta).norm().item() for x in (0.5, 1.0))
    assert far == pytest.approx(2 * near)
    weights = [tensor for tensor in theta.values() if tensor.ndim > 1]
    full = math.sqrt(sum(tensor.square().sum().item() for tensor in weights))
    assert far == pytest.approx(full, rel=1e-5)  # one unit moves each filter by its own length


def test_04_random_directions_have_no_favourite_side_and_leave_biases_alone():
    theta = Weights({"w": torch.ones(100, 100), "b": torch.ones(100)})
    u, v = (filter_normalise(random_direction(theta, seed=s), theta) for s in (0, 1))
    for direction in (u, v):
        assert 0.45 < (direction["w"] > 0).double().mean() < 0.55
        assert direction["b"].abs().max() == 0
    assert abs(u @ v) / (u.norm() * v.norm()) < 0.05


def test_05_the_callers_model_is_as_it_was():
    model, data = network().train(), rows()
    model(data.inputs).sum().backward()
    before = copy.deepcopy(model.state_dict())
    gradients = [p.grad.clone() for p in model.parameters()]
    landscape = Landscape(model, data)
    theta = Weights.of(model)
    survey(landscape, Plane.random(theta, seed=0), torch.linspace(-1, 1, 3), torch.zeros(1))
    landscape.slope(theta)
    assert model.training
    assert all(p.requires_grad for p in model.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    pairs = zip(model.parameters(), gradients, strict=True)
    assert all(torch.equal(p.grad, g) for p, g in pairs)


def test_06_dropout_is_off_and_statistics_do_not_drift_while_one_looks():
    model, data = network().train(), rows()
    theta = Weights.of(model)
    landscape = Landscape(model, data, batch_norm="fixed")
    assert len({landscape(theta) for _ in range(4)}) == 1
    oracle = theta.to(model).eval()
    assert landscape(theta).loss == pytest.approx(
        cross_entropy(oracle(data.inputs), data.labels).item(), rel=1e-5
    )


def test_07_normalisation_has_a_policy_and_no_variance_is_ever_perturbed():
    model, data = network(), rows()
    theta = Weights.of(model)
    x = torch.linspace(-1, 1, 9)
    for policy in ("recalibrate", "fixed"):
        landscape = Landscape(model, data, batch_norm=policy)
        assert survey(landscape, Plane.random(theta, seed=0), x, x).loss.isfinite().all()
    by_default, held = Landscape(model, data)(theta), Landscape(model, data, batch_norm="fixed")
    assert by_default.loss == pytest.approx(held(recalibrate(model, theta, data)).loss, rel=1e-4)
    assert abs(by_default.loss - held(theta).loss) > 1e-3
    with pytest.raises(ValueError, match="Unknown batch_norm"):
        Landscape(model, data, batch_norm="average")


@pytest.mark.parametrize("size", [None, 10, 52])
def test_08_recalibrated_statistics_are_the_populations_and_carry_no_graph(size):
    model, data = network(), rows(53)  # the last batch of 10 has 3 rows, that of 52 has one
    theta = recalibrate(model, Weights.of(model), data, batch_size=size)
    seen = model[0](data.inputs).detach().double()
    mean, variance = theta.buffers["1.running_mean"], theta.buffers["1.running_var"]
    torch.testing.assert_close(mean.double(), seen.mean(0), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(variance.double(), seen.var(0, correction=0), rtol=1e-4, atol=1e-6)
    assert not mean.requires_grad
    assert not variance.requires_grad


def test_09_filters_are_normalised_one_by_one():
    theta = Weights.of(nn.Sequential(nn.Conv2d(2, 4, 3), nn.Linear(6, 5)))
    theta["0.weight"][1] *= 100
    theta["0.weight"][2] = 0
    direction = filter_normalise(random_direction(theta, seed=0), theta)
    for name in ("0.weight", "1.weight"):
        ours, its = (p[name].flatten(1).norm(dim=1) for p in (direction, theta))
        torch.testing.assert_close(ours, its)


def test_10_rows_are_y_and_columns_x_on_a_grid_that_is_not_square():
    x, y = torch.linspace(0, 1, 2), torch.linspace(0, 1, 3)
    surface = survey(where, FLAT, x, y)
    assert surface.loss.shape == (3, 2)
    assert surface.loss[0].tolist() == [0, 10]
    assert surface.loss[:, 0].tolist() == [0, 0.5, 1]


def test_11_zero_is_a_number_the_edges_are_on_the_grid_and_negative_losses_are_losses():
    x, y = Bounds(0, 1, 0, 2).grid(5, 3)
    assert (x[0], x[-1], y[0], y[-1]) == (0, 1, 0, 2)
    asked = []

    def count(theta: Weights) -> Score:
        asked.append(theta)
        return Score(where(theta).loss - 5, 0.5)

    surface = Survey(count, FLAT, x, y).finish()
    assert len(asked) == 15
    assert surface.loss[0].tolist() == pytest.approx([-5, -2.5, 0, 2.5, 5])


def test_12_the_tangent_of_a_band_at_a_peak_leans_to_the_higher_neighbour():
    three = [point(-1, 0), point(0, 0), point(0, 1)]
    along = tangent(three, [0.9, 1.0, 0.0])  # a peak: |differences| 0.1 before and 1.0 after
    expected = torch.tensor([1.0, 0.1], dtype=torch.double)  # back × Δmax + ahead × Δmin
    torch.testing.assert_close(along["w"], expected / expected.norm())
    uneven = [point(-5, 0), point(0, 0), point(0, 1)]  # segments are not normalised first
    along = tangent(uneven, [0.9, 1.0, 0.0])
    expected = torch.tensor([5.0, 0.1], dtype=torch.double)
    torch.testing.assert_close(along["w"], expected / expected.norm())


def test_13_a_trace_comes_with_its_error_and_keeps_it():
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(60, 60, generator=generator, dtype=torch.double)
    table = table @ table.T / 60 + torch.diag(torch.linspace(-1, 1, 60, dtype=torch.double))

    class Quadratic:
        def hessian(self, theta: Weights) -> Hessian:
            return Hessian(lambda rows: rows @ table, theta)

    exact = table.trace().item()
    theta = Weights({"w": torch.zeros(60, dtype=torch.double)})
    ways = {"method": "hutchinson", "tolerance": 0.05, "most": 2000, "progress": False}
    found = [trace(Quadratic(), theta, seed=seed, **ways) for seed in range(40)]
    assert max(abs(each.value - exact) for each in found) < 0.25 * exact
    assert all(each.complete and each.error <= 0.05 * abs(each.value) for each in found)
    standing = torch.tensor([(each.value - exact) / each.error for each in found])
    assert 0.5 < standing.square().mean().sqrt() < 1.6  # errors are what they are said to be


def test_14_batches_count_by_their_size(monkeypatch):
    model, data = network(norm=False).eval(), rows(53)
    expected = cross_entropy(model(data.inputs), data.labels).item()
    monkeypatch.setattr(engine, "choose", lambda *_: Batching(1, 1, 25))  # 25, 25 and 3 rows
    assert Landscape(model, data)(Weights.of(model)).loss == pytest.approx(expected, rel=1e-6)


def test_15_a_small_loss_keeps_its_digits():
    model, data = nn.Linear(5, 3), rows(3000)
    with torch.no_grad():
        model.weight.zero_()
        model.bias.copy_(torch.tensor([9.0, 0.0, 0.0]))
    easy = Data(data.inputs, 0 * data.labels)
    loss = Landscape(model, easy)(Weights.of(model)).loss
    assert loss == pytest.approx(math.log1p(2 * math.exp(-9)), rel=1e-3)


def test_16_distances_between_three_models_are_true_on_their_plane():
    a, b, c = point(0, 0, 1), point(3, 0, 1), point(2, 0.5, 4)  # far from a right angle
    plane = Plane.through(a, b, c)
    assert plane.isometric
    places = [torch.tensor(plane.project(p)) for p in (a, b, c)]
    for i, p in enumerate((a, b, c)):
        for j, q in enumerate((a, b, c)):
            apart = (places[i] - places[j]).norm().item()
            assert apart == pytest.approx((p - q).norm().item(), abs=1e-6)


def test_17_the_plane_of_a_trajectory_says_what_it_leaves_out():
    generator = torch.Generator().manual_seed(0)
    steps = torch.randn(8, 6, generator=generator, dtype=torch.double).cumsum(0)
    found = trajectory_plane([point(*row.tolist()) for row in steps])
    path = steps.numpy()
    _, sizes, right = np.linalg.svd(path - path.mean(0))
    np.testing.assert_allclose(found.explained, (sizes**2 / (sizes**2).sum())[:2])
    rest = (path - path[-1]) @ right[2:].T
    np.testing.assert_allclose(found.distances, np.linalg.norm(rest, axis=1), atol=1e-9)


def test_18_files_hold_tensors_and_whole_objects_are_refused(tmp_path: Path):
    model = network()
    save(tmp_path / "theta.safetensors", Weights.of(model))
    torch.save(model.state_dict(), tmp_path / "state.pt")
    torch.save(model, tmp_path / "object.pt")
    for name in ("theta.safetensors", "state.pt"):
        theta = load(tmp_path / name, like=model).theta
        assert all(torch.equal(theta[n], p) for n, p in model.named_parameters())
    with pytest.raises(CheckpointError, match=r"save\s+model\.state_dict"):
        load(tmp_path / "object.pt", like=model)


def test_19_a_loss_is_of_the_data_whatever_the_weights_weigh():
    model, data = nn.Linear(5, 3, bias=False), rows()
    with torch.no_grad():
        model.weight.copy_(1e3 * torch.ones(3, 5))  # equal logits, heavy weights
    theta = Weights.of(model)
    assert Landscape(model, data)(theta).loss == pytest.approx(math.log(3), rel=1e-5)
    decaying = Recipe(steps=1, batch_size=len(data), weight_decay=0.1)
    curve = fit(model, data, Bezier((theta, theta, theta)), decaying, seed=0)
    assert curve.losses[0].item() == pytest.approx(math.log(3), rel=1e-5)
