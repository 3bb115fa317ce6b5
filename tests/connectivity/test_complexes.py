"""Volumes agree with closed forms; a complex joins modes by vertices that alone are moved."""

import os
import signal
import threading
from math import factorial, sqrt

import pytest
import torch
from torch import nn

from fusionlab import Weights
from fusionlab.connectivity import Complex, connect, volume, volume_penalty
from fusionlab.data import Data
from fusionlab.descent import Recipe
from fusionlab.lab import initial
from fusionlab.landscape import Landscape

DICE = torch.Generator().manual_seed(0)
DATA = Data(torch.randn(60, 4, generator=DICE), torch.arange(60) % 3)
NET = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
MODES = [initial(NET, seed=seed) for seed in range(3)]
QUICK = Recipe(steps=40, lr=0.05)


def products(rows):
    rows = torch.as_tensor(rows, dtype=torch.double)
    return rows @ rows.T


def cayley_menger(rows):
    """The volume by squared distances alone, from the bordered determinant."""
    n = len(rows) - 1
    bordered = torch.ones(n + 2, n + 2, dtype=torch.double)
    bordered[0, 0] = 0
    bordered[1:, 1:] = torch.cdist(rows, rows).square()
    det = torch.linalg.det(bordered).item()
    return sqrt((-1) ** (n + 1) * det / 2**n) / factorial(n)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 8])
def test_the_unit_simplex_has_its_known_volume(k):
    corners = torch.eye(k + 1) / sqrt(2)  # edges of length 1
    expected = sqrt(k + 1) / (factorial(k) * sqrt(2**k))
    assert volume(products(corners)).item() == pytest.approx(expected)


def test_a_line_has_its_length_a_triangle_its_area_a_point_one():
    assert volume(products([[1.0, 2.0], [4.0, 6.0]])).item() == pytest.approx(5)
    assert volume(products([[0.0, 0.0], [3.0, 0.0], [1.0, 4.0]])).item() == pytest.approx(6)
    assert volume(products([[7.0, 1.0]])).item() == 1


def test_the_volume_is_cayley_mengers():
    rows = torch.randn(5, 9, generator=DICE, dtype=torch.double)
    assert volume(products(rows)).item() == pytest.approx(cayley_menger(rows))


def test_translation_and_rotation_leave_the_volume():
    rows = torch.randn(4, 6, generator=DICE, dtype=torch.double)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=DICE, dtype=torch.double)).Q
    before = volume(products(rows)).item()
    assert volume(products(rows + 10)).item() == pytest.approx(before)
    assert volume(products(rows @ turn)).item() == pytest.approx(before)
    assert volume(products(2 * rows)).item() == pytest.approx(8 * before)


def test_a_flat_simplex_has_no_volume():
    a, b = torch.randn(2, 20, generator=DICE, dtype=torch.double)
    assert volume(products(torch.stack([a, b, (a + b) / 2]))) == 0
    assert volume(products(torch.stack([a, b, a]))) == 0
    assert volume(products(torch.stack([a, a]))) == 0


def test_a_part_of_the_vertices_is_measured_alone():
    rows = torch.randn(5, 6, generator=DICE, dtype=torch.double)
    alone = volume(products(rows[[3, 1, 4]])).item()
    assert volume(products(rows), (3, 1, 4)).item() == pytest.approx(alone)


def test_the_volumes_slope_is_that_of_finite_differences():
    rows = torch.randn(4, 6, generator=DICE, dtype=torch.double, requires_grad=True)
    penalty = volume_penalty([(0, 1, 2), (1, 2, 3), (0, 3)], 0.3)
    assert torch.autograd.gradcheck(lambda r: volume(r @ r.T), rows)
    assert torch.autograd.gradcheck(lambda r: penalty(r @ r.T), rows)


def test_the_penalty_is_the_log_of_the_sum():
    rows = torch.randn(4, 6, generator=DICE, dtype=torch.double)
    total = volume(products(rows), (0, 1, 2)) + volume(products(rows), (1, 3))
    penalty = volume_penalty([(0, 1, 2), (1, 3)], 0.5)(products(rows))
    assert penalty.item() == pytest.approx(-0.5 * total.log().item())


def test_a_flat_complex_is_no_start_for_its_volume():
    rows = torch.ones(3, 4)
    with pytest.raises(ValueError, match="flat"):
        volume_penalty([(0, 1, 2)], 0.1)(products(rows))


def test_points_are_drawn_in_the_simplexes_each_alike_and_uniformly_inside():
    shape = Complex((*MODES, *MODES), ((0, 1, 2), (3, 5)))
    shares = shape.draw(4000, torch.Generator().manual_seed(1))
    in_first = shares[:, [3, 4, 5]].sum(1) == 0
    assert (shares.sum(1) - 1).abs().max() < 1e-12
    assert (shares >= 0).all()
    assert (shares[:, 4] == 0).all()
    assert in_first.double().mean().item() == pytest.approx(0.5, abs=0.03)
    triangle, line = shares[in_first][:, :3], shares[~in_first][:, 3]
    # Uniform in a triangle a share has mean 1/3 and variance 1/18, on a line 1/2 and 1/12.
    assert triangle.mean(0) == pytest.approx(torch.full((3,), 1 / 3), abs=0.02)
    assert triangle.var(0) == pytest.approx(torch.full((3,), 1 / 18), abs=0.006)
    assert line.mean().item() == pytest.approx(1 / 2, abs=0.02)
    assert line.var().item() == pytest.approx(1 / 12, abs=0.006)


def test_a_vertex_is_met_bit_for_bit():
    shape = Complex.of(MODES)
    assert shape([0, 1, 0]) is MODES[1]
    assert {id(theta) for theta in shape.sample(20, seed=0)} == {*map(id, MODES)}


def test_a_cone_joins_a_vertex_to_every_simplex_and_only_it_is_free():
    apex, top = initial(NET, seed=7), initial(NET, seed=8)
    shape = Complex.of(MODES).cone(apex).cone(top)
    assert shape.simplexes == ((0, 3, 4), (1, 3, 4), (2, 3, 4))
    assert shape.fixed == (0, 1, 2, 3)
    assert shape.points == (*MODES, apex, top)
    assert [part.points[0] for part in shape.parts] == MODES


def test_the_volume_of_a_complex_is_the_sum_of_its_simplexes():
    rows = torch.stack([theta.flat() for theta in MODES]).double()
    shape = Complex(tuple(MODES), ((0, 1), (1, 2), (0, 1, 2)))
    lengths = (rows[0] - rows[1]).norm() + (rows[1] - rows[2]).norm()
    assert shape.volume == pytest.approx(lengths.item() + cayley_menger(rows))


@pytest.mark.parametrize("simplexes", [(), ((),), ((0, 3),), ((0, 0, 1),), ((-1, 0),)])
def test_what_is_no_complex_is_refused(simplexes):
    with pytest.raises(ValueError, match="not a simplex"):
        Complex(tuple(MODES), simplexes)


def test_connecting_lowers_the_loss_inside_and_keeps_a_volume():
    landscape = Landscape(NET, DATA)
    middle = Complex.of(MODES).cone(sum(MODES[1:], MODES[0]) / 3)
    before = landscape.scores(middle.sample(50, seed=0)).loss.mean()
    first, second = connect(NET, DATA, MODES, QUICK, seed=0, connectors=2, progress=False)
    assert landscape.scores(first.shape.sample(50, seed=0)).loss.mean() < before
    assert second.shape.simplexes == ((0, 3, 4), (1, 3, 4), (2, 3, 4))
    assert second.shape.volume > 0
    assert second.shape.points[:4] == (*MODES, first.shape.points[3])


def test_more_weight_makes_more_volume():
    volumes = [
        connect(NET, DATA, MODES, QUICK, seed=0, connectors=2, weight=w, progress=False)[1]
        for w in (0.0, 0.1)
    ]
    assert volumes[1].shape.volume > 2 * volumes[0].shape.volume


def test_the_same_seed_connects_alike():
    one, two, other = (
        connect(NET, DATA, MODES, QUICK, seed=seed, progress=False)[0].shape.points[-1]
        for seed in (0, 0, 1)
    )
    assert (one - two).norm() == 0
    assert (one - other).norm() > 0


def test_one_mode_needs_no_connection():
    with pytest.raises(ValueError, match="at least two modes"):
        connect(NET, DATA, MODES[:1], QUICK, seed=0)
    with pytest.raises(ValueError, match="one connector"):
        connect(NET, DATA, MODES, QUICK, seed=0, connectors=0)


def test_an_interrupt_keeps_the_vertices_so_far():
    slow = Recipe(steps=20_000)
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.warns(RuntimeWarning, match="interrupted"):
        [only] = connect(NET, DATA, MODES, slow, seed=0, connectors=2, progress=False)
    assert not only.complete
    assert only.steps > 0
    assert isinstance(only.shape.points[-1], Weights)
