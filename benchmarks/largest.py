"""How far it goes: memory, time and the wait for Cancel as network, grid and data grow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from math import isnan
from statistics import median

import torch

from benchmarks.timing import table
from fusionlab import Data, Weights, show
from fusionlab.lab import mlp, torchvision_model
from fusionlab.landscape import Landscape, Plane

SIZE, CHANNELS = 32, 3  # of an image
LOOK, CANCELS = 12.0, 8  # seconds in which points are counted; how often Cancel is pressed

# network, points a side, rows
SETTINGS = (
    ("MLP 1 M", 21, 500),
    ("MLP 1 M", 21, 5000),
    ("MLP 1 M", 81, 500),
    ("mobilenet_v3_small", 21, 500),
    ("resnet18", 21, 500),
    ("resnet18", 41, 500),
    ("resnet18", 21, 2000),
    ("resnet50", 21, 500),
)


def peak_bytes() -> int:
    """The most memory that this process has held."""
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def explore(name: str, side: int, rows: int) -> dict[str, float]:
    """Survey a random plane by the explorer, in this process; press Cancel now and then."""
    torch.manual_seed(0)
    inputs = CHANNELS * SIZE**2
    wide = mlp(inputs, 300, 300, 10)
    model = wide if name.startswith("MLP") else torchvision_model(name, classes=10)
    before = peak_bytes()
    data = Data(torch.randn(rows, CHANNELS, SIZE, SIZE), torch.arange(rows) % 10)
    theta = Weights.of(model)
    plane, landscape = Plane.random(theta, seed=0), Landscape(model, data)
    begin = time.perf_counter()
    explorer = show.explore_landscape(landscape, plane, {"a": theta}, resolution=side)
    explorer.latest.wait(120, until=lambda: explorer.surface is not None)
    first = time.perf_counter() - begin
    waits = [_cancel(explorer, 0.37 * n) for n in range(1, CANCELS + 1)]
    each = _seconds_per_point(explorer)
    explorer.close()
    return {
        "parameters": theta.size,
        "before": before,
        "peak": peak_bytes(),
        "first": first,
        "point": each,
        "cancel": median(waits),
        "longest": max(waits),
    }


def _cancel(explorer: show.LandscapeExplorer, after: float) -> float:
    """Seconds from pressing Cancel to the end of all work."""
    time.sleep(after % 1.5)
    begin = time.perf_counter()
    explorer.pause()
    explorer.wait(60)
    waited = time.perf_counter() - begin
    explorer.go_on()
    return waited


def _seconds_per_point(explorer: show.LandscapeExplorer) -> float:
    """Seconds per exact point, over a look at the survey; NaN where it was over before."""
    begin, known = time.perf_counter(), _exact(explorer)
    explorer.wait(LOOK)
    points = _exact(explorer) - known
    return (time.perf_counter() - begin) / points if points else float("nan")


def _exact(explorer: show.LandscapeExplorer) -> int:
    return 0 if explorer.surface is None else int(explorer.surface.exact.sum())


def measure(name: str, side: int, rows: int) -> dict[str, str]:
    """One row, measured in a process of its own."""
    call = f"largest.explore{(name, side, rows)}"
    code = f"import json; from benchmarks import largest; print(json.dumps({call}))"
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, **threads},
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    return {
        "network": name,
        "parameters": f"{found['parameters'] / 1e6:.1f} M",
        "points": f"{side} × {side}",
        "rows": f"{rows}",
        "peak": f"{found['peak'] / 1e9:.2f} GB",
        "of it libraries": f"{found['before'] / 1e9:.2f} GB",
        "first map": f"{found['first']:.1f} s",
        "a point": "over" if isnan(found["point"]) else f"{1e3 * found['point']:.0f} ms",
        "Cancel": f"{1e3 * found['cancel']:.0f} ms",
        "longest of 8": f"{1e3 * found['longest']:.0f} ms",
    }


def report() -> str:
    """The table."""
    rows = [measure(*setting) for setting in SETTINGS]
    return table("A survey in the explorer, images of 3 × 32 × 32", rows)
