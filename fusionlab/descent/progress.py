"""Progress bars for long work, and interrupts that end it between two steps."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol


def bar(total: int | None, what: str, *, progress: bool, unit: str = "step") -> Any:
    """A progress bar that appears after a second and leaves nothing behind."""
    from tqdm.auto import tqdm

    scale = unit == "B"
    return tqdm(
        total=total, desc=what, unit=unit, unit_scale=scale, delay=1,
        mininterval=0.3, leave=False,
        disable=not progress,
    )  # fmt: skip


class Interrupts:
    """Whether Ctrl-C was pressed; a second press raises KeyboardInterrupt at once.

    Example:
        >>> from fusionlab.descent import interrupts_wait
        >>> with interrupts_wait() as interrupts:
        ...     interrupts.pressed
        False
    """

    def __init__(self) -> None:
        self.pressed = False
        self._warned = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take part as a signal handler."""
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True

    def tell(self, text: str) -> None:
        """Warn once, for all work that this interrupt ends."""
        if not self._warned:
            warnings.warn(text, RuntimeWarning, stacklevel=2)
        self._warned = True


@contextmanager
def interrupts_wait() -> Iterator[Interrupts]:
    """Note Ctrl-C instead of raising, so that no step is cut in half; blocks may be nested.

    Python gives interrupts to the main thread only. In other threads, or if the program has its own
    handler or ignores interrupts (`nohup`, `&` in a script), nothing changes.
    """
    before = signal.getsignal(signal.SIGINT)
    if isinstance(before, Interrupts):
        yield before
    elif (
        before is not signal.default_int_handler
        or threading.current_thread() is not threading.main_thread()
    ):
        yield Interrupts()
    else:
        interrupts = Interrupts()
        signal.signal(signal.SIGINT, interrupts)
        try:
            yield interrupts
        finally:
            signal.signal(signal.SIGINT, before)


class Work(Protocol):
    """Work in `total` steps, some of them at each `advance`, which is False at the end."""

    total: int

    @property
    def steps(self) -> int:
        """Steps done."""

    def advance(self) -> bool:
        """Continue for a moment."""


def carry_out(work: Work, what: str, *, kept: str, progress: bool) -> None:
    """Continue to the end; an interrupt stops it, with a warning that says what is `kept`."""
    with interrupts_wait() as interrupts, bar(work.total, what, progress=progress) as moved:
        while work.advance():
            moved.update(work.steps - moved.n)
            if interrupts.pressed:
                interrupts.tell(
                    f"interrupted after step {work.steps} of {work.total}: {kept} is kept, and "
                    "`complete` is False."
                )
                break
