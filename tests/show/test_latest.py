"""The newest request wins: older work is dropped, nothing queues, and no error is lost."""

import threading
import time

import pytest

from fusionlab.show.explore.latest import LatestTask


@pytest.fixture
def troubles():
    return []


@pytest.fixture
def latest(troubles):
    latest = LatestTask(troubles.append)
    yield latest
    latest.cancel()
    assert latest.wait(5)


def steps(log, *names):
    """Work whose results are names, noted when they are drawn."""
    return lambda: ((lambda name=name: log.append(name)) for name in names)


def test_all_results_are_drawn_in_order(latest):
    log = []
    latest.ask(steps(log, "coarse", "fine", "exact"))
    assert latest.wait(5)
    assert log == ["coarse", "fine", "exact"]


def test_of_many_requests_only_the_first_begun_and_the_last_are_worked_on(latest):
    begun, gate = [], threading.Event()

    def request(i):
        def work():
            begun.append(i)
            gate.wait(5)
            yield lambda: None

        return work

    for i in range(100):
        latest.ask(request(i))
        if i == 0:
            wait_for(lambda: begun)
    gate.set()
    assert latest.wait(5)
    assert begun == [0, 99]


def test_nothing_of_older_work_is_drawn_after_a_newer_wish(latest):
    log, at_work, go_on = [], threading.Event(), threading.Event()

    def old():
        yield lambda: log.append("old")
        at_work.set()
        go_on.wait(5)
        yield lambda: log.append("too late")

    latest.ask(old)
    assert at_work.wait(5)
    latest.ask(steps(log, "new"))
    go_on.set()
    assert latest.wait(5)
    assert log == ["old", "new"]


def test_cancelled_work_stops_at_its_next_step(latest):
    log, at_work = [], threading.Event()

    def endless():
        while True:
            at_work.set()
            time.sleep(0.001)
            yield lambda: log.append(1)

    latest.ask(endless)
    assert at_work.wait(5)
    latest.cancel()
    drawn = len(log)
    assert latest.wait(5)
    assert len(log) == drawn


def test_work_cancelled_before_it_began_is_not_waited_for(latest):
    log = []
    for _ in range(100):
        latest.ask(steps(log, "never or once"))
        latest.cancel()
        assert latest.wait(1)


def test_quick_work_is_done_when_ask_returns(latest):
    log = []
    latest.ask(steps(log, "done"), patience=5)
    assert log == ["done"]


def test_patience_ends_while_slow_work_goes_on(latest):
    log, gate = [], threading.Event()

    def slow():
        gate.wait(5)
        yield lambda: log.append("late")

    latest.ask(slow, patience=0.01)
    assert log == []
    gate.set()
    assert latest.wait(5)
    assert log == ["late"]


@pytest.mark.parametrize("where", ["work", "drawing"])
def test_an_error_is_told_and_later_work_is_done(latest, troubles, where):
    def broken():
        if where == "work":
            raise RuntimeError("no luck")
        yield lambda: 1 / 0

    log = []
    latest.ask(broken, patience=5)
    assert latest.wait(5)
    assert len(troubles) == 1
    latest.ask(steps(log, "fine"), patience=5)
    assert log == ["fine"]


def test_a_drawing_may_ask_for_more(latest):
    log = []
    latest.ask(lambda: iter([lambda: latest.ask(steps(log, "again"))]))
    assert latest.wait(5)
    assert log == ["again"]


def test_waiting_ends_when_what_is_waited_for_is_there(latest):
    log, gate = [], threading.Event()

    def work():
        yield lambda: log.append("first")
        gate.wait(5)
        yield lambda: log.append("second")

    latest.ask(work)
    assert latest.wait(5, until=lambda: bool(log))
    assert log == ["first"]
    gate.set()


def wait_for(condition):
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end, "it did not happen within 5 s"
        time.sleep(0.001)
