"""A guess is locked in on purpose, remembered, and set beside what was measured."""

from datetime import datetime, timedelta

import ipywidgets as widgets
import pytest

from fusionlab.teach import predict, predictions
from fusionlab.teach.cards import Answer


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(predictions, "_kept", {})


def inside(widget, kind):
    """All widgets of a kind below `widget`."""
    children = getattr(widget, "children", ())
    here = [widget] if isinstance(widget, kind) else []
    return here + [found for child in children for found in inside(child, kind)]


def control(prediction):
    (found,) = inside(prediction, (widgets.RadioButtons, widgets.FloatSlider))
    return found


def keep(prediction, guess):
    control(prediction).value = guess
    (button,) = inside(prediction, widgets.Button)
    button.click()


@pytest.fixture
def height():
    return predict("0.1", "How high?", low=0, high=4, unit="nats")


@pytest.fixture
def winner():
    return predict("0.2", "Which wins?", options=["the first", "the second"])


def test_moving_the_slider_keeps_nothing_until_the_button_is_pressed(height):
    control(height).value = 3.0
    assert (height.value, height.mark, height.kept_at) == (None, None, None)
    keep(height, 3.0)
    assert (height.value, height.mark) == (3.0, 3.0)
    assert (datetime.now() - height.kept_at).total_seconds() < 60


def test_a_move_that_arrives_just_after_the_click_counts_a_later_one_does_not(height, monkeypatch):
    keep(height, 1.0)
    control(height).value = 1.5
    assert height.value == 1.5
    monkeypatch.setattr(predictions, "_LATE", timedelta(0))
    control(height).value = 2.0
    assert height.value == 1.5


def test_a_choice_has_a_value_but_no_mark(winner):
    keep(winner, "the second")
    assert (winner.value, winner.mark) == ("the second", None)


def test_the_button_asks_for_a_choice_first(winner):
    keep(winner, None)
    assert winner.value is None
    assert "Choose an answer first." in winner.text()
    keep(winner, "the first")
    assert "Locked in at" in winner.text()


def test_a_cell_run_twice_remembers_the_guess(height):
    keep(height, 1.0)
    again = predict("0.1", "How high?", low=0, high=4, unit="nats")
    assert again.value == 1.0
    assert control(again).value == 1.0
    assert predict("0.3", "How wide?", low=0, high=4).value is None


def test_a_remembered_guess_that_the_question_no_longer_offers_is_forgotten(winner):
    keep(winner, "the second")
    assert predict("0.2", "Which wins?", options=["neither", "both"]).value is None
    assert predict("0.2", "How much?", low=0, high=1).value is None


@pytest.mark.parametrize(
    ("guess", "measured", "words"),
    [
        (1.0, 3.0, "You guessed 1 nats; measured: 3 nats. 2 nats too low."),
        (3.5, 3.0, "0.5 nats too high."),
        (3.1, 3.0, "✓ Close."),
    ],
)
def test_a_number_is_compared_in_words(height, guess, measured, words):
    keep(height, guess)
    assert words in height.reveal(measured).text()


def test_a_choice_is_compared_in_words(winner):
    keep(winner, "the first")
    assert winner.reveal("the first").text().endswith("✓")
    assert (
        winner.reveal("the second", "Why so.").text()
    ) == "Which wins?\nYou guessed “the first”; measured: “the second”. Why so."


def test_a_guess_locked_in_after_the_answer_was_put_there_appears_in_it(height):
    answer = height.reveal(3.0, "So it is.")
    (hidden,) = inside(answer, Answer)
    assert hidden.hint == "Lock in your guess first, or show the answer without one."
    assert "Measured: 3 nats. So it is." in hidden.answer
    keep(height, 3.0)
    assert hidden.hint == "Your guess: 3 nats."
    assert "You guessed 3 nats" in hidden.answer
    assert "You guessed 3 nats" in answer.text()


def test_a_page_without_a_kernel_shows_the_question_and_the_answer(height, displayed):
    live, twin = displayed(height.reveal(3.0, "So it is."))
    assert "application/vnd.jupyter.widget-view+json" in live
    assert twin["text/plain"] == "How high?\nMeasured: 3 nats. So it is."
    for words in ("How high?", "Measured: 3 nats. So it is."):
        assert words in twin["text/html"]


def test_only_an_option_can_turn_out_right(winner):
    with pytest.raises(ValueError, match="Reveal one of"):
        winner.reveal("the third")


@pytest.mark.parametrize(
    "knobs", [{}, {"options": ["one"]}, {"low": 0}, {"low": 1, "high": 1}, {"low": 2, "high": 1}]
)
def test_a_question_without_a_choice_is_refused(knobs):
    with pytest.raises(ValueError, match="nothing to choose"):
        predict("0.4", "What?", **knobs)


def test_a_prediction_is_followed_by_its_twin_for_pages_without_widgets(height, winner, displayed):
    live, twin = displayed(height)
    assert "application/vnd.jupyter.widget-view+json" in live
    assert twin["text/plain"].splitlines() == [
        "Predict: How high?", "  from 0 nats to 4 nats", "  No guess locked in yet."
    ]  # fmt: skip
    assert "How high?" in twin["text/html"]
    assert "the first / the second" in winner.text()
