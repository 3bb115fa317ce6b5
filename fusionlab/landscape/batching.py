"""How many points are scored at once: stacked in one call, in threads, or one after another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import TypeVar

import torch

from fusionlab.costs import Cost

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

CALL_FLOPS = 8e8  # a call with fewer operations is bound by dispatch, so points share it
STACK = 32  # more points in one call gain nothing
ROWS = 1000  # more rows at once fall out of a core's cache
CPU_BYTES = 32e6  # of the widest layer, for one point
GPU_BYTES = 1e9  # of the widest layer, for all points of a call


@dataclass(frozen=True)
class Batching:
    """Points per call, calls at the same time, and rows of the data per call."""

    stack: int
    workers: int
    rows: int


def choose(cost: Cost, rows: int, device: torch.device) -> Batching:
    """Pick a schedule from what one row costs.

    Small networks are bound by the calls, so points are stacked; larger ones by arithmetic, where
    threads that each own a point do better than threads that share one. Convolutions of stacked
    points become slow grouped ones on a CPU.
    """
    if device.type != "cpu":
        at_once = max(1, int(GPU_BYTES // max(1, cost.bytes)))
        chunk = min(rows, at_once)
        return Batching(max(1, min(256, at_once // chunk)), 1, chunk)
    most = max(1, min(ROWS, int(CPU_BYTES // max(1, cost.bytes))))
    stack = CALL_FLOPS // max(1, cost.flops * rows)
    stack = 1 if cost.convolutional else max(1, min(STACK, int(stack)))
    return Batching(stack, torch.get_num_threads(), ceil(rows / ceil(rows / most)))


def run(
    function: Callable[[_Item], _Result], items: Sequence[_Item], workers: int
) -> list[_Result]:
    """Apply `function` to each item, in order; an interrupt drops what has not begun."""
    if workers == 1 or len(items) == 1:
        return [function(item) for item in items]
    # Each call gets a copy of the context, which holds the request to stop.
    futures = [_pool(workers).submit(copy_context().run, function, item) for item in items]
    try:
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    """Threads that each compute with one torch thread, so that they do not wait for each other."""
    before = torch.get_num_threads()
    ready = threading.Barrier(workers + 1)
    pool = ThreadPoolExecutor(workers, "fusionlab", lambda: torch.set_num_threads(1))
    for _ in range(workers):
        pool.submit(ready.wait)
    ready.wait()
    torch.set_num_threads(before)  # the setting of a thread also becomes that of new threads
    return pool
