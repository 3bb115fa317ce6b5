"""What every explorer is: controls that make a state, a picture of it, and what goes with both."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from fusionlab.landscape import ScoreFunction
from fusionlab.quantities import Measures
from fusionlab.show.explore.controls import button, choice, one_of
from fusionlab.show.explore.display import Display
from fusionlab.show.explore.latest import LatestTask
from fusionlab.show.explore.parts import Part, Picture, State
from fusionlab.show.explore.tips import TIPS
from fusionlab.show.explore.written import Call
from fusionlab.show.figures.layout import with_slider
from fusionlab.show.page.fig import Changes, Draw

RESOLUTIONS = (11, 21, 31, 41, 61, 81)  # points along each side of a map
PATIENCE = 0.045  # seconds in a callback: what is ready by then follows the hand without a thread
FIRST = 0.5  # seconds to wait for the picture that a page without a kernel will keep


@dataclass(frozen=True)
class Control:
    """One setting: its widget, its value at the start, and how a value is written as code.

    Attributes:
        written: gives a value as code; None for what is not written.
        usual: this value is not written.
        used: whether there is a choice; else the widget is not shown, nor its value written.
        quick: its moves are drawn beside the work that goes on, and do not interrupt it.
    """

    widget: Any
    start: Any
    written: Callable[[Any], str] | None = repr
    usual: Any = None
    used: bool = True
    quick: bool = False


def landscape_control(landscapes: Mapping[str, ScoreFunction], on: str | None) -> Control:
    """On which of the landscapes it is measured."""
    names = list(landscapes)
    start = one_of(names, on or names[0], "landscape")
    return Control(choice("measured on", names), start, used=len(names) > 1)


def quantity_control(measures: Measures, what: str) -> Control:
    """Which of the measured quantities is shown."""
    names = measures.names
    return Control(choice("show", names), one_of(names, what, "quantity"), usual="loss")


def grid_control(resolution: int) -> Control:
    """How many points a map has along each side."""
    sizes = choice("points", [(f"{n} × {n}", n) for n in RESOLUTIONS])
    return Control(sizes, one_of(RESOLUTIONS, resolution, "resolution"))


def _shown(controls: Mapping[str, Control], row: Sequence[Any]) -> list[widgets.Widget]:
    """The widgets of a row, but for those of controls without a choice."""
    found = [controls.get(item, item) if isinstance(item, str) else item for item in row]
    left = [item for item in found if not isinstance(item, Control) or item.used]
    return [item.widget if isinstance(item, Control) else item for item in left]


class Explorer(Display):
    """A figure to explore by controls; also useful where there is no kernel, as HTML.

    Args:
        controls: by the names of the settings; each widget is an attribute of that name.
        parts: of the picture.
        call: of `show`, which gives this explorer.
        rows: names of controls, or widgets, as they are shown above the figure.
        buttons: shown below it, after "Reset" and "Settings as code".
    """

    def __init__(
        self, controls: Mapping[str, Control], parts: Sequence[Part], call: Call,
        *, rows: Sequence[Sequence[Any]], buttons: Sequence[widgets.Widget] = (),
    ) -> None:  # fmt: skip
        self.controls, self._call, self._held = dict(controls), call, False
        self.latest = LatestTask(self.trouble)
        self.picture = Picture(parts, self.compose, say=self.say, again=self._ask, seen=self.seen)
        reset = button("Reset", "Back to the settings of the start", self.reset)
        shown = [_shown(controls, row) for row in rows]
        super().__init__(shown, self.picture.fig, [reset, *buttons])
        self._put({name: control.start for name, control in controls.items()})
        for name, control in controls.items():
            if name in TIPS and isinstance(control.widget, widgets.DOMWidget):
                control.widget.tooltip = TIPS[name]
            control.widget.observe(partial(self._hear, name), "value")
        self.renew(patience=FIRST)
        self.latest.wait(FIRST, until=lambda: self.picture.frame is not None)

    def __del__(self) -> None:
        # Refused while it was made, it holds nothing; while Python ends, nothing can be drawn.
        if self.comm is not None and not sys.is_finalizing():
            super().__del__()

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__.get("controls", ()):
            return self.controls[name].widget
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    @property
    def state(self) -> State:
        """The values of all controls now."""
        return State({name: control.widget.value for name, control in self.controls.items()})

    def set(self, **settings: Any) -> None:
        """Set several controls at once."""
        self._put(settings)
        self.renew()

    def reset(self) -> None:
        """Go back to the settings of the start."""
        self.set(**{name: control.start for name, control in self.controls.items()})

    def renew(self, *, quick: bool = False, patience: float = PATIENCE) -> None:
        """Show the present state; a quick one beside the work that goes on."""
        s = self.picture.renew(lambda _: self.state)
        if quick and self.picture.quick(s):
            self.latest.between(partial(self.picture.arrive, *self.picture.change(s)))
        else:
            self._ask(s, patience=patience)
        self.write_code()

    def steps(self, s: State) -> Iterator[Draw]:
        """From what can be drawn at once to all that can be known."""
        return self.picture.steps(s)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the picture is as sharp as it gets; False if that takes longer."""
        return self.latest.wait(seconds)

    def close(self) -> None:
        """Stop all work and leave the page."""
        self.latest.cancel()
        super().close()

    def code(self) -> str:
        """The Python that gives this view, and the chosen network."""
        s, unused = self.state, [name for part in self.picture.parts for name in part.unused]
        return self._call.network(self.network(s)) + self._call.write(self.settings(s), unused)

    def network(self, s: State) -> str:
        """The chosen network, written as code."""
        raise NotImplementedError

    def settings(self, s: State) -> dict[str, str]:
        """The settings as arguments, written as code."""
        used = {k: c for k, c in self.controls.items() if c.used and getattr(s, k) != c.usual}
        return {k: c.written(getattr(s, k)) for k, c in used.items() if c.written}

    def compose(self, drawn: Sequence[Sequence[go.Figure]], s: State) -> go.Figure:
        """The figures of all parts, as one."""
        raise NotImplementedError

    def sweep(self, s: State) -> dict[str, Any]:
        """What `with_slider` needs for the present picture, on a page without a kernel."""
        raise NotImplementedError

    def follow(self, name: str, old: Any) -> dict[str, Any]:
        """What else changes when the reader changes the setting of that name."""
        return {}

    def seen(self, s: State, patch: Changes, words: str) -> None:
        """Take note of a picture that was drawn."""

    def still(self) -> go.Figure:
        """The present picture with a slider of its own, for a page without a kernel."""
        self.latest.wait(FIRST)
        return self.slide(self.state)

    def slide(self, s: State) -> go.Figure:
        """The picture of a state, with a slider of its own."""
        sweep = self.sweep(s)
        figure = self.picture.whole(s)
        figure.layout.meta["description"] = self.picture.change(s)[1]
        return with_slider(figure, **sweep)

    def _ask(self, s: State, *, patience: float = 0.0) -> None:
        self.latest.ask(lambda: self.steps(s), patience=patience)

    def _hear(self, name: str, change: Any) -> None:
        if not self._held:
            self._put(self.follow(name, change["old"]))
            self.renew(quick=self.controls[name].quick)

    def _put(self, settings: Mapping[str, Any]) -> None:
        self._held = True
        for name, value in [*settings.items()] * 2:  # a range may have to widen for a value
            self.controls[name].widget.value = value
        self._held = False
