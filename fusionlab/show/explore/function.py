"""Any function of sliders as an explorer: what the network that it gives scores, and answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from torch import Tensor

from fusionlab.landscape import Score, ScoreFunction
from fusionlab.show.explore.controls import slider
from fusionlab.show.explore.core import Control, Explorer
from fusionlab.show.explore.parts import Part, State
from fusionlab.show.explore.sample_predictions import ask_about
from fusionlab.show.explore.scored import Scored, by_name
from fusionlab.show.explore.written import Call
from fusionlab.show.figures.bars import draw_bars
from fusionlab.show.figures.layout import arrange
from fusionlab.show.figures.measures import panels, shared_measures
from fusionlab.show.figures.surfaces import side_by_side
from fusionlab.show.figures.words import capital, describe_scores
from fusionlab.show.page.fig import Changes
from fusionlab.weights import Weights

Values = tuple[float, ...]  # a value for each slider
Slider = float | tuple[float, ...]  # where it begins, from 0 to 1; (low, high); or all three


class Bars(Part):
    """What the chosen network scores, beside what others do.

    Args:
        landscapes: θ ↦ Score, by name.
        theta: the network at a place.
        others: places by name.
        chosen: the place of a state.
        name: of the chosen network.
    """

    def __init__(
        self, landscapes: Mapping[str, ScoreFunction], theta: Callable[[Values], Weights],
        *, others: Mapping[str, Values], chosen: Callable[[State], Values], name: str,
    ) -> None:  # fmt: skip
        def at(places: Sequence[Values]) -> list[Weights]:
            return [theta(place) for place in places]

        self.measures = shared_measures(landscapes)
        self._scored = {on: Scored(field, at) for on, field in landscapes.items()}
        self._others, self._chosen, self._name = others, chosen, name

    def draw(self, s: State) -> list[go.Figure]:
        """A panel for each quantity."""
        return [self._panel(s, i, what) for i, what in enumerate(panels(self.measures))]

    def change(self, s: State) -> tuple[Changes, str]:
        """The heights of the bars."""
        scores = {on: each[-1] for on, each in self._scores(s).items()}
        patch = {
            f"{what}:bars:{on}": {"y": [score[i] for score in each]}
            for on, each in self._scores(s).items()
            for i, what in enumerate(panels(self.measures))
        }
        return patch, f"{capital(self._name)}: {describe_scores(scores)}."

    def _panel(self, s: State, i: int, what: str) -> go.Figure:
        series = {on: [[score[i]] for score in each] for on, each in self._scores(s).items()}
        axis = self.measures.quantity(what).axis
        names = [*self._others, self._name]
        figure = draw_bars(series, names, title=capital(what), y_title=axis)
        for trace in figure.data:  # one figure has several panels
            trace.meta = f"{what}:{trace.meta}"
        return figure

    def _scores(self, s: State) -> dict[str, list[Score]]:
        places = [*self._others.values(), self._chosen(s)]
        return {on: scored(places) for on, scored in self._scored.items()}


class FunctionExplorer(Explorer):
    """Move sliders and see what becomes of the network that a function makes of them.

    Made by `explore_function`, and by functions for one way to make a network.

    Example:
        >>> import torch
        >>> from fusionlab import Weights, show
        >>> from fusionlab.landscape import Score
        >>> a = Weights({"w": torch.tensor([3.0])})
        >>> explorer = show.explore_function(
        ...     lambda scale: scale * a, lambda p: Score((p @ p).item(), 1.0), scale=(0, 1, 0.5)
        ... )
        >>> explorer.set(scale=0.25)
        >>> print(explorer.code())
        theta = function(scale=0.25)  # the chosen network
        landscape(theta)  # its loss and accuracy
        show.explore_function(function, landscape=landscape, scale=(0, 1, 0.25))
    """

    def __init__(
        self, controls: Mapping[str, Control], parts: Sequence[Part], call: Call,
        *, written: Callable[[State], str],
    ) -> None:  # fmt: skip
        self._written = written
        super().__init__(controls, parts, call, rows=[[name] for name in controls])

    def network(self, s: State) -> str:
        """What the function gives."""
        return self._written(s)

    def compose(self, drawn: Sequence[Sequence[go.Figure]], s: State) -> go.Figure:
        """All panels in a row."""
        panels_ = [figure for part in drawn for figure in part]
        return arrange(list(zip(panels_, side_by_side(len(panels_)), strict=True)), height=400)

    def sweep(self, s: State) -> dict[str, Any]:
        """Over the first slider."""
        name, control = next(iter(self.controls.items()))
        low, high = control.widget.min, control.widget.max
        stops = [low + i * (high - low) / 10 for i in range(11)]
        frames = {f"{stop:.2f}": self.picture.change(s.but(**{name: stop})) for stop in stops}
        return {"frames": frames, "label": control.widget.description}


class _Said:
    """Takes a prediction in place of a network that makes one."""

    def probabilities(self, said: Tensor, inputs: Tensor) -> Tensor:
        return said


def explore_function(
    function: Callable[..., Any],
    landscape: ScoreFunction | Mapping[str, ScoreFunction] | None = None,
    *,
    samples: Any = None,
    classes: Sequence[str] | None = None,
    **sliders: Slider,
) -> FunctionExplorer:
    """Explore any function of sliders that gives a point of weight space, or a prediction.

    Args:
        function: takes the sliders' values by name; gives θ, or without a landscape the class
            probabilities of the samples, shape (n, classes).
        landscape: θ ↦ Score; or several by name.
        samples: a few inputs with labels, about which the network is asked.
        classes: names of the classes.
        sliders: by name: where it begins, between 0 and 1; or (low, high), or (low, high, start).

    Raises:
        ValueError: if there is no slider, or neither a landscape nor samples.
    """
    given = dict(locals())
    if not sliders or (landscape is None and samples is None):
        raise ValueError(
            "There is nothing to explore: give a slider, such as scale=(0, 1), and a landscape, or "
            "samples that the function predicts."
        )
    landscapes = {} if landscape is None else by_name(landscape)
    ranges = {name: _read(given) for name, given in sliders.items()}

    def chosen(s: State) -> Values:
        return tuple(getattr(s, name) for name in ranges)

    def theta(place: Values) -> Any:
        return function(**dict(zip(ranges, place, strict=True)))

    asked = ask_about(
        landscapes or {"": _Said()}, samples, classes,  # type: ignore[dict-item]
        chosen=chosen, theta=theta, title=lambda s: "What it says",
    )  # fmt: skip
    start = tuple(first for _, _, first in ranges.values())
    others = {"at the start": start}
    bars = []
    if landscapes:
        bars.append(Bars(landscapes, theta, others=others, chosen=chosen, name="now"))
    controls = {
        name: Control(slider(name, low, high), first, f"({low:g}, {high:g}, {{:g}})".format)
        for name, (low, high, first) in ranges.items()
    }
    return FunctionExplorer(
        controls, [*bars, *asked], Call(explore_function, given),
        written=lambda s: f"function({', '.join(f'{n}={getattr(s, n):g}' for n in ranges)})",
    )  # fmt: skip


def _read(given: Slider) -> tuple[float, float, float]:
    """From where to where a slider goes, and where it begins."""
    if not isinstance(given, tuple):
        return 0.0, 1.0, float(given)
    low, high = given[:2]
    return float(low), float(high), float(given[2] if len(given) > 2 else low)
