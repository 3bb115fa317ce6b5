"""Figures as files: a page that stands alone, and what the page itself can save."""

from __future__ import annotations

import html
from pathlib import Path

import plotly.graph_objects as go

from fusionlab.checkpoints import atomic_write
from fusionlab.show.page.html import describe_figure, script_and_style, to_html


def to_page(figure: go.Figure) -> str:
    """One HTML page with all that it needs, to be opened without a network."""
    title = html.escape(describe_figure(figure).split(".")[0])
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width">\n{script_and_style()}</head>\n'
        f'<body class="fusionlab-page">{to_html(figure)}</body></html>\n'
    )


def save_page(figure: go.Figure, path: str | Path) -> Path:
    """Write a figure as one HTML file, whole or not at all.

    Raises:
        ValueError: if the file's name has another ending.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(
            f"{path.name} would hold a page of HTML: call it {path.stem}.html. For a picture, "
            "press PNG or SVG below the figure."
        )
    with atomic_write(path) as temporary:
        temporary.write_text(to_page(figure), encoding="utf-8")
    return path
