"""Numbers with their units, as a reader would write them."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite

from torch import Tensor

from fusionlab.quantities import Quantity


def amount(value: float, quantity: Quantity) -> str:
    """A value with its unit; three digits are what the eye compares."""
    if not isfinite(value):
        return "no number (the loss overflows here)" if quantity.name == "loss" else "no number"
    if quantity.unit == "nats":  # their hundredths are compared, and smaller ones look alike
        return f"{value:.0f} nats" if abs(value) >= 100 else f"{value:.2f} nats"
    return percent(value) if quantity.share else quantity.write(value)


def bare(value: float, quantity: Quantity) -> str:
    """A value without its unit, for a legend beside an axis that says it."""
    if quantity.unit == "nats" and isfinite(value):
        return f"{value:.2f}"
    return amount(value, replace(quantity, unit=""))


def percent(share: float) -> str:
    """A share in [0, 1] as a percentage."""
    return f"{100 * share:.0f} %" if isfinite(share) else "no number"


def hover(quantity: Quantity, value: str) -> str:
    """A value as plotly writes it under the pointer; `value` is what plotly calls it."""
    return f"%{{{value}:.1%}}" if quantity.share else f"%{{{value}:.3g}} {quantity.unit}".rstrip()


def tell_spread(quantity: Quantity, values: Tensor) -> str:
    """From how little to how much of a quantity, in words."""
    low, high = (amount(float(value), quantity) for value in (values.min(), values.max()))
    return f"from {low} to {high}"


def numbers(values: Tensor) -> list[float | None]:
    """Values for plotly, None where there is no finite number; any shape, as nested lists."""
    if values.ndim > 1:
        return [numbers(row) for row in values]  # type: ignore[misc]
    return [float(f"{v:.6g}") if abs(v) < float("inf") else None for v in values.tolist()]
