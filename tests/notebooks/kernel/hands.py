"""Run in the kernel after a notebook: moves every control as a reader's hands might."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets as W
import watch
from IPython import get_ipython
from ipywidgets.widgets import widget_bool, widget_float, widget_int, widget_selection

ROUNDS = 3  # a button may make new controls, and these again
PAUSE, REST = 0.02, 1.0  # seconds between moves, and at the end, for what runs behind the scenes

SPANS = (
    *(widget_float._BoundedFloat, widget_float._BoundedLogFloat, widget_int._BoundedInt),
    *(widget_float._BoundedFloatRange, widget_int._BoundedIntRange),
)
NOT_FOR_HANDS = (W.FloatProgress, W.IntProgress, W.Valid)

Move = tuple[str, Callable[[], None]]


def values(widget: W.Widget) -> list[tuple[str, Any]]:
    """The places of a control worth visiting, as (trait, value); its own at the end."""
    if isinstance(widget, SPANS):
        return [("value", value) for value in (*_three(widget), widget.value)]
    if isinstance(widget, widget_selection._Selection):
        return [("index", i) for i in (*range(len(widget.options)), widget.index)]
    if isinstance(widget, widget_selection._MultipleSelection):
        everything = tuple(range(len(widget.options)))
        return [("index", i) for i in (*((i,) for i in everything), everything, widget.index)]
    if isinstance(widget, widget_bool._Bool):
        return [("value", not widget.value), ("value", widget.value)]
    return []


def _three(widget: W.Widget) -> tuple[Any, Any, Any]:
    low, high = widget.min, widget.max
    middle = (low + high) / 2
    if isinstance(widget, widget_float._BoundedLogFloat):
        return widget.base**low, widget.base**middle, widget.base**high
    if isinstance(widget, (widget_int._BoundedInt, widget_int._BoundedIntRange)):
        middle = (low + high) // 2
    if isinstance(widget.value, tuple):
        return (low, low), (low, middle), (low, high)
    return low, middle, high


def moves(widget: W.Widget) -> Iterator[Move]:
    """Everything that hands can do to one widget."""
    name = f"{type(widget).__name__} {getattr(widget, 'description', '')!r}"
    for trait, value in values(widget):
        yield f"{name} to {value!r}", lambda t=trait, v=value: setattr(widget, t, v)
    for trace in getattr(widget, "data", ()) if hasattr(widget, "_js2py_pointsCallback") else ():
        if getattr(trace, "_click_callbacks", None):
            yield f"{name}, a click on {trace.name!r}", lambda trace=trace: click(widget, trace)


def click(figure: Any, trace: Any) -> None:
    """Click the first point of a trace, as plotly's front end would tell it."""
    number = list(figure.data).index(trace)
    flat = trace.type not in ("heatmap", "contour", "surface", "image")
    index = 0 if flat else [0, 0]
    figure._js2py_pointsCallback = {
        "event_type": "plotly_click",
        "points": {
            "trace_indexes": [number],
            "point_indexes": [index],
            "xs": [_first(trace.x)],
            "ys": [_first(trace.y)],
        },
        "device_state": None,
        "selector": None,
    }


def _first(values: Any) -> Any:
    return None if values is None or len(values) == 0 else values[0]


def controls() -> list[W.Widget]:
    """The living widgets that a reader could touch now."""
    gc.collect()  # what a notebook threw away is no longer there to be touched
    return [w for w in list(W.Widget.widgets.values()) if _is_touchable(w)]


def _is_touchable(widget: W.Widget) -> bool:
    layout = getattr(widget, "layout", None)
    if isinstance(layout, W.Layout) and (layout.display == "none" or layout.visibility == "hidden"):
        return False
    return not (getattr(widget, "disabled", False) or isinstance(widget, NOT_FOR_HANDS))


class Session:
    """What was done, and what went wrong."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.errors: list[str] = []

    async def do(self, name: str, action: Callable[[], None]) -> None:
        self.done.append(name)
        try:
            action()
        except BaseException as error:  # whatever it is, the other controls are tried as well
            self.note(error)
        await asyncio.sleep(PAUSE)

    def note(self, error: BaseException | None) -> None:
        self.errors.append(f"{self.done[-1]}: {watch.last_line(error)}")

    def note_shown(self, shown: Any = None, *args: Any, **kwargs: Any) -> None:
        """In place of a printed traceback: ipywidgets prints what buttons and Outputs raise."""
        self.note((shown or sys.exc_info())[1])

    async def touch_all(self, touched: set[str]) -> None:
        fresh = [w for w in controls() if w.model_id not in touched]
        touched.update(w.model_id for w in fresh)
        buttons = [w for w in fresh if isinstance(w, W.Button)]
        for group in (fresh, buttons, fresh):
            for widget in (w for w in group if _is_touchable(w)):
                if group is buttons:
                    await self.do(f"Button {widget.description!r}", widget.click)
                else:
                    await self._move(widget)

    async def _move(self, widget: W.Widget) -> None:
        for name, action in moves(widget):
            await self.do(name, action)


async def try_everything() -> None:
    """Move all that moves, press all that can be pressed, and write down what happened."""
    session, shell, touched = Session(), get_ipython(), set()
    shown = shell.showtraceback
    shell.showtraceback = session.note_shown
    try:
        for _ in range(ROUNDS):
            await session.touch_all(touched)
        await asyncio.sleep(REST)
    finally:
        shell.showtraceback = shown
    gc.collect()  # a task that failed alone is reported when it is collected
    await asyncio.sleep(0)
    report = {
        "done": session.done,
        "errors": session.errors + watch.unseen,
        "live_figures": sum(hasattr(w, "_js2py_pointsCallback") for w in W.Widget.widgets.values()),
        "peak_bytes": _peak_bytes(),
    }
    Path(os.environ["FUSIONLAB_TRIED"]).write_text(json.dumps(report))


def _peak_bytes() -> int | None:
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
