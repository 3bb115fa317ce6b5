"""The shares of a mixture of three points, and its place in an equilateral triangle."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import torch

HEIGHT = sqrt(3) / 2  # of a triangle with sides of length 1
CORNERS = torch.tensor([[0, 0], [1, 0], [0.5, HEIGHT]], dtype=torch.double)

Shares = tuple[float, float, float]  # they sum to 1
CENTRE: Shares = (1 / 3, 1 / 3, 1 / 3)


def place(shares: Sequence[float]) -> tuple[float, float]:
    """Where the mixture with these shares is."""
    x, y = (torch.tensor(shares, dtype=torch.double) @ CORNERS).tolist()
    return x, y


def shares_at(x: float, y: float) -> Shares:
    """The shares of the mixture at (x, y); outside the triangle one is negative."""
    c = y / HEIGHT
    return 1 - x - c / 2, x - c / 2, c


def pull(shares: Shares, low: float, high: float) -> Shares:
    """The mixture, if its shares are in this range; else where the way to the centre enters it."""
    reach = [1.0]
    for share, middle in zip(shares, CENTRE, strict=True):
        bound = min(high, max(low, share))
        reach += [(bound - middle) / (share - middle)] if bound != share else []
    a, b, c = (m + min(reach) * (s - m) for s, m in zip(shares, CENTRE, strict=True))
    return shares if min(reach) == 1 else (a, b, c)


def exchange(shares: Shares, number: int, value: float, low: float, high: float) -> Shares:
    """Give one share another value; the other two keep their proportion, if the range allows."""
    others, rest = [shares[i] for i in range(3) if i != number], 1 - value
    mixed = [rest * share / sum(others) if sum(others) else rest / 2 for share in others]
    if not all(low - 1e-9 <= share <= high + 1e-9 for share in mixed):
        mixed = [rest / 2, rest / 2]
    mixed.insert(number, value)
    return mixed[0], mixed[1], mixed[2]
