"""The newest request wins: background work of which only the last asked for is done.

Why a thread, and not asyncio: torch leaves Python's lock while it computes, so a thread lets the
kernel answer; a coroutine would hold the kernel's loop for the length of a step, would wait for
the end of a running cell (Run All), and plain pytest has no loop at all. Widgets may be changed
from any thread. One thread per explorer, so that work is never done twice at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from fusionlab.landscape import Stopped, stops_when
from fusionlab.show.explore.ending import start_thread
from fusionlab.show.page.fig import Draw

Steps = Callable[[], Iterable[Draw]]  # starts the work, whose results come one by one

IDLE = 5.0  # seconds that the thread stays for more work: a new one must copy the network first


class LatestTask:
    """Runs the newest work in a thread of its own; older work is dropped or stops at its next step.

    Args:
        on_error: takes any exception of the newest work, in that thread.
    """

    def __init__(self, on_error: Callable[[Exception], None]) -> None:
        self._on_error = on_error
        # Held while a result is drawn, so that nothing is drawn over by older work.
        self._state = threading.Condition(threading.RLock())
        self._request: Steps | None = None
        self._generation = 0  # of the newest request
        self._drawn = 0  # the newest generation that has drawn something, or is over
        self._alive = self._busy = False  # is there a thread, and has it work in hand
        self._over = False  # Python ends

    def ask(self, steps: Steps, *, patience: float = 0.0) -> None:
        """Do this work, instead of all that was asked for before.

        Args:
            steps: starts the work; each item draws a result, better than the one before.
            patience: seconds to wait for the first result, so that a quick one is drawn on return.
        """
        with self._state:
            if self._over:
                return
            self._generation += 1
            self._request, generation = steps, self._generation
            if not self._alive:
                self._alive = True
                start_thread(self._run, stop=self._end)
            self._state.notify_all()
            self._state.wait_for(lambda: self._drawn >= generation, patience)

    def between(self, draw: Draw) -> None:
        """Draw what is known already, now, between two results of the work that goes on."""
        with self._state:
            draw()

    def cancel(self) -> None:
        """Drop the work: nothing of it will be drawn from now on."""
        with self._state:
            self._generation += 1
            self._request = None
            self._state.notify_all()

    def wait(
        self, seconds: float | None = None, *, until: Callable[[], bool] = lambda: False
    ) -> bool:
        """Wait until no work is left, or `until` holds; False if it takes longer than that."""
        with self._state:
            return self._state.wait_for(lambda: not self._at_work() or until(), seconds)

    def _at_work(self) -> bool:
        return self._busy or self._request is not None

    def _run(self) -> None:
        while (task := self._take()) is not None:
            generation, steps = task
            try:
                with stops_when(lambda generation=generation: generation != self._generation):  # type: ignore[misc]
                    self._follow(generation, steps)
            except Stopped:
                pass
            except Exception as error:
                self._tell(generation, error)
            finally:
                self._finish(generation)

    def _take(self) -> tuple[int, Steps] | None:
        with self._state:
            self._state.wait_for(lambda: self._request is not None or self._over, IDLE)
            request, self._request = self._request, None
            self._alive = self._busy = request is not None
            return None if request is None else (self._generation, request)

    def _follow(self, generation: int, steps: Steps) -> None:
        for draw in steps():
            with self._state:
                if generation != self._generation:
                    return
                draw()
                self._drawn = generation
                self._state.notify_all()

    def _tell(self, generation: int, error: Exception) -> None:
        with self._state:
            if generation == self._generation:
                self._on_error(error)

    def _finish(self, generation: int) -> None:
        with self._state:
            self._drawn = max(self._drawn, generation)
            self._busy = False
            self._state.notify_all()

    def _end(self) -> None:
        with self._state:
            self._over = True
            self.cancel()
