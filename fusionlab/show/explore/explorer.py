"""What all explorers are: controls, a live figure, and a line that says what it shows.

Each explorer answers two questions, `_here` (what is at the chosen point?) and `_better` (how does
the picture grow sharper?). Every change of a control asks anew, and the newest question wins.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
from torch import Tensor

from fusionlab.data import Data
from fusionlab.landscape import Field, measures_of
from fusionlab.show.explore.controls import button, in_a_row
from fusionlab.show.explore.latest import Draw, LatestTask
from fusionlab.show.figures.samples import Samples, class_numbers
from fusionlab.show.figures.theme import canvas
from fusionlab.show.page.fig import Fig
from fusionlab.show.page.html import to_html
from fusionlab.weights import Weights

PATIENCE = 0.045  # seconds in a callback: what is ready by then follows the hand without a thread
FIRST = 0.5  # seconds to wait for the picture that a page without a kernel will keep


class Explorer(widgets.VBox):
    """A figure to explore by controls; also useful where there is no kernel, as HTML.

    Args:
        controls: rows of widgets, shown above the figure.
        buttons: shown below it, after "Reset" and "Settings as code".
        remark: added to the line of words.
    """

    def __init__(
        self,
        controls: Sequence[Sequence[widgets.Widget]],
        buttons: Sequence[widgets.Widget] = (),
        *,
        remark: str = "",
    ) -> None:
        self._remark = remark
        self.fig = Fig(canvas("Drawing …", description="Drawing …", height=460))
        self.status = widgets.HTML()
        self.status.add_class("fusionlab-status")
        self.latest = LatestTask(self._trouble)
        self._code = widgets.HTML(layout={"display": "none"})
        self._code.add_class("fusionlab-code")
        reset = button("Reset", "Back to the settings of the start", self.reset)
        code = button("Settings as code", "Show the Python that gives this view", self._show_code)
        rows = [in_a_row(row) for row in controls]
        below = in_a_row([reset, code, *buttons])
        super().__init__([*rows, self.fig, self.status, below, self._code])
        self.add_class("fusionlab-explorer")

    def reset(self) -> None:
        """Go back to the settings of the start."""
        raise NotImplementedError

    def code(self) -> str:
        """The Python that gives the present settings."""
        raise NotImplementedError

    def still(self) -> go.Figure:
        """The present picture with a slider of its own, for a page without a kernel."""
        raise NotImplementedError

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the picture is as sharp as it gets; False if that takes longer."""
        return self.latest.wait(seconds)

    def close(self) -> None:
        """Stop all work and leave the page."""
        self.latest.cancel()
        super().close()

    def _here(self) -> Draw:
        """Compute what is at the chosen point; return how to draw it."""
        raise NotImplementedError

    def _better(self) -> Iterator[Draw]:
        """Compute the picture, step by step; each step returns how to draw it."""
        raise NotImplementedError

    def _renew(self, _: Any = None, *, patience: float = PATIENCE) -> None:
        """Ask anew, after a control has changed."""
        self.latest.ask(self._steps, patience=patience)
        if self._code.layout.display != "none":
            self._write_code()

    def _steps(self) -> Iterator[Draw]:
        yield self._here()
        yield from self._better()

    def _say(self, words: str) -> None:
        self.status.value = html.escape(f"{words} {self._remark}".strip())

    def _trouble(self, error: Exception) -> None:
        said = html.escape(f"{type(error).__name__}: {error}")
        self.status.value = f'<span class="fusionlab-trouble">⚠ Not drawn. {said}</span>'

    def _show_code(self) -> None:
        hidden = self._code.layout.display == "none"
        self._write_code()
        self._code.layout.display = "" if hidden else "none"

    def _write_code(self) -> None:
        self._code.value = f"<pre>{html.escape(self.code())}</pre>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle = dict(super()._repr_mimebundle_(**kwargs) or {})
        self.latest.wait(FIRST)
        return {
            **bundle,
            "text/html": to_html(self.still()),
            "text/plain": self.fig.description,
        }


class AskedSamples:
    """Asks a landscape's network about a handful of samples.

    Args:
        landscape: has `probabilities(theta, inputs)`.
        samples: all of them are shown.
    """

    def __init__(self, landscape: Any, samples: Samples) -> None:
        self._landscape, self.samples, self._inputs = landscape, samples, samples.inputs

    def __call__(self, theta: Weights) -> Tensor:
        """Class probabilities of the network at θ, shape (n, classes)."""
        probabilities: Tensor = self._landscape.probabilities(theta, self._inputs)
        return probabilities.detach().cpu()


def ask_samples(
    landscapes: Mapping[str, Field],
    data: Any,
    classes: Sequence[str] | None,
    *,
    columns: int = 4,
) -> tuple[AskedSamples | None, str]:
    """Who is asked about the samples, if there are any; and, where that is no one, why.

    Raises:
        TypeError: if the landscape is a function that gives no predictions.
    """
    if data is None:
        return None, ""
    landscape = next(iter(landscapes.values()))
    if not getattr(getattr(landscape, "objective", None), "classifies", True):
        quality = measures_of(landscape).quality
        told = quality.name if quality else "only a loss"
        return (
            None,
            f"Predictions of samples are drawn for classifiers; this landscape measures {told}.",
        )
    if not hasattr(landscape, "probabilities"):
        raise TypeError(
            f"{type(landscape).__name__} gives scores but no predictions, so samples cannot be "
            "shown: pass a Landscape, or leave out samples=."
        )
    data = Data.of(data)
    if not isinstance(data.inputs, Tensor):
        return (
            None,
            "Predictions of samples are drawn for inputs of one tensor; these have several.",
        )
    labels = class_numbers(data.targets)
    known = labels >= 0
    if not known.any():
        return None, "Predictions of samples are drawn where their labels are known; here none is."
    samples = Samples(data.inputs[known], labels[known], classes=classes, columns=columns)
    return AskedSamples(landscape, samples), ""
