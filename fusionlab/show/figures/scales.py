"""How the values of a map become heights and colours."""

from __future__ import annotations

from collections.abc import Sequence
from math import asinh, ceil, floor, log, log10, sinh
from typing import Any

import torch
from torch import Tensor

from fusionlab.quantities import Quantity
from fusionlab.show.figures.theme import SCALE

FLOOR = 1e-4  # nats: smaller losses look alike, and log 0 is not drawn
KNEE = 0.01  # nats: below it a logarithmic scale of differences is linear
DEPTH = 1e-8  # of the largest loss: the floor where the unit is another
BEND = 1e-3  # of the largest difference: the knee where the unit is another
# ColorBrewer's blue to red, which colour-blind eyes tell apart; the middle is no difference.
DIVERGING = ("#2166AC", "#92C5DE", "#F7F7F7", "#F4A582", "#B2182B")


def floor_of(quantity: Quantity, *values: Tensor) -> float:
    """The loss below which a logarithmic scale ends."""
    return FLOOR if quantity.unit == "nats" else DEPTH * _largest(values)


def has_logarithm(quantity: Quantity, *values: Tensor) -> bool:
    """Whether values are drawn well by their logarithm: a loss that is nowhere negative."""
    if quantity.name != "loss":
        return False
    return quantity.unit == "nats" or not any(bool((each < 0).any()) for each in values)


class Scale:
    """One scale for all the maps that share it.

    Args:
        values: what each map shows; not a number is a hole.
        quantity: what they are.
        log: by the logarithm (of a loss only, which is never negative); of differences, away from
            0 on both sides.
        signed: the values are differences, so that 0 is the middle.
    """

    def __init__(
        self, *values: Tensor, quantity: Quantity, log: bool, signed: bool = False
    ) -> None:
        self.log = log and (quantity.name == "loss" if signed else has_logarithm(quantity, *values))
        self.quantity, self.signed = quantity, signed
        nats = quantity.unit == "nats"
        self._floor = floor_of(quantity, *values)
        self._knee = KNEE if nats else BEND * _largest(values)
        drawn = torch.cat([self.heights(each).flatten() for each in values])
        finite = drawn[drawn.isfinite()]
        self.low, self.high = 0.0, 1.0
        if len(finite):
            self.low, self.high = float(finite.min()), float(finite.max())
        if signed:
            self.high = max(abs(self.low), abs(self.high)) if len(finite) else 1.0
            self.low = -self.high
        size = max(1.0, abs(self.low))
        if self.high - self.low < 1e-9 * size:  # a flat map still needs a scale
            margin = max(0.5, 1e-6 * size)
            self.low, self.high = self.low - margin, self.high + margin

    def heights(self, values: Tensor) -> Tensor:
        """Where values stand on the scale, NaN for what is no finite number."""
        values = values.double()
        heights = values
        if self.log and self.signed:
            heights = (values / self._knee).asinh() / log(10)
        elif self.log:
            heights = values.clamp_min(self._floor).log10()
        return torch.where(values.isfinite(), heights, torch.nan)

    @property
    def colours(self) -> Any:
        """The colours from low to high."""
        if not self.signed:
            return SCALE
        return [[i / (len(DIVERGING) - 1), colour] for i, colour in enumerate(DIVERGING)]

    def ticks(self) -> dict[str, Any]:
        """1, 2, 5, 10 … on a logarithmic scale, so that it reads in the loss's unit."""
        if not self.log:
            return {}
        named = self._both_sides() if self.signed else self._upwards()
        places = self.heights(torch.tensor(named, dtype=torch.double)).tolist()
        return {"tickvals": places, "ticktext": [f"{v:g}" for v in named]}

    def bar(self) -> dict[str, Any]:
        """The colour bar, its title with the unit."""
        return {
            "title": {
                "text": f"{'Δ ' if self.signed else ''}{self.quantity.axis}",
                "side": "right",
            },
            "thickness": 14,
            "outlinewidth": 0,
            **(self.ticks() or self._even_ticks()),
        }

    def _even_ticks(self) -> dict[str, Any]:
        """Round numbers; left alone, plotly would name borders between its colours."""
        named = _round_numbers(self.low, self.high)
        text = [f"{100 * v:g}%" if self.quantity.share else f"{v:g}" for v in named]
        return {"tickvals": named, "ticktext": text}

    def _upwards(self) -> list[float]:
        decades = range(floor(self.low), ceil(self.high) + 1)
        for steps in ((1,), (1, 2, 5)):
            named = [s * 10.0**d for d in decades for s in steps]
            named = [v for v in named if self.low <= log10(v) <= self.high]
            if len(named) > 2:  # fewer do not show that the scale is logarithmic
                return named
        return _round_numbers(10**self.low, 10**self.high)

    def _both_sides(self) -> list[float]:
        most, knee = self._knee * sinh(self.high * log(10)), self._knee
        least = ceil(log10(knee) - 1e-9)
        sizes = [10.0**d for d in range(least, least + 9) if 10.0**d <= most]
        if not sizes:  # everything lies below the knee, where the scale is linear
            sizes = _round_numbers(0.0, most)[1:]
        far_apart = [s for s in sizes if asinh(s / knee) > 0.25 * asinh(most / knee)]
        return [-s for s in reversed(far_apart)] + [0.0, *far_apart]


def _round_numbers(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, a few of them from low to high."""
    rough = high / 3 - low / 3
    power = 10.0 ** floor(log10(rough))
    step = max(s * power for s in (1, 2, 5) if s * power <= rough)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def _largest(values: Sequence[Tensor]) -> float:
    """The largest size of a finite value; 1 where all are 0."""
    sizes = torch.cat([each.double().flatten().abs() for each in values])
    return float(sizes[sizes.isfinite()].amax()) or 1.0 if sizes.isfinite().any() else 1.0
