"""Threads that end before Python does.

A thread that is inside torch while Python is taken down is thrown out of it, and torch then aborts
the process. So Python waits for these threads (they are no daemons), and asks them to stop first.
"""

from __future__ import annotations

import atexit
import ctypes
import threading
import time
from collections.abc import Callable

GRACE = 0.3  # seconds to stop by themselves, as evaluations do between two layers

_stops: dict[threading.Thread, Callable[[], None]] = {}
_over = threading.Event()


def start_thread(work: Callable[[], None], *, stop: Callable[[], None]) -> None:
    """Work in a thread of its own; when Python ends, `stop` is called and the work waited for."""
    if _over.is_set():
        return

    def run() -> None:
        try:
            work()
        finally:
            _stops.pop(thread, None)

    thread = threading.Thread(target=run, name="fusionlab", daemon=False)
    _stops[thread] = stop
    thread.start()


def _end() -> None:
    _over.set()
    threads = list(_stops)
    for stop in list(_stops.values()):
        stop()
    end = time.monotonic() + GRACE
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    for thread in threads:
        if thread.is_alive() and thread.ident:  # in an import, or in a reader's own function
            _leave(thread.ident)


def _leave(thread: int) -> None:
    """Have a thread end itself before its next line of Python."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(SystemExit))


# `atexit` alone would come too late: Python calls it after it has waited for all threads.
getattr(threading, "_register_atexit", atexit.register)(_end)
