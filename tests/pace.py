"""A run of the tests by several workers: the longest parts first, and how long it will take.

A part is what one worker does in one go: a file, whose tests may share what is dear to make, or one
run of a notebook. `seconds.json` keeps how long each part took with two workers on two idle cores;
`pytest -n auto --keep-seconds` measures anew.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

KEPT = Path(__file__).with_name("seconds.json")
ALONE = ("tests/notebooks/test_run.py", "tests/browser/test_course.py")  # here, each test is a part
FIRST = ("tests/notebooks/test_run.py", "tests/browser/")  # what these train, the browser finds
MOST = 8  # workers; each takes its share of the memory, and the longest part lasts as long


def part_of(test: str) -> str:
    """The part that a test belongs to, by its name."""
    file = test.partition("::")[0]
    return test if file in ALONE else file


class Plan:
    """How long each part is expected to take, from what it took before."""

    def __init__(self, known: Mapping[str, float], tests: Iterable[str], workers: int) -> None:
        self.tests, self.workers = Counter(map(part_of, tests)), workers
        middling = sorted(known.values())[len(known) // 2] if known else 1.0
        self.seconds = {part: known.get(part, middling) for part in self.tests}

    def place(self, test: str) -> tuple[int, float]:
        """Where a test stands in the order; what is smaller comes earlier."""
        part = part_of(test)
        kind = next((i for i, name in enumerate(FIRST) if part.startswith(name)), len(FIRST))
        return kind, -self.seconds[part]

    def total(self) -> float:
        """Seconds for all workers together, no fewer than the longest part takes alone."""
        return max(sum(self.seconds.values()) / self.workers, *self.seconds.values(), 0.0)

    def share(self, done: Iterable[str]) -> float:
        """How much of the work these parts are."""
        return sum(self.seconds[part] for part in done) / sum(self.seconds.values())


class Progress:
    """Says how long the run will take, and a line for each part that is done."""

    def __init__(self, config: pytest.Config) -> None:
        self._config, self._plan = config, Plan({}, (), 1)
        self._left, self._taken = Counter[str](), Counter[str]()
        self._began = time.monotonic()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Each worker reports all tests; the first one is believed."""
        if not self._plan.tests and ids:
            self._plan = Plan(kept(), ids, self._config.option.numprocesses)
            self._left = self._plan.tests.copy()
            self._began = time.monotonic()
            self._say(
                f"{len(ids)} tests in {len(self._left)} parts, {self._plan.workers} at a time: "
                f"about {minutes(self._plan.total())}"
            )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what a test took, and say so after the last one of a part."""
        part = part_of(report.nodeid)
        self._taken[part] += report.duration
        self._left[part] -= report.when == "teardown"
        if not self._left[part]:
            share = self._plan.share(part for part, left in self._left.items() if left <= 0)
            passed = minutes(time.monotonic() - self._began)
            self._say(f"{share:4.0%} after {passed}  {part.removeprefix('tests/')}")

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """A test that passes needs no dot beside these lines."""
        return ("passed", "", "PASSED") if report.passed and report.when == "call" else None

    def pytest_sessionfinish(self) -> None:
        """Keep what the parts took, if that is asked for."""
        if self._config.option.keep_seconds:
            done = {part: round(self._taken[part], 1) for part in self._taken}
            parts = {part: s for part, s in (kept() | done).items() if _exists(part)}
            KEPT.write_text(json.dumps(parts, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    def _say(self, words: str) -> None:
        self._config.pluginmanager.get_plugin("terminalreporter").write_line(words)


def _exists(part: str) -> bool:
    return (KEPT.parents[1] / part.partition("::")[0]).exists()


def kept() -> dict[str, float]:
    """Seconds by part, as they were measured last."""
    seconds: dict[str, float] = json.loads(KEPT.read_text(encoding="utf-8"))
    return seconds


def minutes(seconds: float) -> str:
    """Minutes and seconds, as a clock shows them."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02} min"


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pytest_addoption(parser: pytest.Parser) -> None:
    words = "keep how long each part took, for the estimates of later runs (with -n)"
    parser.addoption("--keep-seconds", action="store_true", help=words)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    return min(cores(), MOST)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Hand out whole parts, in the order in which they were collected."""
    from xdist.scheduler import LoadScopeScheduling

    class Parts(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return part_of(nodeid)

    config.option.loadscopereorder = False
    return Parts(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """One thread each, also in kernels: a second one waits for a core, and triples the work."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(config), "progress")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker, put the longest first; a file's tests stay together."""
    if hasattr(config, "workerinput"):
        plan = Plan(kept(), (item.nodeid for item in items), 1)
        items.sort(key=lambda item: plan.place(item.nodeid))
