"""Quizzes: a few questions at the end of a notebook, each answer with its reason."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets

from fusionlab.teach.cards import GREEN, VERMILLION, Card, framed, named, rich


@dataclass(frozen=True)
class Question:
    """A question, its answers with an explanation for each, and which one is right.

    Example:
        >>> from fusionlab.teach import Question
        >>> asked = Question("2 + 2?", {"4": "It is.", "5": "One too many."}, right="4")
        >>> asked.explain("5")
        '✗ Not this one. One too many.'
    """

    text: str
    answers: Mapping[str, str]
    right: str

    def __post_init__(self) -> None:
        if self.right not in self.answers:
            raise ValueError(
                f"the right answer {self.right!r} is not one of {list(self.answers)}, so nobody "
                "could "
                "give it. Spell it exactly like one of them."
            )

    def explain(self, answer: str) -> str:
        """Say whether `answer` is right, and why."""
        sign = "✓ Right." if answer == self.right else "✗ Not this one."
        return f"{sign} {self.answers[answer]}"


class Quiz(Card):
    """Questions with radio buttons; an answer explains itself as soon as it is chosen.

    Example:
        >>> from fusionlab.teach import Question, Quiz
        >>> quiz = Quiz("00", [Question("2 + 2?", {"4": "It is.", "5": "No."}, right="4")])
        >>> quiz.answers, quiz.right
        ((None,), 0)
        >>> print(quiz.text())
        Quiz 00
        <BLANKLINE>
        1. 2 + 2?
           ( ) 4
           ( ) 5
    """

    def __init__(self, key: str, questions: Sequence[Question]) -> None:
        self.key, self.questions = key, tuple(questions)
        self._choices = [_choice(question) for question in self.questions]
        self._replies = [widgets.HTML() for _ in self.questions]
        self._tally = widgets.HTML()
        super().__init__((*self._rows(), self._tally))
        for choice in self._choices:
            choice.observe(self._reply, "value")
        self._reply()

    @property
    def answers(self) -> tuple[str | None, ...]:
        """What was chosen, question by question."""
        return tuple(choice.value for choice in self._choices)

    @property
    def right(self) -> int:
        """How many of the chosen answers are right."""
        return sum(a == q.right for a, q in zip(self.answers, self.questions, strict=True))

    def text(self) -> str:
        """The questions and their answers, without saying which is right."""
        rows = [_plain(number, q) for number, q in enumerate(self.questions, 1)]
        return "\n\n".join([f"Quiz {self.key}", *rows])

    def page(self) -> str:
        """The questions, and below each, folded, the explanation of every answer."""
        return "".join(_folded(number, q) for number, q in enumerate(self.questions, 1))

    def _rows(self) -> list[widgets.Widget]:
        rows = []
        for number, question in enumerate(self.questions):
            title = widgets.HTML(f"<b>{number + 1}. {rich(question.text)}</b>")
            control = named(self._choices[number], question.text)
            rows.append(widgets.VBox((title, control, self._replies[number])))
        return rows

    def _reply(self, change: Any = None) -> None:
        for question, reply, answer in zip(
            self.questions, self._replies, self.answers, strict=True
        ):
            colour = GREEN if answer == question.right else VERMILLION
            reply.value = framed(question.explain(answer), colour) if answer else ""
        given = sum(answer is not None for answer in self.answers)
        self._tally.value = f"{given} of {len(self.questions)} answered, {self.right} right."


def _choice(question: Question) -> widgets.RadioButtons:
    return widgets.RadioButtons(options=list(question.answers), value=None)


def _plain(number: int, question: Question) -> str:
    return "\n".join([f"{number}. {question.text}", *(f"   ( ) {a}" for a in question.answers)])


def _folded(number: int, question: Question) -> str:
    items = "".join(f"<li>{rich(answer)}</li>" for answer in question.answers)
    reasons = "".join(
        f"<li><b>{rich(answer)}</b>: {rich(question.explain(answer))}</li>"
        for answer in question.answers
    )
    return (
        f"<p><b>{number}. {html.escape(question.text)}</b></p><ul>{items}</ul>"
        f"<details><summary>Answers</summary><ul>{reasons}</ul></details>"
    )
