"""What all explorers share: settings as code that run, states that never change, one wording."""

import inspect
import threading

import ipywidgets as widgets
import pytest
import torch
import traitlets

from fusionlab import show
from fusionlab.connectivity import Bezier, Simplex
from fusionlab.show.explore.core import Control, Explorer
from fusionlab.show.explore.parts import Part, State

from .standins import IMAGES, LINE, PLANE, A, B, C, Hill
from .test_interpolation import press

CLASSES = ["zero", "one", "two"]
PATHS = {"line": LINE, "curve": Bezier((A, C, B))}
POINTS = {"a": A, "b": B, "c": C}
SIMPLEX = Simplex((A, B, C))


def function(x, y):
    return A + x * (B - A) + y * (C - A)


# What is explored, by the names that the reader gave; how to move; names for its networks.
CASES = {
    "line": (show.explore_line, {"line": LINE}, {"t": 0.25}, {"names": ("left", "right")}),
    "curves": (show.explore_curves, {"paths": PATHS}, {"t": 0.25}, {"names": ("left", "right")}),
    "plane": (show.explore_landscape, {"planes": PLANE}, {"zoom": 1.5}, {"marks": POINTS}),
    "planes": (show.explore_landscape, {"planes": {"p": PLANE}}, {"view": "3d"}, {}),
    "subspace": (
        show.explore_subspace, {"simplex": SIMPLEX}, {"what": "error"}, {"names": ["p", "q", "r"]},
    ),
    "function": (show.explore_function, {"function": function}, {"x": 0.25}, {}),
    "soup": (show.explore_soup, {"points": POINTS}, {"b": 0.25}, {}),
}  # fmt: skip
SIZES = {"curves", "plane", "planes", "subspace"}
FIELDS = {"one landscape": Hill(), "two landscapes": {"train": Hill(), "test": Hill()}}


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
@pytest.mark.parametrize("asked", [False, True], ids=["bare", "samples and names"])
@pytest.mark.parametrize("kind", CASES)
def test_settings_as_code_run_as_they_are_and_give_the_same_explorer(kind, asked, field):
    explore, things, moved, named = CASES[kind]
    names = {"show": show, "landscape": field, **things, **(named if asked else {})}
    keys = {**named, "samples": IMAGES, "classes": CLASSES} if asked else {}
    keys |= {"resolution": 11} if kind in SIZES else {}
    keys |= {"x": 0.5, "y": (0, 2)} if kind == "function" else {}
    names |= {"samples": IMAGES} if asked else {}
    explorer = explore(landscape=field, **things, **keys)
    explorer.set(**moved)
    assert explorer.wait(20)
    *_, call = explorer.code().partition("show.")
    exec(explorer.code(), names)
    first = next(iter(field.values())) if isinstance(field, dict) else field
    assert torch.isfinite(torch.tensor(first(names["theta"]).loss))
    twin = eval("show." + call, names)
    assert twin.wait(20)
    assert twin.code() == explorer.code()
    assert twin.status.value == explorer.status.value
    assert [t["meta"] for t in twin.fig.spec["data"]] == [
        t["meta"] for t in explorer.fig.spec["data"]
    ]


@pytest.mark.parametrize("kind", CASES)
def test_what_was_not_given_is_not_written(kind):
    explore, things, _, _ = CASES[kind]
    keys = {"x": 0.5, "y": 0.5} if kind == "function" else {}
    code = explore(landscape=Hill(), **things, **keys).code()
    for name in ("samples", "classes", "names", "marks", "trajectory", "training", "frames"):
        assert f"{name}=" not in code


def test_a_state_does_not_change():
    s = State({"t": 0.5})
    for change in (lambda: setattr(s, "t", 1.0), lambda: s.values.update(t=1.0)):
        with pytest.raises(AttributeError):
            change()
    assert (s.t, s.but(t=1.0).t, s == State({"t": 0.5})) == (0.5, 1.0, True)


@pytest.mark.parametrize("kind", CASES)
def test_no_thread_but_the_callers_reads_a_control(kind, monkeypatch):
    explore, things, moved, _ = CASES[kind]
    caller, strangers = threading.current_thread(), []

    def read(trait, widget, kind=None):
        if threading.current_thread() is not caller and trait.name == "value":
            strangers.append(widget)
        return get(trait, widget, kind)

    get = traitlets.TraitType.get
    keys = {"x": 0.5, "y": 0.5} if kind == "function" else {}
    explorer = explore(landscape=Hill(), **things, **keys)
    monkeypatch.setattr(traitlets.TraitType, "get", read)
    explorer.set(**moved)
    assert explorer.wait(30)
    controls = [control.widget for control in explorer.controls.values()]
    assert [w for w in strangers if any(w is one for one in controls)] == []


class Nothing(Part):
    """A part without anything."""


class Bare(Explorer):
    """Two controls, of which one widens the other."""

    def __init__(self):
        self.asked = []
        slider, wide = widgets.FloatSlider(min=0, max=1), widgets.Checkbox()
        wide.observe(lambda change: setattr(slider, "max", 2.0 if change["new"] else 1.0), "value")
        controls = {"t": Control(slider, 1.5), "wide": Control(wide, True)}
        super().__init__(controls, [Nothing()], None, rows=[["t", "wide"]])

    def steps(self, s):
        self.asked.append(dict(s.values))
        return iter(())


def test_settings_that_need_each_other_are_put_together_and_asked_for_once():
    explorer = Bare()
    assert explorer.asked == [{"t": 1.5, "wide": True}]
    explorer.set(t=0.5, wide=False)
    assert explorer.asked[1:] == [{"t": 0.5, "wide": False}]
    press(explorer, "Reset")
    assert explorer.asked[2:] == [{"t": 1.5, "wide": True}]


def test_controls_whose_name_says_too_little_tell_what_they_do():
    explorer = show.explore_landscape(Hill(), PLANE, POINTS, trajectory=[A, B], resolution=11)
    pile, untold = list(explorer.children), []
    while pile:
        widget = pile.pop()
        pile += getattr(widget, "children", ())
        if getattr(widget, "description", "") and not isinstance(widget, show.Fig):
            untold += [widget.description] if not widget.tooltip else []
    assert untold == []


def test_explorers_call_the_same_thing_by_the_same_name():
    wordings = {}
    for explore in {case[0] for case in CASES.values()}:
        for name, parameter in inspect.signature(explore).parameters.items():
            if name in ("samples", "classes", "resolution", "on", "what", "t", "beyond", "frames"):
                wordings.setdefault(name, set()).add((parameter.kind, parameter.default))
    assert {name: len(found) for name, found in wordings.items()} == dict.fromkeys(wordings, 1)
