"""Curvature is told by known spectra, dense Hessians and SciPy."""

import os
import signal

import numpy as np
import pytest
import torch
from torch import nn

from fusionlab import Data, Weights
from fusionlab.landscape import (
    Hessian,
    Landscape,
    densities,
    eigenpairs,
    eigenplane,
    lanczos,
    spectral_density,
    trace,
    traces,
)
from fusionlab.landscape.hessians import inner, norms
from fusionlab.landscape.twice import twice_differentiable

quiet = {"progress": False}


class Bowl:
    """½ θᵀ diag(curvatures) θ, rotated; its spectrum is known."""

    def __init__(self, *curvatures, rotate=True):
        self.curvatures = torch.tensor(curvatures, dtype=torch.double)
        d = len(self.curvatures)
        generator = torch.Generator().manual_seed(0)
        basis = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.double)).Q
        self.axes = basis if rotate else torch.eye(d).double()
        self.calls = 0

    @property
    def origin(self) -> Weights:
        return Weights({"w": torch.zeros(len(self.curvatures), dtype=torch.double)})

    def hessian(self, theta: Weights) -> Hessian:
        return Hessian(self.product, theta)

    def product(self, rows):
        self.calls += len(rows)
        return (rows @ self.axes * self.curvatures) @ self.axes.T


SADDLE = (-9, 7, 5, -4, 3, 2, 1, *np.linspace(-0.9, 0.9, 40))


@pytest.fixture(scope="module")
def network():
    """A small network after some training, and its dense Hessian."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4)).double()
    data = Data(torch.randn(80, 6).double(), torch.arange(80) % 4)
    landscape, theta = Landscape(model, data), Weights.of(model)
    for _ in range(100):
        theta = theta - 0.5 * landscape.slope(theta)[1]

    def loss(flat):
        logits = torch.func.functional_call(model, dict(hessian.point(flat)), (data.inputs,))
        return nn.functional.cross_entropy(logits, data.labels)

    hessian = landscape.hessian(theta)
    return landscape, theta, torch.func.hessian(loss)(theta.flat())


WANTED = {
    "largest magnitude": lambda ev: ev[(-ev.abs()).argsort()],
    "largest": lambda ev: ev.flip(0),
    "smallest": lambda ev: ev,
}


@pytest.mark.parametrize("which", WANTED)
def test_eigenpairs_are_those_of_the_dense_hessian(network, which):
    landscape, theta, dense = network
    found = eigenpairs(landscape, theta, k=6, which=which, tolerance=1e-6, **quiet)
    expected = WANTED[which](torch.linalg.eigvalsh(dense))[:6]
    torch.testing.assert_close(found.values, expected, rtol=1e-9, atol=1e-12)
    vectors = torch.stack([v.flat() for v in found.vectors])
    torch.testing.assert_close(vectors @ vectors.T, torch.eye(6).double())
    true = (vectors @ dense - found.values[:, None] * vectors).norm(dim=1)
    torch.testing.assert_close(found.residuals, true, rtol=1e-3, atol=1e-13)
    assert (true <= 1e-6 * found.values.abs() + 1e-14).all()
    assert found.complete


def test_eigenpairs_are_those_of_scipy(network):
    from scipy.sparse.linalg import LinearOperator, eigsh

    landscape, theta, _ = network
    hessian = landscape.hessian(theta)

    def product(v):
        return hessian(torch.from_numpy(v.reshape(1, -1)).clone())[0].numpy()

    operator = LinearOperator((hessian.size, hessian.size), matvec=product, dtype=float)
    expected = np.sort(eigsh(operator, 5, which="LM", return_eigenvectors=False))
    found = eigenpairs(landscape, theta, k=5, tolerance=1e-6, **quiet).values.sort().values
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-8)


def test_the_steepest_way_down_at_a_saddle_is_found():
    bowl = Bowl(*SADDLE)
    found = eigenpairs(bowl, bowl.origin, k=4, **quiet)
    torch.testing.assert_close(found.values, bowl.curvatures[:4], rtol=1e-6, atol=0)
    torch.testing.assert_close(
        found.vectors[0].flat().abs(), bowl.axes[:, 0].abs(), atol=1e-4, rtol=0
    )
    assert found.products == bowl.calls


def test_a_space_that_is_full_restarts_and_still_converges():
    bowl = Bowl(*np.linspace(0, 1, 300), rotate=False)
    full = lanczos.Lanczos(bowl.hessian(bowl.origin), 5, "largest", seed=0, limit=20)
    while not full.converged(1e-4):
        full.step()
    assert full.products > 60, "this spectrum needs more than one space"
    values, vectors, residuals = full.pairs()
    torch.testing.assert_close(values, torch.linspace(0, 1, 300).double().flip(0)[:5])
    true = (vectors * torch.linspace(0, 1, 300) - values[:, None] * vectors).norm(dim=1)
    torch.testing.assert_close(residuals, true, rtol=1e-3, atol=1e-9)


def test_equal_eigenvalues_are_counted_as_often_as_they_are():
    bowl = Bowl(3, 3, 3, *[1] * 40)
    found = eigenpairs(bowl, bowl.origin, k=4, **quiet)
    torch.testing.assert_close(found.values, torch.tensor([3, 3, 3, 1.0]).double())


def test_of_more_pairs_than_dimensions_all_are_given():
    bowl = Bowl(5, 0, -2)
    found = eigenpairs(bowl, bowl.origin, k=10, **quiet)
    torch.testing.assert_close(found.values, torch.tensor([5, -2, 0.0]).double())
    assert found.complete


def test_a_flat_landscape_has_zero_curvature():
    bowl = Bowl(*[0] * 12)
    assert not eigenpairs(bowl, bowl.origin, k=3, **quiet).values.any()
    assert trace(bowl, bowl.origin, **quiet).value == 0


def test_too_few_products_are_told():
    bowl = Bowl(*np.linspace(0, 1, 100))
    with pytest.warns(RuntimeWarning, match="not all of the 5"):
        found = eigenpairs(bowl, bowl.origin, k=5, most=9, **quiet)
    assert not found.complete
    assert found.products == 9
    assert found.residuals.max() > 1e-3


def test_the_plane_of_the_two_steepest_directions_curves_as_they_do():
    bowl = Bowl(8, -6, *np.linspace(-1, 1, 20))
    plane = eigenplane(bowl, bowl.origin, **quiet)
    curved = [float(d.flat() @ bowl.product(d.flat()[None])[0]) for d in plane.points[1:]]
    assert curved == pytest.approx([8, -6], rel=1e-5)
    torch.testing.assert_close(plane.gram, torch.eye(2).double(), atol=1e-6, rtol=0)


OUTLIERS = (40, 25, 12, *np.linspace(-0.05, 0.15, 397))
TRACE = sum(OUTLIERS)


@pytest.mark.parametrize("method", ["hutch++", "hutchinson"])
def test_the_standard_error_of_a_trace_is_what_its_errors_are(method):
    bowl = Bowl(*OUTLIERS)
    runs = [
        trace(bowl, bowl.origin, method=method, seed=s, tolerance=0.05, **quiet) for s in range(40)
    ]
    errors = np.array([run.value - TRACE for run in runs])
    told = np.array([run.error for run in runs])
    assert all(run.complete for run in runs)
    assert (told <= 0.05 * 1.2 * TRACE).all()
    assert abs(errors.mean()) < 3 * errors.std() / 40**0.5, "it is biased"
    assert 0.6 < (errors / told).std() < 1.6
    assert min(run.probes for run in runs) >= 8, "a few probes agreed by luck"


def test_taking_out_the_steep_directions_saves_most_products():
    bowl = Bowl(*OUTLIERS)
    with_, without = (
        trace(bowl, bowl.origin, method=m, **quiet) for m in ("hutch++", "hutchinson")
    )
    assert bowl.calls == with_.products + without.products
    assert 4 * with_.products < without.products


def test_a_trace_that_is_all_known_has_no_error():
    bowl = Bowl(4, 3, -1, 2)
    found = trace(bowl, bowl.origin, **quiet)
    assert found.value == pytest.approx(8)
    assert found.error == 0


def test_a_trace_near_zero_ends_at_its_budget():
    bowl = Bowl(*np.linspace(-1, 1, 200))
    found = trace(bowl, bowl.origin, most=100, **quiet)
    assert not found.complete
    assert found.products <= 108
    assert abs(found.value) < 4 * found.error


def test_the_trace_of_a_network_is_that_of_its_dense_hessian(network):
    landscape, theta, dense = network
    found = trace(landscape, theta, **quiet)
    assert found.value == pytest.approx(float(dense.trace()), abs=4 * found.error)
    assert found.error < 0.025 * found.value


def test_the_density_integrates_to_one_and_has_the_moments_of_the_spectrum(network):
    landscape, theta, dense = network
    density = spectral_density(landscape, theta, probes=64, steps=30, **quiet)
    assert float(torch.trapezoid(density.density, density.x)) == pytest.approx(1, abs=1e-3)
    assert (density.density >= 0).all()
    torch.testing.assert_close(density.weights.sum(1), torch.ones(64).double())
    for power in (1, 2):
        each = (density.weights * density.nodes**power).sum(1)
        expected = float(dense.matrix_power(power).trace()) / len(dense)
        assert float(each.mean()) == pytest.approx(expected, abs=4 * float(each.std()) / 8)


def test_with_as_many_steps_as_dimensions_the_nodes_are_the_eigenvalues():
    bowl = Bowl(*SADDLE[:10])
    density = spectral_density(bowl, bowl.origin, probes=3, steps=99, width=0.1, **quiet)
    assert density.nodes.shape == (3, 10)
    expected = bowl.curvatures.sort(descending=True).values
    torch.testing.assert_close(density.nodes, expected.expand(3, 10))
    peak = density.x[density.density[density.x < -6].argmax()]
    assert float(peak) == pytest.approx(-9, abs=0.05)


ROUTINES = {
    "eigenpairs": lambda bowl, seed: (
        eigenpairs(bowl, bowl.origin, k=2, seed=seed, **quiet).vectors[0].flat()
    ),
    "trace": lambda bowl, seed: torch.tensor(trace(bowl, bowl.origin, seed=seed, **quiet).value),
    "spectral_density": lambda bowl, seed: (
        spectral_density(bowl, bowl.origin, probes=2, steps=5, seed=seed, **quiet).nodes
    ),
}


@pytest.mark.parametrize("routine", ROUTINES.values(), ids=ROUTINES)
def test_the_seed_alone_sets_the_draws(routine):
    bowl, random = Bowl(*SADDLE), torch.get_rng_state()
    first, again, other = (routine(bowl, seed) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), random)


class Interrupted(Bowl):
    """Someone presses Ctrl-C during a product."""

    def product(self, rows):
        if self.calls < 24 <= self.calls + len(rows):
            os.kill(os.getpid(), signal.SIGINT)
        return super().product(rows)


def test_an_interrupt_keeps_the_best_pairs_so_far():
    bowl = Interrupted(*np.linspace(0, 1, 200))
    with pytest.warns(RuntimeWarning, match="interrupted"):
        found = eigenpairs(bowl, bowl.origin, k=3, **quiet)
    assert not found.complete
    assert found.products == 24
    vectors = torch.stack([v.flat() for v in found.vectors])
    true = (bowl.product(vectors) - found.values[:, None] * vectors).norm(dim=1)
    torch.testing.assert_close(found.residuals, true)


def test_an_interrupt_keeps_the_probes_so_far():
    bowl = Interrupted(*np.linspace(0, 1, 200))
    with pytest.warns(RuntimeWarning, match="interrupted"):
        found = trace(bowl, bowl.origin, method="hutchinson", tolerance=1e-3, **quiet)
    assert (found.probes, found.complete) == (24, False)
    assert found.value == pytest.approx(100, abs=4 * found.error)


@pytest.mark.parametrize(("probes", "kept"), [(8, (8, 3)), (16, (8, 2))])
def test_an_interrupt_keeps_the_directions_so_far(probes, kept):
    bowl = Interrupted(*np.linspace(0, 1, 200))
    steps = 40 if probes == 8 else 2
    with pytest.warns(RuntimeWarning, match="interrupted"):
        found = spectral_density(bowl, bowl.origin, probes=probes, steps=steps, **quiet)
    assert found.nodes.shape == kept
    assert not found.complete
    assert float(torch.trapezoid(found.density, found.x)) == pytest.approx(1, abs=1e-3)


def test_words_that_mean_nothing_are_refused():
    bowl = Bowl(1, 2)
    with pytest.raises(ValueError, match="largest magnitude"):
        eigenpairs(bowl, bowl.origin, which="biggest", **quiet)
    with pytest.raises(ValueError, match="hutchinson"):
        trace(bowl, bowl.origin, method="exact", **quiet)


def test_memory_bounds_the_directions_taken_out(monkeypatch):
    bowl = Bowl(*OUTLIERS)
    monkeypatch.setattr(traces, "BASIS_BYTES", 8 * 400 * 8)
    found = trace(bowl, bowl.origin, **quiet)
    assert 0 < found.products - found.probes <= 16
    monkeypatch.setattr(traces, "BASIS_BYTES", 3 * 400 * 8)
    assert trace(bowl, bowl.origin, most=40, tolerance=1e-9, **quiet).probes == 40


class Long:
    """A diagonal map of many float32 coordinates: 5, 4, 3 and noise."""

    def __init__(self, d: int) -> None:
        self.curvatures = torch.rand(d, generator=torch.Generator().manual_seed(0))
        self.curvatures[:3] = torch.tensor([50.0, 40.0, 30.0])
        self.origin = Weights({"w": torch.zeros(d)})

    def hessian(self, theta: Weights) -> Hessian:
        return Hessian(lambda rows: rows * self.curvatures, theta)


def test_vectors_of_many_coordinates_have_length_one():
    bowl = Long(20_000_000)
    with pytest.warns(RuntimeWarning, match="converged"):
        found = eigenpairs(bowl, bowl.origin, k=1, most=3, **quiet)
    [vector] = found.vectors
    assert abs(vector["w"].double().square().sum() - 1) < 1e-6
    assert abs(float(vector.norm()) - 1) < 1e-6


def test_inner_products_of_long_vectors_are_those_of_double_precision():
    a, b = torch.randn(2, 3, 3_000_001, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(inner(a, b), (a.double() * b.double()).sum(1), rtol=1e-9, atol=1e-6)
    torch.testing.assert_close(norms(a), a.double().norm(dim=1), rtol=1e-12, atol=0)
    assert inner(a, b).dtype == torch.double


@pytest.mark.parametrize("k", [1, 5])
def test_the_space_of_a_search_keeps_within_its_bytes(monkeypatch, k):
    bowl = Long(3000)
    monkeypatch.setattr(lanczos, "BASIS_BYTES", 20 * 3000 * 4)
    assert lanczos.Lanczos(bowl.hessian(bowl.origin), k, "largest", seed=0).basis.shape == (
        20,
        3000,
    )
    found = eigenpairs(bowl, bowl.origin, k=3, **quiet)
    assert found.complete
    torch.testing.assert_close(
        found.values, torch.tensor([50.0, 40, 30]).double(), rtol=1e-4, atol=0
    )


def test_the_least_space_finds_the_same_pairs(monkeypatch):
    bowl = Long(3000)
    monkeypatch.setattr(lanczos, "BASIS_BYTES", 0)
    for k in (1, 2, 3):
        search = lanczos.Lanczos(bowl.hessian(bowl.origin), k, "largest", seed=0)
        assert search.basis.shape == (k + lanczos.LEAST + 1, 3000)
        found = eigenpairs(bowl, bowl.origin, k=k, **quiet)
        assert found.complete
        expected = torch.tensor([50.0, 40, 30]).double()[:k]
        torch.testing.assert_close(found.values, expected, rtol=1e-4, atol=0)


def test_a_search_that_has_no_room_says_how_much_it_needs(monkeypatch):
    bowl = Long(3000)
    monkeypatch.setattr(lanczos, "BASIS_BYTES", 0)
    monkeypatch.setattr(lanczos, "_memory", lambda device: 100_000)
    with pytest.raises(MemoryError, match=r"9 eigenpairs.*3,000 parameters need 13 vectors.*fewer"):
        eigenpairs(bowl, bowl.origin, k=9, **quiet)


def test_pieces_do_not_change_what_a_restart_keeps(monkeypatch):
    bowl = Long(3000)
    pairs = []
    for piece in (lanczos.PIECE, 700):
        monkeypatch.setattr(lanczos, "PIECE", piece)
        search = lanczos.Lanczos(bowl.hessian(bowl.origin), 3, "largest", seed=0, limit=9)
        for _ in range(60):
            search.step()
        pairs.append(search.pairs())
    torch.testing.assert_close(pairs[0][0], pairs[1][0], rtol=1e-5, atol=0)
    torch.testing.assert_close(pairs[0][1], pairs[1][1], rtol=0, atol=1e-3)


def test_memory_bounds_how_many_spectra_grow_side_by_side(monkeypatch):
    bowl = Long(3000)
    whole = spectral_density(bowl, bowl.origin, probes=4, steps=9, **quiet)
    monkeypatch.setattr(densities, "BASIS_BYTES", 0)
    alone = spectral_density(bowl, bowl.origin, probes=4, steps=9, **quiet)
    torch.testing.assert_close(alone.nodes, whole.nodes, rtol=1e-4, atol=1e-4)


class Gate(nn.Module):
    """What nn.Hardsigmoid computes, of operations that can be differentiated twice."""

    def forward(self, x):
        return nn.functional.relu6(x + 3) / 6


class Inline(nn.Module):
    def forward(self, x):
        return nn.functional.hardsigmoid(x)


def test_an_operation_without_a_second_derivative_is_named_with_its_layers_and_a_way_out():
    torch.manual_seed(0)
    gates = [nn.Hardsigmoid() for _ in range(5)]
    model = nn.Sequential(nn.Linear(6, 8), *gates, nn.Linear(8, 4))
    data = Data(torch.randn(20, 6), torch.arange(20) % 4)
    theta = Weights.of(model)
    for routine in (eigenpairs, trace, spectral_density):
        with pytest.raises(NotImplementedError, match=r"hardsigmoid.*layers 1, 2, 3 and 2 more"):
            routine(Landscape(model, data), theta, **quiet)
    with pytest.raises(NotImplementedError, match=r"Have these compute relu6\(x \+ 3\) / 6"):
        eigenpairs(Landscape(model, data), theta, **quiet)
    written = nn.Sequential(nn.Linear(6, 8), Inline(), nn.Linear(8, 4))
    with pytest.raises(NotImplementedError, match="in a forward of this network"):
        eigenpairs(Landscape(written, data), Weights.of(written), **quiet)
    assert Landscape(model, data).slope(theta)[1].norm() > 0


def test_the_way_out_is_the_same_function_and_has_a_hessian():
    x = torch.linspace(-5, 5, 101)
    torch.testing.assert_close(Gate()(x), nn.Hardsigmoid()(x))
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), Gate(), nn.Linear(8, 4))
    data = Data(torch.randn(20, 6), torch.arange(20) % 4)
    assert eigenpairs(Landscape(model, data), Weights.of(model), k=1, **quiet).complete


def test_other_errors_of_a_network_stay_as_they_are():
    with pytest.raises(RuntimeError, match="mine"), twice_differentiable(nn.Identity()):
        raise RuntimeError("mine")


class Normalised(nn.Linear):
    def forward(self, x):
        return nn.functional.normalize(super().forward(x), dim=1)


def test_where_a_second_derivative_is_not_finite_the_tensors_are_named():
    model = nn.Sequential(Normalised(4, 4), nn.Linear(4, 3))
    nn.init.zeros_(model[0].bias)
    inputs = torch.randn(6, 4)
    inputs[0] = 0  # what is normalised there is zero
    landscape = Landscape(model, (inputs, torch.arange(6) % 3))
    with pytest.raises(ValueError, match=r"NaN or infinite in '0\.weight'"):
        eigenpairs(landscape, Weights.of(model), k=1)
