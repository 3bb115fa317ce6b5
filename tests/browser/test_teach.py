"""Predictions, quizzes and checks work by keyboard alone, and a screen reader can name them."""

import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

CELLS = (
    "from fusionlab import teach\n"
    'height = teach.predict("0.1", "How high is the hill?", low=0, high=2, unit="nats")\nheight',
    'teach.predict("0.2", "Which network wins, `a` or `b`?", options=["the first", "the second, '
    'which was trained for twice as long and on the same examples in another order", "neither"])',
    'height.reveal(1.5, "The hill is as high as a guess is bad.")',
    'teach.quiz("0", [teach.Question("Where is the barrier highest?", {"near the middle": "Both '
    'networks are far there.", "at an end": "There the point is a network itself."}, '
    'right="near the middle"), teach.Question("What does an average cost?", '
    '{"one evaluation": "It is one network.", "two": "That is an ensemble."}, '
    'right="one evaluation")])',
    "def interpolate(a, b, t):\n    raise NotImplementedError",
    'teach.check("10.1", interpolate)',
    'teach.check("10.1", lambda a, b, t: t * a + (1 - t) * b)',
    'teach.check("10.1", lambda a, b, t: (1 - t) * a + t * b)',
)

COLOURS = """(card) => {
    const numbers = (text) => text.match(/\\d+/g).slice(0, 3).map(Number);
    const panel = card.closest('.jp-NotebookPanel');
    return [numbers(getComputedStyle(card.querySelector('.widget-html')).color),
            numbers(getComputedStyle(panel).backgroundColor)];
}"""


KERNEL = {"name": "python3", "display_name": "Python 3"}
NOTEBOOK = new_notebook(
    cells=[new_code_cell(source) for source in CELLS], metadata={"kernelspec": KERNEL}
)


@pytest.fixture(scope="module")
def cards(shared_page):
    """One page for all: each test but the first has a card of its own."""
    return shared_page(CELLS)


def see(cards, words):
    cards.page.get_by_text(words).first.wait_for(timeout=30_000)


def answers(cards):
    """What stands below each button Reveal."""
    return cards.page.locator(".fl-answer + div").all_inner_texts()


def test_cards_have_names_and_look_at_home_in_both_themes(cards):
    cards.named("slider", "How high is the hill?")
    for words in ("○ Not tried yet.", "did you swap t and 1 − t?", "✓ Passed."):
        see(cards, words)
    assert cards.nameless() == []
    assert not any(twin.is_visible() for twin in cards.page.locator(".fl-twin").all())
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        cards.command("apputils:change-theme", theme=theme)
        cards.page.wait_for_timeout(500)  # the style sheets change
        cards.shoot(theme.replace(" ", "-"))
    colour, ground = cards.page.locator(".fl-card").first.evaluate(COLOURS)
    assert sum(colour) > 3 * 200
    assert sum(ground) < 3 * 60


REVEAL = "Reveal: How high is the hill?"


def test_a_number_is_predicted_and_its_answer_revealed_by_keyboard(cards):
    reveal = cards.named("button", REVEAL)
    see(cards, "Lock in your guess first, or show the answer without one.")
    assert answers(cards) == [""]
    slider = cards.named("slider", "How high is the hill?")
    cards.press(slider, "ArrowRight", times=3)
    cards.page.keyboard.press("Tab")  # the number itself, which can be typed over
    cards.page.keyboard.press("Tab")
    cards.page.keyboard.press("Enter")
    see(cards, "1.06 nats.")
    see(cards, "Your guess: 1.06 nats.")
    assert answers(cards) == [""]
    cards.press(reveal, "Enter")
    assert answers(cards)[0].startswith(
        "You guessed 1.06 nats; measured: 1.5 nats. 0.44 nats too low."
    )
    cards.shoot("predict-number")


def test_a_guess_locked_in_after_the_answer_was_shown_is_set_beside_it(cards):
    shown = cards.page.locator(".fl-answer button").first
    if shown.get_attribute("aria-expanded") == "false":
        cards.press(shown, "Enter")
    before = answers(cards)
    cards.press(cards.named("slider", "How high is the hill?"), "End")
    cards.page.keyboard.press("Tab")
    cards.page.keyboard.press("Tab")
    cards.page.keyboard.press("Enter")
    [after] = cards.wait_for_change(lambda: answers(cards), before)
    assert after.startswith("You guessed 2 nats; measured: 1.5 nats. 0.5 nats too high.")
    cards.press(shown, "Enter")
    assert answers(cards) == [""]


def test_a_choice_is_predicted_by_keyboard(cards):
    group = cards.named("radiogroup", "Which network wins, a or b?")
    cards.press(group.get_by_role("radio").first, "Space")
    cards.page.keyboard.press("ArrowDown")
    cards.page.keyboard.press("Tab")
    cards.page.keyboard.press("Enter")
    see(cards, "“the second, which was trained")
    cards.shoot("predict-choice")


def test_a_quiz_is_answered_by_keyboard_and_explains_itself(cards):
    group = cards.named("radiogroup", "Where is the barrier highest?")
    cards.press(group.get_by_role("radio", name="at an end"), "Space")
    see(cards, "✗ Not this one. There the point is a network itself.")
    cards.page.keyboard.press("ArrowUp")
    see(cards, "✓ Right. Both networks are far there.")
    cards.page.keyboard.press("Tab")
    cards.page.keyboard.press("Space")
    see(cards, "2 of 2 answered, 2 right.")
    cards.shoot("quiz")


def test_an_exported_page_shows_the_cards_without_a_network(open_page, tmp_path):
    nbformat.write(NOTEBOOK, tmp_path / "notebook.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "html", "notebook.ipynb"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    page = open_page()
    page.page.goto((tmp_path / "notebook.html").as_uri())
    assert "widget-view+json" in page.page.content()
    for words in ("How high is the hill?", "Where is the barrier highest?", "Measured: 1.5 nats. "):
        assert page.page.locator(".fl-twin").get_by_text(words).first.is_visible()
