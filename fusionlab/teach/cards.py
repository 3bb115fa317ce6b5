"""Cards: boxes of widgets with accessible names, and a text form for places without widgets."""

from __future__ import annotations

import html
import re

import anywidget
import ipywidgets as widgets
import traitlets
from IPython.display import display

# JupyterLab takes Enter and the arrows for its own commands.
_KEEP_PLAIN_KEYS = """
function keepPlainKeys(event) {
  if (!event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey) event.stopPropagation();
}
"""

# ipywidgets gives sliders no accessible name and leaves radio buttons without a group, so that
# neither a screen reader nor the arrow keys see them as one question. This script repairs both. It
# watches its box because ipywidgets builds the controls beside it later, and may build them again.
_NAME_ITS_NEIGHBOURS = """
function dress(box, name) {
  const label = (selector, role) => box.querySelectorAll(selector).forEach((node) => {
    if (node.getAttribute("aria-label") !== name) node.setAttribute("aria-label", name);
    if (role && node.getAttribute("role") !== role) node.setAttribute("role", role);
  });
  label(".noUi-handle");
  label(".widget-readout", "textbox");
  label(".widget-radio-box", "radiogroup");
  box.querySelectorAll("input[type=radio]").forEach((node) => { node.name = box.id; });
}

function render({ model, el }) {
  let waiting;
  const observer = new MutationObserver(() => dress(el.closest(".fl-named"), model.get("name")));
  const start = () => {
    const box = el.closest(".fl-named"), card = el.closest(".fl-card");
    if (!box || !card) { waiting = requestAnimationFrame(start); return; }
    box.id ||= "fl-" + crypto.getRandomValues(new Uint32Array(2)).join("-");
    card.addEventListener("keydown", keepPlainKeys);
    dress(box, model.get("name"));
    observer.observe(box, { childList: true, subtree: true });
  };
  el.style.display = "none";
  start();
  return () => { cancelAnimationFrame(waiting); observer.disconnect(); };
}

export default { render };
"""

# The page itself shows and hides the answer: that also works while the kernel is at work, or gone.
_SHOW_AND_HIDE = """
function render({ model, el }) {
  const make = (tag) => document.createElement(tag);
  const row = make("div"), button = make("button"), hint = make("span"), answer = make("div");
  let shown = false;
  const draw = () => {
    button.textContent = shown ? "Hide" : "Reveal";
    button.setAttribute("aria-label", `${button.textContent}: ${model.get("question")}`);
    button.setAttribute("aria-expanded", shown);
    hint.textContent = shown ? "" : model.get("hint");
    answer.innerHTML = shown ? model.get("answer") : "";
  };
  row.className = "fl-answer";
  button.className = "jupyter-widgets jupyter-button widget-button";
  button.addEventListener("click", () => { shown = !shown; draw(); });
  el.addEventListener("keydown", keepPlainKeys);
  model.on("change:hint", draw);
  model.on("change:answer", draw);
  row.append(button, hint);
  el.replaceChildren(row, answer);
  draw();
  return () => { model.off("change:hint", draw); model.off("change:answer", draw); };
}

export default { render };
"""

_STYLE = """
.fl-twin { display: none; }
.jp-OutputArea-child:has(> .jp-OutputArea-output > .fl-twin) { display: none; }
.fl-card { padding: 4px 14px 10px; border-left: 3px solid var(--jp-border-color1, #8888); }
.fl-card, .fl-card .widget-box { overflow: visible; }
.fl-card .widget-html, .fl-card .widget-html-content { line-height: 1.45; height: auto; }
.fl-card .widget-radio, .fl-card .widget-radio-box { width: auto; max-width: 100%; }
.fl-card .widget-radio-box label {
  height: auto; white-space: normal; line-height: 1.4; padding: 2px 0; cursor: pointer;
}
.fl-card .widget-radio-box { margin-bottom: 4px !important; }
.fl-card .widget-button { flex: 0 0 auto; margin-right: 10px; }
.fl-card .fl-answer { display: flex; align-items: center; flex-wrap: wrap; line-height: 1.45; }
.fl-card :focus-visible { outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 2px; }
"""

GREEN, VERMILLION, GREY = "#009E73", "#D55E00", "#8a8a8a"  # of the Okabe–Ito palette, and neutral


class Card(widgets.VBox):
    """A box of controls, and a copy in plain HTML for places where no widget works.

    Without the copy, a page that is exported with its widgets and read offline would be blank.
    Where the widgets work, the copy is hidden.
    """

    def __init__(self, children: tuple[widgets.Widget, ...]) -> None:
        super().__init__(children)
        self.add_class("fl-card")

    def text(self) -> str:
        """Say what the card shows, for a terminal, papermill or a log."""
        raise NotImplementedError

    def page(self) -> str:
        """Give the card as HTML that needs no script."""
        return f"<pre>{html.escape(self.text())}</pre>"

    def _ipython_display_(self) -> None:
        live = self._repr_mimebundle_() or {}
        twin = f'<div class="fl-twin">{self.page()}</div>'
        display({**live, "text/plain": ""}, raw=True)
        display({"text/html": twin, "text/plain": self.text()}, raw=True)


class _Name(anywidget.AnyWidget):
    """An invisible widget that gives the controls beside it their accessible name."""

    _esm = _KEEP_PLAIN_KEYS + _NAME_ITS_NEIGHBOURS
    _css = _STYLE
    name = traitlets.Unicode().tag(sync=True)


class Answer(anywidget.AnyWidget):
    """An answer in HTML behind a button *Reveal*, and a hint beside the button."""

    _esm = _KEEP_PLAIN_KEYS + _SHOW_AND_HIDE
    _css = _STYLE
    question = traitlets.Unicode().tag(sync=True)
    hint = traitlets.Unicode().tag(sync=True)
    answer = traitlets.Unicode().tag(sync=True)


def named(control: widgets.Widget, name: str) -> widgets.VBox:
    """Put `control` in a box in which a screen reader calls it `name`."""
    box = widgets.VBox((control, _Name(name=name.replace("`", ""))))
    box.add_class("fl-named")
    return box


def rich(text: str) -> str:
    """Escape `text` for HTML, and show what is between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def framed(words: str, colour: str) -> str:
    """Frame a sentence as HTML for light and dark pages; screen readers read it when it appears."""
    style = f"border-left:4px solid {colour};padding:4px 12px;margin:4px 0;line-height:1.45"
    return f'<div role="status" style="{style}">{rich(words)}</div>'
