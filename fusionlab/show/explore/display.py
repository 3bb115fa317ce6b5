"""What an explorer shows beside its figure: controls above, words and buttons below."""

from __future__ import annotations

import html
from collections.abc import Sequence

import ipywidgets as widgets
import plotly.graph_objects as go

from fusionlab.show.explore.controls import button, in_a_row
from fusionlab.show.page.fig import Fig


class Display(widgets.VBox):
    """A figure with rows of controls above, and below it a line of words, buttons, and code.

    Args:
        rows: of widgets.
        fig: the figure.
        buttons: below it, beside "Settings as code".
    """

    def __init__(
        self,
        rows: Sequence[Sequence[widgets.Widget]],
        fig: Fig,
        buttons: Sequence[widgets.Widget],
    ) -> None:
        self.fig, self.status = fig, widgets.HTML()
        self._code = widgets.HTML(layout={"display": "none"})
        self.status.add_class("fusionlab-status")
        self._code.add_class("fusionlab-code")
        tell = button(
            "Settings as code",
            "Show the Python code that gives this view and the chosen network",
            self._show_code,
        )
        below = in_a_row([buttons[0], tell, *buttons[1:]])
        super().__init__([*map(in_a_row, rows), fig, self.status, below, self._code])
        self.add_class("fusionlab-explorer")

    def code(self) -> str:
        """The Python that gives what is seen."""
        raise NotImplementedError

    def still(self) -> go.Figure:
        """The figure for a page without a kernel."""
        raise NotImplementedError

    def say(self, words: str) -> None:
        """Put these words below the figure."""
        self.status.value = html.escape(words)

    def trouble(self, error: Exception) -> None:
        """Tell an error where the reader looks."""
        said = html.escape(f"{type(error).__name__}: {error}")
        self.status.value = f'<span class="fusionlab-trouble">⚠ Not drawn. {said}</span>'

    def write_code(self) -> None:
        """Write the code anew, while it is shown."""
        if self._code.layout.display != "none":
            self._code.value = f"<pre>{html.escape(self.code())}</pre>"

    def _show_code(self) -> None:
        self._code.layout.display = "" if self._code.layout.display == "none" else "none"
        self.write_code()

    def _ipython_display_(self) -> None:
        self.fig.display_in(super()._repr_mimebundle_(), self.still)
