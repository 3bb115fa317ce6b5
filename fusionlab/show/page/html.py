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

READY = """
const ready = async () => {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
  for (let i = 0; i < 600 && !globalThis.fusionlab; i++) await pause();
  return globalThis.fusionlab;
};
"""


@cache
def page_script() -> str:
    """The JavaScript that a page needs once: how to draw, and plotly, compressed."""
    packed = base64.b64encode(gzip.compress(get_plotlyjs().encode(), 6, mtime=0)).decode()
    drawing = files(__package__).joinpath("page.js").read_text("utf-8")
    return f'{drawing}\nfusionlab.load("{packed}", "{get_plotlyjs_version()}");\n'


def style() -> str:
    """The style map_ of figures and explorers."""
    return files(__package__).joinpath("page.css").read_text("utf-8")


class _Loader(anywidget.AnyWidget):
    """Brings plotly to the page as soon as its model is there; has nothing to show."""

    def __init__(self) -> None:
        self._esm = page_script() + "export default { render() {} };"
        super().__init__()


_loader: list[_Loader] = []


def load_plotly() -> None:
    """Bring plotly to the page, once for this kernel."""
    if not _loader or _loader[0].comm is None:
        _loader[:] = [_Loader()]


def to_plain(figure: go.Figure) -> dict[str, Any]:
    """The figure as plain lists and numbers, with the house's tool bar."""
    return {**json.loads(figure.to_json(engine="json")), "config": _TOOL_BAR}


def describe_figure(figure: go.Figure) -> str:
    """What the figure shows, in words; else its title."""
    meta = figure.layout.meta or {}
    return str(meta.get("description") or figure.layout.title.text or "figure")


def to_html(figure: go.Figure) -> str:
    """A figure that stands alone on a page that `start` has prepared, its words below it."""
    spec = json.dumps(to_plain(figure)).replace("</", r"<\/")
    place, height = f"fusionlab-{uuid4().hex}", figure.layout.height or 360
    return (
        f'<div class="fusionlab-still"><div class="fusionlab-frame"><div id="{place}" '
        f'class="fusionlab-figure" style="min-height:{height}px"></div></div>'
        f"<p>{html.escape(describe_figure(figure))}</p></div>\n"
        f"<script>(async () => {{{READY}\n"
        f'(await ready())?.show(document.getElementById("{place}"), {spec});\n}})();</script>'
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
        script = page_script().replace("</", r"<\/")
        return {
            "text/html": f"<style>{style()}</style><script>{script}</script>",
            "text/plain": "Figures of this notebook are drawn by plotly.",
        }


def start() -> _Page:
    """Prepare a notebook for pictures; the last line of its set-up cell."""
    load_plotly()
    pio.renderers["fusionlab"] = _Still()
    pio.renderers.default = "fusionlab"
    return _Page()
