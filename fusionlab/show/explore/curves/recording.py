"""A training as it was seen: some of its pictures, to be seen again with a slider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from fusionlab.show.page.fig import Changes

MOST = 40  # pictures of one recording


class Recording:
    """Pictures of a training by its step, spread over all of it, and a slider over them.

    Args:
        show: shows a picture of before, or the present with None.

    Attributes:
        frames: what changes from picture to picture, and what to say.
        slider: rests at the newest picture; it can be moved while the training rests.
    """

    def __init__(self, show: Callable[[tuple[Changes, str] | None], None]) -> None:
        self.frames: Mapping[str, tuple[Changes, str]] = {}
        self.slider = widgets.IntSlider(
            description="replay", max=1, readout=False, disabled=True,
            tooltip="See the training again, once it rests",
            layout={"flex": "1 1 320px", "width": "auto"},
        )  # fmt: skip
        self._of: object = None
        self._show, self._turning = show, False
        self.slider.observe(self._hear, "value")

    def clear(self) -> None:
        """Begin anew."""
        self.frames = {}
        self.turn(training=False)

    def keep(self, step: int, patch: Changes, words: str, *, of: object) -> None:
        """Keep a picture, or what has changed in it; one of another kind begins a new recording."""
        if of != self._of:
            self.frames, self._of = {}, of
        known, _ = self.frames.get(str(step), ({}, ""))
        self.frames = {**self.frames, str(step): ({**known, **patch}, words)}
        if len(self.frames) > MOST:
            *kept, newest = self.frames.items()
            self.frames = dict([*kept[::2], newest])

    def turn(self, *, training: bool) -> None:
        """Put the slider to the newest picture."""
        newest = max(0, len(self.frames) - 1)
        self._turning = True
        with self.slider.hold_sync():
            self.slider.max = max(1, newest)  # the page cannot make a slider without a range
            self.slider.value = newest
            self.slider.disabled = training or not newest
        self._turning = False

    def _hear(self, change: Any) -> None:
        if not self._turning:
            pictures = list(self.frames.values())
            self._show(pictures[change["new"]] if change["new"] < len(pictures) - 1 else None)
