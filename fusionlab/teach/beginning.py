"""The beginning of a notebook: where its reader should stand when all its cells are run."""

from __future__ import annotations

from typing import Any

import anywidget

_STAY = """
function render({ el }) {
  el.style.display = "none";
  requestAnimationFrame(() => el.closest(".jp-Cell")?.scrollIntoView({ block: "nearest" }));
}

export default { render };
"""


class _Here(anywidget.AnyWidget):
    """An invisible widget that brings its cell into view when it appears."""

    _esm = _STAY

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, about = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**data, "text/plain": ""}, about  # without a kernel there is nothing to say


def begin() -> _Here:
    """Keep the reader at this cell: JupyterLab's *Run All* goes to the end of the notebook."""
    return _Here()
