"""The landscape explorer: maps sharpen, points become networks, and a new setting wins at once."""

import time
from math import log10

import pytest

from fusionlab import show
from fusionlab.landscape import Plane

from .standins import IMAGES, PLANE, A, B, C, Hill, Wall, point
from .test_interpolation import from_the_page, press

MARKS = {"a": A, "b": B, "c": C}
PLANES = {"three models": PLANE, "around a": Plane.around(A, point(1.0), point(0.0, 1.0))}


def explore(landscape=None, planes=PLANES, marks=MARKS, *, resolution=11, **keys):
    explorer = show.explore_landscape(
        landscape or Hill(), planes, marks, resolution=resolution, **keys
    )
    assert explorer.wait(30)
    return explorer


def test_the_map_becomes_exact():
    explorer = explore(samples=IMAGES)
    assert explorer.surface.share == 1
    assert "All 121 points of the map are measured." in explorer.status.value
    drawn = explorer.fig.trace("surface:map")
    j, i = 3, 7
    expected = Hill()(PLANE(drawn["x"][j], drawn["y"][i])).loss
    assert drawn["customdata"][i][j] == pytest.approx(expected, rel=1e-4)


def test_marks_are_where_the_models_are():
    marks = explore().fig.trace("surface:marks")
    assert marks["x"] == pytest.approx([0, 1, 0.5])
    assert marks["y"] == pytest.approx([0, 0, 2])


def test_a_plane_shows_only_the_models_that_it_holds():
    line = Plane.around(point(0, 0), point(1.0), point(0.0, 1.0))
    far = {"a": A, "far": point(1.0, 1.0)}
    assert explore(planes=line, marks=far).fig.trace("surface:marks")["text"] == [
        "<b>a</b>",
        "<b>far</b>",
    ]


def test_a_click_on_the_map_makes_the_point_a_network():
    explorer = explore(samples=IMAGES)
    explorer.fig.on_click("surface:map", 0.75, 1.0)
    assert explorer.wait(5)
    loss = 1 + 0.75 + 4 * 0.75 * 0.25 + 1
    assert f"At (0.75, 1.00): loss {loss:.2f} nats" in explorer.status.value
    assert explorer.fig.trace("surface:spot")["x"] == [0.75]
    assert "✓ 2" in explorer.fig.trace("samples:verdict")["text"][2]


def test_a_click_on_a_sample_is_no_place():
    explorer = explore(samples=IMAGES)
    before = explorer.spot
    explorer.fig.on_click("samples:bars", 2.5, 0.3)
    assert explorer.spot == before


def test_the_same_by_keyboard():
    explorer = explore()
    from_the_page(explorer.x, value=0.25)
    from_the_page(explorer.y, value=-1.0)
    press(explorer, "Go there")
    assert explorer.wait(5)
    assert "At (0.25, -1.00)" in explorer.status.value


@pytest.mark.parametrize(("view", "kind"), [("contour", "contour"), ("3d", "surface")])
@pytest.mark.parametrize("log", [True, False])
def test_view_and_scale_redraw_without_measuring_anew(view, kind, log):
    hill = Hill()
    explorer = explore(hill)
    before = hill.calls
    explorer.view.value, explorer.scale.value = view, log
    assert explorer.wait(5)
    assert hill.calls <= before + 2  # the chosen point, for each control
    drawn = explorer.fig.trace("surface:map")
    assert drawn["type"] == kind
    highest = max(v for row in drawn["customdata"] for v in row)
    assert max(v for row in drawn["z"] for v in row) == pytest.approx(
        log10(highest) if log else highest, abs=1e-4
    )


def test_distances_on_the_plane_of_models_are_drawn_true():
    layout = explore().fig.spec["layout"]
    assert layout["yaxis"]["scaleanchor"] == "x"
    assert layout["xaxis"]["title"]["text"] == "distance along u"


def test_a_wider_range_has_the_same_middle():
    explorer = explore(zoom=1.0)
    x = explorer.surface.x
    explorer.zoom.value = 2.0
    assert explorer.wait(10)
    wide = explorer.surface.x
    assert float(wide.mean()) == pytest.approx(float(x.mean()))
    assert float(wide[-1] - wide[0]) == pytest.approx(2 * float(x[-1] - x[0]))


def test_going_back_to_a_setting_finds_its_map():
    hill = Hill()
    explorer = explore(hill)
    explorer.resolution.value = 21
    assert explorer.wait(10)
    before = hill.calls
    explorer.resolution.value = 11
    assert explorer.wait(10)
    assert hill.calls == before + 1  # the chosen point
    assert len(explorer.fig.trace("surface:map")["z"]) == 11


def test_another_plane_is_another_map_with_its_own_axes():
    explorer = explore()
    explorer.plane.value = "around a"
    assert explorer.wait(10)
    assert "Loss over around a" in str(explorer.fig.spec["layout"]["annotations"])
    assert explorer.surface.share == 1


def test_a_new_setting_ends_the_old_survey():
    hill = Hill(seconds=0.005)
    explorer = show.explore_landscape(hill, PLANES, MARKS, resolution=81)
    explorer.resolution.value = 11
    begun = time.monotonic()
    assert explorer.wait(30)
    assert explorer.surface.loss.shape == (11, 11)
    assert hill.calls < 81 * 81 / 2, f"{time.monotonic() - begun:.1f} s"


def test_cancel_keeps_the_map_and_continue_goes_on():
    explorer = show.explore_landscape(Hill(seconds=0.002), PLANE, MARKS, resolution=41)
    explorer.latest.wait(10, until=lambda: explorer.surface is not None)
    press(explorer, "Cancel")
    share = explorer.surface.share
    assert share < 1
    assert "Stopped" in explorer.status.value
    assert "approximate" in explorer.status.value
    assert explorer.wait(5)
    assert explorer.surface.share == share
    explorer.visit(0.5, 0.5)  # a stopped map can still be walked on
    assert explorer.wait(5)
    assert explorer.surface.share == share
    press(explorer, "Continue")
    assert explorer.wait(60)
    assert explorer.surface.share == 1


def test_reset_goes_back_to_the_start():
    explorer = explore(zoom=1.5)
    explorer.zoom.value, explorer.view.value = 3.0, "3d"
    explorer.visit(0.3, 0.3)
    press(explorer, "Reset")
    assert explorer.wait(10)
    assert (explorer.zoom.value, explorer.view.value, explorer.spot) == (1.5, "contour", (0, 0))


def test_settings_as_code_give_the_same_explorer():
    explorer = explore(samples=IMAGES)
    explorer.view.value, explorer.scale.value, explorer.zoom.value = "3d", False, 1.25
    explorer.plane.value = "around a"
    explorer.visit(0.5, 0.25)
    names = {"show": show, "landscape": Hill(), "planes": PLANES, "marks": MARKS}
    names |= {"samples": IMAGES, "plane": PLANES["around a"]}
    first, last = explorer.code().split("show.", 1)
    exec(first, names)
    assert names["theta"]["w"].flatten().tolist() == [0.5, 0.25]
    twin = eval("show." + last, names)
    assert twin.wait(20)
    for control in ("plane", "view", "scale", "zoom", "resolution"):
        assert getattr(twin, control).value == getattr(explorer, control).value


def test_an_error_of_the_landscape_is_told_where_the_reader_looks():
    explorer = explore(Wall())
    assert "the wall is in the way" in explorer.status.value


@pytest.mark.parametrize("wrong", [{"view": "4d"}, {"plane": "moon"}, {"resolution": 12}])
def test_a_setting_that_does_not_exist_is_refused_with_the_choices(wrong):
    with pytest.raises(ValueError, match="is not among the choices of this explorer"):
        explore(**wrong)


def test_without_a_kernel_a_slider_visits_the_models():
    moving = explore(samples=IMAGES).still()
    assert [frame.name for frame in moving.frames] == ["a", "b", "c"]
    assert "loss 2.00 nats" in moving.layout.meta["words"][1]


def test_a_closed_explorer_stops_working():
    explorer = show.explore_landscape(Hill(seconds=0.002), PLANE, MARKS, resolution=81)
    explorer.close()
    assert explorer.wait(5)
    assert explorer.surface is None or explorer.surface.share < 1
