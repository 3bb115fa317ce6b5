"""Paths on a map: projected as their points would be one by one, and drawn where they run."""

import plotly.graph_objects as go
import pytest
import torch

from fusionlab import Weights, show
from fusionlab.connectivity import Bezier, Chain, Line
from fusionlab.landscape import Bounds, Plane, Score, measures_of, survey
from fusionlab.show.explore.curves.path_plane import lay_plane
from fusionlab.show.explore.curves.path_view import AlongPaths, points_of
from fusionlab.show.explore.parts import State
from fusionlab.show.explore.scored import Scored
from fusionlab.show.figures import projections
from fusionlab.show.figures.projections import even, project_all
from fusionlab.show.figures.theme import look

from .standins import PLANE, A, B, C, Hill, point


def random(seed: int) -> Weights:
    dice = torch.Generator().manual_seed(seed)
    return Weights({n: torch.randn(s, generator=dice) for n, s in (("w", (4, 5)), ("b", (4,)))})


THETAS = [random(seed) for seed in range(6)]
PLANES = {
    "through three points": Plane.through(*THETAS[:3]),
    "along directions": Plane.around(*THETAS[:3]),
}
PATHS = {
    "line": Line(THETAS[0], THETAS[1]),
    "curve": Bezier((THETAS[0], THETAS[3], THETAS[1])),
    "chain": Chain((THETAS[0], THETAS[4], THETAS[5], THETAS[1])),
    "function": lambda t: (1 - t) * THETAS[0] + t * THETAS[4],
}


@pytest.mark.parametrize("plane", PLANES.values(), ids=PLANES.keys())
@pytest.mark.parametrize("name", PATHS)
def test_a_path_is_projected_as_its_points_are(plane, name):
    path, t = PATHS[name], even(7)
    projection = project_all(plane, PATHS, t)[name]
    expected = torch.tensor([plane.project(path(s)) for s in t.tolist()])
    far = torch.tensor([plane.distance(path(s)) for s in t.tolist()])
    assert torch.allclose(projection.places.float(), expected, atol=1e-4)
    assert torch.allclose(projection.gaps.float(), far, atol=1e-3)


def test_a_curve_lies_in_the_plane_of_its_bend_and_a_stranger_does_not():
    plane = Plane.through(THETAS[0], THETAS[1], THETAS[3])
    seen = project_all(plane, PATHS)
    assert seen["curve"].gap < 1e-6
    assert seen["chain"].gap > 0.1


def test_only_the_points_that_span_the_paths_are_projected(monkeypatch):
    seen = []
    whole = projections.centred_products
    monkeypatch.setattr(projections, "centred_products", lambda p: seen.append(len(p)) or whole(p))
    project_all(PLANES["through three points"], {k: PATHS[k] for k in ("line", "curve", "chain")})
    assert seen == [5 + 3 + 1]  # a, b, three bends; the plane's own points; zero


def drawn(paths, **keys) -> go.Figure:
    surface = survey(Hill(), PLANE, *Bounds(-1, 2, -1, 3).grid(7, 9))
    return show.draw_paths(surface, PLANE, paths, **keys)


def trace(figure, key):
    return next(t for t in figure.data if t.meta == key)


def test_each_path_is_drawn_where_it_runs_in_its_own_look():
    figure = drawn({"line": Line(A, B), "curve": Bezier((A, C, B))}, t=0.25)
    curve = trace(figure, "path:line:curve")
    assert (curve.x[50], curve.y[50]) == (pytest.approx(0.5), pytest.approx(1.0))
    assert (curve.line.color, curve.line.dash) == (look(1).colour, look(1).dash)
    mark = trace(figure, "path:mark:curve")
    assert (mark.x[0], mark.y[0]) == (pytest.approx(0.25), pytest.approx(0.75))
    bend = trace(figure, "path:bends:curve")
    assert (bend.x[0], bend.y[0]) == (pytest.approx(0.5), pytest.approx(2.0))
    assert trace(figure, "path:bends:line").x == (None,)
    assert {t.name for t in figure.data if t.showlegend is not False and t.name} == {
        "line",
        "curve",
    }


def test_the_caption_says_how_far_a_path_leaves_the_plane():
    away = Weights({"w": torch.tensor([[0.5, 0.0]]).double(), "z": torch.ones(1).double()})
    a, b, c = (Weights({**p, "z": torch.zeros(1).double()}) for p in (A, B, C))
    surface = survey(
        lambda theta: Score(1.0, 1.0), Plane.through(a, b, c), *Bounds(0, 1, 0, 1).grid(3)
    )
    flat, steep = Line(a, b), Chain((a, away, b))
    figure = show.draw_paths(surface, Plane.through(a, b, c), {"flat": flat, "steep": steep})
    told = "Steep leaves this plane by up to 100 % of the way from a to b."
    assert told in figure.layout.xaxis.title.text
    assert told in figure.layout.meta["description"]
    told = drawn({"line": Line(A, B)}).layout.xaxis.title.text
    assert told == "x: distance along u, from a to b<br>All paths lie in this plane."


def test_the_plane_below_is_the_plane_of_the_farthest_bend_in_focus():
    low, high = point(0.3, 0.5), point(0.6, -3.0)
    paths = {"line": Line(A, B), "low": Chain((A, low, B)), "high": Chain((A, low, high, B))}
    assert lay_plane(paths, "low").plane.points[2] is low
    assert lay_plane(paths, "high").plane.points[2] is high
    assert lay_plane(paths, "line").plane.points[2] is high  # a line spans no plane of its own
    assert lay_plane(paths, "low", PLANE).plane is PLANE


def test_paths_that_are_still_a_line_stand_on_a_plane_all_the_same():
    a, b = THETAS[:2]
    paths = {"line": Line(a, b), "curve": Bezier.between(a, b)}
    one, two = (lay_plane(paths, "curve") for _ in range(2))
    assert one.isometric
    assert torch.equal(one.plane.points[2].flat(), two.plane.points[2].flat())
    assert one.projections["curve"].gap < 1e-5


def test_the_frame_holds_every_path_and_grows_by_notches():
    small, larger = (
        lay_plane({"c": Chain((A, point(0.5, y), B))}, "c").bounds for y in (0.6, 0.61)
    )
    assert small == larger
    tall = lay_plane({"c": Chain((A, point(0.5, 4.0), B))}, "c").bounds
    assert tall.y_max >= 4.0
    assert (tall.x_min, tall.x_max) == (small.x_min, small.x_max)


def test_the_frame_stands_still_while_the_plane_turns():
    a, b, *bends = THETAS
    bounds = {lay_plane({"c": Chain((a, 0.5 * (a + b) + 0.1 * c, b))}, "c").bounds for c in bends}
    assert len(bounds) == 1


def test_places_on_paths_are_scored_once_in_one_batch():
    hill, line, curve = Hill(), Line(A, B), Bezier((A, C, B))
    scored = Scored(hill, points_of)
    places = [(line, 50), (curve, 50), (curve, 0)]
    scores = scored(places)
    assert [s.loss for s in scores] == pytest.approx([2.5, 3.5, 1.0])
    assert scored(places) == scores
    assert hill.calls == 3


def test_a_new_path_is_measured_anew_but_for_its_ends():
    hill, paths = Hill(), {"curve": Bezier.between(A, B)}
    along = AlongPaths({"": hill}, paths, measures_of(hill), ("a", "b"))
    along.learn(State({"on": "", "paths": paths}), [0, 50, 100])
    assert hill.calls == 3
    trained = State({"on": "", "paths": {"curve": Bezier((A, C, B))}})
    along.keep(trained.paths)
    along.learn(trained, [0, 50, 100])
    assert hill.calls == 4
    assert along.profiles(trained)["curve"].loss[1] == pytest.approx(3.5)


def test_what_is_scored_while_another_is_kept_is_not_lost():
    class Late(Hill):
        def __call__(self, theta):
            if self.calls == 0:
                super().__call__(theta)
                scored([(line, 25)])  # another thread asks meanwhile
            return super().__call__(theta)

    line = Line(A, B)
    scored = Scored(Late(), points_of)
    assert scored([(line, 50)])[0].loss == pytest.approx(2.5)
    assert scored.known.keys() == {(line, 25), (line, 50)}
