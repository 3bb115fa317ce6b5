"""Any function of sliders is an explorer, and so is a soup."""

import pytest
import torch

from fusionlab import show

from .standins import IMAGES, A, B, C, Hill
from .test_interpolation import from_the_page, press


def mix(x, y):
    return A + x * (B - A) + y * (C - A)


def hill(x, y):
    """The loss of `mix(x, y)`, by hand."""
    at, up = x + 0.5 * y, 2 * y
    return 1 + at + 4 * at * (1 - at) + up * up


def explore(f=mix, landscape=None, **keys):
    explorer = show.explore_function(f, landscape or Hill(), **keys)
    assert explorer.wait(10)
    return explorer


def test_a_function_of_sliders_shows_what_its_network_scores_beside_the_first():
    explorer = explore(x=0.25, y=(0, 2))
    from_the_page(explorer.y, value=1.0)
    assert explorer.wait(10)
    bars = explorer.fig.trace("loss:bars:")
    assert bars["x"] == ["at the start", "now"]
    assert bars["y"] == pytest.approx([hill(0.25, 0), hill(0.25, 1)])
    assert f"Now: loss {hill(0.25, 1):.2f} nats" in explorer.status.value


def test_ranges_of_sliders_are_read_from_their_numbers():
    explorer = explore(x=(-1, 3, 0.5), y=0.2)
    assert (explorer.x.min, explorer.x.max, explorer.x.value) == (-1, 3, 0.5)
    assert (explorer.y.min, explorer.y.max, explorer.y.value) == (0, 1, 0.2)


def test_a_move_is_one_change_of_the_figure(sent):
    explorer = explore(x=0.5, y=0.0, samples=IMAGES)
    sent.clear()
    from_the_page(explorer.x, value=0.3)
    assert explorer.wait(10)
    (changed,) = [data["content"]["traces"] for method, data in sent if method == "custom"]
    assert changed.keys() == {
        "loss:bars:", "accuracy:bars:", "samples:bars", "samples:verdict",
    }  # fmt: skip


def test_no_setting_is_scored_twice():
    field = Hill()
    explorer = explore(landscape=field, x=0.5, y=0.0)
    for x in (0.1, 0.2, 0.1):
        explorer.x.value = x
    assert explorer.wait(10)
    assert field.calls <= 3
    before = field.calls
    press(explorer, "Reset")
    assert explorer.wait(10)
    assert field.calls == before


def test_a_function_may_give_a_prediction_in_place_of_a_network():
    def predict(temperature):
        return (torch.tensor([[2.0, 1.0, 0.0]]).expand(3, 3) / temperature).softmax(1)

    explorer = show.explore_function(predict, samples=IMAGES, temperature=(0.5, 4, 1))
    assert explorer.wait(10)
    assert "1 of 3 samples right; it says 0" in explorer.status.value
    explorer.temperature.value = 4.0
    assert explorer.wait(10)
    heights = explorer.fig.trace("samples:bars")["customdata"][:3]
    assert heights == pytest.approx((100 * predict(4.0)[0]).tolist(), rel=1e-4)


def test_an_error_of_the_function_is_told():
    def broken(x):
        raise RuntimeError("no such mixture")

    explorer = show.explore_function(broken, Hill(), x=0.5)
    assert explorer.wait(10)
    assert "no such mixture" in explorer.status.value


def test_nothing_to_explore_is_refused():
    with pytest.raises(ValueError, match="give a slider"):
        show.explore_function(mix, Hill())
    with pytest.raises(ValueError, match="a landscape, or samples"):
        show.explore_function(mix, x=0.5)


def test_a_page_without_a_kernel_moves_the_first_slider():
    still = explore(x=0.5, y=0.0).still()
    assert [frame.name for frame in still.frames][::5] == ["0.00", "0.50", "1.00"]
    assert f"loss {hill(1.0, 0.0):.2f} nats" in still.layout.meta["words"][-1]


def test_a_soup_is_the_weighted_mean_of_its_networks():
    points = {"a": A, "b": B, "c": C}
    explorer = show.explore_soup(Hill(), points, samples=IMAGES, shares={"c": 0.0})
    assert explorer.wait(10)
    bars = explorer.fig.trace("loss:bars:")
    assert bars["x"] == ["a", "b", "c", "the soup"]
    middle = Hill()(A + 0.5 * (B - A)).loss
    assert bars["y"] == pytest.approx([Hill()(p).loss for p in (A, B, C)] + [middle], abs=1e-4)
    explorer.set(a=1.0, b=1.0, c=1.0)
    assert explorer.wait(10)
    third = Hill()((A + B + C) / 3).loss
    assert explorer.fig.trace("loss:bars:")["y"][-1] == pytest.approx(third, abs=1e-4)
    explorer.set(a=0.0, b=0.0, c=0.0)  # then all have the same share
    assert explorer.wait(10)
    assert f"The soup: loss {third:.2f} nats" in explorer.status.value
