"""The line explorer: two networks, one slider, and the network between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import torch

from fusionlab.arguments import expect, expect_sequence
from fusionlab.connectivity import Path, points_on
from fusionlab.landscape import Score, ScoreFunction
from fusionlab.show.explore.along import STEPS, Along, Track
from fusionlab.show.explore.controls import slider, switch
from fusionlab.show.explore.core import Control
from fusionlab.show.explore.parts import Part, State
from fusionlab.show.explore.sample_predictions import ask_about
from fusionlab.show.explore.scored import Scored, by_name
from fusionlab.show.explore.sliding import SlidingExplorer
from fusionlab.show.explore.written import Call
from fusionlab.show.figures.amounts import amount
from fusionlab.show.figures.layout import Box, arrange
from fusionlab.show.figures.measures import shared_measures
from fusionlab.show.figures.words import describe_scores, listed

BEYOND = 50  # hundredths past each end, where the reader asks for it


class AlongLine(Along):
    """One line on several landscapes."""

    def __init__(self, landscapes: Mapping[str, ScoreFunction], line: Path, **given: Any) -> None:
        def at(hundredths: Sequence[int]) -> Any:
            return points_on(line, torch.tensor(hundredths, dtype=torch.double) / STEPS)

        super().__init__(shared_measures(landscapes), **given)
        self._scored = {name: Scored(field, at) for name, field in landscapes.items()}

    def tracks(self, s: State) -> dict[str, Track]:
        """A curve for each landscape."""
        return {name: (scored, int) for name, scored in self._scored.items()}

    def range(self, s: State) -> range:
        """From end to end, or beyond."""
        return range(-BEYOND, STEPS + BEYOND + 1) if s.beyond else range(STEPS + 1)

    def frame(self, s: State) -> bool:
        """The axes follow the range."""
        return bool(s.beyond)

    def words(self, s: State, scores: Mapping[str, Score]) -> str:
        """The scores, and how they lie to the straight line between those of the ends."""
        first, score = next(iter(scores.items()))
        start, end = (each.loss for each in self._scored[first]([0, STEPS]))
        rise = score.loss - (start + s.t * (end - start))
        on, side = f" on {first}" * (len(scores) > 1), "above" if rise >= 0 else "below"
        return (
            f"t = {s.t:.2f}: {describe_scores(scores)}. Here the loss{on} lies "
            f"{amount(abs(rise), self.measures.loss)} {side} the straight line from "
            f"{self.ends[0]} to {self.ends[1]}."
        )


class LineExplorer(SlidingExplorer):
    """Slide from one network to another and see what becomes of what is measured, and of answers.

    Made by `explore_line`.

    Example:
        >>> import torch
        >>> from fusionlab import Weights, show
        >>> from fusionlab.connectivity import Line
        >>> from fusionlab.landscape import Score
        >>> a, b = (Weights({"w": torch.tensor([w])}) for w in (-1.0, 1.0))
        >>> explorer = show.explore_line(lambda p: Score(1 - p["w"].item() ** 2, 1.0), Line(a, b))
        >>> explorer.t = 0.75
        >>> print(explorer.code())
        theta = line(0.75)  # the chosen network
        landscape(theta)  # its loss and accuracy
        show.explore_line(landscape, line, t=0.75, beyond=False)
    """

    hint = ", or set explorer.beyond.value = True for [-0.5, 1.5]"

    def __init__(self, along: AlongLine, samples: Sequence[Part], given: Mapping[str, Any]) -> None:
        self.along, self.frames = along, given["frames"]
        controls = {
            "t": Control(slider("position t"), given["t"], "{:.2f}".format),
            "beyond": Control(switch("beyond the ends"), given["beyond"]),
        }
        controls["beyond"].widget.observe(self._widen, "value")
        call = Call(explore_line, given)
        rows = [["t", "beyond"]]
        super().__init__(controls, [along, *samples], call, rows=rows)

    def compose(self, drawn: Sequence[Sequence[go.Figure]], s: State) -> go.Figure:
        """The panels beside each other, or above each other where there are samples."""
        panels, samples = drawn[0], [figure for part in drawn[1:] for figure in part]
        for above in panels[:-1]:  # the last one says what its axis is
            above.update_xaxes(title=None)
        right = 0.5 if samples else 1.0
        boxes: list[Box] = [(0, right, 0, 1)]
        if len(panels) > 1:
            stacked: list[Box] = [(0, 0.5, 0.42, 1), (0, 0.5, 0, 0.28)]
            boxes = stacked if samples else [(0, 0.46, 0, 1), (0.56, 1, 0, 1)]
        parts = zip([*panels, *samples], [*boxes, (0.56, 1, 0, 1)], strict=False)
        return arrange(list(parts), height=480 if samples else 360)

    def network(self, s: State) -> str:
        """The merged network."""
        return f"line({s.t:.2f})"

    def still(self) -> go.Figure:
        """For a page without a kernel; it says how high the barriers are."""
        figure, s = super().still(), self.state
        loss, (a, b) = self.along.measures.loss, self.along.ends
        found = [f"{amount(p.barrier, loss)} on {n}" for n, p in self.along.profiles(s).items()]
        words = f"The line from {a} to {b} in weight space: barrier {listed(found)}."
        figure.layout.meta["description"] = words
        return figure

    def _widen(self, _: Any) -> None:
        wide = BEYOND / STEPS * self.beyond.value
        with self.slider.hold_trait_notifications():
            self.slider.min, self.slider.max = -wide, 1 + wide


def explore_line(
    landscape: ScoreFunction | Mapping[str, ScoreFunction],
    line: Path,
    *,
    samples: Any = None,
    names: tuple[str, str] = ("a", "b"),
    classes: Sequence[str] | None = None,
    t: float = 0.5,
    beyond: bool = False,
    frames: int = 21,
) -> LineExplorer:
    """Explore the line between two networks by a slider.

    Args:
        landscape: θ ↦ Score; or several by name, such as {"train": …, "test": …}.
        line: t ↦ θ(t), with the two networks at t = 0 and 1.
        samples: a few inputs with labels, about which a merged classifier is asked; all are shown.
        names: of the two networks.
        classes: names of the classes.
        t: where to begin.
        beyond: let the slider go past the ends, from -0.5 to 1.5.
        frames: positions of the slider that works without a kernel.
    """
    given, landscapes = dict(locals()), by_name(landscape)
    expect("path", line, "line")
    expect_sequence(names, "names", '("a", "b")')
    asked = ask_about(
        landscapes, samples, classes,
        chosen=lambda s: s.t, theta=line, title=lambda s: "What the merged network says",
    )  # fmt: skip
    return LineExplorer(AlongLine(landscapes, line, ends=names), asked, given)
