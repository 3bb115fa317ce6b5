"""A figure on the page that Python changes part by part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import anywidget
import plotly.graph_objects as go
import traitlets
from IPython.display import display

from fusionlab.show.page.html import load_plotly, style, to_html, to_plain

Draw = Callable[[], None]  # shows a result that has been computed
Changes = Mapping[str, Mapping[str, Any]]  # the key of a trace (its `meta`) → what changes in it


class Fig(anywidget.AnyWidget):
    """A figure on the page: a change sends only what changed, and the page draws only the newest.

    Args:
        figure: what to draw; its `layout.meta["description"]` is its accessible name.

    Example:
        >>> import plotly.graph_objects as go
        >>> from fusionlab.show import Fig
        >>> fig = Fig(go.Figure(go.Scatter(y=[1, 2], meta="loss")))
        >>> fig.patch({"loss": {"y": [1, 0]}}, "The loss falls to 0.")
        >>> fig.trace("loss")["y"], fig.description
        ([1, 0], 'The loss falls to 0.')
    """

    _esm = """
const bring = async (model) => {
  for (let i = 0; i < 20 && !globalThis.fusionlab; i++) await new Promise((r) => setTimeout(r, 50));
  if (globalThis.fusionlab) return;
  const loader = await model.widget_manager.get_model(model.get("_loader"));
  const code = new Blob([loader.get("_esm")], { type: "text/javascript" });
  await import(URL.createObjectURL(code));
};

export default {
  async render({ model, el }) {
    el.textContent = "Drawing …";
    try {
      await bring(model);
    } catch (error) {
      el.textContent = `Not drawn: the drawing library did not come (${error.message}). `
        + "Run the cell with show.start() again, then this one.";
      return;
    }
    el.textContent = "";
    const frame = document.createElement("div");  // ipywidgets keeps resetting the style of el
    const place = document.createElement("div");
    frame.className = "fusionlab-frame";
    frame.append(place);
    el.append(frame);
    return globalThis.fusionlab.mount(model, place);
  },
};
"""
    _css = style()
    # The number of the drawing; to the page it goes as the drawing itself, as it is by then.
    _loader = traitlets.Unicode().tag(sync=True)  # brings plotly where each output is a page
    _twin = traitlets.Unicode().tag(sync=True)
    _figure = traitlets.Int(0).tag(sync=True, to_json=lambda _, fig: fig.spec)

    def __init__(self, figure: go.Figure) -> None:
        self.spec = to_plain(figure)
        self.on_click: Callable[[str, float, float], None] = lambda key, x, y: None
        self._patched = False
        super().__init__(_loader=load_plotly(), _twin=uuid4().hex)
        self.on_msg(self._hear)

    def draw(self, figure: go.Figure) -> None:
        """Replace the whole figure; a turned 3-D view and a zoom stay as they are."""
        self.spec, self._patched = to_plain(figure), False
        self._figure += 1

    def patch(self, traces: Changes, description: str) -> None:
        """Change some traces and what the figure says in words, in one message."""
        layout = {"meta": {"description": description}}
        for trace in self.spec["data"]:
            _merge(trace, traces.get(trace.get("meta"), {}))
        _merge(self.spec["layout"], layout)
        self._patched = True
        self.send({"traces": traces, "layout": layout})

    @property
    def description(self) -> str:
        """What the figure shows now, in words; its accessible name."""
        return str(self.spec["layout"]["meta"]["description"])

    def trace(self, key: str) -> dict[str, Any]:
        """The trace of that key as it is drawn now."""
        return next(t for t in self.spec["data"] if t.get("meta") == key)

    def display_in(self, live: Mapping[str, Any] | None, still: Callable[[], go.Figure]) -> None:
        """Display the widget around it, and below that a twin for pages without a kernel.

        They are two outputs, since a converted notebook shows a widget rather than HTML in one
        output, and then nothing at all if it cannot load the widgets.
        """
        display({**(live or {}), "text/plain": ""}, raw=True)
        twin = to_html(still(), twin=self._twin)
        display({"text/html": twin, "text/plain": self.description}, raw=True)

    def _hear(self, _: Fig, message: dict[str, Any], __: list[bytes]) -> None:
        if "clicked" in message:
            self.on_click(message["key"], *message["clicked"])
        if "mounted" in message and self._patched:  # it may have missed what changed meanwhile
            self._patched = False
            self._figure += 1


def _merge(target: dict[str, Any], patch: Mapping[str, Any]) -> None:
    for key, value in patch.items():
        if isinstance(value, Mapping):
            target[key] = dict(target.get(key) or {})
            _merge(target[key], value)
        else:
            target[key] = value
