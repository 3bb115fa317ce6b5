"""Paths that are trained while one looks: in a thread of their own, each in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf
from threading import Event, RLock
from time import perf_counter
from typing import Any, Literal, NamedTuple

from fusionlab.connectivity import Path
from fusionlab.show.explore.latest import LatestTask
from fusionlab.show.page.fig import Draw

Start = Callable[[], Iterator[Any]]  # begins a training, whose items are paths or have a `shape`
Progress = Literal["untrained", "training", "paused", "done"]


class Speed(NamedTuple):
    """How many steps a slice has at most, as a share of those before; seconds that all are seen."""

    growth: float
    seconds: float


SPEEDS = {"slow": Speed(0.25, 0.4), "normal": Speed(0.5, 0.2), "fast": Speed(inf, 0.0)}

_LABELS = {
    "untrained": ("Train", "Train the curves while you look"),
    "training": ("Pause", "Let the training rest"),
    "paused": ("Go on", "Go on with the training"),
    "done": ("Trained", "The training is over; Reset goes back to its start"),
}


@dataclass(frozen=True)
class Stage:
    """How far one path has come: what it is now, after how many steps of how many."""

    path: Path
    steps: int = 0
    total: int | None = None
    over: bool = False

    def tell(self, name: str) -> str:
        """The stage in words."""
        of = f" of {self.total}" if self.total else ""
        early = " ended early," if self.over and self.total and self.steps < self.total else ""
        return f"{name}{early} at step {self.steps}{of}"


class Trainer:
    """Trains some of the paths, a slice of each in turn.

    Args:
        paths: where each begins, by name.
        starts: how to begin the training of some of them, by name.
        news: called in the training's thread after each slice, and when it rests; the training
            waits for it.
        on_error: takes any exception, in that thread.

    Attributes:
        stages: how far each of those has come, by name.
        speed: the first steps are seen one by one, at any but the fastest.
    """

    def __init__(
        self,
        paths: Mapping[str, Path],
        starts: Mapping[str, Start],
        *,
        news: Callable[[], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._origins, self._starts, self._news = paths, starts, news
        self._latest = LatestTask(on_error)
        self._state, self._hurry = RLock(), Event()
        self.speed = SPEEDS["normal"]
        self._wanted = self._alive = False
        self.reset()

    @property
    def paths(self) -> dict[str, Path]:
        """The paths as they are now, those in training as far as they have come."""
        return {**self._origins, **{name: stage.path for name, stage in self.stages.items()}}

    @property
    def state(self) -> Progress:
        """What the training is doing."""
        with self._state:
            if self._wanted:
                return "training"
            if not self._left:
                return "done"
            return "paused" if self._begun else "untrained"

    @property
    def label(self) -> tuple[str, str]:
        """What a button may do next: its name, and its meaning."""
        return _LABELS[self.state]

    def go_on(self) -> None:
        """Train from here on."""
        with self._state:
            self._wanted = bool(self._left)
            self._hurry.clear()
            if self._alive or not self._wanted:
                return
            self._alive = True
        self._latest.ask(self._steps)

    def pause(self) -> None:
        """Rest after the slice in hand."""
        with self._state:
            self._wanted = False
            self._hurry.set()

    def reset(self) -> None:
        """Go back to the untrained paths."""
        self.pause()
        with self._state:
            self._begun: dict[str, Iterator[Any]] = {}
            self._left = list(self._starts)
            self.stages: Mapping[str, Stage] = {n: Stage(self._origins[n]) for n in self._starts}

    def close(self) -> None:
        """Stop for good."""
        self.pause()
        self._latest.cancel()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the training rests; False if that takes longer."""
        return self._latest.wait(seconds)

    def _steps(self) -> Iterator[Draw]:
        try:
            while (name := self._next()) is not None:
                began, seconds = perf_counter(), self.speed.seconds / max(1, len(self._left))
                self._train(name)
                self._news()
                self._hurry.wait(max(0.0, began + seconds - perf_counter()))
                yield lambda: None  # the pictures are drawn by the explorer's own thread
            self._news()
        except Exception:
            with self._state:
                self._wanted = self._alive = False
            raise

    def _next(self) -> str | None:
        """Whose turn it is; None if the training shall rest, and then the thread is free."""
        with self._state:
            self._wanted = self._wanted and bool(self._left)
            self._alive = self._wanted
            if not self._wanted:
                return None
            self._left = [*self._left[1:], self._left[0]]
            return self._left[-1]

    def _train(self, name: str) -> None:
        """Train one path for one slice, and note what it has become."""
        before = self.stages
        run = self._begun.get(name) or iter(self._starts[name]())
        if hasattr(run, "stride"):
            share, steps = self.speed.growth, before[name].steps
            run.stride = None if share == inf else max(1, int(share * steps))
        item = next(run, None)
        with self._state:
            if self.stages is not before:  # it was reset meanwhile
                return
            self._begun[name] = run
            if item is None:
                self._left.remove(name)
            now = replace(before[name], over=True) if item is None else _stage(run, item)
            self.stages = {**before, name: now}


def _stage(run: Iterator[Any], item: Any) -> Stage:
    return Stage(
        getattr(item, "shape", item),
        steps=int(getattr(item, "steps", getattr(run, "steps", 0))),
        total=getattr(run, "total", None),
    )
