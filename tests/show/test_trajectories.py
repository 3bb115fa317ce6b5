"""A run and its picture stand side by side, and what parts them is said."""

import pytest
import torch

from fusionlab.landscape import Components, ProjectedRun, Scores
from fusionlab.show import draw_components, draw_projected_run

ACCURACY = torch.full((3,), 0.5)
FOUND = ProjectedRun(
    Scores(torch.tensor([2.3, 0.5, 0.1]), ACCURACY),
    Scores(torch.tensor([0.8, 0.4, 0.1]), ACCURACY),
    torch.tensor([6.0, 2.0, 0.0]),
)


def test_the_projections_are_drawn_point_by_point_and_the_widest_gap_is_told():
    figure = draw_projected_run(FOUND, [0, 10, 20])
    drawn = {trace.name: trace for trace in figure.data}
    assert drawn["the checkpoint"].x == (0, 10, 20)
    assert drawn["the checkpoint"].y == pytest.approx([2.3, 0.5, 0.1])
    assert drawn["its projection"].y == pytest.approx([0.8, 0.4, 0.1])
    assert drawn["distance"].y == (6, 2, 0)
    words = figure.layout.meta["description"]
    assert "at step 0, where the network has a loss of 2.30 nats" in words
    assert "the plane shows 0.80 nats; it lies 6.00 from the plane" in words


def test_each_trajectory_has_its_components_scaled_by_its_widest():
    coordinates = torch.tensor([[-4.0, 1.0], [0.0, -2.0], [4.0, 1.0]])
    found = Components(coordinates, torch.tensor([0.8, 0.15]), torch.zeros(2, 3))
    figure = draw_components({"training": found, "a walk": found}, [0, 5, 9])
    assert [trace.name for trace in figure.data] == ["component 1", "component 2"] * 2
    assert figure.data[0].x == (0, 5, 9)
    assert figure.data[1].y == (0.25, -0.5, 0.25)
    assert "of training: 80 % and 15 % of the variance" in figure.layout.meta["description"]
