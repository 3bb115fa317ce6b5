"""A training as it was seen: some of its pictures, for a page without a kernel."""

from __future__ import annotations

from collections.abc import Mapping

from fusionlab.show.page.fig import Changes

MOST = 24  # pictures of one recording


class Recording:
    """Pictures of a training by its step, spread over all of it.

    Attributes:
        frames: what changes from picture to picture, and what to say.
    """

    def __init__(self) -> None:
        self.frames: Mapping[str, tuple[Changes, str]] = {}
        self._of: object = None

    def clear(self) -> None:
        """Begin anew."""
        self.frames = {}

    def keep(self, step: int, patch: Changes, words: str, *, of: object) -> None:
        """Keep a picture, or what has changed in it; one of another kind begins a new recording."""
        if of != self._of:
            self.frames, self._of = {}, of
        known, _ = self.frames.get(str(step), ({}, ""))
        self.frames = {**self.frames, str(step): ({**known, **patch}, words)}
        if len(self.frames) > MOST:
            *kept, newest = self.frames.items()
            self.frames = dict([*kept[::2], newest])
