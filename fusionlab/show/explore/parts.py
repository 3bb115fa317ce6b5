"""A picture of parts: each depends on the state alone, and on what is known by then."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, zip_longest
from threading import Lock
from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go

from fusionlab.show.figures.layout import changes
from fusionlab.show.figures.theme import canvas
from fusionlab.show.page.fig import Changes, Draw, Fig
from fusionlab.show.page.html import describe_figure


@dataclass(frozen=True)
class State:
    """The values of all controls by name, read once and never changed."""

    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))

    def __getattr__(self, name: str) -> Any:
        if name == "values" or name not in self.values:
            raise AttributeError(f"the state has no {name!r}")
        return self.values[name]

    def but(self, **changed: Any) -> State:
        """The same, with other values for some of them."""
        return State({**self.values, **changed})


class Part:
    """One part of a picture.

    Attributes:
        unused: names of arguments that were given in vain, and are not written as code.
    """

    unused: Collection[str] = ()

    def frame(self, s: State) -> Hashable:
        """Where this differs, the picture is drawn anew; else it is only changed."""
        return None

    def ready(self, s: State) -> bool:
        """Whether enough is known to draw it at once."""
        return True

    def draw(self, s: State) -> list[go.Figure]:
        """The part as figures; what they need at least is measured first."""
        return []

    def change(self, s: State) -> tuple[Changes, str]:
        """What differs in the picture where the reader has moved on, and what to say: quickly."""
        return {}, ""

    def quick(self, s: State) -> bool:
        """Whether all that `change` needs is known."""
        return True

    def refine(self, s: State) -> Iterator[None]:
        """Measure more, a little at each step."""
        return iter(())

    def known(self, s: State) -> Hashable:
        """How much is known: where this differs from what is drawn, `update` is drawn."""
        return None

    def update(self, s: State) -> Changes:
        """All that is known, as changes of a picture of the same frame."""
        return {key: each for figure in self.draw(s) for key, each in changes(figure).items()}

    def tell(self, s: State) -> str:
        """How far what is drawn is known, in words."""
        return ""


class Picture:
    """The figure on the page: drawn anew where its frame changes, else changed.

    Args:
        parts: of which it is made.
        compose: makes one figure of the figures of all parts.
        say: takes the words below the picture.
        again: asks for a state once more.
        seen: takes each drawing of what is known, and the words to it.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        compose: Callable[[Sequence[Sequence[go.Figure]], State], go.Figure],
        *,
        say: Callable[[str], None],
        again: Callable[[State], None],
        seen: Callable[[State, Changes, str], None],
    ) -> None:
        self.parts, self._compose, self._say, self._again = parts, compose, say, again
        self.seen = seen
        self.fig = Fig(canvas("Drawing …", description="Drawing …", height=460))
        self.newest = State({})  # what the reader asks for
        self.frame: Any = None  # of the figure on the page
        self._known: Any = None  # by the figure on the page
        self._said, self._drawing, self._asking = "", Lock(), Lock()

    def renew(self, read: Callable[[State], State]) -> State:
        """Take what the reader asks for now, given what that was before."""
        with self._asking:
            self.newest = read(self.newest)
            return self.newest

    def change(self, s: State) -> tuple[Changes, str]:
        """What differs where the reader has moved on, and what to say."""
        patches, words = zip(*(part.change(s) for part in self.parts), strict=True)
        return {key: each for patch in patches for key, each in patch.items()}, _join(words)

    def whole(self, s: State) -> go.Figure:
        """The picture, drawn anew."""
        return self._compose([part.draw(s) for part in self.parts], s)

    def tell(self, s: State) -> str:
        """How far it is known, in words."""
        return _join([part.tell(s) for part in self.parts])

    def steps(self, s: State) -> Iterator[Draw]:
        """From what can be drawn at once to all that can be known."""
        patch, words = self.change(s)
        if self.frame == self.framed(s):
            yield partial(self.arrive, patch, words)
        elif all(part.ready(s) for part in self.parts):
            yield self.at_once(s)
        else:  # something to read, before there is something to see
            yield partial(self.arrive, {}, words)
            yield self.newer(s, patch)
        for _ in chain(zip_longest(*(part.refine(s) for part in self.parts)), [None]):
            yield self.newer(s, patch)

    def quick(self, s: State) -> bool:
        """Whether the figure on the page can be changed to this state without measuring."""
        return self.frame == self.framed(s) and all(part.quick(s) for part in self.parts)

    def framed(self, s: State) -> list[Hashable]:
        """What a figure is drawn for, and cannot be changed to."""
        return [part.frame(s) for part in self.parts]

    def newer(self, s: State, moving: Collection[str]) -> Draw:
        """Draw what is known by now; `moving` are the traces that follow the reader."""
        frame, known = self.framed(s), [part.known(s) for part in self.parts]
        if frame != self.frame:
            return partial(self._replace, s, frame, known, self.whole(s))
        seen = self._known
        stale = [p for p, now, then in zip(self.parts, known, seen, strict=True) if now != then]
        fresh = {key: each for part in stale for key, each in part.update(s).items()}
        return partial(self._sharpen, s, known, fresh, moving)

    def at_once(self, s: State) -> Draw:
        """What is known by now, and where the reader is, as one drawing."""
        patch, words = self.change(s)
        fits, drawing = self.frame == self.framed(s), self.newer(s, patch)

        def draw() -> None:
            if s is self.newest:
                self._said = words
            drawing()
            self.seen(s, patch, _join([words, self.tell(s)]))
            if fits and s is self.newest:
                self.arrive(patch, words)

        return draw

    def arrive(self, patch: Changes, words: str) -> None:
        """Show a place that the reader has moved to."""
        self._said = words
        with self._drawing:
            if patch:
                self.fig.patch(patch, words)
            self.report()

    def show(self, patch: Changes, words: str) -> None:
        """Show a picture of before; whatever is drawn next draws all of the present over it."""
        with self._drawing:
            self._known = [object()] * len(self.parts)
            self.fig.patch(patch, words)
            self._say(words)

    def _sharpen(self, s: State, known: Any, fresh: Changes, moving: Collection[str]) -> None:
        left = moving if s is not self.newest else ()  # the reader has moved on since
        with self._drawing:
            self._known = known
            if fresh:
                shown = {key: each for key, each in fresh.items() if key not in left}
                self.fig.patch(shown, words := _join([self._said, self.tell(self.newest)]))
                self.seen(s, fresh, words)
            self.report()

    def _replace(self, s: State, frame: Any, known: Any, whole: go.Figure) -> None:
        with self._drawing:
            self.frame, self._known = frame, known
            whole.layout.meta["description"] = _join([self._said, describe_figure(whole)])
            self.fig.draw(whole)
            self.seen(s, changes(whole), _join([self._said, self.tell(s)]))
            self.report()
        if s is not self.newest:
            self._again(self.newest)

    def report(self) -> None:
        """Say what is known of the newest state."""
        self._say(_join([self._said, self.tell(self.newest)]))


def _join(words: Sequence[str]) -> str:
    return " ".join(filter(None, words))
