"""A patch meets its corners, its edges are Bézier curves, and its inside can be fitted."""

import pytest
import torch
from torch import nn

from fusionlab.connectivity import Bezier, Patch, fit
from fusionlab.data import Data
from fusionlab.descent import Recipe
from fusionlab.lab import initial
from fusionlab.landscape import Landscape, Score, survey

NET = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))
CORNERS = [initial(NET, seed=seed) for seed in range(4)]
DICE = torch.Generator().manual_seed(0)
DATA = Data(torch.randn(60, 4, generator=DICE), torch.arange(60) % 3)
PLACES = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]


def wild(degree=2):
    """A patch with control points anywhere."""
    count = (degree + 1) ** 2
    return Patch(tuple(initial(NET, seed=seed) for seed in range(10, 10 + count)))


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_the_corners_are_themselves_buffers_included(degree):
    patch = Patch.over(CORNERS, degree=degree)
    assert [patch(u, v) for u, v in PLACES] == CORNERS
    assert [patch.points[i] for i in patch.fixed] == [CORNERS[i] for i in (0, 2, 1, 3)]


def test_a_new_patch_is_bilinear():
    patch, (a, b, c, d) = Patch.over(CORNERS, degree=3), CORNERS
    u, v = 0.3, 0.8
    expected = (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * c + u * d)
    assert (patch(u, v) - expected).norm() < 1e-5


def test_an_edge_is_the_bezier_curve_of_its_points():
    patch = wild()
    first = Bezier(patch.points[::3])  # v = 0: all i, j = 0
    last = Bezier(patch.points[6:])  # u = 1: the last i, all j
    for t in (0.2, 0.7):
        assert (patch(t, 0.0) - first(t)).norm() < 1e-5
        assert (patch(1.0, t) - last(t)).norm() < 1e-5


def test_the_shares_are_products_of_binomials_and_sum_to_one():
    shares = wild().coefficients(torch.tensor([[0.25, 0.5]]).double())
    assert shares.sum().item() == pytest.approx(1)
    assert shares[0, 0].item() == pytest.approx(0.75**2 * 0.5**2)
    assert shares[0, 5].item() == pytest.approx(2 * 0.25 * 0.75 * 0.5**2)  # i = 1, j = 2


def test_a_surface_of_a_patch_has_u_along_x_and_v_along_y():
    patch = wild()
    u, v = torch.linspace(0, 1, 4), torch.linspace(0, 1, 3)
    surface = survey(lambda theta: Score(theta.norm().item(), 0.5), patch, u, v)
    assert surface.loss.shape == (3, 4)
    assert surface.loss[2, 1].item() == pytest.approx(patch(1 / 3, 1.0).norm().item())


def test_a_fit_lowers_the_loss_and_keeps_the_corners():
    landscape, start = Landscape(NET, DATA), Patch.over(CORNERS)
    grid = torch.linspace(0, 1, 5)
    fitted = fit(NET, DATA, start, Recipe(steps=60, lr=0.05), seed=0, progress=False)
    before, after = (survey(landscape, shape, grid, grid) for shape in (start, fitted.shape))
    assert after.loss.mean() < before.loss.mean()
    assert [fitted.shape(u, v) for u, v in PLACES] == CORNERS
    assert (fitted.shape.points[4] - start.points[4]).norm() > 0


def test_places_are_drawn_uniformly():
    patch = Patch(tuple(CORNERS))  # bilinear: the last share is u v
    shares = patch.draw(4000, torch.Generator().manual_seed(0))
    assert shares.mean(0) == pytest.approx(torch.full((4,), 0.25), abs=0.01)
    assert shares[:, 3].var().item() == pytest.approx(1 / 9 - 1 / 16, abs=0.005)


def test_what_is_no_square_is_refused():
    with pytest.raises(ValueError, match="3 points do not make a square"):
        Patch(tuple(CORNERS[:3]))
    with pytest.raises(ValueError, match="1 points do not make a square"):
        Patch(tuple(CORNERS[:1]))
    with pytest.raises(ValueError, match="four corners"):
        Patch.over(CORNERS[:3])
