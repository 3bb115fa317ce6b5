"""How the values of a map become heights and colours."""

from __future__ import annotations

from math import asinh, ceil, floor, log, log10, sinh
from typing import Any

import torch
from torch import Tensor

from fusionlab.show.figures import What
from fusionlab.show.theme import SCALE

FLOOR = 1e-4  # nats: smaller losses look alike, and log 0 is not drawn
KNEE = 0.01  # nats: below it a logarithmic scale of differences is linear
# ColorBrewer's blue to red, which colour-blind eyes tell apart; the middle is no difference.
DIVERGING = ("#2166AC", "#92C5DE", "#F7F7F7", "#F4A582", "#B2182B")


def quantity(scores: Any, what: What) -> Tensor:
    """Loss, accuracy, or error (what accuracy leaves), of anything that has scores."""
    values: Tensor = 1 - scores.accuracy if what == "error" else getattr(scores, what)
    return values


class Scale:
    """One scale for all the maps that share it.

    Args:
        values: what each map shows; not a number is a hole.
        what: the quantity.
        log: by the logarithm (of a loss only); of differences, away from 0 on both sides.
        signed: the values are differences, so that 0 is the middle.
    """

    def __init__(self, *values: Tensor, what: What, log: bool, signed: bool = False) -> None:
        self.log, self.signed, self.what = log and what == "loss", signed, what
        drawn = torch.cat([self.heights(each).flatten() for each in values])
        finite = drawn[drawn.isfinite()]
        self.low, self.high = 0.0, 1.0
        if len(finite):
            self.low, self.high = float(finite.min()), float(finite.max())
        if signed:
            self.high = max(abs(self.low), abs(self.high)) if len(finite) else 1.0
            self.low = -self.high
        if self.high - self.low < 1e-9:  # a flat map still needs a scale
            self.low, self.high = self.low - 0.5, self.high + 0.5

    def heights(self, values: Tensor) -> Tensor:
        """Where values stand on the scale, NaN for what is no finite number."""
        values = values.double()
        heights = values
        if self.log and self.signed:
            heights = (values / KNEE).asinh() / log(10)
        elif self.log:
            heights = values.clamp_min(FLOOR).log10()
        return torch.where(values.isfinite(), heights, torch.nan)

    @property
    def colours(self) -> Any:
        """The colours from low to high."""
        if not self.signed:
            return SCALE
        return [[i / (len(DIVERGING) - 1), colour] for i, colour in enumerate(DIVERGING)]

    def ticks(self) -> dict[str, Any]:
        """1, 2, 5, 10 … on a logarithmic scale, so that it reads in nats."""
        if not self.log:
            return {}
        named = self._both_sides() if self.signed else self._upwards()
        places = self.heights(torch.tensor(named, dtype=torch.double)).tolist()
        return {"tickvals": places, "ticktext": [f"{v:g}" for v in named]}

    def bar(self) -> dict[str, Any]:
        """The colour bar, its title with the unit."""
        unit = f"{'Δ ' if self.signed else ''}{self.what}"
        return {
            "title": {"text": f"{unit}<br>(nats)" if self.what == "loss" else unit, "side": "top"},
            "thickness": 14,
            "outlinewidth": 0,
            **self.ticks(),
        }

    def _upwards(self) -> list[float]:
        decades = range(floor(self.low), ceil(self.high) + 1)
        steps = (1, 2, 5) if self.high - self.low < 3 else (1,)
        named = [s * 10.0**d for d in decades for s in steps]
        named = [v for v in named if self.low <= log10(v) <= self.high]
        if len(named) > 1:
            return named
        steps_between = torch.linspace(self.low, self.high, 5, dtype=torch.double)[1:-1]
        return [float(f"{10**h:.3g}") for h in steps_between.tolist()]

    def _both_sides(self) -> list[float]:
        most = KNEE * sinh(self.high * log(10))
        sizes = [10.0**d for d in range(-2, 7) if 10.0**d <= most]
        if not sizes:  # everything lies below the knee, where the scale is linear
            sizes = [most]
        far_apart = [s for s in sizes if asinh(s / KNEE) > 0.25 * asinh(most / KNEE)]
        return [-s for s in reversed(far_apart)] + [0.0, *far_apart]
