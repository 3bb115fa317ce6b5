"""A quiz explains every answer, right or wrong, as soon as it is chosen."""

import ipywidgets as widgets
import pytest

from fusionlab.teach import QUIZZES, Question, quiz

from .test_predictions import inside

QUESTIONS = [
    Question("2 + 2?", {"4": "Two pairs.", "5": "One too many: 2 < 5."}, right="4"),
    Question("Is `a` below b?", {"yes": "It is.", "no": "It is.", "?": "Look."}, right="yes"),
]


@pytest.fixture
def asked():
    return quiz("0", QUESTIONS)


def shown(asked):
    return " ".join(html.value for html in inside(asked, widgets.HTML))


def test_nothing_is_chosen_or_explained_at_first(asked):
    assert asked.answers == (None, None)
    assert "0 of 2 answered" in shown(asked)
    assert "Two pairs" not in shown(asked)


def test_a_right_and_a_wrong_answer_are_both_explained(asked):
    first, second = inside(asked, widgets.RadioButtons)
    first.value, second.value = "5", "yes"
    assert asked.answers == ("5", "yes")
    assert asked.right == 1
    assert "✗ Not this one. One too many: 2 &lt; 5." in shown(asked)
    assert "✓ Right. It is." in shown(asked)
    first.value = "4"
    assert asked.right == 2
    assert "One too many" not in shown(asked)


def test_a_question_whose_right_answer_is_missing_is_refused():
    with pytest.raises(ValueError, match="nobody could"):
        Question("2 + 2?", {"4": "", "5": ""}, right="four")


def test_an_unknown_quiz_is_named():
    with pytest.raises(ValueError, match="Unknown quiz '99'"):
        quiz("99")


def test_a_quiz_has_a_text_form_that_does_not_give_the_answers_away(asked, displayed):
    _, bundle = displayed(asked)
    assert "1. 2 + 2?\n   ( ) 4\n   ( ) 5" in bundle["text/plain"]
    assert "Two pairs" not in bundle["text/plain"]
    assert "<details>" in bundle["text/html"]
    assert "Two pairs" in bundle["text/html"]


@pytest.mark.parametrize("key", QUIZZES)
def test_the_courses_quizzes_have_three_or_four_questions_and_explain_every_answer(key):
    assert 3 <= len(QUIZZES[key]) <= 4
    for question in QUIZZES[key]:
        assert len(question.answers) >= 2
        assert all(len(reason.split()) >= 3 for reason in question.answers.values())
