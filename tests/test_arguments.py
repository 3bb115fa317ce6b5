"""What is given where another thing is expected is refused at the call, in the reader's terms."""

import gc
import sys

import pytest
import torch
from torch import nn

from fusionlab import show
from fusionlab.connectivity import Line, Simplex, profile
from fusionlab.lab import mlp, zoo
from fusionlab.landscape import Landscape, Plane, Survey, survey

from .show.standins import LINE, PLANE, A, B, C, Hill

NETWORK = nn.Sequential(nn.Linear(2, 2))
DATA = (torch.randn(6, 2), torch.arange(6) % 2)
ON = Landscape(NETWORK, DATA)
HILL, CORNERS, XY = Hill(), Simplex((A, B, C)), torch.zeros(2)
A_NETWORK, A_LANDSCAPE = r"a network \(Sequential\)", r"a landscape \(Landscape\)"
A_LIST, A_PATH, A_PLANE = r"a sequence \(list\)", r"a path \(Line\)", r"a plane \(Plane\)"

# A wrong call; what the error says that it expected, and what it says that it found.
WRONG = {
    "a network to slide on": (lambda: show.explore_line(NETWORK, LINE), "landscape", A_NETWORK),
    "a network to map": (lambda: show.explore_landscape(NETWORK, PLANE), "landscape", A_NETWORK),
    "a network under curves": (
        lambda: show.explore_curves(NETWORK, {"l": LINE}), "landscape", A_NETWORK,
    ),
    "a network to mix on": (
        lambda: show.explore_subspace(NETWORK, CORNERS), "landscape", A_NETWORK,
    ),
    "one of several": (
        lambda: show.explore_line({"train": HILL, "test": NETWORK}, LINE), "landscape", A_NETWORK,
    ),
    "a line first": (lambda: show.explore_line(LINE, ON), "landscape", A_PATH),
    "a plane first": (lambda: show.explore_landscape(PLANE, ON), "landscape", A_PLANE),
    "curves first": (lambda: show.explore_curves({"l": LINE}, ON), "landscape", A_PATH),
    "a line first in a profile": (lambda: profile(LINE, ON), "landscape", A_PATH),
    "a plane first in a survey": (lambda: survey(PLANE, ON, XY, XY), "landscape", A_PLANE),
    "a plane first in a slow one": (lambda: Survey(PLANE, ON, XY, XY), "landscape", A_PLANE),
    "a network in a profile": (lambda: profile(NETWORK, LINE), "landscape", A_NETWORK),
    "a landscape as path": (lambda: profile(HILL, ON), "path", A_LANDSCAPE),
    "a landscape as plane": (lambda: survey(HILL, ON, XY, XY), "plane", A_LANDSCAPE),
    "a point as path": (lambda: show.explore_line(HILL, A), "path", "a point of weight space"),
    "points as path": (lambda: show.explore_line(HILL, [A, B]), "path", A_LIST),
    "the class of paths": (lambda: show.explore_line(HILL, Line), "path", r"a class \(Line\)"),
    "a list of paths": (lambda: show.explore_curves(HILL, [LINE]), "paths by name", A_LIST),
    "a path as plane": (lambda: show.explore_landscape(HILL, LINE), "plane", A_PATH),
    "a network as mark": (
        lambda: show.explore_landscape(HILL, PLANE, {"a": NETWORK}), "point", A_NETWORK,
    ),
    "a list of marks": (lambda: show.explore_landscape(HILL, PLANE, [A]), "points by name", A_LIST),
    "one mark": (lambda: show.explore_landscape(HILL, PLANE, A), "points by name", "a point"),
    "a list of points": (lambda: show.explore_soup(HILL, [A, B]), "points by name", A_LIST),
    "a simplex of networks": (lambda: Simplex((NETWORK, NETWORK)), "point", A_NETWORK),
    "a line as simplex": (lambda: show.explore_subspace(HILL, LINE), "simplex", A_PATH),
    "a landscape as map": (lambda: show.draw_surface(ON), "surface", A_LANDSCAPE),
    "a list of maps": (lambda: show.draw_surfaces([ON]), "surfaces by name", A_LIST),
    "a list of profiles": (
        lambda: show.draw_profiles([profile(HILL, LINE)]), "profile", A_LIST,
    ),
    "paths without a map": (
        lambda: show.draw_paths(ON, PLANE, {"l": LINE}), "surface", A_LANDSCAPE,
    ),
    "nothing": (lambda: show.explore_line(None, LINE), "landscape", "nothing"),
    "a text": (lambda: show.explore_line("test", LINE), "landscape", r"a text \(str\)"),
}  # fmt: skip


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_the_error_says_what_is_expected_and_what_was_found(call):
    wrong, expected, found = call
    with pytest.raises(TypeError, match=rf"expected a? ?{expected}, got {found}.* Give "):
        wrong()


@pytest.mark.parametrize("wrong", [
    lambda: show.explore_line(HILL, LINE, names="ab"),
    lambda: show.explore_curves(HILL, {"l": LINE}, names="ab"),
    lambda: show.explore_subspace(HILL, CORNERS, names="abc"),
    lambda: zoo(mlp(2, 2, 2), DATA, seeds=3),
])  # fmt: skip
def test_one_text_or_number_is_no_sequence(wrong):
    with pytest.raises(TypeError, match=r"=.* is not a sequence\. Give one, such as"):
        wrong()


def test_a_landscape_without_a_name_is_not_chosen_by_name():
    for explore, thing in ((show.explore_landscape, PLANE), (show.explore_subspace, CORNERS)):
        with pytest.raises(ValueError, match=r"'tst'\. Choose None: there is only one"):
            explore(HILL, thing, on="tst")


def test_what_works_like_it_is_taken_for_it():
    def score(theta):
        return HILL(theta)

    def path(t):
        return LINE(t)

    assert profile(score, path, t=[0, 0.5, 1]).loss.tolist() == [1.0, 2.5, 2.0]
    assert survey(score, PLANE, [0.0, 1.0], [0.0]).loss.tolist() == [[1.0, 2.0]]
    assert Survey(score, PLANE, [0.0, 1.0], [0.0]).finish().loss.tolist() == [[1.0, 2.0]]
    assert isinstance(Plane.through(A, B, C), Plane)


def test_a_landscape_computes_on_the_device_that_is_asked_for():
    moved = Landscape(NETWORK, DATA, calibration=DATA, device="meta")
    assert (moved.device.type, moved.calibration.device.type) == ("meta", "meta")
    assert ON.device.type == "cpu"


def test_an_explorer_that_was_refused_leaves_no_second_error(monkeypatch):
    left = []
    monkeypatch.setattr(sys, "unraisablehook", lambda error: left.append(error.exc_value))
    for explore, thing in (
        (show.explore_landscape, PLANE), (show.explore_curves, {"l": LINE}),
        (show.explore_line, LINE),
    ):  # fmt: skip
        made = type(explore(HILL, thing))
        refused = made.__new__(made)
        with pytest.raises(TypeError):
            refused.__init__()
        del refused
    gc.collect()
    assert left == []
