"""Python ends as if there were no explorers, while they work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
OURS = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}  # not a fusionlab installed elsewhere
INTERRUPTED = (-2, 1)  # Python forgets that it was Ctrl-C when another thread evaluates a string
ENDS = {"end": (0, ""), "exit": (3, ""), "error": (1, "ValueError: the script's own")}
CASES = [
    *((kind, "end") for kind in ("line", "landscape", "curves", "subspace", "survey", "playing")),
    *(("landscape", way) for way in ("exit", "error")),
]


def python(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments], env=OURS, capture_output=True, text=True, check=False
    )


def left(kind: str, way: str) -> tuple[int, str]:
    """The exit code, and the last line of what was said to stderr."""
    done = python(str(HERE / "leaving.py"), kind, way)
    assert done.stdout == "made\n", done.stderr
    *above, last = done.stderr.splitlines() or [""]
    assert not above or above[0].startswith("Traceback"), done.stderr
    assert done.stderr.count("Traceback") <= 1, done.stderr
    return done.returncode, last


@pytest.mark.parametrize(("kind", "way"), CASES)
def test_a_script_ends_as_it_would_without_an_explorer_at_work(kind, way):
    assert left(kind, way) == ENDS[way]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a timer that interrupts")
@pytest.mark.parametrize("kind", ["landscape", "curves"])
def test_an_interrupt_ends_a_script_whose_explorer_works(kind):
    code, last = left(kind, "interrupt")
    assert (code in INTERRUPTED, last) == (True, "KeyboardInterrupt")


def test_work_that_never_looks_up_ends_with_python():
    code = (
        "import time\n"
        "from fusionlab.show.explore.latest import LatestTask\n"
        "def endless():\n"
        "    while True:\n"
        "        time.sleep(0.01)\n"
        "        yield from ()\n"
        "LatestTask(print).ask(endless)\n"
    )
    done = python("-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_idle_thread_is_not_waited_for():
    code = (
        "import fusionlab.show.explore.latest as latest\n"
        "latest.IDLE = 1000.0\n"
        "one = latest.LatestTask(print)\n"
        "one.ask(lambda: iter([]), patience=10)\n"
    )
    done = python("-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
