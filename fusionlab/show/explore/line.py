"""The interpolation explorer: two networks, one slider, and the network between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from time import perf_counter
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
import torch

from fusionlab.connectivity import Path, Profile, points_on
from fusionlab.landscape import Field, Score, score_all
from fusionlab.quantities import Measures
from fusionlab.show.explore.explorer import FIRST, Explorer
from fusionlab.show.explore.latest import Draw
from fusionlab.show.explore.sample_predictions import SamplePredictions, ask_about
from fusionlab.show.figures.amounts import amount
from fusionlab.show.figures.layout import Box, arrange, changes, with_slider
from fusionlab.show.figures.measures import panels, shared_measures, tell_measures
from fusionlab.show.figures.profile_plots import draw_profiles
from fusionlab.show.figures.samples import draw_samples
from fusionlab.show.figures.words import capital, describe_scores, join
from fusionlab.show.page.fig import Changes

STEPS = 100  # positions of the slider between the ends
BEYOND = 50  # and past each end, where the reader asks for it
BREATH = 0.02  # seconds of work on the curve before a newer position may have its turn


class LineExplorer(Explorer):
    """Slide from one network to another and see what becomes of what is measured, and of answers.

    Made by `explore_line`.
    """

    def __init__(
        self,
        landscapes: Mapping[str, Field],
        line: Path,
        *,
        predictions: SamplePredictions | None,
        names: tuple[str, str],
        t: float,
        beyond: bool,
        frames: int,
        measures: Measures,
        remark: str,
    ) -> None:
        self._measures, self._panelled = measures, panels(measures)  # the quantities
        self._landscapes, self._line, self._names = landscapes, line, names
        self._predictions, self._frames = predictions, frames
        self._start = (t, beyond)
        self._known: dict[int, tuple[Score, ...]] = {}  # hundredths of t → a score per landscape
        self._scoring = Lock()  # the slider's thread and the curve's may both want a score
        self._shown = 0  # points of the curve on the page
        self.slider = widgets.FloatSlider(
            description="position t",
            min=0,
            max=1,
            step=1 / STEPS,
            readout_format=".2f",
            layout={"flex": "1 1 320px", "width": "auto"},
        )
        self.beyond = widgets.Checkbox(
            description="beyond the ends", indent=False, layout={"width": "auto"}
        )
        super().__init__([[self.slider, self.beyond]], remark=remark)
        self._score([0, STEPS])
        self.reset()
        self.fig.draw(self._figure())
        self.beyond.observe(self._widen, "value")
        self.slider.observe(self._renew, "value")
        self._renew(patience=FIRST)

    @property
    def t(self) -> float:
        """The position on the line; 0 is the first network, 1 the second."""
        return float(self.slider.value)

    @t.setter
    def t(self, value: float) -> None:
        if not self.slider.min <= value <= self.slider.max:
            raise ValueError(
                f"t = {value:g} is off the slider, which goes from {self.slider.min:g} to "
                f"{self.slider.max:g}: choose a t there, or set explorer.beyond.value = True "
                f"for [{-BEYOND / STEPS:g}, {1 + BEYOND / STEPS:g}]."
            )
        self.slider.value = value

    def reset(self) -> None:
        """Go back to the position of the start."""
        t, beyond = self._start
        self.beyond.value = self.beyond.value or beyond
        self._widen()
        self.t = t  # before the ends are cut off: the page would answer with a value of its own
        self.beyond.value = beyond

    def code(self) -> str:
        """The Python that gives this position."""
        return (
            f"theta = line({self.t:.2f})  # the merged network\n"
            f"landscape(theta)  # its {tell_measures(self._measures)}\n"
            f"show.explore_line(landscape, line, {'samples=samples, ' if self._predictions else ''}"
            f"t={self.t:.2f}, beyond={self.beyond.value})"
        )

    def still(self) -> go.Figure:
        """The line with a slider of its own, which needs no kernel."""
        places = torch.linspace(0, 1, self._frames).tolist()
        frames = {f"{t:.2f}": self._at(t) for t in places}
        figure = self._figure()
        figure.layout.meta["description"] = self._summary()
        return with_slider(figure, frames, label="position t", start=self._frames // 2)

    @property
    def profiles(self) -> dict[str, Profile]:
        """What is known of each landscape along the line so far."""
        hundredths = self._measured()
        t = torch.tensor(hundredths, dtype=torch.double) / STEPS
        curves = {}
        for i, name in enumerate(self._landscapes):
            scores = [self._known[h][i] for h in hundredths]
            loss, quality = torch.tensor(scores, dtype=torch.double).T
            curves[name] = Profile(t, loss, quality, self._measures)
        return curves

    def _here(self) -> Draw:
        patch, words = self._at(self.t)

        def draw() -> None:
            self.fig.patch(patch, words)
            self._say(words)

        return draw

    def _better(self) -> Iterator[Draw]:
        missing = [h for h in self._order() if h not in self._known]
        size = 1
        while missing:
            now, missing = missing[:size], missing[size:]
            began = perf_counter()
            self._score(now)
            each = (perf_counter() - began) / len(now)
            size = max(1, min(25, int(BREATH / max(each, 1e-6))))
            yield self._draw_curves
        if self._shown != len(self._measured()):
            yield self._draw_curves

    def _draw_curves(self) -> None:
        self._shown = len(self._measured())
        fresh = [changes(panel) for panel in self._panels(asked=False)]
        self.fig.patch({key: v for each in fresh for key, v in each.items()}, self.fig.description)

    def _score(self, hundredths: Sequence[int]) -> None:
        """Score places on the line that are not known yet."""
        with self._scoring:
            new = [h for h in hundredths if h not in self._known]
            if not new:
                return
            points = points_on(self._line, torch.tensor(new, dtype=torch.double) / STEPS)
            columns = [score_all(landscape, points) for landscape in self._landscapes.values()]
            fresh = zip(new, zip(*columns, strict=True), strict=True)
            self._known = {**self._known, **dict(fresh)}

    def _at(self, t: float) -> tuple[Changes, str]:
        """What changes in the figure when t is here, and what to say."""
        place = round(t * STEPS)
        self._score([place])
        patch: dict[str, dict[str, Any]] = {}
        for name, score in zip(self._landscapes, self._known[place], strict=True):
            for what, value in zip(self._panelled, score, strict=False):
                patch[f"{what}:mark:{name}"] = {"x": [t], "y": [_finite(value)]}
        words = self._words(place)
        if self._predictions:
            probabilities = self._predictions(self._line(t))
            patch |= self._predictions.samples.patch(probabilities)
            words += " " + self._predictions.samples.describe(probabilities)
        return patch, words

    def _words(self, place: int) -> str:
        scores = dict(zip(self._landscapes, self._known[place], strict=True))
        on = (lambda name: f" on {name}") if len(scores) > 1 else (lambda name: "")
        first = next(iter(scores))
        start, end = self._known[0][0].loss, self._known[STEPS][0].loss
        rise = scores[first].loss - (start + place / STEPS * (end - start))
        a, b = self._names
        side = "above" if rise >= 0 else "below"
        return (
            f"t = {place / STEPS:.2f}: {describe_scores(scores)}. "
            f"Here the loss{on(first)} lies {amount(abs(rise), self._measures.loss)} {side} the "
            f"straight line from {a} to {b}."
        )

    def _summary(self) -> str:
        loss = self._measures.loss
        barriers = [f"{amount(p.barrier, loss)} on {n}" for n, p in self.profiles.items()]
        a, b = self._names
        return f"The line from {a} to {b} in weight space: barrier {join(barriers)}."

    def _order(self) -> list[int]:
        """Places to score, coarse ones first."""
        low, high = self._range()
        return sorted(range(low, high + 1), key=lambda h: [h % 50 != 0, h % 10 != 0, h % 5 != 0])

    def _measured(self) -> list[int]:
        """Places within the slider's range whose scores are known, ascending."""
        low, high = self._range()
        return sorted(h for h in self._known if low <= h <= high)

    def _range(self) -> tuple[int, int]:
        """Where the slider may go, in hundredths."""
        return (-BEYOND, STEPS + BEYOND) if self.beyond.value else (0, STEPS)

    def _widen(self, change: Any = None) -> None:
        low, high = self._range()
        with self.slider.hold_trait_notifications():
            self.slider.min, self.slider.max = low / STEPS, high / STEPS
        if change:
            self._renew()

    def _figure(self) -> go.Figure:
        drawn = self._panels(asked=True)
        count = len(self._panelled)
        if not self._predictions:
            beside: list[Box] = [(0, 0.46, 0, 1), (0.56, 1, 0, 1)] if count > 1 else [(0, 1, 0, 1)]
            return arrange(list(zip(drawn, beside, strict=True)), height=360)
        left = [(0.0, 0.5, 0.42, 1.0), (0.0, 0.5, 0.0, 0.28)] if count > 1 else [(0, 0.5, 0, 1)]
        boxes: list[Box] = [*left, (0.56, 1.0, 0.0, 1.0)]
        return arrange(list(zip(drawn, boxes, strict=True)), height=480)

    def _panels(self, *, asked: bool) -> list[go.Figure]:
        a, b = self._names
        profiles, t = self.profiles, self.t
        drawn = [
            draw_profiles(profiles, what=what, ends=(a, b), mark=t, title=capital(what))
            for what in self._panelled
        ]
        if len(drawn) > 1:  # the one below, or beside it, says what its axis is
            drawn[0].update_xaxes(title=None)
        if self._predictions and asked:
            says = self._predictions(self._line(t))
            title = "What the merged network says"
            drawn.append(draw_samples(self._predictions.samples, says, title=title))
        return drawn


def explore_line(
    landscape: Field | Mapping[str, Field],
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
    landscapes = dict(landscape) if isinstance(landscape, Mapping) else {"": landscape}
    predictions, remark = ask_about(landscapes, samples, classes)
    return LineExplorer(
        landscapes, line,
        predictions=predictions, names=names, t=t, beyond=beyond, frames=frames,
        measures=shared_measures(landscapes), remark=remark,
    )  # fmt: skip


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
