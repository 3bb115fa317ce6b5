"""What pictures say, in words: for screen readers, status lines, and pages without pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from statistics import fmean, stdev

from torch import Tensor

from fusionlab.connectivity import Profile
from fusionlab.landscape import Score, Surface


def nats(loss: float) -> str:
    """A loss with its unit; three digits are what the eye compares."""
    if not isfinite(loss):
        return "no number (the loss overflows here)"
    return f"{loss:.0f} nats" if abs(loss) >= 100 else f"{loss:.2f} nats"


def percent(share: float) -> str:
    """A share in [0, 1] as a percentage."""
    return f"{100 * share:.0f} %" if isfinite(share) else "no number"


def amount(value: float, what: str) -> str:
    """A loss in nats, or an error or accuracy in per cent."""
    return nats(value) if what == "loss" else percent(value)


def join(parts: Sequence[str]) -> str:
    """One, two and three → "one, two and three"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def describe_scores(scores: Mapping[str, Score]) -> str:
    """Loss and accuracy of one network, on each of the landscapes by name."""
    on = (lambda name: f" on {name}") if len(scores) > 1 else (lambda name: "")
    loss = join([nats(score.loss) + on(name) for name, score in scores.items()])
    accuracy = join([percent(score.accuracy) + on(name) for name, score in scores.items()])
    return f"loss {loss}, accuracy {accuracy}"


def describe_profile(name: str, profile: Profile, what: str) -> str:
    """One curve in a sentence: its ends, and its extreme between them."""
    values: Tensor = getattr(profile, what)
    worst = int(values.argmin() if what == "accuracy" else values.argmax())
    return (
        f"{name}: {what} {amount(float(values[0]), what)} at t = {float(profile.t[0]):g}, "
        f"{amount(float(values[-1]), what)} at t = {float(profile.t[-1]):g}, "
        f"worst {amount(float(values[worst]), what)} at t = {float(profile.t[worst]):.2f}."
    )


def describe_surface(surface: Surface, marks: Mapping[str, tuple[float, float]], what: str) -> str:
    """A map in a sentence or two: how low, how high, who stands on it."""
    values: Tensor = getattr(surface, what)
    finite = values[values.isfinite()]
    if not len(finite):
        return f"A map of the {what} on which every value overflows."
    low, high = amount(float(finite.min()), what), amount(float(finite.max()), what)
    wide, tall = len(surface.x), len(surface.y)
    there = f" Marked on it: {join(list(marks))}." if marks else ""
    return f"A map of the {what} at {wide} × {tall} points, from {low} to {high}.{there}"


def mean_sd(values: Sequence[float], digits: int = 2) -> str:
    """Mean ± standard deviation of several runs, as text."""
    return f"{fmean(values):.{digits}f} ± {stdev(values):.{digits}f}"
