"""Points whose coordinates are complex, of several precisions, of no dimension, or NaN."""

import pytest
import torch
from torch import nn

from fusionlab import Data, Weights, mean
from fusionlab.connectivity import feature_connectivity, lengths
from fusionlab.coordinates import check_finite, check_real, in_one_precision
from fusionlab.landscape import Landscape, Plane, centred_products, random_direction
from tests.verifiers import case


def complex_points() -> list[Weights]:
    dice = torch.Generator().manual_seed(0)
    draws = torch.randn(3, 2, 5, dtype=torch.complex64, generator=dice)
    return [Weights({"w": draw, "v": draw[0].real}) for draw in draws]


def test_products_of_complex_points_count_imaginary_parts():
    points = complex_points()
    centre = mean(points)
    right = torch.tensor([[((p - centre) @ (q - centre)) for q in points] for p in points])
    assert torch.allclose(centred_products(points), right, atol=1e-5)


def test_distances_on_a_plane_of_complex_points_are_true():
    a, b, c = complex_points()
    plane = Plane.through(a, b, c)
    on_paper = torch.tensor(plane.project(c)) - torch.tensor(plane.project(b))
    assert on_paper.norm().item() == pytest.approx((c - b).norm().item())
    assert plane.distance(c) == pytest.approx(0, abs=1e-5)
    assert lengths([a, b, c])[1].item() == pytest.approx((c - a).norm().item())


def test_a_random_direction_has_real_and_imaginary_parts_of_variance_one():
    drawn = random_direction(Weights({"w": torch.zeros(10000, dtype=torch.complex64)}), seed=0)["w"]
    for part in (drawn.real, drawn.imag):
        assert part.var().item() == pytest.approx(1, abs=0.05)


class Curved(nn.Module):
    """One parameter without a dimension; the mean squared error is (g² − 1)² on these data."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        return self.gain**2 * x


def test_the_hessian_of_one_number_is_its_second_derivative():
    landscape = Landscape(Curved(), Data(torch.ones(4, 1), torch.ones(4, 1)), "regression")
    curvature = landscape.hessian(Weights.of(Curved()))(torch.ones(1, 1))
    assert curvature.item() == pytest.approx(12 * 2.0**2 - 4)


def test_points_of_two_precisions_are_scored_as_in_the_wider_one():
    s = case("plain")
    wide = [point.move(dtype=torch.double) for point in s.points]
    mixed = s.landscape.scores([s.a, *wide[1:]])
    assert torch.equal(mixed.loss, s.landscape.scores(wide).loss)


def test_points_of_one_precision_are_handed_on_as_they_are():
    points = case("plain").points
    assert in_one_precision(points) == points


def test_the_features_of_a_recurrent_layer_are_its_outputs():
    s = case("LSTM")
    cells = s.a.to(s.model).cells
    states = cells(s.data.inputs.view(len(s.data), -1, 2))[0]
    other = s.b.to(s.model).cells(s.data.inputs.view(len(s.data), -1, 2))[0]
    right = nn.functional.cosine_similarity(states.flatten(1), other.flatten(1)).mean()
    found = feature_connectivity(s.model, s.a, s.b, s.data, layers=["cells"])
    assert found.ends.item() == pytest.approx(right.item(), abs=1e-5)


def test_a_point_that_is_nan_or_complex_is_named_with_its_tensors():
    good = Weights({"w": torch.zeros(2), "v": torch.zeros(1)})
    bad = Weights({"w": torch.zeros(2), "v": torch.tensor([torch.inf])})
    check_finite([good, good])
    check_real(good, "a fit")
    with pytest.raises(ValueError, match=r"point 1 has .* NaN or infinite, in 'v'"):
        check_finite([good, bad])
    with pytest.raises(ValueError, match="complex coordinates, in 'w', and a fit needs real"):
        check_real(complex_points()[0], "a fit")
