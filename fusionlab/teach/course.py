"""The course's exercises and quizzes by their keys, and the two calls that notebooks make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fusionlab.teach import (
    exercises_00,
    exercises_10,
    exercises_11,
    exercises_12,
    exercises_13,
    exercises_14,
    exercises_90,
)
from fusionlab.teach.checks import Exercise, Verdict, judge
from fusionlab.teach.quizzes import Question, Quiz

_NOTEBOOKS = {
    "00": exercises_00,
    "10": exercises_10,
    "11": exercises_11,
    "12": exercises_12,
    "13": exercises_13,
    "14": exercises_14,
    "90": exercises_90,
}
EXERCISES: Mapping[str, Exercise] = {
    exercise.key: exercise for book in _NOTEBOOKS.values() for exercise in book.EXERCISES
}
QUIZZES: Mapping[str, Sequence[Question]] = {key: book.QUIZ for key, book in _NOTEBOOKS.items()}


def check(exercise: str | Exercise, attempt: Any) -> Verdict:
    """Judge an attempt at an exercise, given by its key or as an `Exercise` of your own.

    Raises:
        ValueError: if no exercise has this key.
    """
    known = exercise if isinstance(exercise, Exercise) else _find(EXERCISES, exercise, "exercise")
    return judge(known, attempt)


def quiz(key: str, questions: Sequence[Question] | None = None) -> Quiz:
    """Ask the quiz of notebook `key`, or `questions` of your own.

    Raises:
        ValueError: if no quiz has this key and no questions are given.
    """
    return Quiz(key, _find(QUIZZES, key, "quiz") if questions is None else questions)


def _find(table: Mapping[str, Any], key: str, kind: str) -> Any:
    if key not in table:
        raise ValueError(f"there is no {kind} {key!r}; there is {', '.join(table) or 'none yet'}.")
    return table[key]
