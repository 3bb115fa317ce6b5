"""The subspace explorer: shares, sliders and places of the triangle are one and the same."""

import math

import pytest
import torch

from fusionlab import show
from fusionlab.connectivity import Simplex
from fusionlab.landscape import Score, survey
from fusionlab.show.figures.barycentric import CENTRE, place, shares_at
from fusionlab.show.figures.ternary import INSIDE, draw_triangle, triangle

from .standins import IMAGES, A, B, C, Hill, Wall, point
from .test_interpolation import from_the_page, press

SIMPLEX = Simplex((A, B, C))
TOP = math.sqrt(3) / 2


class Slope(Hill):
    """Loss 1 + x + 10 y: no two corners alike, and straight, so that every mixture is known."""

    def __call__(self, theta):
        self.calls += 1
        x, y = theta["w"][0].tolist()
        return Score(1 + x + 10 * y, quality=max(0.0, min(1.0, 1 - y / 10)))


def loss(a, b, c):
    return a * 1 + b * 2 + c * 21.5


def explore(landscape=None, simplex=SIMPLEX, **keys):
    keys = {"resolution": 11, **keys}
    explorer = show.explore_subspace(landscape or Slope(), simplex, **keys)
    assert explorer.wait(20)
    return explorer


def spot(explorer):
    trace = explorer.fig.trace("surface:spot")
    return trace["x"][0], trace["y"][0]


@pytest.mark.parametrize("shares", [(1, 0, 0), (0, 1, 0), (0.2, 0.3, 0.5), (1.2, -0.1, -0.1)])
def test_shares_and_places_are_inverse(shares):
    assert shares_at(*place(shares)) == pytest.approx(shares)


def test_the_triangle_is_equilateral():
    corners = [place(shares) for shares in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
    assert corners == [(0, 0), (1, 0), (0.5, pytest.approx(TOP))]
    sides = [math.dist(p, q) for p, q in zip(corners, corners[1:] + corners[:1], strict=True)]
    assert sides == pytest.approx([1, 1, 1])


def test_the_corners_are_the_points_themselves_and_places_their_mixtures():
    plane = triangle(A, B, C)
    corners = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    for point_, shares in zip((A, B, C), corners, strict=True):
        assert plane(*place(shares)) is point_
    for shares in (CENTRE, (0.2, 0.3, 0.5)):
        there = plane(*place(shares))
        assert torch.allclose(there["w"], SIMPLEX(shares)["w"])


def test_the_map_shows_each_mixture_at_its_place():
    plane = triangle(A, B, C)
    x, y = INSIDE.grid(25, 21)
    figure = draw_triangle(survey(Slope(), plane, x, y), ["a", "b", "c"])
    ground = figure.data[0]
    for i, row in enumerate(ground.customdata):
        for j, value in enumerate(row):
            shares = shares_at(ground.x[j], ground.y[i])
            if min(shares) >= 0:
                assert value == pytest.approx(loss(*shares), rel=1e-4)
    assert ground.customdata[0][0] is None  # far outside


def test_a_sheet_hides_all_but_the_triangle():
    surface = survey(Slope(), triangle(A, B, C), *INSIDE.grid(13))
    paper = next(t for t in draw_triangle(surface, "abc").data if t.meta == "triangle:paper")
    steps = zip(zip(paper.x, paper.y), zip(paper.x[1:], paper.y[1:]))  # noqa: B905
    area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in steps) / 2
    whole = (INSIDE.x_max - INSIDE.x_min) * (INSIDE.y_max - INSIDE.y_min)
    assert abs(area) == pytest.approx(whole - TOP / 2)
    assert paper.fillcolor.endswith(",1)")


def test_it_begins_at_the_centre_and_says_what_is_there():
    explorer = explore()
    assert explorer.shares == CENTRE
    assert spot(explorer) == (pytest.approx(0.5), pytest.approx(TOP / 3))
    assert "33 % a, 33 % b and 33 % c: loss 8.17 nats" in explorer.status.value
    assert "lies 0.00 nats above" in explorer.status.value
    assert "points of the map are measured" in explorer.status.value


def test_a_hill_between_the_corners_is_told():
    explorer = explore(Hill(), shares=(0.5, 0.5, 0.0))
    assert "lies 1.00 nats above that of the corners" in explorer.status.value


def test_a_share_that_moves_leaves_the_others_in_proportion():
    explorer = explore(shares=(0.5, 0.375, 0.125))
    from_the_page(explorer.sliders[0], value=0.2)
    assert explorer.wait(10)
    assert explorer.shares == pytest.approx((0.2, 0.6, 0.2))
    assert [slider.value for slider in explorer.sliders] == pytest.approx([0.2, 0.6, 0.2])
    assert spot(explorer) == pytest.approx(place((0.2, 0.6, 0.2)))
    assert f"loss {loss(0.2, 0.6, 0.2):.2f} nats" in explorer.status.value


def test_shares_sum_to_one_wherever_the_hand_goes():
    explorer = explore(beyond=True)
    for number, value in [(0, 1.0), (1, 0.25), (2, 1.25), (0, -0.25), (1, 1.1), (2, 0.0), (0, 0.0)]:
        explorer.sliders[number].value = value
        assert sum(explorer.shares) == pytest.approx(1)
        assert explorer.shares[number] == pytest.approx(value)
        assert all(-0.2501 <= share <= 1.2501 for share in explorer.shares)
    assert explorer.wait(20)


def test_sliders_that_are_put_away_are_not_heard():
    explorer = explore()
    before = explorer.sliders
    explorer.beyond.value = True
    from_the_page(before[0], value=0.9)  # an answer that comes too late
    assert explorer.shares == CENTRE
    assert [(s.min, s.max) for s in explorer.sliders] == [(-0.25, 1.25)] * 3
    press(explorer, "Reset")
    assert explorer.sliders == before
    assert [slider.value for slider in before] == [0.33] * 3


def test_a_move_on_the_page_changes_only_the_spot_and_the_samples(sent):
    explorer = explore(samples=IMAGES)
    sent.clear()
    from_the_page(explorer.sliders[2], value=0.0)
    assert explorer.wait(10)
    changed = [data["content"]["traces"] for method, data in sent if method == "custom"]
    assert [c.keys() for c in changed] == [{"surface:spot", "samples:bars", "samples:verdict"}]


def test_a_click_chooses_and_one_outside_chooses_the_edge():
    explorer = explore()
    explorer.fig.on_click("surface:map", *place((0.2, 0.3, 0.5)))
    assert explorer.shares == pytest.approx((0.2, 0.3, 0.5))
    explorer.fig.on_click("surface:map", 0.5, -0.05)
    assert explorer.shares == pytest.approx((0.5, 0.5, 0.0))
    assert min(explorer.shares) == pytest.approx(0)
    explorer.fig.on_click("samples:bars", 0.1, 0.1)
    assert explorer.shares[0] == pytest.approx(0.5)


def test_beyond_the_edges_on_request_and_back():
    explorer = explore()
    with pytest.raises(ValueError, match=r"from 0 to 1 .*beyond=True"):
        explorer.visit(1.2, -0.1, -0.1)
    explorer.beyond.value = True
    explorer.visit(1.2, -0.1, -0.1)
    assert explorer.wait(20)
    assert f"loss {loss(1.2, -0.1, -0.1):.2f} nats" in explorer.status.value
    assert min(explorer.fig.trace("surface:map")["x"]) < -0.2
    explorer.beyond.value = False
    assert explorer.wait(20)
    assert explorer.shares == pytest.approx((1, 0, 0))
    assert [slider.max for slider in explorer.sliders] == [1, 1, 1]


def test_of_more_vertices_three_are_chosen():
    simplex = Simplex((A, B, C, point(0.0, 5.0)))
    explorer = explore(simplex=simplex, names=["p", "q", "r", "s"], corners=(0, 1, 3))
    assert [s.description for s in explorer.sliders] == [f"share of {n}" for n in "pqs"]
    explorer.visit(0.0, 0.0, 1.0)
    assert explorer.wait(20)
    assert "loss 51.00 nats" in explorer.status.value
    explorer.corners[2].value = 2
    assert explorer.wait(20)
    assert "loss 21.50 nats" in explorer.status.value
    assert explorer.sliders[2].description == "share of r"
    assert "simplex((0.0, 0.0, 1.0, 0.0))" in explorer.code()


def test_two_vertices_are_explored_as_a_line():
    explorer = show.explore_subspace(Slope(), Simplex((A, B)), names=["left", "right"])
    assert isinstance(explorer, show.LineExplorer)
    assert explorer.wait(20)
    assert "from left to right" in explorer.status.value


def test_several_landscapes_and_quantities():
    explorer = explore({"train": Slope(), "test": lambda theta: Slope()(2 * theta)})
    explorer.visit(0.0, 0.0, 1.0)
    assert explorer.wait(20)
    assert "loss 21.50 nats on train and 42.00 nats on test" in explorer.status.value
    explorer.on.value, explorer.what.value = "test", "error"
    assert explorer.wait(20)
    values = [v for row in explorer.fig.trace("surface:map")["customdata"] for v in row if v]
    assert max(values) == pytest.approx(0.4, abs=0.05)


def test_reset_goes_back_to_the_start():
    explorer = explore(shares=(0.25, 0.25, 0.5))
    explorer.beyond.value, explorer.what.value = True, "error"
    explorer.visit(1.1, 0.0, -0.1)
    press(explorer, "Reset")
    assert explorer.wait(20)
    assert (explorer.shares, explorer.beyond.value) == ((0.25, 0.25, 0.5), False)
    assert explorer.what.value == "loss"


def test_settings_as_code_give_the_same_explorer():
    explorer = explore(samples=IMAGES, beyond=True)
    explorer.visit(1.1, 0.1, -0.2)
    names = {"show": show, "landscape": Slope(), "simplex": SIMPLEX, "samples": IMAGES}
    first, second, call = explorer.code().split("\n", 2)
    exec(f"{first}\n{second}", names)
    assert names["theta"]["w"].tolist()[0] == pytest.approx([0.0, -0.4])
    twin = eval(call, names)
    assert twin.shares == pytest.approx((1.1, 0.1, -0.2))
    assert twin.beyond.value


def test_a_page_without_a_kernel_visits_corners_edges_and_centre():
    still = explore(samples=IMAGES).still()
    names = [frame.name for frame in still.frames]
    assert names[1:3] == ["a", "halfway from a to b"]
    number = [trace.meta for trace in still.data].index("surface:spot")
    spots = [dict(zip(f.traces, f.data, strict=True))[number] for f in still.frames]
    assert (spots[5].x[0], spots[5].y[0]) == (0.5, pytest.approx(TOP))
    assert "33 % a" in still.layout.meta["description"]


def test_the_mixture_is_asked_about_the_samples():
    explorer = explore(samples=IMAGES, classes=["zero", "one", "two"], shares=(0.8, 0.2, 0.0))
    assert "it says zero, zero (is one) and zero (is two)" in explorer.status.value


def test_an_error_of_the_landscape_is_told():
    explorer = show.explore_subspace(Wall(), SIMPLEX, resolution=11)
    assert explorer.wait(20)
    assert "the wall is in the way" in explorer.status.value


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(ValueError, match="3 vertices and 2 names"):
        show.explore_subspace(Slope(), SIMPLEX, names=["a", "b"])
    with pytest.raises(ValueError, match="resolution 12"):
        show.explore_subspace(Slope(), SIMPLEX, resolution=12)
