"""Pictures of curvature show what they are given, and say it."""

import pytest
import torch

from fusionlab import Weights
from fusionlab.landscape import Density, Eigenpairs, GradientField
from fusionlab.show import draw_density, draw_eigenvalues, draw_gradient_field

from .standins import surface
from .test_figures import trace, words


def pairs(*values: float) -> Eigenpairs:
    vectors = tuple(Weights({"w": torch.ones(2)}) for _ in values)
    return Eigenpairs(
        torch.tensor(values).double(), vectors, torch.full((len(values),), 0.1), 9, True
    )


def density() -> Density:
    x = torch.linspace(-1, 4, 11).double()
    nodes = torch.tensor([[4.0, 0.01, -1.0], [4.0, 0.0, -1.0]]).double()
    weights = torch.tensor([[0.1, 0.7, 0.2], [0.3, 0.7, 0.0]]).double()
    return Density(x, torch.linspace(1, 10, 11).double(), nodes, weights, 0.1, True)


def field() -> GradientField:
    """Downhill to the right, four times as steep above, on a grid that is not square."""
    x, y = torch.tensor([0.0, 2, 4]), torch.tensor([1.0, 11])
    u = torch.tensor([[1.0, 1, 1], [4, 4, torch.nan]]).double()
    loss = torch.arange(1, 7.0).reshape(2, 3).double()
    return GradientField(x, y, u, 0 * u, u, loss, False)


def test_a_density_is_drawn_as_it_is_and_told_in_shares():
    figure = draw_density(density())
    assert trace(figure, "density:curve:").y[:2] == (1, 1.9)
    assert figure.layout.yaxis.type == "log"
    assert "from -1 to 4" in words(figure)
    assert "70.0 % of the directions curve by less than 0.04" in words(figure)
    assert "10.0 % curve down" in words(figure)


def test_two_densities_differ_by_colour_and_dash():
    figure = draw_density({"sharp": density(), "flat": density()}, log=False)
    lines = [trace(figure, f"density:curve:{name}").line for name in ("sharp", "flat")]
    assert lines[0].color != lines[1].color
    assert lines[0].dash != lines[1].dash


def test_eigenvalues_stand_in_their_order_and_negative_ones_point_down():
    figure = draw_eigenvalues(pairs(5, -3, 0.5))
    drawn = trace(figure, "eigenvalues:")
    assert drawn.x == (1, 2, 3)
    assert drawn.y == (5, -3, 0.5)
    assert drawn.marker.symbol[1] == "triangle-down" != drawn.marker.symbol[0]
    assert drawn.error_y.array == (0.1, 0.1, 0.1)
    assert "5, -3 and 0.5; 1 of 3 are negative" in words(figure)


def test_each_arrow_starts_at_its_place_and_points_downhill():
    drawn = trace(draw_gradient_field(field()), "field:arrows")
    x, y = list(drawn.x), list(drawn.y)
    starts = [(x[i], y[i]) for i in range(0, 42, 7)]
    assert starts == [(0, 1), (2, 1), (4, 1), (0, 11), (2, 11), (4, 11)]
    lengths = [x[i + 1] - x[i] for i in range(0, 35, 7)]
    assert lengths == pytest.approx([0.85, 0.85, 0.85, 1.7, 1.7])
    assert x[36] is None, "an unknown arrow is not drawn"
    assert x[2] is None, "the pen is lifted before the head"


def test_arrows_lie_on_the_map_that_is_given():
    figure = draw_gradient_field(field(), surface(), {"a": (0, 1)}, isometric=True)
    assert len(trace(figure, "surface:map").x) == 5
    assert len(trace(draw_gradient_field(field()), "surface:map").x) == 3
    assert "5 arrows point downhill; it is steepest at (0.00, 11.00)" in words(figure)
