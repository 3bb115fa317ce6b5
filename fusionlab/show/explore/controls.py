"""Widgets of which explorers are made: rows, buttons, lists to choose from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ipywidgets as widgets


def in_a_row(items: Sequence[widgets.Widget]) -> widgets.Box:
    """Widgets beside each other, in a second row where the first is full."""
    layout = {"display": "flex", "flex_flow": "row wrap", "align_items": "center"}
    return widgets.Box(list(items), layout=layout)


def button(label: str, tooltip: str, press: Callable[[], None]) -> widgets.Button:
    """A button that calls `press`."""
    made = widgets.Button(description=label, tooltip=tooltip, layout={"width": "auto"})
    made.on_click(lambda _: press())
    return made


def choice(label: str, options: Sequence[Any]) -> widgets.Dropdown:
    """A list to choose from; an option is a value, or a pair of its name and the value."""
    return widgets.Dropdown(description=label, options=options, layout={"width": "auto"})


def one_of(options: Iterable[Any], value: Any, what: str) -> Any:
    """The value, if it is an option.

    Raises:
        ValueError: if it is none.
    """
    if value not in (known := list(options)):
        raise ValueError(f"{what}={value!r} is not among the choices of this explorer: {known}.")
    return value
