"""What pictures say, in words: for screen readers, status lines, and pages without pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from fusionlab.landscape import Score, Surface
from fusionlab.show.figures.amounts import amount, tell_spread


def capital(text: str) -> str:
    """The text with a capital letter first."""
    return text[:1].upper() + text[1:]


def listed(parts: Sequence[str]) -> str:
    """One, two and three → "one, two and three"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def describe_scores(scores: Mapping[str, Score]) -> str:
    """Loss and quality of one network, on each of the landscapes by name."""
    on = (lambda name: f" on {name}") if len(scores) > 1 else (lambda name: "")
    measures = next(iter(scores.values())).measures
    told = []
    for i, quantity in enumerate((measures.loss, measures.quality)):
        if quantity is not None:
            values = [amount(score[i], quantity) + on(name) for name, score in scores.items()]
            told.append(f"{quantity.name} {listed(values)}")
    return ", ".join(told)


def describe_surface(surface: Surface, marks: Mapping[str, tuple[float, float]], what: str) -> str:
    """A map in a sentence or two: how low, how high, what is marked on it."""
    values, quantity = surface.values(what), surface.measures.quantity(what)
    finite = values[values.isfinite()]
    if not len(finite):
        return f"A map of the {what} on which every value overflows."
    wide, tall = len(surface.x), len(surface.y)
    there = f" Marked on it: {listed(list(marks))}." if marks else ""
    return f"A map of the {what} at {wide} × {tall} points, {tell_spread(quantity, finite)}.{there}"


def mean_sd(values: Sequence[float], digits: int = 2) -> str:
    """Mean ± standard deviation of several runs, as text."""
    return f"{fmean(values):.{digits}f} ± {stdev(values):.{digits}f}"
