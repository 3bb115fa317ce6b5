"""Widgets of which explorers are made: sliders, lists to choose from, buttons, rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ipywidgets as widgets
import traitlets


class Chosen(traitlets.HasTraits):
    """A setting without a widget: it is chosen in the picture, or by a button."""

    value = traitlets.Any()


def slider(
    label: str = "", low: float = 0, high: float = 1, *, step: float = 0.01, **layout: str
) -> widgets.FloatSlider:
    """A slider with two digits, as wide as there is room for."""
    layout = {"flex": "1 1 320px", "width": "auto", **layout}
    return widgets.FloatSlider(
        description=label, min=low, max=high, step=step, readout_format=".2f", layout=layout
    )


def switch(label: str) -> widgets.Checkbox:
    """A box to tick."""
    return widgets.Checkbox(description=label, indent=False, layout={"width": "auto"})


def choice(label: str, options: Sequence[Any]) -> widgets.Dropdown:
    """A list to choose from; an option is a value, or a pair of its name and the value."""
    return widgets.Dropdown(description=label, options=options, layout={"width": "auto"})


def button(label: str, tooltip: str, press: Callable[[], None]) -> widgets.Button:
    """A button that calls `press`."""
    made = widgets.Button(description=label, tooltip=tooltip, layout={"width": "auto"})
    made.on_click(lambda _: press())
    return made


def toggle(label: str, tooltip: str) -> widgets.ToggleButton:
    """A button that stays pressed."""
    return widgets.ToggleButton(description=label, tooltip=tooltip, layout={"width": "auto"})


def in_a_row(items: Sequence[widgets.Widget]) -> widgets.Box:
    """Widgets beside each other, in a second row where the first is full."""
    layout = {"display": "flex", "flex_flow": "row wrap", "align_items": "center"}
    return widgets.Box(list(items), layout=layout)


def one_of(options: Iterable[Any], value: Any, what: str) -> Any:
    """The value, if it is an option.

    Raises:
        ValueError: if it is none.
    """
    if value not in (known := list(options)):
        if known == [""]:
            raise ValueError(
                f"Unknown {what} {value!r}. Choose None: there is only one, without a name. To "
                f"name it, give a mapping of {what}s."
            )
        *some, last = map(repr, known)
        choices = f"{', '.join(some)} or {last}" if some else last
        raise ValueError(f"Unknown {what} {value!r}. Choose {choices}.")
    return value
