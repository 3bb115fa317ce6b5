"""Several widgets that are one setting: lists, a place of a plane, sliders that sum to 1."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import ipywidgets as widgets
import traitlets

from fusionlab.show.explore.controls import button, choice, slider
from fusionlab.show.figures.barycentric import CENTRE, Shares, exchange, pull

RANGES = {False: (0.0, 1.0), True: (-0.25, 1.25)}  # where a share may be; beyond, if wanted


class Choices(widgets.Box):
    """Lists to choose from beside each other; the value is what is chosen in each."""

    value = traitlets.Tuple()

    def __init__(self, labels: Sequence[str], options: Sequence[Any]) -> None:
        self.lists = [choice(label, options) for label in labels]
        super().__init__(self.lists, layout={"flex_flow": "row wrap"})
        for each in self.lists:
            each.observe(self._gather, "value")

    def _gather(self, _: Any) -> None:
        self.value = tuple(each.value for each in self.lists)

    @traitlets.observe("value")
    def _spread(self, _: Any) -> None:
        for each, value in zip(self.lists, self.value, strict=True):
            each.value = value


class ChosenPlace(widgets.HBox):
    """Two numbers to type, and a button that goes there; its value is the place (x, y)."""

    value = traitlets.Tuple()

    def __init__(self) -> None:
        self.x, self.y = (
            widgets.FloatText(
                description=name, step=0.1, layout={"width": "130px"},
                tooltip=f"The {name} of the chosen point; a click on the map sets it, too",
            )
            for name in "xy"
        )  # fmt: skip
        go = button("Go there", "Choose the network at the point (x, y) of the map", self._go)
        super().__init__([self.x, self.y, go])

    def choose(self, x: float, y: float) -> None:
        """Go there."""
        self.value = round(float(x), 4), round(float(y), 4)

    @traitlets.observe("value")
    def _show(self, _: Any) -> None:
        self.x.value, self.y.value = self.value

    def _go(self) -> None:
        self.choose(self.x.value, self.y.value)


class Mixer(widgets.Box):
    """The shares of three things, as sliders: the others make room for the one that moves."""

    value = traitlets.Tuple(CENTRE)

    def __init__(self) -> None:
        self._setting = False
        # A set of sliders for each range: if the ends of one moved, the page would answer with a
        # value of its own, and so undo what is being set.
        self._sets = {beyond: [_share(*ends) for _ in CENTRE] for beyond, ends in RANGES.items()}
        self.range, self.sliders = RANGES[False], self._sets[False]
        super().__init__(layout={"flex": "1 1 auto", "flex_flow": "row wrap"})
        for each in self._sets.values():
            for number, one in enumerate(each):
                one.observe(partial(self._hear, number), "value")

    def fit(self, names: Sequence[str], *, beyond: bool) -> Shares:
        """Show the sliders that go as far as they may, with these names; give shares that fit."""
        self.range, self.children = RANGES[beyond], self._sets[beyond]
        self.sliders = self._sets[beyond]
        for one, name in zip(self.sliders, names, strict=True):
            one.description = f"share of {name}"
        self._show()
        return pull(self.value, *self.range)

    @traitlets.observe("value")
    def _show(self, _: Any = None) -> None:
        self._setting = True
        for one, share in zip(self.sliders, self.value, strict=True):
            one.value = round(share, 2)
        self._setting = False

    def _hear(self, number: int, change: Any) -> None:
        if not self._setting and change["owner"] in self.sliders:
            self.value = exchange(self.value, number, change["new"], *self.range)


def _share(low: float, high: float) -> widgets.FloatSlider:
    return slider("", low, high, flex="1 1 220px", max_width="340px")
