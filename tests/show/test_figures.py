"""Figures show what they are given, at the right place, and say it in words."""

from itertools import pairwise

import plotly.graph_objects as go
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fusionlab.connectivity import Profile
from fusionlab.landscape import Surface
from fusionlab.show import arrange, draw_bars, draw_points, draw_profiles, draw_surface
from fusionlab.show.figures.scales import Scale
from fusionlab.show.figures.theme import INK, look, looks

from .standins import surface

T = torch.linspace(0, 1, 5, dtype=torch.double)
HILL = Profile(T, torch.tensor([1.0, 2.0, 4.0, 3.0, 2.0]).double(), 1 - T / 10)


def trace(figure: go.Figure, key: str):
    return next(t for t in figure.data if t.meta == key)


def words(figure: go.Figure) -> str:
    return figure.layout.meta["description"]


def test_a_profile_is_drawn_point_by_point_with_its_chord_and_barrier():
    figure = draw_profiles(HILL)
    assert trace(figure, "loss:curve:").y == (1, 2, 4, 3, 2)
    assert trace(figure, "loss:chord:").y == (1, 2)
    barrier = trace(figure, "loss:barrier:")
    assert barrier.x == (0.5, 0.5)
    assert barrier.y == (1.5, 4)
    assert "2.50 nats" in barrier.text[1]


def test_beyond_the_ends_the_chord_still_joins_the_ends():
    t = torch.linspace(-0.5, 1.5, 9, dtype=torch.double)
    figure = draw_profiles(Profile(t, t**2 * 9, 0 * t))
    assert trace(figure, "loss:chord:").x == (0, 1)
    assert trace(figure, "loss:chord:").y == (0, 9)


def test_a_mark_stands_on_its_curve():
    mark = trace(draw_profiles(HILL, t=0.375), "loss:mark:")
    assert (mark.x, mark.y) == ((0.375,), (3.0,))


def test_several_runs_are_a_mean_and_a_band_of_one_standard_deviation():
    runs = [Profile(T, HILL.loss + shift, HILL.quality) for shift in (-1, 0, 1)]
    figure = draw_profiles({"three seeds": runs})
    assert trace(figure, "loss:curve:three seeds").y == (1, 2, 4, 3, 2)
    band = trace(figure, "loss:band:three seeds").y
    assert band == (2, 3, 5, 4, 3, 1, 2, 3, 1, 0)
    assert "2.50 ± 0.00" in trace(figure, "loss:curve:three seeds").name


def test_series_differ_by_colour_and_dash():
    figure = draw_profiles({str(i): HILL for i in range(4)})
    lines = [trace(figure, f"loss:curve:{i}").line for i in range(4)]
    assert len({line.color for line in lines}) == len({line.dash for line in lines}) == 4


def test_a_profile_says_its_ends_and_its_worst_point():
    said = words(draw_profiles({"test": HILL}, ends=("pretrained", "tuned")))
    assert "from pretrained to tuned" in said
    assert "1.00 nats at t = 0" in said
    assert "worst 4.00 nats at t = 0.50" in said
    assert "worst 90 %" in words(draw_profiles(HILL, what="accuracy"))


@pytest.mark.parametrize("draw", [draw_points, draw_bars])
def test_points_and_bars_are_means_with_standard_deviations(draw):
    x = ["8", "32"] if draw is draw_bars else [8, 32]
    figure = draw({"apart": [[1, 2, 3], [5, 5, 5]]}, x, title="Barrier", x_title="w", y_title="b")
    assert figure.data[0].y == (2, 5)
    assert figure.data[0].error_y.array == (1, 0)
    assert "2 at 8, 5 at 32" in words(figure)


@pytest.mark.parametrize("view", ["contour", "3d"])
def test_rows_of_the_loss_run_along_y(view):
    figure = draw_surface(surface(), view=view, log=False)
    z = trace(figure, "surface:map").z
    assert (len(z), len(z[0])) == (3, 5)
    assert z[2][1] == 1 + 10 * 3  # at x = 1, y = 3


def test_a_logarithmic_map_reads_in_nats():
    drawn = trace(draw_surface(surface(), log=True), "surface:map")
    assert drawn.z[0][0] == pytest.approx(1.0)  # log₁₀ of 10 nats
    assert drawn.customdata[0][0] == 10
    ticks = dict(zip(drawn.colorbar.ticktext, drawn.colorbar.tickvals, strict=True))
    assert ticks["10"] == pytest.approx(1.0)
    assert "nats" in drawn.colorbar.title.text


def test_true_distances_get_equal_axes():
    assert draw_surface(surface(), isometric=True).layout.yaxis.scaleanchor == "x"
    assert draw_surface(surface()).layout.yaxis.scaleanchor is None
    ratio = draw_surface(surface(), isometric=True, view="3d").layout.scene.aspectratio
    assert (ratio.x, ratio.y) == (1, 0.5)  # x spans 4, y spans 2


@pytest.mark.parametrize("view", ["contour", "3d"])
def test_marks_stand_where_the_models_are(view):
    marks = {"a": (0.0, 1.0), "b": (4.0, 3.0)}
    drawn = trace(draw_surface(surface(), marks, view=view), "surface:marks")
    assert [drawn.x[0], drawn.x[-2 if view == "3d" else -1]] == [0, 4]
    assert [drawn.y[0], drawn.y[-2 if view == "3d" else -1]] == [1, 3]
    assert "Marked on it: a and b" in words(draw_surface(surface(), marks, view=view))


losses = arrays(float, (3, 4), elements=st.floats(width=32))


@given(losses, st.sampled_from(["contour", "3d"]), st.booleans())
def test_no_loss_however_wild_stops_a_map(values, view, log):
    loss = torch.from_numpy(values)
    x, y = torch.arange(4).double(), torch.arange(3).double()
    wild = Surface(x, y, loss, loss, torch.zeros(3, 4, dtype=torch.bool))
    figure = draw_surface(wild, {"a": (1.0, 1.0)}, view=view, log=log, spot=(0.0, 0.0))
    z = trace(figure, "surface:map").z
    holes = sum(v is None for row in z for v in row)
    assert holes == int((~loss.isfinite()).sum())
    assert words(figure)


def test_a_kind_of_path_has_one_look_in_every_figure():
    first = draw_profiles({"line": HILL, "one bend": HILL})
    later = draw_profiles({"elastic band": HILL, "Bézier": HILL, "line": HILL, "chain": HILL})
    points = draw_points({"Bézier": [[1]]}, [1], title="", x_title="", y_title="")
    seen = trace(later, "loss:curve:line").line
    assert (seen.color, seen.dash) == (look(0).colour, look(0).dash)
    assert trace(first, "loss:curve:line").line == seen
    curves = [trace(first, "loss:curve:one bend"), trace(later, "loss:curve:Bézier")]
    curves.append(trace(points, "points:Bézier"))
    assert len({(each.line.color, each.line.dash) for each in curves}) == 1
    assert len({t.line.color for t in later.data if t.meta.startswith("loss:curve")}) == 4


@given(st.lists(st.sampled_from(["line", "a line", "chain", "x", "y", "z", "band"]), unique=True))
def test_no_two_series_of_a_figure_look_alike(names):
    assert len(set(looks(names).values())) == len(names)


def test_a_legend_lies_below_all_else_at_every_width():
    """From the figure's lower edge its rows push the picture up, axis titles included."""
    alone = draw_profiles({"line": HILL, "chain": HILL})
    accuracy = draw_profiles({"line": HILL, "chain": HILL}, what="accuracy")
    for figure in (alone, arrange([(alone, (0, 0.4, 0, 1)), (accuracy, (0.6, 1, 0, 1))])):
        legend = figure.layout.template.layout.legend
        assert (legend.yref, legend.y, legend.yanchor) == ("container", 0, "bottom")
        assert figure.layout.legend.y is None  # nothing sets it elsewhere
        assert figure.layout.showlegend
        assert [t.name for t in figure.data if t.showlegend is not False and t.name] == [
            "line: barrier 2.50",
            "chain: barrier 2.50",
        ]


def test_whiskers_of_shares_stay_between_none_and_all():
    axes = {"title": "", "y_title": "successful attacks (%)"}
    shares = [[0, 0, 12], [80, 99, 100]]
    whiskers = draw_bars({"cured": shares}, ["0.1", "0.2"], **axes).data[0]
    low = [m - d for m, d in zip(whiskers.y, whiskers.error_y.arrayminus, strict=True)]
    high = [m + d for m, d in zip(whiskers.y, whiskers.error_y.array, strict=True)]
    assert min(low) == 0
    assert max(high) == pytest.approx(100)
    assert low[1] < 85  # where there is room it is one standard deviation
    runs = [Profile(T, HILL.loss, torch.tensor([1, 1, q, 1, 1]).double()) for q in (0, 1, 1, 1)]
    band = trace(draw_profiles({"runs": runs}, what="accuracy"), "accuracy:band:runs").y
    assert (min(band), max(band)) == (0.25, 1)


def test_axes_of_a_map_say_what_they_count():
    axes = draw_surface(surface(), isometric=True).layout
    assert axes.xaxis.title.text == "x: distance along u"
    assert draw_surface(surface(), view="3d").layout.scene.yaxis.title.text == "y: steps along v"


def test_names_on_a_map_can_be_read_on_every_colour():
    marks = {"a": (0.0, 1.0), "b": (4.0, 3.0)}
    flat = trace(draw_surface(surface(), marks), "surface:marks")
    assert flat.textfont.color == "white"
    assert INK in flat.textfont.shadow
    raised = trace(draw_surface(surface(), marks, view="3d"), "surface:marks")
    assert raised.textposition == "middle center"  # on a white disc
    assert (raised.marker.color, raised.marker.opacity) == ("white", 1)
    assert raised.marker.size[1] > raised.textfont.size


def test_names_stand_above_the_highest_hill_of_a_map_in_space():
    figure = draw_surface(surface(), {"a": (0.0, 1.0)}, view="3d", spot=(0.0, 1.0), log=False)
    hills = trace(figure, "surface:map").z
    tops = [trace(figure, f"surface:{layer}").z[1] for layer in ("spot", "marks")]
    assert max(map(max, hills)) < tops[0] < tops[1]


def test_the_chosen_network_does_not_hide_a_mark():
    figure = draw_surface(surface(), {"a": (0.0, 1.0)}, spot=(0.0, 1.0))
    order = [t.meta for t in figure.data]
    assert order.index("surface:spot") < order.index("surface:marks")
    assert (
        trace(figure, "surface:spot").marker.size > 2 * trace(figure, "surface:marks").marker.size
    )


def test_a_map_of_few_points_shows_where_they_are():
    few = surface()
    dots = trace(draw_surface(few), "surface:measured")
    assert len(dots.x) == int(few.exact.sum())
    assert {(x, y) for x, y in zip(dots.x, dots.y, strict=True)} <= {
        (x, y) for x in few.x.tolist() for y in few.y.tolist()
    }


@given(st.floats(1e-3, 1e3), st.floats(1.02, 1e5))
def test_ticks_of_a_logarithmic_scale_are_round_numbers(low, ratio):
    values = torch.tensor([low, low * ratio]).double()
    ticks = Scale(values, quantity=HILL.measures.loss, log=True).ticks()["ticktext"]
    assert len(ticks) > 1
    steps = {float(b) - float(a) for a, b in pairwise(ticks)}
    mantissas = {f"{float(tick):e}".split("e")[0].rstrip("0").rstrip(".") for tick in ticks}
    even = max(steps) - min(steps) < 1e-6 * max(steps)
    assert mantissas <= {"1", "2", "5"} or even


def test_ticks_of_a_colour_bar_are_round_numbers_without_a_logarithm_too():
    bar = trace(draw_surface(surface(), log=False), "surface:map").colorbar
    assert [float(text) for text in bar.ticktext] == list(bar.tickvals)
    assert bar.tickvals == (10, 15, 20, 25, 30)
    shares = trace(draw_surface(surface(), what="accuracy"), "surface:map").colorbar
    assert all(text.endswith("%") for text in shares.ticktext)
