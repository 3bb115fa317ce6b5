"""An explorer whose picture can be left as it is, and sharpened later."""

from __future__ import annotations

from typing import Any

from fusionlab.show.explore.controls import button
from fusionlab.show.explore.core import Explorer
from fusionlab.show.explore.landscape.landscape_view import LandscapeView
from fusionlab.show.explore.parts import State


class PausableExplorer(Explorer):
    """Has a button that stops the survey, or goes on with it."""

    _map: LandscapeView

    def __init__(self, *given: Any, **more: Any) -> None:
        self._paused = False
        self.stop = button("Cancel", "Stop sharpening the picture, or go on", self._toggle)
        super().__init__(*given, buttons=[self.stop], **more)

    @property
    def state(self) -> State:
        """What the controls say, and whether the survey rests."""
        return super().state.but(paused=self._paused)

    def pause(self) -> None:
        """Stop the survey where it is."""
        self.rest(True)
        self.latest.cancel()
        self.picture.renew(lambda s: s.but(paused=True))
        self.picture.report()

    def go_on(self) -> None:
        """Go on with the survey."""
        self.rest(False)
        self.renew()

    def rest(self, paused: bool) -> None:
        """Remember it, and let the button say what it does next."""
        self._paused, self.stop.description = paused, "Continue" if paused else "Cancel"

    def say(self, words: str) -> None:
        """Put these words below the figure."""
        self.stop.disabled = self._map.share(self.picture.newest) == 1
        super().say(words)

    def _toggle(self) -> None:
        if self._paused:
            self.go_on()
        else:
            self.pause()
