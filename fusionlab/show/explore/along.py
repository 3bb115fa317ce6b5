"""What is measured along paths: a panel for each quantity, with a mark at the chosen t."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import torch

from fusionlab.connectivity import Profile
from fusionlab.landscape import Score
from fusionlab.quantities import Measures
from fusionlab.show.explore.parts import Part, State
from fusionlab.show.explore.scored import Scored, in_bites
from fusionlab.show.figures.layout import MOVING
from fusionlab.show.figures.measures import panels
from fusionlab.show.figures.profile_plots import draw_profiles, trace_profiles
from fusionlab.show.figures.words import capital
from fusionlab.show.page.fig import Changes

STEPS = 100  # positions of the slider between the ends

Track = tuple[Scored, Callable[[int], Any]]  # where a hundredth of t is a place


class Along(Part):
    """What is measured along some curves; `tracks` says by name where their scores are kept.

    Args:
        measures: what is measured.
        ends: names of what is at t = 0 and at t = 1.
    """

    seconds = 0.02  # of work between two pictures

    def __init__(self, measures: Measures, ends: tuple[str, str]) -> None:
        self.measures, self.ends, self.panels = measures, ends, panels(measures)

    def tracks(self, s: State) -> Mapping[str, Track]:
        """By the names of the curves: where their scores are kept, and of which place."""
        raise NotImplementedError

    def words(self, s: State, scores: Mapping[str, Score]) -> str:
        """What is at the marks."""
        raise NotImplementedError

    def range(self, s: State) -> range:
        """The hundredths of t that are shown."""
        return range(STEPS + 1)

    def first(self, s: State) -> list[int]:
        """What a first picture needs."""
        return [0, STEPS]

    def learn(self, s: State, hundredths: Sequence[int]) -> None:
        """Score places on all curves, in one batch for each landscape."""
        wanted: dict[Scored, list[Any]] = {}
        for scored, place in self.tracks(s).values():
            wanted.setdefault(scored, []).extend(map(place, hundredths))
        for scored, places in wanted.items():
            scored(places)

    def profiles(self, s: State) -> dict[str, Profile]:
        """What is known along each curve so far."""
        return {name: self._profile(s, *track) for name, track in self.tracks(s).items()}

    def draw(self, s: State) -> list[go.Figure]:
        """A panel for each quantity."""
        self.learn(s, self.first(s))
        profiles = self.profiles(s)
        return [
            draw_profiles(profiles, what=what, ends=self.ends, t=s.t, title=capital(what))
            for what in self.panels
        ]

    def change(self, s: State) -> tuple[Changes, str]:
        """The marks at t."""
        self.learn(s, [*self.first(s), at := round(s.t * STEPS)])
        scores = {name: scored([place(at)])[0] for name, (scored, place) in self.tracks(s).items()}
        patch = {
            f"{what}:mark:{name}": {"x": [s.t], "y": [_finite(value)]}
            for name, score in scores.items()
            for what, value in zip(self.panels, score, strict=False)
        }
        return patch, self.words(s, scores)

    def refine(self, s: State) -> Iterator[None]:
        """Places all along, coarse ones first."""
        coarse = sorted(self.range(s), key=lambda at: [at % 50 != 0, at % 10 != 0, at % 5 != 0])
        tracks = self.tracks(s).values()
        missing = [h for h in coarse if not all(on.knows([place(h)]) for on, place in tracks)]
        return in_bites(lambda some: self.learn(s, some), missing, seconds=self.seconds)

    def known(self, s: State) -> Hashable:
        """The curves, and how many of their places are measured."""
        return tuple(
            (place(1), sum(place(h) in scored.known for h in self.range(s)))
            for scored, place in self.tracks(s).values()
        )

    def update(self, s: State) -> Changes:
        """The curves as they are known; quicker than to draw the panels."""
        runs = {name: [profile] for name, profile in self.profiles(s).items()}
        traces = [each for what in self.panels for each in trace_profiles(runs, what, s.t)]
        return {t.meta: {k: t[k] for k in MOVING if k in t and t[k] is not None} for t in traces}

    def _profile(self, s: State, scored: Scored, place: Callable[[int], Any]) -> Profile:
        there = [h for h in self.range(s) if place(h) in scored.known]
        found, t = scored.scores(map(place, there)), torch.tensor(there).double() / STEPS
        return Profile(t, found.loss, found.quality, found.measures)


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
