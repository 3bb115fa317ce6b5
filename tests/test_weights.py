"""Weights form a vector space; a model leaves it and comes back unchanged."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fusionlab import Weights, combine, lerp, mean, slerp
from fusionlab.combinations import Combinations

SHAPES = {"layer.weight": (2, 3), "layer.bias": (2,), "scale": ()}
scalars = st.floats(-4, 4, width=32)
seeds = st.integers(0, 10_000)


def draw(seed: int) -> Weights:
    generator = torch.Generator().manual_seed(seed)
    make = {n: torch.randn(s, generator=generator, dtype=torch.double) for n, s in SHAPES.items()}
    return Weights(make)


points = st.builds(draw, seeds)
axiom = settings(max_examples=30)


@given(points, points)
@axiom
def test_commutativity_of_addition(a, b):
    assert_same(a + b, b + a)


@given(points, points, points)
@axiom
def test_associativity_of_addition(a, b, c):
    assert_same((a + b) + c, a + (b + c))


@given(points)
@axiom
def test_zero_is_neutral_and_every_point_has_an_opposite(a):
    zero = a - a
    assert zero.norm() == 0
    assert_same(a + zero, a)
    assert (a + (-a)).norm() == 0


@given(points, points, scalars)
@axiom
def test_scaling_distributes_over_points(a, b, s):
    assert_same(s * (a + b), s * a + s * b)


@given(points, scalars, scalars)
@axiom
def test_scaling_distributes_over_scalars_and_is_associative(a, s, t):
    assert_same((s + t) * a, s * a + t * a)
    assert_same(s * (t * a), (s * t) * a)
    assert_same(1 * a, a)


@given(points, points, points, scalars)
@axiom
def test_the_inner_product_is_bilinear_symmetric_and_positive(a, b, c, s):
    close = {"rtol": 1e-9, "atol": 1e-9}
    torch.testing.assert_close(a @ b, b @ a, **close)
    torch.testing.assert_close((a + s * b) @ c, a @ c + s * (b @ c), **close)
    assert a @ a > 0


@given(points)
@axiom
def test_norm_is_that_of_the_flat_vector(a):
    torch.testing.assert_close(a.norm(), a.flat().norm())
    assert a.size == a.flat().numel() == 9


@given(points, points)
@axiom
def test_lerp_and_slerp_begin_at_a_and_end_at_b(a, b):
    for path in (lerp, slerp):
        assert path(a, b, 0.0) is a or (path(a, b, 0.0) - a).norm() < 1e-12
        assert (path(a, b, 1.0) - b).norm() < 1e-12
    assert lerp(a, b, 0.0) is a
    assert lerp(a, b, 1.0) is b


@given(points, points, st.floats(0, 1))
@axiom
def test_slerp_keeps_the_length_of_unit_vectors(a, b, t):
    a, b = a / a.norm(), b / b.norm()
    assert slerp(a, b, t).norm().item() == pytest.approx(1.0)


def test_slerp_of_opposite_points_has_no_arc():
    with pytest.raises(ValueError, match="opposite"):
        slerp(draw(0), -draw(0), 0.5)


def test_mean_is_the_uniform_combination():
    many = [draw(i) for i in range(4)]
    assert_same(mean(many), combine([0.25] * 4, many))
    assert_same(mean(many), (many[0] + many[1] + many[2] + many[3]) / 4)


def test_numpy_and_tensor_scalars_scale_a_point():
    a = draw(0)
    assert_same(np.float64(0.5) * a, 0.5 * a)
    assert_same(torch.tensor(0.5) * a, 0.5 * a)
    with pytest.raises(TypeError):
        a * a


def test_a_coefficient_with_a_gradient_keeps_it():
    scale = torch.tensor(1.0, requires_grad=True)
    combine([scale, 0.0], [draw(0), draw(1)]).norm().backward()
    assert scale.grad is not None


def test_a_combination_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="at least one point"):
        combine([], [])


def test_combinations_are_their_points():
    a, b = draw(0), draw(1)
    batch = Combinations([a, b], torch.tensor([[1.0, 0.0], [0.25, 0.75], [0.0, 1.0]]))
    assert len(batch) == 3
    assert batch[0] is a
    assert batch[2] is b
    assert_same(batch[1], lerp(a, b, 0.75))
    assert [len(batch[1:]), len(list(batch))] == [2, 3]
    with pytest.raises(ValueError, match="one column per point"):
        Combinations([a, b], torch.ones(3, 3))


def test_points_are_a_pytree_so_gradients_are_points():
    theta = draw(0)
    gradient = torch.func.grad(lambda p: 0.5 * (p @ p))(theta)
    assert isinstance(gradient, Weights)
    assert_same(gradient, theta)


# ---- modules


def tied() -> nn.Module:
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.ReLU(), nn.Linear(3, 3, bias=False))
    model[2].weight = model[0].weight
    return model


MODULES = {
    "batch norm": lambda: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)),
    "tied weights": tied,
    "half precision": lambda: nn.Linear(3, 2).half(),
    "double precision": lambda: nn.Linear(3, 2).double(),
    "transformer": lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
}


@pytest.mark.parametrize("make", MODULES.values(), ids=MODULES.keys())
def test_a_model_leaves_and_comes_back_unchanged(make):
    model = make()
    other = make()
    theta = Weights.of(other)
    before = copy.deepcopy(model.state_dict())
    fresh = theta.to(model)
    for name, tensor in other.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], tensor)
        assert fresh.state_dict()[name].dtype == tensor.dtype
    for name, tensor in model.state_dict().items():
        assert torch.equal(before[name], tensor), "the caller's model was changed"
    assert fresh.training == model.training


def test_a_tied_parameter_counts_once_and_stays_tied():
    model = tied()
    assert Weights.of(model).size == 9
    fresh = (2 * Weights.of(model)).to(model)
    assert fresh[0].weight is fresh[2].weight
    assert torch.equal(fresh[0].weight, 2 * model[0].weight)


def test_a_point_shares_no_memory_with_its_model():
    model = nn.Linear(2, 2)
    theta = Weights.of(model)
    fresh = theta.to(model)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(fresh.weight)
    assert theta["weight"].abs().sum() > 0


def test_arithmetic_drops_buffers_and_a_network_that_needs_them_says_so():
    model = nn.BatchNorm1d(3)
    theta = Weights.of(model)
    assert set(theta.buffers) == {"running_mean", "running_var", "num_batches_tracked"}
    assert not (0.5 * theta).buffers
    with pytest.raises(ValueError, match=r"recalibrate\(model, theta, data\)"):
        (0.5 * theta).to(model)


def test_moving_changes_precision_but_not_counters():
    theta = Weights.of(nn.BatchNorm1d(3)).move(dtype=torch.half)
    assert theta["weight"].dtype == theta.buffers["running_mean"].dtype == torch.half
    assert theta.buffers["num_batches_tracked"].dtype == torch.long


def test_points_of_different_spaces_do_not_mix():
    narrow, wide = Weights.of(nn.Linear(2, 3)), Weights.of(nn.Linear(2, 4))
    with pytest.raises(ValueError, match=r"'weight' is \(3, 2\) in one and \(4, 2\) in the other"):
        narrow + wide
    with pytest.raises(ValueError, match="only one of them has"):
        narrow @ Weights({"weight": narrow["weight"]})
    with pytest.raises(ValueError, match="same widths"):
        narrow.to(nn.Linear(2, 4))
    with pytest.raises(TypeError, match=r"Weights\.of"):
        narrow + nn.Linear(2, 3)


@pytest.mark.parametrize(
    ("wrap", "prefix"),
    [
        (nn.DataParallel, "module"),
        (lambda model: nn.DataParallel(nn.DataParallel(model)), "module.module"),
        (lambda model: torch.compile(model, backend="eager"), "_orig_mod"),
        (lambda model: nn.ModuleDict({"net": model}), "net"),
    ],
)
def test_names_inside_a_wrapper_are_told_by_what_they_begin_with(wrap, prefix):
    model = tied()
    wrapped, plain = Weights.of(wrap(tied())), Weights.of(model)
    words = rf"every name begins with '{prefix}\.'.*model\.{prefix}, everywhere"
    for mix in (lambda: plain + wrapped, lambda: wrapped + plain, lambda: wrapped.to(model)):
        with pytest.raises(ValueError, match=words):
            mix()


def test_nothing_changes_its_arguments():
    a, b = draw(0), draw(1)
    before = a.flat().clone(), b.flat().clone()
    _ = a + b, a - b, 3 * a, a / 2, -a, a @ b, lerp(a, b, 0.3), slerp(a, b, 0.3), mean([a, b])
    assert torch.equal(before[0], a.flat())
    assert torch.equal(before[1], b.flat())
    with pytest.raises(TypeError):
        a.buffers["x"] = torch.zeros(1)


def assert_same(a: Weights, b: Weights, *, tolerance: float = 1e-9) -> None:
    for name, tensor in a.items():
        torch.testing.assert_close(tensor, b[name], rtol=tolerance, atol=tolerance)


# ---------------------------------------------------------------- flat vectors, complex numbers


@given(points)
@axiom
def test_a_flat_vector_comes_back_as_the_point_that_it_was(a):
    back = a.unflatten(a.flat())
    assert list(back) == list(a)
    assert_same(back, a, tolerance=0)


def test_a_point_of_several_types_comes_back_from_its_flat_vector():
    tensors = {
        "half": torch.tensor([[0.5, 1 / 3]], dtype=torch.half),
        "single": torch.tensor(1 / 3),
        "complex": torch.tensor([1 + 2j, 3j]),
    }
    back = Weights(tensors).unflatten(Weights(tensors).flat())
    assert [t.dtype for t in back.values()] == [t.dtype for t in tensors.values()]
    assert all(torch.equal(back[name], t) for name, t in tensors.items())


def test_a_vector_in_double_precision_gives_a_point_in_double_precision():
    theta = Weights({"w": torch.zeros(2, 2)})
    assert theta.unflatten(torch.zeros(4, dtype=torch.double))["w"].dtype == torch.double


@pytest.mark.parametrize("shape", [(8,), (10,), (9, 1), (1, 9), ()])
def test_a_vector_that_is_no_point_of_the_space_is_told(shape):
    with pytest.raises(ValueError, match=r"shape .* 9 coordinates.*shape \(9,\)"):
        draw(0).unflatten(torch.zeros(shape))


def test_complex_coordinates_count_as_their_real_and_imaginary_parts():
    a = Weights({"z": torch.tensor([3 + 4j, 1j]), "x": torch.tensor([2.0])})
    b = Weights({"z": torch.tensor([1 - 2j, 5 + 1j]), "x": torch.tensor([-1.0])})
    assert float(a.norm()) == pytest.approx(30**0.5)
    assert float(a @ b) == pytest.approx((3 - 8) + 1 - 2)
    assert float(a @ b) == float(b @ a)
    assert not (a @ b).is_complex()
    assert float((1j * a) @ a) == pytest.approx(0 + 0)
    assert float((1j * a).norm()) == pytest.approx(float(a.norm()))


def test_a_real_point_and_a_complex_one_have_an_inner_product():
    a, b = Weights({"z": torch.tensor([2.0])}), Weights({"z": torch.tensor([3 + 4j])})
    assert float(a @ b) == float(b @ a) == 6


def test_a_complex_network_leaves_and_comes_back():
    model = nn.ParameterDict(
        {"z": torch.randn(3, dtype=torch.cfloat), "x": torch.randn(2, dtype=torch.float)}
    )
    theta = Weights.of(model)
    parts = torch.cat([torch.view_as_real(theta["z"]).flatten(), theta["x"]])
    assert float(theta.norm()) == pytest.approx(float(parts.double().norm()))
    assert_same(Weights.of(theta.to(model)), theta, tolerance=0)
    middle = slerp(theta, Weights({n: 1j * t for n, t in theta.items()}), 0.5)
    assert float(middle.norm()) == pytest.approx(float(theta.norm()), rel=1e-5)
    wide = theta.move(dtype=torch.double)
    assert (wide["z"].dtype, wide["x"].dtype) == (torch.cdouble, torch.double)


def test_integers_stay_what_they_are_when_a_point_takes_another_precision():
    theta = Weights({"w": torch.ones(2), "index": torch.tensor([0, 1])}, {"n": torch.tensor(3)})
    moved = theta.move(dtype=torch.double)
    kinds = {n: t.dtype for n, t in {**moved, **moved.buffers}.items()}
    assert kinds == {"w": torch.double, "index": torch.long, "n": torch.long}
