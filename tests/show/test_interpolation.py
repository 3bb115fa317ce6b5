"""The interpolation explorer: every control moves the figure and the words to known values."""

import ipywidgets as widgets
import pytest
import torch

from fusionlab import Data, show

from .standins import IMAGES, LINE, Gate, Hill, Wall


def explore(landscape=None, **keys):
    explorer = show.explore_line(landscape or Hill(), LINE, **keys)
    assert explorer.wait(20)
    return explorer


def mark(explorer, what="loss", name=""):
    trace = explorer.fig.trace(f"{what}:mark:{name}")
    return trace["x"][0], trace["y"][0]


def from_the_page(widget, **state):
    """What the browser sends when the hand moves a control."""
    data = {"method": "update", "state": state}
    widget._handle_msg({"content": {"data": data}, "buffers": []})


def press(explorer, label):
    pile = list(explorer.children)
    while pile:
        child = pile.pop()
        pile += getattr(child, "children", ())
        if isinstance(child, widgets.Button) and child.description == label:
            return child.click()
    raise AssertionError(f"no button says {label!r}")


@pytest.mark.parametrize("t", [0.0, 0.25, 0.5, 0.99, 1.0])
def test_the_mark_stands_on_the_loss_of_the_merged_network(t):
    explorer = explore()
    explorer.slider.value = t
    assert explorer.wait(5)
    assert mark(explorer) == (pytest.approx(t), pytest.approx(1 + t + 4 * t * (1 - t)))
    assert f"t = {t:.2f}: loss {1 + t + 4 * t * (1 - t):.2f} nats" in explorer.status.value


def test_a_move_on_the_page_is_one_change_of_the_figure(sent):
    explorer = explore(samples=IMAGES)
    sent.clear()
    from_the_page(explorer.slider, value=0.3)
    assert explorer.wait(5)
    changes = [data["content"]["traces"] for method, data in sent if method == "custom"]
    assert len(changes) == 1
    assert changes[0]["loss:mark:"]["x"] == [0.3]
    assert {"samples:bars", "samples:verdict", "accuracy:mark:"} <= changes[0].keys()
    assert len(str(sent)) < 10_000


def test_the_curve_ends_with_a_point_at_every_position_of_the_slider():
    curve = explore().fig.trace("loss:curve:")
    assert len(curve["x"]) == 101
    assert curve["y"][50] == pytest.approx(2.5)


def test_no_place_is_scored_twice():
    hill = Hill()
    explorer = explore(hill)
    before = hill.calls
    assert before == 101
    for t in (0.1, 0.2, 0.1):
        explorer.slider.value = t
    assert explorer.wait(5)
    assert hill.calls == before


def test_the_samples_show_what_the_merged_network_says():
    explorer = explore(samples=IMAGES, classes=["zero", "one", "two"])
    explorer.slider.value = 0.2
    assert explorer.wait(5)
    assert "it says zero, zero (is one) and zero (is two)" in explorer.status.value
    explorer.slider.value = 0.9
    assert explorer.wait(5)
    assert "✓ two" in explorer.fig.trace("samples:verdict")["text"][2]


def test_train_and_test_are_two_curves_and_two_marks():
    explorer = explore({"train": Hill(), "test": lambda theta: Hill()(2 * theta)})
    assert explorer.profiles.keys() == {"train", "test"}
    explorer.slider.value = 0.25
    assert explorer.wait(5)
    assert mark(explorer, name="train")[1] == pytest.approx(2.0)
    assert mark(explorer, name="test")[1] == pytest.approx(2.5)
    assert "2.00 nats on train and 2.50 nats on test" in explorer.status.value


def test_past_the_ends_on_request_and_back():
    explorer = explore()
    explorer.beyond.value = True
    explorer.slider.value = 1.5
    assert explorer.wait(5)
    assert mark(explorer) == (1.5, pytest.approx(-0.5))
    assert len(explorer.fig.trace("loss:curve:")["x"]) == 201
    assert explorer.profiles[""].barrier == pytest.approx(1.0)
    explorer.beyond.value = False
    assert explorer.wait(5)
    assert explorer.t == 1.0
    assert len(explorer.fig.trace("loss:curve:")["x"]) == 101


def test_a_position_off_the_slider_is_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"t = 1.2 is off the slider.*beyond.value = True"):
        explore().t = 1.2


def test_reset_goes_back_to_the_start():
    explorer = explore(t=0.3)
    explorer.beyond.value, explorer.slider.value = True, 1.4
    press(explorer, "Reset")
    assert explorer.wait(5)
    assert (explorer.t, explorer.beyond.value) == (0.3, False)
    assert mark(explorer)[0] == pytest.approx(0.3)


def test_settings_as_code_give_the_same_explorer():
    explorer = explore(samples=IMAGES)
    explorer.beyond.value, explorer.slider.value = True, 1.25
    press(explorer, "Settings as code")
    names = {"show": show, "landscape": Hill(), "line": LINE, "samples": IMAGES}
    *lines, last = explorer.code().rsplit("\n", 1)
    exec("\n".join(lines), names)
    twin = eval(last, names)
    assert (twin.t, twin.beyond.value) == (1.25, True)
    assert float(names["theta"]["w"][0, 0]) == pytest.approx(1.25)
    assert "t=1.25" in explorer._code.value
    explorer.slider.value = 0.5
    assert "t=0.50" in explorer._code.value
    press(explorer, "Settings as code")
    assert explorer._code.layout.display == "none"


def test_slow_work_does_not_hold_the_slider_and_the_newest_position_wins():
    gate = Gate()
    explorer = show.explore_line(gate, LINE)
    for t in (0.1, 0.2, 0.3):
        from_the_page(explorer.slider, value=t)
    assert gate.asked == [0.0, 1.0, 0.5]  # still at the first position, yet the hand moved on
    gate.open.set()
    assert explorer.wait(10)
    assert gate.asked[3] == pytest.approx(0.3)
    assert mark(explorer)[0] == pytest.approx(0.3)


def test_an_error_of_the_landscape_is_told_where_the_reader_looks():
    explorer = show.explore_line(Wall(), LINE, t=0.1)
    assert explorer.wait(10)
    explorer.slider.value = 0.8
    assert explorer.wait(5)
    assert "the wall is in the way" in explorer.status.value
    explorer.slider.value = 0.2
    assert explorer.wait(5)
    assert "the wall" in explorer.status.value or "t = 0.20" in explorer.status.value


@pytest.mark.parametrize("shape", [(2,), (4, 4), (3, 4, 4)])
def test_any_input_will_do(shape):
    samples = Data(torch.rand(3, *shape), torch.tensor([0, 1, 2]))
    explorer = explore(samples=samples)
    assert len(explorer.fig.trace("samples:bars")["y"]) == 9


def test_samples_need_a_landscape_that_answers():
    def hill(theta):
        return Hill()(theta)

    with pytest.raises(TypeError, match="gives scores but no predictions"):
        show.explore_line(hill, LINE, samples=IMAGES)


def test_a_closed_explorer_stops_working():
    explorer = show.explore_line(Hill(seconds=0.01), LINE)
    explorer.close()
    assert explorer.wait(5)


def test_the_explorer_says_in_words_what_it_shows():
    words = explore(samples=IMAGES, names=("left", "right")).fig.description
    assert "t = 0.50: loss 2.50 nats, accuracy 100 %" in words
    assert "straight line from left to right" in words
