"""The longest parts of the suite come first, and a run says how long it takes."""

import os
import re
import subprocess
import sys
from pathlib import Path

from .pace import KEPT, Plan, minutes, part_of

RUN = "tests/notebooks/test_run.py::test_it_runs[{}]"
OPEN = "tests/browser/test_course.py::test_it_opens[{}]"
LONG = [f"tests/room/test_long.py::test_{i}" for i in range(3)]
SHORT = ["tests/room/test_short.py::test_0"]
EXPLORE = ["tests/browser/test_explorers.py::test_0", "tests/browser/test_explorers.py::test_1"]
SECONDS = {
    RUN.format("10_a"): 20.0,
    RUN.format("11_b"): 30.0,
    OPEN.format("10_a"): 9.0,
    "tests/browser/test_explorers.py": 10.0,
    "tests/room/test_long.py": 50.0,
    "tests/room/test_short.py": 1.0,
}
TESTS = [*SHORT, *LONG, OPEN.format("10_a"), *EXPLORE, RUN.format("10_a"), RUN.format("11_b")]

TINY = """
import os, pathlib, time
def test_one():
    pathlib.Path({name!r} + "1").write_text(str(os.getpid()))
    time.sleep(0.5)
def test_two():
    pathlib.Path({name!r} + "2").write_text(str(os.getpid()))
    assert os.environ["OMP_NUM_THREADS"] == {threads!r}
"""


def test_a_file_is_one_part_and_each_run_of_a_notebook_is_alone():
    assert len(set(map(part_of, LONG))) == 1
    assert len(set(map(part_of, EXPLORE))) == 1
    assert part_of(RUN.format("10_a")) != part_of(RUN.format("11_b"))


def test_notebooks_run_before_the_browser_opens_them_and_the_longest_come_first():
    plan = Plan(SECONDS, TESTS, 2)
    runs = [RUN.format("11_b"), RUN.format("10_a")]
    assert sorted(TESTS, key=plan.place) == [*runs, *EXPLORE, OPEN.format("10_a"), *LONG, *SHORT]


def test_a_run_takes_its_share_of_all_seconds_but_no_less_than_its_longest_part():
    assert Plan(SECONDS, TESTS, 1).total() == 120
    assert Plan(SECONDS, TESTS, 2).total() == 60
    assert Plan(SECONDS, TESTS, 4).total() == 50
    assert Plan(SECONDS, LONG, 4).total() == 50


def test_a_part_that_was_never_measured_is_taken_for_a_middling_one():
    assert Plan({"a": 1.0, "b": 3.0, "c": 100.0}, ["new.py::test"], 1).total() == 3
    assert Plan({}, ["new.py::test"], 1).total() > 0


def test_what_is_done_counts_by_its_seconds():
    plan = Plan(SECONDS, TESTS, 2)
    assert plan.share([]) == 0
    assert plan.share(["tests/room/test_long.py", "tests/browser/test_explorers.py"]) == 0.5
    assert plan.share(SECONDS) == 1


def test_time_is_told_as_by_a_clock():
    assert [minutes(seconds) for seconds in (0, 61.9, 600)] == ["0:00 min", "1:01 min", "10:00 min"]


def test_a_run_with_workers_says_how_long_it_takes_and_what_is_done_of_it(tmp_path):
    for name in ("test_a", "test_b"):
        (tmp_path / f"{name}.py").write_text(TINY.format(name=name, threads="3"))
    command = [sys.executable, "-m", "pytest", "-p", "tests.pace", "-n", "2", "--rootdir", "."]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "-c", os.devnull, "."],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(KEPT.parents[1]), "OMP_NUM_THREADS": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"4 tests in 2 parts, 2 at a time: about \d+:\d\d min", done.stdout)
    assert re.search(r"50% after \d+:\d\d min  test_[ab]\.py", done.stdout)
    assert re.search(r"100% after \d+:\d\d min  test_[ab]\.py", done.stdout)
    workers = {name: Path(tmp_path / name).read_text() for name in ("test_a1", "test_b1")}
    assert workers["test_a1"] != workers["test_b1"]
    assert workers["test_a1"] == (tmp_path / "test_a2").read_text()
