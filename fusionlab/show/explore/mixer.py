"""Three sliders whose values sum to 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import ipywidgets as widgets

from fusionlab.show.explore.controls import slider
from fusionlab.show.figures.barycentric import Shares, exchange, pull

RANGES = {False: (0.0, 1.0), True: (-0.25, 1.25)}  # where a share may be; beyond, if wanted


class Mixer:
    """The shares of three things, as sliders: the others make room for the one that moves.

    Args:
        shares: where they begin.
        moved: called after one was moved.
    """

    def __init__(self, shares: Shares, moved: Callable[[], None]) -> None:
        self.shares, self._moved, self._setting = shares, moved, False
        # A set of sliders for each range: if the ends of one moved, the page would answer with a
        # value of its own, and so undo what is being set.
        self._sets = {beyond: [_share(*ends) for _ in shares] for beyond, ends in RANGES.items()}
        self.range, self.sliders = RANGES[False], self._sets[False]
        self.row = widgets.Box(layout={"flex": "1 1 auto", "flex_flow": "row wrap"})
        for each in self._sets.values():
            for number, one in enumerate(each):
                one.observe(partial(self._hear, number), "value")

    def fit(self, names: Sequence[str], *, beyond: bool) -> None:
        """Show the sliders that go as far as they may, and let them speak of these names."""
        self.range, self.sliders = RANGES[beyond], self._sets[beyond]
        for one, name in zip(self.sliders, names, strict=True):
            one.description = f"share of {name}"
        self.row.children = self.sliders
        self.take(pull(self.shares, *self.range))

    def take(self, shares: Shares) -> None:
        """Let the sliders show these shares."""
        self.shares, self._setting = shares, True
        for one, share in zip(self.sliders, shares, strict=True):
            one.value = round(share, 2)
        self._setting = False

    def _hear(self, number: int, change: Any) -> None:
        if not self._setting and change["owner"] in self.sliders:
            self.take(exchange(self.shares, number, change["new"], *self.range))
            self._moved()


def _share(low: float, high: float) -> widgets.FloatSlider:
    return slider("", low, high, flex="1 1 220px", max_width="340px")
