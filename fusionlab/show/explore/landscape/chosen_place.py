"""The point of a plane that the reader has chosen, typed or clicked, and the one before it."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets

from fusionlab.show.explore.controls import button
from fusionlab.show.figures.slices import Place


class ChosenPlace:
    """Two numbers to type, and a button that goes there.

    Args:
        spot: the first place.
        before: the one chosen before it.
        visit: called with the place that was typed.
    """

    def __init__(
        self, spot: Place, before: Place | None, *, visit: Callable[[float, float], None]
    ) -> None:
        self.spot, self.before = spot, before or spot
        self.x, self.y = (
            widgets.FloatText(value, description=name, step=0.1, layout={"width": "130px"})
            for name, value in zip("xy", spot, strict=True)
        )
        go = button(
            "Go there", "Make the point (x, y) a network",
            lambda: visit(self.x.value, self.y.value),
        )  # fmt: skip
        self.widgets = [self.x, self.y, go]

    def choose(self, spot: Place) -> None:
        """Go there; the present place becomes the one before."""
        if spot != self.spot:
            self.before, self.spot = self.spot, spot
        self.x.value, self.y.value = spot
