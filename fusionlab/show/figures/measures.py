"""What results measure together, and which quantities a picture of them has a panel for."""

from __future__ import annotations

from collections.abc import Mapping

from fusionlab.landscape import measures_of
from fusionlab.quantities import Measures
from fusionlab.show.figures.words import listed


def shared_measures(sources: Mapping[str, object]) -> Measures:
    """What landscapes or results, by name, measure alike.

    Raises:
        ValueError: if they measure different things, which one axis cannot show.
    """
    found = {name: measures_of(source) for name, source in sources.items()}
    first, measures = next(iter(found.items()))
    for name, other in found.items():
        if other != measures:
            raise ValueError(
                f"{first!r} measures {_axes(measures)}, but {name!r} measures {_axes(other)}: one "
                "picture has one scale. Give both one objective, or draw each by itself."
            )
    return measures


def panels(measures: Measures) -> tuple[str, ...]:
    """The quantities that have a panel of their own: the loss, and the quality if there is one."""
    return ("loss", measures.quality.name) if measures.quality else ("loss",)


def tell_measures(measures: Measures) -> str:
    """What is measured, in words: "loss and accuracy"."""
    return listed(panels(measures))


def _axes(measures: Measures) -> str:
    return listed([measures.quantity(name).axis for name in panels(measures)])
