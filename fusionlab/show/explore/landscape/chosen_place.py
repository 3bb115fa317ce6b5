"""The point of a plane that the reader has chosen, typed or clicked."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import traitlets

from fusionlab.show.explore.controls import button


class ChosenPlace(widgets.HBox):
    """Two numbers to type, and a button that goes there; its value is the place (x, y)."""

    value = traitlets.Tuple()

    def __init__(self) -> None:
        self.x, self.y = (
            widgets.FloatText(description=name, step=0.1, layout={"width": "130px"})
            for name in "xy"
        )
        go = button("Go there", "Make the point (x, y) a network", self._go)
        super().__init__([self.x, self.y, go])

    def choose(self, x: float, y: float) -> None:
        """Go there."""
        self.value = round(float(x), 4), round(float(y), 4)

    @traitlets.observe("value")
    def _show(self, _: Any) -> None:
        self.x.value, self.y.value = self.value

    def _go(self) -> None:
        self.choose(self.x.value, self.y.value)
