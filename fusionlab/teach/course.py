"""The course's exercises and quizzes by their keys, and the two calls that notebooks make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from fusionlab.teach import exercises
from fusionlab.teach.checks import Exercise, Verdict, judge
from fusionlab.teach.quizzes import Question, Quiz

_NOTEBOOKS = {  # all files in the folder, so that a new notebook needs only a file
    file.name.removeprefix("notebook_"): import_module(f"{exercises.__name__}.{file.name}")
    for file in iter_modules(exercises.__path__)
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
        *keys, last = map(repr, table)
        raise ValueError(f"Unknown {kind} {key!r}. Choose {', '.join(keys)} or {last}.")
    return table[key]
