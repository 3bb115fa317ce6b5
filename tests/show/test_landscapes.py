"""The landscape explorer: maps sharpen, points become networks, and a new setting wins at once."""

import re
import time
from math import log10

import pytest
import torch

from fusionlab import Weights, show
from fusionlab.landscape import Plane, Score
from fusionlab.show.explore.surveyed import tell_left

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
    assert hill.calls == before
    drawn = explorer.fig.trace("surface:map")
    assert drawn["type"] == kind
    highest = max(v for row in drawn["customdata"] for v in row)
    assert max(v for row in drawn["z"] for v in row) == pytest.approx(
        log10(highest) if log else highest, abs=1e-4
    )


def test_distances_on_the_plane_of_models_are_drawn_true():
    layout = explore().fig.spec["layout"]
    assert layout["yaxis"]["scaleanchor"] == "x"
    assert layout["xaxis"]["title"]["text"] == "x: distance along u"


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
    assert hill.calls == before
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


def test_a_slow_map_is_grey_first_and_says_how_long_it_will_take():
    hill = Hill(seconds=0.03)
    explorer = show.explore_landscape(hill, PLANE, MARKS, resolution=81)
    explorer.latest.wait(20, until=lambda: "left" in explorer.status.value)
    assert re.search(
        r"\d+ % of 6561 points are measured, about \d+ min left; between them the map is approx",
        explorer.status.value,
    )
    press(explorer, "Cancel")
    assert "Stopped: " in explorer.status.value
    assert "left" not in explorer.status.value


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, ""),
        (1.9, ""),
        (3, ", about 5 s left"),
        (44, ", about 40 s left"),
        (150, ", about 2 min"),
    ],
)
def test_the_time_left_is_said_in_round_numbers(seconds, words):
    assert tell_left(seconds).startswith(words)
    assert bool(tell_left(seconds)) == bool(words)


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
    with pytest.raises(ValueError, match=r"Unknown .* Choose"):
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


RUN = [point(3.0, 3.0), point(1.0, 1.0), point(0.5, 0.0), point(0.0, 0.0)]


class Low(Hill):
    """The hill, lower by half a nat."""

    def __call__(self, theta):
        score = super().__call__(theta)
        return score._replace(loss=score.loss - 0.5)


BOTH = {"train": Low(), "test": Hill()}


def shown(explorer, key="surface:map"):
    return explorer.fig.trace(key)


def test_of_two_losses_one_the_other_their_difference_or_both_are_shown():
    explorer = explore(BOTH)
    at = shown(explorer)["customdata"][3][4]
    explorer.on.value = "test"
    assert explorer.wait(10)
    assert shown(explorer)["customdata"][3][4] == pytest.approx(at + 0.5, abs=1e-4)
    explorer.on.value = "train − test"
    assert explorer.wait(10)
    assert shown(explorer)["customdata"][3][4] == pytest.approx(-0.5, abs=1e-4)
    assert "loss 0.50 nats on train and 1.00 nats on test" in explorer.status.value
    explorer.on.value = "side by side"
    assert explorer.wait(10)
    assert shown(explorer)["zmax"] == shown(explorer, "surface2:map")["zmax"]
    assert explorer.fig.spec["layout"]["xaxis2"]["matches"] == "x"


def test_error_and_accuracy_can_be_shown_too():
    explorer = explore(what="error")
    y = shown(explorer)["y"][2]
    assert shown(explorer)["customdata"][2][0] == pytest.approx(abs(y) / 10)
    explorer.what.value = "accuracy"
    assert explorer.wait(5)
    assert shown(explorer)["customdata"][2][0] == pytest.approx(1 - abs(y) / 10)


def test_a_run_is_played_checkpoint_by_checkpoint_without_measuring_anew():
    hill = Hill()
    explorer = explore(hill, trajectory=RUN)
    assert shown(explorer, "surface:run:run")["x"] == [3, 1, 0.5, 0]
    before = hill.calls
    from_the_page(explorer.step, value=1)
    assert shown(explorer, "surface:now")["x"] == [1]
    assert shown(explorer, "surface:now")["y"] == [1]
    assert "The run: step 1, loss 3.00 nats (3.00 nats on the plane, 0.00 below)" in (
        explorer.status.value
    )
    assert hill.calls == before


def test_play_moves_the_checkpoint_to_the_end_and_pause_stops_it():
    explorer = explore(trajectory=RUN)
    explorer.play.value = True
    assert explorer.play.description.endswith("Pause")
    deadline = time.monotonic() + 10
    while explorer.play.value and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (explorer.step.value, explorer.play.value) == (3, False)
    explorer.play.value = True  # from the end it begins again
    time.sleep(0.1)
    explorer.play.value = False
    stopped = explorer.step.value
    time.sleep(0.6)
    assert explorer.step.value == stopped < 3


class Asked(Hill):
    """A hill that notes about which points its network is asked."""

    def __init__(self):
        super().__init__()
        self.points = []

    def probabilities(self, theta, inputs):
        self.points.append(tuple(theta["w"][0].tolist()))
        return super().probabilities(theta, inputs)


def test_the_samples_follow_the_checkpoint_until_another_point_is_chosen():
    explorer = explore(trajectory=RUN, samples=IMAGES)

    def right():
        texts = shown(explorer, "samples:verdict")["text"]
        return [number for number, text in enumerate(texts) if "✓" in text]

    def title():
        return str(explorer.fig.spec["layout"]["annotations"])

    assert right() == [0]  # of the chosen point, A
    assert "What the chosen network says" in title()
    for step, said in ((1, [2]), (3, [0]), (0, [2])):
        from_the_page(explorer.step, value=step)
        assert explorer.wait(10)
        assert right() == said
        assert "At this checkpoint, 1 of 3 samples right" in explorer.status.value
        assert "What the checkpoint says" in title()
    explorer.visit(0.9, 0.0)
    assert explorer.wait(10)
    assert right() == [2]
    assert explorer.status.value.startswith("At (0.90, 0.00)")
    assert "What the chosen network says" in title()


def test_about_each_checkpoint_the_samples_are_asked_once_however_often_it_is_played():
    asked = Asked()
    explorer = explore(asked, trajectory=RUN, samples=IMAGES)
    assert sorted(set(asked.points)) == sorted(tuple(p["w"][0].tolist()) for p in RUN)
    before, calls = len(asked.points), asked.calls
    for _ in range(2):
        explorer.play.value = True
        deadline = time.monotonic() + 20
        while explorer.play.value and time.monotonic() < deadline:
            time.sleep(0.02)
    assert explorer.wait(10)
    assert (len(asked.points), asked.calls) == (before, calls)


def test_a_page_saved_at_once_has_its_runs_measured(tmp_path):
    slow = Hill(seconds=0.05)
    run = [point(x / 10, 0.5) for x in range(20)]
    explorer = show.explore_landscape(slow, PLANE, MARKS, trajectory=run, samples=IMAGES)
    page = explorer.save(tmp_path / "view.html").read_text("utf-8")
    explorer.close()
    assert "not measured yet" not in page
    assert "The run: step 19, loss" in page
    assert "At this checkpoint, " in page


def test_the_checkpoints_of_a_run_keep_their_steps():
    class Run:
        checkpoints, steps = RUN, (0, 8, 16, 40)

    explorer = explore(trajectory={"seed 1": Run()})
    explorer.step.value = 3
    assert "Run seed 1: step 40" in explorer.status.value


def test_without_a_kernel_the_run_still_plays():
    moving = explore(trajectory=RUN).still()
    assert [frame.name for frame in moving.frames] == ["0", "1", "2", "3"]
    assert moving.layout.meta["plays"] is True
    assert "step 2, loss 2.50 nats" in moving.layout.meta["words"][2]


def far(x, y, z):
    return Weights({"w": torch.tensor([[x, y, z]], dtype=torch.double)})


def bowl(theta):
    loss = float((theta["w"] ** 2).sum())
    return Score(loss, quality=1 / (1 + loss))


FLAT = Plane.around(far(0, 0, 0), far(1.0, 0, 0), far(0, 1.0, 0))


def test_a_mark_near_the_plane_says_how_far_it_is_and_one_far_off_is_not_shown():
    marks = {"on": far(1, 1, 0), "near": far(2, 0, 0.5), "off": far(0.1, 0, 3)}
    drawn = shown(explore(bowl, FLAT, marks), "surface:marks")
    assert drawn["text"] == ["<b>on</b>", "<b>near, 0.50 away</b>"]
    assert (drawn["x"], drawn["y"]) == ([1, 2], [1, 0])


def test_a_checkpoint_beside_the_plane_has_another_loss_than_its_projection():
    explorer = explore(bowl, FLAT, {}, trajectory=[far(2, 0, 1), far(1, 0, 0)])
    assert "step 0, loss 5.00 nats (4.00 nats on the plane, 1.00 below)" in explorer.status.value


def test_around_one_network_the_range_is_where_the_loss_has_risen():
    explorer = explore(bowl, FLAT, {"only": far(0, 0, 0)})
    x = explorer.surface.x
    assert float(x[-1]) == pytest.approx(2**0.5, rel=0.1)  # there the loss is 2 nats
    assert float(x[0]) == pytest.approx(-float(x[-1]))


def test_a_cross_section_is_exact_and_follows_the_chosen_point():
    explorer = explore(cross_section="y")
    cut = shown(explorer, "section:")
    x = explorer.spot[0]
    assert len(cut["x"]) == 65
    assert cut["customdata"][7] == pytest.approx(Hill()(point(x, cut["x"][7])).loss, rel=1e-4)
    explorer.visit(0.5, 0.0)
    assert explorer.wait(5)
    cut = shown(explorer, "section:")
    assert cut["customdata"][7] == pytest.approx(Hill()(point(0.5, cut["x"][7])).loss, rel=1e-4)
    explorer.visit(x, 0.0)  # where all of it is known
    assert explorer.wait(5)
    assert shown(explorer, "section:")["customdata"][7] == pytest.approx(
        Hill()(point(x, cut["x"][7])).loss, rel=1e-4
    )
    explorer.cross_section.value = "none"
    assert explorer.wait(5)
    assert not any(t["meta"].startswith("section") for t in explorer.fig.spec["data"])


def test_two_points_chosen_one_after_the_other_make_a_cross_section():
    explorer = explore()
    explorer.cross_section.value = "two points"
    assert explorer.wait(5)
    assert "Choose a second point" in explorer.status.value
    explorer.fig.on_click("surface:map", 1.0, 0.0)
    assert explorer.wait(5)
    cut = shown(explorer, "section:")
    middle = min(range(65), key=lambda i: abs(cut["x"][i] - 0.5))
    t = cut["x"][middle]
    assert cut["customdata"][middle] == pytest.approx(1 + t + 4 * t * (1 - t), rel=1e-4)
    assert shown(explorer, "section:named")["text"][1::3] == ["before", "here"]


def test_words_never_come_before_a_picture_that_can_be_drawn_at_once(sent):
    explorer = explore(cross_section="x")
    sent.clear()
    explorer.cross_section.value = "two points"
    assert explorer.wait(5)
    states = [data["state"] for method, data in sent if method == "update"]
    drawn = next(i for i, state in enumerate(states) if "_figure" in state)
    told = next(i for i, s in enumerate(states) if "second point" in str(s.get("value")))
    assert drawn < told


def test_all_settings_are_told_as_code():
    explorer = explore(BOTH, trajectory=RUN)
    explorer.visit(1.0, 0.25)
    explorer.on.value, explorer.what.value, explorer.cross_section.value = (
        "side by side",
        "error",
        "two points",
    )
    explorer.plane.value = "around a"
    explorer.visit(0.5, 0.25)
    names = {"show": show, "landscape": BOTH, "planes": PLANES, "marks": MARKS, "samples": None}
    twin = eval(explorer.code()[explorer.code().index("show.") :], names | {"trajectory": RUN})
    assert twin.wait(20)
    for control in ("plane", "on", "what", "cross_section"):
        assert getattr(twin, control).value == getattr(explorer, control).value
    assert twin.spot == (0.5, 0.25)
    assert shown(twin, "section:test")["x"] == shown(explorer, "section:test")["x"]


def test_a_view_is_saved_as_one_page_that_needs_no_network(tmp_path):
    path = explore(trajectory=RUN).save(tmp_path / "view.html")
    page = path.read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "fusionlab.load(" in page
    assert "step 2, loss 2.50 nats" in page
    assert "src=" not in page.split("fusionlab.load(")[0]
    assert [file.name for file in tmp_path.iterdir()] == ["view.html"]
    with pytest.raises(ValueError, match=r"call it view\.html"):
        explore().save(tmp_path / "view.png")


def test_buttons_tell_the_page_what_to_save(sent):
    explorer = explore()
    explorer.more.value = True
    sent.clear()
    for kind in ("PNG", "SVG", "HTML"):
        press(explorer, kind)
    saved = [data["content"] for method, data in sent if method == "custom"]
    assert [message["save"] for message in saved] == ["png", "svg", "html"]
    assert saved[2]["text"].startswith("<!doctype html>")


def test_what_is_needed_rarely_is_folded_away():
    explorer = explore()
    assert explorer.hidden.layout.display == "none"
    explorer.more.value = True
    assert explorer.hidden.layout.display == "flex"


@pytest.mark.parametrize("wrong", [{"on": "moon"}, {"what": "height"}])
def test_a_loss_that_does_not_exist_is_refused_with_the_choices(wrong):
    with pytest.raises(ValueError, match=r"Unknown .* Choose"):
        explore(BOTH, **wrong)


def test_a_trajectory_without_checkpoints_is_refused():
    with pytest.raises(ValueError, match="needs its checkpoints"):
        explore(trajectory=A)
