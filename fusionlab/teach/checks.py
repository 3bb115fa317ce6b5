"""Checks: an exercise lists what a right answer does, and what to say if it does not."""

from __future__ import annotations

import dis
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from traceback import FrameSummary
from typing import Any, NamedTuple

from fusionlab.teach.cards import GREEN, GREY, VERMILLION, framed

_IDLE_STEPS = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}


class Property(NamedTuple):
    """What a right answer does, and what to say if an answer does not.

    Example:
        >>> from fusionlab.teach import Property
        >>> Property(lambda f: f(2) == 4, "Two must become four.").holds(lambda x: 2 * x)
        True
    """

    holds: Callable[[Any], bool]
    diagnosis: str


class Wrong(NamedTuple):
    """A typical wrong answer, and words that its diagnosis must contain.

    Example:
        >>> from fusionlab.teach import Wrong
        >>> Wrong(lambda x: x + 1, "four").answer(2)
        3
    """

    answer: Any
    words: str


@dataclass(frozen=True)
class Exercise:
    """Properties in the order in which they are tried; the first that fails gives the message.

    `wrong` lists answers that learners really give: tests run each, and look for its words.

    Example:
        >>> from fusionlab.teach import Exercise, Property, Wrong, check
        >>> double = Exercise(
        ...     key="00.0",
        ...     properties=(Property(lambda f: f(2) == 4, "Two must become four."),),
        ...     wrong=(Wrong(lambda x: x + 1, "four"),),
        ...     praise="Doubled.",
        ... )
        >>> check(double, lambda x: 2 * x)
        ✓ Passed. Doubled.
        >>> check(double, double.wrong[0].answer)
        ✗ Not yet. Two must become four.
    """

    key: str
    properties: tuple[Property, ...]
    wrong: tuple[Wrong, ...] = ()
    praise: str = "Your answer has all the properties that were asked for."


@dataclass(frozen=True)
class Verdict:
    """The answer to an attempt: passed, not passed, or (None) not tried yet.

    Example:
        >>> from fusionlab.teach import Verdict
        >>> Verdict(None, "Write your answer in the cell above.")
        ○ Not tried yet. Write your answer in the cell above.
    """

    passed: bool | None
    message: str

    def __str__(self) -> str:
        sign = {True: "✓ Passed.", False: "✗ Not yet.", None: "○ Not tried yet."}[self.passed]
        return f"{sign} {self.message}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return framed(str(self), {True: GREEN, False: VERMILLION, None: GREY}[self.passed])


def judge(exercise: Exercise, attempt: Any) -> Verdict:
    """Try the properties in order; an error in the attempt is reported, never raised."""
    if _is_untouched(attempt):
        return _untried(exercise)
    subject = _watched(attempt) if callable(attempt) else attempt
    for holds, diagnosis in exercise.properties:
        try:
            right = holds(subject)
        except Exception as error:  # whatever a learner's code does, the notebook goes on
            return _stopped(exercise, error, diagnosis)
        if not right:
            return Verdict(False, diagnosis)
    return Verdict(True, exercise.praise)


def _is_untouched(attempt: Any) -> bool:
    """True of None, of `...`, and of a function with an empty body."""
    if attempt is None or attempt is ...:
        return True
    code = getattr(attempt, "__code__", None)
    if code is None or not {step.opname for step in dis.get_instructions(code)} <= _IDLE_STEPS:
        return False
    return set(code.co_consts) - {attempt.__doc__} <= {None, ...}


def _untried(exercise: Exercise) -> Verdict:
    words = f"Write your answer to exercise {exercise.key} in the cell above, then run both cells."
    return Verdict(None, words)


def _watched(attempt: Callable[..., Any]) -> Callable[..., Any]:
    """Call `attempt`, but raise where it returns nothing; its frame marks where our code ends."""

    def call_of_the_learners_code(*args: Any, **kwargs: Any) -> Any:
        result = attempt(*args, **kwargs)
        if result is ...:
            raise NotImplementedError
        if result is None:
            raise _NothingReturnedError
        return result

    return call_of_the_learners_code


class _NothingReturnedError(Exception):
    """The attempt was called and returned None."""


def _stopped(exercise: Exercise, error: Exception, diagnosis: str) -> Verdict:
    """Say where the attempt stopped; if the property itself failed, give its diagnosis."""
    steps = _steps(error)
    if steps is None:
        return Verdict(False, diagnosis)
    bare = isinstance(error, NotImplementedError) and not error.args  # libraries add a message
    if bare and len(steps) < 2:
        return _untried(exercise)
    if isinstance(error, _NothingReturnedError):
        return Verdict(False, "Your function returns nothing. Is a `return` missing?")
    what = f"{type(error).__name__}: {error}"
    if not steps:
        return Verdict(
            False, f"The check called your function, but it cannot be called like this: {what}"
        )
    line = [step for step in steps if step.filename == steps[0].filename][-1]
    return Verdict(False, f"Your code stopped in line {line.lineno}, `{line.line}`: {what}")


def _steps(error: Exception) -> list[FrameSummary] | None:
    """The frames of the learner's code and of what it called; None if the failure is not there."""
    trace = traceback.extract_tb(error.__traceback__)
    names = [step.name for step in trace]
    if "call_of_the_learners_code" not in names:
        return None
    return trace[names.index("call_of_the_learners_code") + 1 :]
