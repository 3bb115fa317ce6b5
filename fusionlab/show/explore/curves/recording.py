"""A training as it was seen: some of its pictures, for a page without a kernel."""

from __future__ import annotations

from collections.abc import Mapping

from fusionlab.show.page.fig import Changes

MOST = 24  # pictures of one recording


class Recording:
    """Pictures of a training by its step, spread over all of it."""

    def __init__(self) -> None:
        self._pictures: dict[str, tuple[Changes, str]] = {}
        self._of: object = None

    def clear(self) -> None:
        """Begin anew."""
        self._pictures = {}

    def keep(self, step: int, patch: Changes, words: str, *, of: object) -> None:
        """Keep a picture, or what has changed in it; one of another kind begins a new recording."""
        if of != self._of:
            self._pictures, self._of = {}, of
        known, _ = self._pictures.get(str(step), ({}, ""))
        self._pictures[str(step)] = {**known, **patch}, words
        if len(self._pictures) > MOST:
            *kept, newest = self._pictures.items()
            self._pictures = dict([*kept[::2], newest])

    @property
    def frames(self) -> Mapping[str, tuple[Changes, str]]:
        """What changes from picture to picture, and what to say."""
        return self._pictures
