"""How fast the explorers follow the hand: in the kernel, and in Chromium's page."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.cases import Case
from benchmarks.timing import medians, table
from fusionlab.connectivity import Bezier, Chain, Fitting, Line, Simplex
from fusionlab.lab import Recipe, digits
from fusionlab.landscape import Landscape
from fusionlab.show import CurveExplorer, explore_curves, explore_line, explore_subspace

MOVES = 50
WATCHED = 4.0  # seconds of a training, to count its pictures
NOTEBOOK = "00_start_here.ipynb"
FIRST = ".fusionlab-explorer .js-plotly-plot"


def in_the_kernel(case: Case) -> list[float]:
    """Milliseconds from a new value of the slider to the changed figure, for each move."""
    task = digits()
    landscapes = {
        name: Landscape(case.model, data, calibration=task.train)
        for name, data in (("train", task.train), ("test", task.test))
    }
    explorer = explore_line(landscapes, Line(*case.points[:2]), samples=task.test.sample(8))
    times = []
    for move in range(MOVES):
        # Positions that the curve does not know yet, as when it is still being drawn.
        for scored, _ in explorer.along.tracks(explorer.state).values():
            scored.keep(lambda place: place in (0, 100))
        begin = time.perf_counter()
        explorer.slider.value = (7 * move % 97 + 1) / 100
        times.append(1000 * (time.perf_counter() - begin))
    explorer.close()
    return times


def along_curves(case: Case) -> tuple[dict[str, list[float]], float]:
    """Milliseconds from a new t to the drawn marks, idle and while a curve is trained.

    Also how many pictures of that training are drawn per second, while nobody moves the slider.
    """
    task, (a, b, _) = digits(), case.points
    curve = Bezier.between(a, b)

    def begin() -> Fitting:
        return Fitting(case.model, task.train, curve, Recipe(epochs=100_000, lr=0.05), seed=0)

    paths = {"line": Line(a, b), "chain": Chain.between(a, b, bends=3), "curve": curve}
    explorer = explore_curves(
        Landscape(case.model, task.train),
        paths,
        training={"curve": begin},
        samples=task.test.sample(8),
    )
    explorer.wait(60)
    times = {"curves, idle": _marks(explorer)}
    drawn, seen = [], explorer.seen
    explorer.picture.seen = lambda *given: drawn.append(seen(*given))
    explorer.go_on()
    time.sleep(WATCHED)
    pace = len(drawn) / WATCHED
    times["curves, training"] = _marks(explorer)
    explorer.close()
    explorer.wait(60)
    return times, pace


def _marks(explorer: CurveExplorer) -> list[float]:
    """Milliseconds from a new value of the slider until its marks are drawn, for each move."""
    times = []
    for move in range(MOVES):
        t = (7 * move % 97 + 1) / 100
        begin = time.perf_counter()
        explorer.slider.value = t
        while explorer.fig.trace("loss:mark:line")["x"] != [t]:
            time.sleep(0.0005)
        times.append(1000 * (time.perf_counter() - begin))
        time.sleep(0.05)
    return times


def in_a_triangle(case: Case) -> list[float]:
    """Milliseconds from a new share to the changed figure, for each move."""
    task = digits()
    landscape = Landscape(case.model, task.train)
    explorer = explore_subspace(landscape, Simplex(case.points), samples=task.test.sample(9))
    explorer.wait(60)
    times = []
    for move in range(MOVES):
        begin = time.perf_counter()
        explorer.sliders[move % 3].value = (7 * move % 97 + 1) / 100
        times.append(1000 * (time.perf_counter() - begin))
    explorer.close()
    return times


def on_the_page() -> list[float]:
    """Milliseconds from a key press on the slider to the drawn figure, for each move."""
    from playwright.sync_api import sync_playwright

    from tests.browser.lab import FLAGS, Lab, Opened, find_chromium

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = Lab(Path(folder))
        try:
            shutil.copy(Path("notebooks") / NOTEBOOK, lab.root / NOTEBOOK)
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
            opened = Opened(browser.new_page(viewport={"width": 1280, "height": 1000}))
            opened.open(lab.url(NOTEBOOK))
            plot, slider = opened.page.locator(FIRST).first, opened.page.get_by_role("slider")
            plot.scroll_into_view_if_needed()
            named = slider.and_(opened.page.get_by_label("position t")).first
            times = opened.milliseconds_to_draw(named, plot, "ArrowRight", times=MOVES)
            browser.close()
        finally:
            lab.stop()
    return times


def imports() -> dict[str, float]:
    """Seconds to import torch, and torch with fusionlab, in a fresh Python."""
    lines = {"torch": "import torch", "torch and fusionlab": "import torch, fusionlab"}
    ways = {
        name: (lambda line=line: subprocess.run([sys.executable, "-c", line], check=True))
        for name, line in lines.items()
    }
    return medians(ways, rounds=7)


def report(cases: list[Case]) -> str:
    """The tables."""
    rows = []
    for case in cases:
        times = in_the_kernel(case)
        rows.append({"where": f"kernel, {case.name}", **_summary(times)})
        by_state, pace = along_curves(case)
        for state, times in by_state.items():
            rows.append({"where": f"kernel, {case.name}, {state}", **_summary(times)})
        rows[-1]["where"] += f" ({pace:.1f} pictures/s)"
        times = in_a_triangle(case)
        rows.append({"where": f"kernel, {case.name}, triangle", **_summary(times)})
    rows.append({"where": "page, MLP 32", **_summary(on_the_page())})
    both = {name: f"{seconds:.2f} s" for name, seconds in imports().items()}
    title = f"From a move of the slider to the drawn figure, {MOVES} moves"
    return table(title, rows) + "\n" + table("Import", [both])


def _summary(times: list[float]) -> dict[str, str]:
    ordered = sorted(times)
    return {
        "median": f"{median(times):.1f} ms",
        "9 of 10 within": f"{ordered[int(0.9 * len(ordered))]:.1f} ms",
        "longest": f"{ordered[-1]:.1f} ms",
    }
