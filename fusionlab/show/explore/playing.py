"""A button that plays a slider: it moves on by itself until the end, or until it is paused."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import ipywidgets as widgets

from fusionlab.show.explore.ending import start_thread

TICK = 0.2  # seconds between two positions: slow enough to follow, quick enough to seem to move


class Player:
    """Moves `slider` while `toggle` is pressed; the last press wins."""

    def __init__(self, toggle: widgets.ToggleButton, slider: widgets.IntSlider) -> None:
        self.toggle, self.slider = toggle, slider
        self._generation = 0
        self._pressed = threading.Condition()
        toggle.observe(self._switch, "value")

    def _switch(self, _: Any) -> None:
        self._stop()
        self.toggle.description = "❚❚ Pause" if self.toggle.value else "▶ Play"
        if self.toggle.value:
            start_thread(partial(self._play, self._generation), stop=self._stop)

    def _stop(self) -> None:
        with self._pressed:
            self._generation += 1
            self._pressed.notify_all()

    def _play(self, generation: int) -> None:
        if self.slider.value >= self.slider.max:
            self.slider.value = self.slider.min
        while self.slider.value < self.slider.max:
            with self._pressed:
                if self._pressed.wait_for(lambda: generation != self._generation, TICK):
                    return
            self.slider.value += 1
        self.toggle.value = False
