"""Predictions: a reader's guess, locked in before the answer is seen and set beside it then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import ipywidgets as widgets

from fusionlab.teach.cards import GREEN, GREY, VERMILLION, Answer, Card, framed, named, rich

Guess = str | float

_kept: dict[str, tuple[Guess, datetime]] = {}  # by key, so that a cell run twice remembers
_LATE = timedelta(seconds=0.5)  # a slider's last move may arrive so long after a click made later
_CLOSE = 0.1  # of the slider's range: nearer than this counts as seen coming
_NO_GUESS = "Lock in your guess first, or show the answer without one."


class Prediction(Card):
    """A question with a slider or radio buttons, and a button that locks the guess in.

    Example:
        >>> from fusionlab.teach import predict
        >>> guess = predict("0.0", "How high is the barrier?", low=0.0, high=4.0, unit="nats")
        >>> print(guess.text())
        Predict: How high is the barrier?
          from 0 nats to 4 nats
          No guess locked in yet.
    """

    def __init__(self, key: str, question: str, control: widgets.Widget, *, unit: str = "") -> None:
        self.key, self.question, self.unit = key, question, unit
        self._control, self._status = control, widgets.HTML()
        self._comparisons: list[Comparison] = []
        self._pressed = datetime.min
        self._button = widgets.Button(description="Lock in my guess", layout={"width": "auto"})
        title = widgets.HTML(f"<b>Predict.</b> {rich(question)}")
        row = widgets.HBox((self._button, self._status), layout={"align_items": "center"})
        super().__init__((title, named(control, question), row))
        self._remember()
        control.observe(self._moved, "value")
        self._button.on_click(self._keep)
        self._refresh()

    @property
    def value(self) -> Guess | None:
        """The guess that was locked in; None while there is none."""
        return _kept[self.key][0] if self.key in _kept else None

    @property
    def kept_at(self) -> datetime | None:
        """When the guess was locked in."""
        return _kept[self.key][1] if self.key in _kept else None

    @property
    def mark(self) -> float | None:
        """The guess as a number that a figure can draw; None for a choice among words."""
        return None if isinstance(self.value, str) else self.value

    def reveal(self, measured: Guess, words: str = "") -> Comparison:
        """Put what was measured, beside the reader's guess, behind a button.

        A guess that is locked in later appears as well.

        Args:
            measured: the measured number, or the option that turned out to be right.
            words: what to say after the comparison.

        Raises:
            ValueError: if the question has options and `measured` is none of them.
        """
        if self._options and measured not in self._options:
            raise ValueError(
                f"{measured!r} is not an option of prediction {self.key}, so that no guess could "
                f"be right. Reveal one of {list(self._options)}."
            )
        comparison = Comparison(self, measured, words)
        self._comparisons.append(comparison)
        return comparison

    def compare(self, measured: Guess) -> tuple[str, str]:
        """Say in words how the guess and `measured` differ; with the colour that goes with it."""
        if self.value is None:
            return f"Measured: {self.show(measured)}.", GREY
        both = f"You guessed {self.show(self.value)}; measured: {self.show(measured)}."
        if isinstance(self.value, str) or isinstance(measured, str):
            return (f"{both} ✓", GREEN) if self.value == measured else (both, VERMILLION)
        gap = self.value - measured
        if abs(gap) <= _CLOSE * (self._control.max - self._control.min):
            return f"{both} ✓ Close.", GREEN
        return f"{both} {self.show(abs(gap))} too {'high' if gap > 0 else 'low'}.", VERMILLION

    def show(self, guess: Guess) -> str:
        """Write a guess with its unit."""
        return f"“{guess}”" if isinstance(guess, str) else f"{guess:.3g} {self.unit}".strip()

    def text(self) -> str:
        """The question, what can be answered, and the guess."""
        return f"Predict: {self.question}\n  {self._answers()}\n  {self._summary()}"

    @property
    def _options(self) -> Sequence[str]:
        return getattr(self._control, "options", ())

    def _answers(self) -> str:
        if self._options:
            return " / ".join(self._options)
        return f"from {self.show(self._control.min)} to {self.show(self._control.max)}"

    def _summary(self) -> str:
        if self.value is None or self.kept_at is None:
            chosen = self._control.value is not None or self._pressed == datetime.min
            return "No guess locked in yet." if chosen else "Choose an answer first."
        return f"Locked in at {self.kept_at:%H:%M}: {self.show(self.value)}."

    def _remember(self) -> None:
        """Show the guess kept before, unless the question has changed and no longer offers it."""
        if self._offers(self.value):
            self._control.value = self.value
        else:
            _kept.pop(self.key, None)

    def _offers(self, guess: Guess | None) -> bool:
        if self._options or guess is None or isinstance(guess, str):
            return guess in self._options
        return bool(self._control.min <= guess <= self._control.max)

    def _keep(self, button: Any = None) -> None:
        if button is not None:
            self._pressed = datetime.now()
        if self._control.value is not None:
            _kept[self.key] = (self._control.value, datetime.now())
        self._refresh()

    def _moved(self, change: Any) -> None:
        """Ipywidgets holds moves back while the kernel works, but not clicks: keep these moves."""
        if datetime.now() - self._pressed < _LATE:
            self._keep()

    def _refresh(self) -> None:
        self._status.value = rich(self._summary())
        for comparison in self._comparisons:
            comparison.refresh()


class Comparison(Card):
    """A reader's guess beside what was measured, behind a button."""

    def __init__(self, prediction: Prediction, measured: Guess, words: str) -> None:
        self._prediction, self._measured, self._words = prediction, measured, words
        self._answer = Answer(question=prediction.question.replace("`", ""))
        super().__init__((self._answer,))
        self.refresh()

    def refresh(self) -> None:
        """Read the guess again."""
        guess = self._prediction.value
        self._answer.hint = (
            _NO_GUESS if guess is None else f"Your guess: {self._prediction.show(guess)}."
        )
        self._answer.answer = self._framed()

    def text(self) -> str:
        """The question and the comparison in words."""
        return f"{self._prediction.question}\n{self._comparison()}"

    def page(self) -> str:
        """The question and the comparison as HTML."""
        return f"<p><b>{rich(self._prediction.question)}</b></p>{self._framed()}"

    def _comparison(self) -> str:
        return f"{self._prediction.compare(self._measured)[0]} {self._words}".strip()

    def _framed(self) -> str:
        return framed(self._comparison(), self._prediction.compare(self._measured)[1])


def predict(
    key: str,
    question: str,
    *,
    options: Sequence[str] = (),
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
) -> Prediction:
    """Ask for a guess: one of `options`, or a number from `low` to `high`.

    Raises:
        ValueError: unless there are at least two options, or else both limits.
    """
    if len(options) > 1 and low is None and high is None:
        control = widgets.RadioButtons(options=list(options), value=None)
    elif not options and low is not None and high is not None and low < high:
        control = _slider(low, high)
    else:
        raise ValueError(
            f"prediction {key} leaves the reader nothing to choose: options={list(options)}, "
            f"low={low}, high={high}. Give two or more options, or low < high."
        )
    return Prediction(key, question, control, unit=unit)


def _slider(low: float, high: float) -> widgets.FloatSlider:
    middle, step = (low + high) / 2, (high - low) / 100
    return widgets.FloatSlider(
        min=low, max=high, value=middle, step=step, readout_format=".3g", layout={"width": "420px"}
    )
