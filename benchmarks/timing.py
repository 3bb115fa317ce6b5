"""Time ways of doing one thing side by side, so that a busy machine slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

import torch

Way = Callable[[], object]


def medians(ways: Mapping[str, Way], *, rounds: int) -> dict[str, float]:
    """Seconds of each way: the median over rounds in which every way runs once, after a warm-up."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(rounds):
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - begin)
    return {name: median(seconds) for name, seconds in times.items()}


def peak(size: int = 2048) -> float:
    """Floating-point operations per second of a large matrix product on all torch threads."""
    a = torch.randn(size, size)
    seconds = medians({"product": lambda: a @ a}, rounds=5)["product"]
    return 2 * size**3 / seconds


def table(title: str, rows: list[dict[str, str]]) -> str:
    """Rows as a Markdown table under a title."""
    names = list(rows[0])
    lines = [f"### {title}", "", "| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return "\n".join([*lines, *("| " + " | ".join(row.values()) + " |" for row in rows), ""])
