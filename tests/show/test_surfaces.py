"""Maps of several kinds: differences, maps side by side, training runs, cross-sections."""

from math import asinh, log

import pytest
import torch
from torch.testing import assert_close

from fusionlab.landscape import ProjectedRun, Scores, Surface
from fusionlab.show import PlottedRun, draw_surface, draw_surfaces
from fusionlab.show.figures.scales import KNEE
from fusionlab.show.figures.slices import Slice, draw_slice

from .standins import surface
from .test_figures import trace, words

X, Y = torch.linspace(-1, 3, 9).double(), torch.linspace(0, 2, 5).double()


def shifted(by: float, *, exact: bool = True) -> Surface:
    """The slope of `surface`, higher by so much."""
    flat = surface()
    known = torch.full_like(flat.exact, exact)
    return Surface(flat.x, flat.y, flat.loss + by, flat.quality - 0.1, known)


def test_a_difference_is_subtracted_point_by_point_and_zero_is_the_middle():
    drawn = trace(draw_surface(shifted(2), minus=surface(), log=False), "surface:map")
    assert {v for row in drawn.z for v in row} == {2.0}
    assert drawn.zmin == -drawn.zmax
    first, *_, last = drawn.colorscale
    assert first[1].startswith("#2")  # blue is less, red is more
    assert last[1].startswith("#B")
    assert "Δ loss" in drawn.colorbar.title.text


def test_a_difference_of_accuracies_and_of_errors_have_opposite_signs():
    for what, expected in (("accuracy", -0.1), ("error", 0.1)):
        drawn = trace(draw_surface(shifted(0), minus=surface(), what=what), "surface:map")
        assert drawn.customdata[0][0] == pytest.approx(expected)


def test_a_logarithmic_difference_reads_in_nats_on_both_sides():
    drawn = trace(draw_surface(surface(), minus=shifted(2)), "surface:map")
    assert drawn.z[0][0] == pytest.approx(-asinh(2 / KNEE) / log(10), abs=1e-4)
    assert drawn.customdata[0][0] == pytest.approx(-2)
    ticks = dict(zip(drawn.colorbar.ticktext, drawn.colorbar.tickvals, strict=True))
    assert ticks["0"] == 0
    assert ticks["-1"] == pytest.approx(-ticks["1"])


def test_surfaces_of_other_grids_are_not_subtracted():
    with pytest.raises(ValueError, match="do not lie on each other"):
        draw_surface(surface(), minus=surface(nx=4))


def test_the_error_is_what_accuracy_leaves():
    drawn = trace(draw_surface(shifted(0), what="error"), "surface:map")
    assert drawn.customdata[0][0] == pytest.approx(0.6)


def test_the_pointer_is_told_what_is_measured_and_what_is_guessed():
    half = shifted(0)
    half.exact[0, 1] = False
    text = trace(draw_surface(half), "surface:map").text
    assert (text[0][0], text[0][1]) == ("", "≈ ")


def test_maps_side_by_side_share_one_scale_and_zoom_together():
    figure = draw_surfaces({"train": surface(), "test": shifted(5)}, {"a": (0.0, 1.0)})
    maps = [trace(figure, key) for key in ("surface:map", "surface2:map")]
    assert maps[0].zmin == maps[1].zmin
    assert maps[0].zmax == maps[1].zmax
    assert [m.showscale for m in maps] == [False, None]
    assert figure.layout.xaxis2.matches == "x"
    assert trace(figure, "surface2:marks").x == (0.0,)
    assert "Loss on train" in words(figure)
    assert "Loss on test" in words(figure)


def test_maps_of_other_grids_zoom_alone_and_have_marks_of_their_own():
    marks = {"near": {"a": (0.0, 1.0)}, "far": {"b": (1.0, 2.0)}}
    figure = draw_surfaces({"near": surface(), "far": surface(nx=4)}, marks)
    assert figure.layout.xaxis2.matches is None
    assert trace(figure, "surface2:marks").text == ("<b>b</b>",)


def run() -> PlottedRun:
    real = Scores(torch.tensor([20.0, 12.0, 11.0]), torch.tensor([0.1, 0.5, 0.9]))
    below = Scores(torch.tensor([21.0, 13.0, 11.0]), torch.tensor([0.1, 0.4, 0.9]))
    places = torch.tensor([[0.0, 3.0], [2.0, 2.0], [4.0, 1.0]])
    return PlottedRun(places, (0, 10, 25), ProjectedRun(real, below, torch.tensor([1.5, 0.5, 0.0])))


@pytest.mark.parametrize("view", ["contour", "3d"])
def test_a_run_is_a_line_through_its_checkpoints_with_one_pointed_at(view):
    figure = draw_surface(surface(), trajectory={"a": run()}, now=1, view=view, log=False)
    line, now = trace(figure, "surface:run:a"), trace(figure, "surface:now")
    assert line.x == (0.0, 2.0, 4.0)
    assert line.text[1] == ("a: step 10, loss 12.00 nats (13.00 nats on the plane, 0.50 below)")
    assert (now.x, now.y) == ((2.0,), (2.0,))
    if view == "3d":  # at the checkpoints' own loss, a little lifted, not on the map
        assert line.z == pytest.approx((20.48, 12.48, 11.48))


def test_a_shorter_run_waits_at_its_end():
    trails = {"long": run(), "short": [[0.0, 1.0], [1.0, 1.0]]}
    now = trace(draw_surface(surface(), trajectory=trails, now=2), "surface:now")
    assert now.x == (4.0, 1.0)


def test_a_trajectory_that_is_no_list_of_places_is_refused():
    with pytest.raises(ValueError, match="not a list of places"):
        draw_surface(surface(), trajectory=torch.zeros(3))


@pytest.mark.parametrize(
    ("way", "ends"),
    [
        ("x", [[-1.0, 0.5], [3.0, 0.5]]),
        ("y", [[1.0, 0.0], [1.0, 2.0]]),
        ((0.0, 0.0), [[0.0, 0.0], [3.0, 1.5]]),  # the map's edge cuts it short
    ],
)
def test_a_cut_goes_from_edge_to_edge_through_the_spot(way, ends):
    cut = Slice.across(X, Y, (1.0, 0.5), way)
    assert_close(cut.places[[0, -1]], torch.tensor(ends).double())
    steps = cut.places.diff(dim=0)
    assert_close(steps, steps[:1].expand_as(steps))
    here = (cut.positions - cut.named["here"]).abs().argmin()
    assert (cut.places[here] - torch.tensor([1.0, 0.5])).norm() <= steps[0].norm() / 2 + 1e-9


def test_the_rounds_of_a_cut_are_all_its_points_once_coarse_ones_first():
    rounds = Slice.across(X, Y, (0.0, 0.0), "x").rounds()
    assert torch.cat(rounds).sort().values.tolist() == list(range(65))
    assert rounds[0].tolist() == [0, 16, 32, 48, 64]


def test_a_cut_needs_two_points():
    with pytest.raises(ValueError, match="two different points"):
        Slice.across(X, Y, (0.0, 0.0), (0.0, 0.0))


def test_a_cut_is_drawn_where_it_is_measured():
    cut = Slice.across(X, Y, (1.0, 0.5), "x")
    scores = Scores(*torch.full((2, 65), torch.nan, dtype=torch.double))
    scores.loss[::16] = torch.tensor([1.0, 2.0, 4.0, 2.0, 1.0], dtype=torch.double)
    figure = draw_slice(cut, {"": scores})
    assert trace(figure, "section:").x == (-1, 0, 1, 2, 3)
    assert trace(figure, "section:").y == (1, 2, 4, 2, 1)
    assert trace(figure, "section:named").x[:2] == (1.0, 1.0)
    assert "from 1.00 nats to 4.00 nats" in words(figure)
