"""Several figures become one without losing their place; frames move without a kernel."""

import plotly.graph_objects as go
import pytest
import torch

from fusionlab.show import Samples, arrange, draw_samples, draw_surface, with_slider
from fusionlab.show.figures.layout import changes

from .standins import surface

LEFT, RIGHT = (0.0, 0.4, 0.0, 1.0), (0.6, 1.0, 0.0, 0.5)


def samples():
    return draw_samples(Samples(torch.rand(2, 4, 4), torch.tensor([0, 1])), torch.eye(2))


def test_each_part_keeps_its_axes_in_its_box():
    whole = arrange([(draw_surface(surface(), isometric=True), LEFT), (samples(), RIGHT)])
    assert whole.layout.xaxis.domain == (0, 0.4)
    assert whole.layout.xaxis2.domain == (0.6, 1)
    assert whole.layout.yaxis2.domain == (0, 0.5)
    assert whole.layout.yaxis.scaleanchor == "x"
    assert {t.xaxis for t in whole.data if t.meta.startswith("samples")} == {"x2"}
    assert {image.xref for image in whole.layout.images} == {"x2"}


def test_a_part_in_space_stands_beside_a_flat_one():
    whole = arrange([(samples(), LEFT), (draw_surface(surface(), view="3d"), RIGHT)])
    assert whole.layout.scene2.domain.x == (0.6, 1)
    assert {t.scene for t in whole.data if t.type == "surface"} == {"scene2"}


def test_colour_bars_stand_beside_their_part():
    whole = arrange([(draw_surface(surface()), LEFT), (samples(), RIGHT)])
    assert 0.4 < whole.data[0].colorbar.x < 0.6


def test_a_colour_bar_is_no_longer_than_its_map_is_high():
    map_ = draw_surface(surface(), isometric=True)  # twice as wide as it is high
    bar = arrange([(map_, LEFT), (samples(), RIGHT)], height=504).data[0].colorbar
    assert bar.len * (504 - 104) == pytest.approx(0.4 * (720 - 76) / 2)  # pixels, at 720 of them
    assert (bar.y, bar.yanchor) == (1, "top")
    assert map_.layout.yaxis.constraintoward == "top"
    alone = draw_surface(surface(), isometric=True)
    assert alone.data[0].colorbar.len * (460 - 88) <= (400 - 180) / 2 + 1e-9


def test_a_map_with_nothing_at_its_side_is_not_stretched():
    square, twice = draw_surface(surface()), draw_surface(surface(), isometric=True)
    assert square.layout.meta["widest"] < twice.layout.meta["widest"] < 1000
    above = arrange([(square, (0.0, 0.8, 0.4, 1.0)), (samples(), (0.0, 0.8, 0.0, 0.3))])
    assert above.layout.meta["widest"] == pytest.approx(square.layout.meta["widest"] / 0.8, abs=1)
    assert "widest" not in arrange([(square, LEFT), (samples(), RIGHT)]).layout.meta


def test_the_whole_says_what_its_parts_say():
    whole = arrange([(draw_surface(surface()), LEFT), (samples(), RIGHT)])
    said = whole.layout.meta["description"]
    assert "A map of the loss" in said
    assert "2 of 2 samples right" in said


def test_only_parts_with_a_legend_have_one():
    whole = arrange([(samples(), LEFT)])
    assert not any(trace.showlegend for trace in whole.data)


def test_a_slider_has_a_frame_and_words_for_each_position():
    figure = go.Figure([go.Scatter(x=[0], y=[0], meta="dot"), go.Bar(y=[1], meta="bar")])
    frames = {"low": ({"bar": {"y": [1]}}, "it is low"), "high": ({"bar": {"y": [9]}}, "high")}
    moving = with_slider(figure, frames, label="height", start=1)
    assert [frame.name for frame in moving.frames] == ["low", "high"]
    assert moving.frames[1].traces == (1,)
    assert moving.frames[1].data[0].y == (9,)
    assert moving.layout.sliders[0].active == 1
    assert moving.layout.meta["words"] == ["it is low", "high"]
    assert figure.frames == ()


@pytest.mark.parametrize("view", ["contour", "3d"])
def test_changes_carry_the_new_values_and_no_looks(view):
    patch = changes(draw_surface(surface(), {"a": (0.0, 1.0)}, view=view))
    assert len(patch["surface:map"]["z"]) == 3
    assert patch["surface:marks"]["x"][0] == 0
    assert "colorscale" not in patch["surface:map"]
    assert set(patch["surface:map"]["colorbar"]) <= {"tickvals", "ticktext"}
