"""What a network says about a few samples."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from torch import Tensor

from fusionlab.data import Data
from fusionlab.landscape import ScoreFunction, measures_of
from fusionlab.show.explore.parts import Part, State
from fusionlab.show.figures.samples import Samples, class_numbers, draw_samples
from fusionlab.show.page.fig import Changes
from fusionlab.weights import Weights


class SamplePredictions(Part):
    """Asks a landscape's network about a handful of samples; the last answer is kept.

    Its answers at some places are asked for ahead, and all kept.

    Args:
        landscape: has `probabilities(theta, inputs)`.
        samples: all of them are shown.
        chosen: what the chosen network depends on.
        theta: the network, given that.
        title: of the panel.
        on: what comes before the words.
        ahead: what the network may depend on soon, so that it can be played.
    """

    def __init__(
        self,
        landscape: Any,
        samples: Samples,
        *,
        chosen: Callable[[State], Any],
        theta: Callable[[Any], Weights],
        title: Callable[[State], str],
        on: Callable[[State], str] = lambda s: "",
        ahead: Sequence[Hashable] = (),
    ) -> None:
        self._landscape, self.samples, self._inputs = landscape, samples, samples.inputs
        self._chosen, self._theta, self._title, self._on = chosen, theta, title, on
        self._ahead, self._known = ahead, dict[Hashable, Tensor]()

    def frame(self, s: State) -> str:
        """Another title."""
        return self._title(s)

    def quick(self, s: State) -> bool:
        """Whether the chosen network was asked already."""
        return self._chosen(s) in self._known

    def refine(self, s: State) -> Iterator[None]:
        """Ask ahead."""
        for place in self._ahead:
            if place not in self._known:
                self._ask(place)
                yield

    def draw(self, s: State) -> list[go.Figure]:
        """The samples, and below each what the network says."""
        return [draw_samples(self.samples, self.probabilities(s), title=self._title(s))]

    def change(self, s: State) -> tuple[Changes, str]:
        """What it says now."""
        said = self.probabilities(s)
        return self.samples.patch(said), self._on(s) + self.samples.describe(said)

    def probabilities(self, s: State) -> Tensor:
        """Class probabilities of the chosen network, shape (n, classes)."""
        chosen, known = self._chosen(s), self._known
        return known[chosen] if chosen in known else self._ask(chosen)

    def _ask(self, chosen: Hashable) -> Tensor:
        found: Tensor = self._landscape.probabilities(self._theta(chosen), self._inputs)
        kept = {place: said for place, said in self._known.items() if place in self._ahead}
        said = found.detach().cpu()
        self._known = {**kept, chosen: said}  # replaced as a whole: several threads read it
        return said


class Remark(Part):
    """Says why samples that were given are not shown."""

    unused = ("samples",)

    def __init__(self, words: str) -> None:
        self._words = words

    def tell(self, s: State) -> str:
        """The reason."""
        return self._words


def ask_about(
    landscapes: Mapping[str, ScoreFunction],
    data: Any,
    classes: Sequence[str] | None,
    *,
    columns: int = 4,
    **asked: Any,
) -> list[Part]:
    """The part that asks about samples, if there are any; where it cannot, one that says why.

    Args:
        landscapes: the first of them is asked.
        data: the samples, if any.
        classes: names of the classes.
        columns: samples in a row.
        asked: which network, as for `SamplePredictions`.

    Raises:
        TypeError: if the landscape is a function that gives no predictions.
    """
    if data is None:
        return []
    landscape = next(iter(landscapes.values()))
    shown = "Predictions of samples are drawn"
    if not getattr(getattr(landscape, "objective", None), "classifies", True):
        measured = getattr(measures_of(landscape).quality, "name", "only a loss")
        return [Remark(f"{shown} for classifiers; this landscape measures {measured}.")]
    if not hasattr(landscape, "probabilities"):
        raise TypeError(
            f"{type(landscape).__name__} gives scores but no predictions, so samples cannot be "
            "shown: pass a Landscape, or leave out samples=."
        )
    data = Data.of(data)
    if not isinstance(data.inputs, Tensor):
        return [Remark(f"{shown} for inputs of one tensor; these have several.")]
    labels = class_numbers(data.targets)
    known = labels >= 0
    if not known.any():
        return [Remark(f"{shown} where their labels are known; here none is.")]
    samples = Samples(data.inputs[known], labels[known], classes=classes, columns=columns)
    return [SamplePredictions(landscape, samples, **asked)]
