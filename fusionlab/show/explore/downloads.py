"""Buttons by which the page saves what it shows."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets
import plotly.graph_objects as go

from fusionlab.show.explore.controls import button
from fusionlab.show.page.export import to_page
from fusionlab.show.page.fig import Fig


def download_buttons(fig: Fig, name: str, still: Callable[[], go.Figure]) -> list[widgets.Button]:
    """Buttons by which the page saves what it shows: as a picture, or as a page of its own."""

    def picture(kind: str) -> Callable[[], None]:
        return lambda: fig.send({"save": kind, "name": name})

    def page() -> None:
        fig.send({"save": "html", "name": name, "text": to_page(still())})

    return [
        button("PNG", "Save the picture as pixels", picture("png")),
        button("SVG", "Save the picture as lines, for print", picture("svg")),
        button("HTML", "Save a page that shows it without a network", page),
    ]
