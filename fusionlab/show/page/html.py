"""One copy of plotly per page, for figures that Python changes and for figures that stand alone.

A `go.FigureWidget` carries five megabytes of JavaScript, each one again. Here plotly comes once,
compressed: by a widget that is never shown (so it needs no place on the page, and comes back when
the page is reloaded), and as the output of `start`, for the page that has no kernel.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import sys
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import uuid4

import anywidget
import plotly.graph_objects as go
import plotly.io as pio
from plotly.io.base_renderers import MimetypeRenderer
from plotly.offline import get_plotlyjs, get_plotlyjs_version

_TOOL_BAR = {
    "displaylogo": False,
    "responsive": True,
    "showSendToCloud": False,  # plotly 7 offers to upload the figure; data stay at home
    "plotlyServerURL": "",
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
}

_SCRIPTS = ("look", "narrow", "press", "page")  # parts first, the whole last

_START = """
(() => {
  const still = document.getElementById("PLACE");
  const draw = () => fusionlab.show(still);
  if (globalThis.fusionlab) return draw();
  addEventListener("fusionlab", draw, { once: true });
  setTimeout(() => {
    if (!globalThis.fusionlab) still.querySelector("p").append(" (Not drawn: this page has no "
      + "drawing library. Run the cell with show.start(), or write show.start() into this cell, "
      + "above the figure.)");
  }, 5000);
})();
"""


@cache
def page_script() -> str:
    """The JavaScript that a page needs once: how to draw, and plotly, compressed."""
    packed = base64.b64encode(gzip.compress(get_plotlyjs().encode(), 6, mtime=0)).decode()
    parts = [files(__package__).joinpath(f"{name}.js").read_text("utf-8") for name in _SCRIPTS]
    drawing = "(() => {\n" + "\n".join(parts) + "})();\n"
    return f'{drawing}fusionlab.load("{packed}", "{get_plotlyjs_version()}");\n'


def style() -> str:
    """The style sheet of figures and explorers."""
    return files(__package__).joinpath("page.css").read_text("utf-8")


class _Loader(anywidget.AnyWidget):
    """Brings plotly to the page as soon as its model is there; has nothing to show."""

    def __init__(self) -> None:
        self._esm = page_script() + "export default { render() {} };"
        super().__init__()


_loader: list[_Loader] = []


def load_plotly() -> str:
    """Bring plotly to the page, once for this kernel; the id of the model that does it."""
    if not _loader or _loader[0].comm is None:
        _loader[:] = [_Loader()]
    return str(_loader[0].model_id)


def to_plain(figure: go.Figure) -> dict[str, Any]:
    """The figure as plain lists and numbers, with the house's tool bar."""
    return {**json.loads(figure.to_json(engine="json")), "config": _TOOL_BAR}


def describe_figure(figure: go.Figure) -> str:
    """What the figure shows, in words; else its title."""
    meta = figure.layout.meta or {}
    return str(meta.get("description") or figure.layout.title.text or "figure")


def script_and_style() -> str:
    """The page's script and style, as HTML."""
    script = page_script().replace("</", r"<\/")
    return f"<style>{style()}</style><script>{script}</script>"


def to_html(figure: go.Figure, *, twin: str = "") -> str:
    """A figure that stands alone on a page that `start` has prepared, its words below it.

    The words are seen until it is drawn; from then on they are there for screen readers.

    Args:
        figure: what to draw.
        twin: the key of the live figure beside it: where that one lives, this one hides.
    """
    spec = json.dumps(to_plain(figure)).replace("<", r"\u003c")
    place = f"fusionlab-{uuid4().hex}"
    kind = f'fusionlab-still fusionlab-twin" data-twin="{twin}' if twin else "fusionlab-still"
    alone = script_and_style() if "google.colab" in sys.modules else ""  # each cell is a page there
    return (
        f'{alone}<div class="{kind}" id="{place}">\n'
        f'<p id="{place}-words">{html.escape(describe_figure(figure))}</p>\n'
        f'<script type="application/json">{spec}</script></div>\n'
        f"<script>{_START.replace('PLACE', place)}</script>"
    )


class _Still(MimetypeRenderer):
    """How a plain `go.Figure` is displayed: drawn by the page's one plotly, and told in words."""

    def to_mimebundle(self, fig_dict: dict[str, Any]) -> dict[str, str]:
        """The figure as HTML and as words."""
        figure = go.Figure(fig_dict, skip_invalid=True)
        load_plotly()
        return {"text/html": to_html(figure), "text/plain": describe_figure(figure)}


class _Page:
    """Shown by the set-up cell: what the page needs to draw without a kernel."""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        words = "Where no script may run, as on GitHub, a figure of this notebook is told in words."
        page = f'{script_and_style()}<p class="fusionlab-scriptless">{words}</p>'
        return {"text/html": page, "text/plain": words}


def start() -> _Page:
    """Prepare a notebook for pictures; the last line of its set-up cell."""
    load_plotly()
    pio.renderers["fusionlab"] = _Still()
    pio.renderers.default = "fusionlab"
    return _Page()
