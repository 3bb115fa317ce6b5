"""The first notebook is read with a keyboard alone, from its first cell to the quiz."""

from pathlib import Path

import nbformat
import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "00_start_here.ipynb"
HALFWAY = "How many of 100 test images does the network halfway read correctly?"
BETWEEN = "What lies between the three networks?"
POINT = "What is a point of weight space?"


@pytest.fixture
def start(open_page, request):
    """The notebook in a fresh page, nothing run yet."""
    lab = request.getfixturevalue("lab")
    book = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.write(book, lab.root / NOTEBOOK.name)
    page = open_page()
    page.arrive(lab.url(NOTEBOOK.name))
    yield page, len(book.cells)
    assert page.complaints() == []


def answer(page, question):
    """Press Reveal, and read what appears."""
    button = page.named("button", f"Reveal: {question}")
    page.press(button, "Enter")
    return page.page.locator(".fl-answer:has([aria-expanded=true]) + div").last.inner_text()


def see(page, words):
    page.page.locator(".fl-card").get_by_text(words).first.wait_for(timeout=30_000)


def test_the_first_notebook_is_read_by_keyboard_alone(start):
    page, cells = start
    for _ in range(cells):
        page.page.keyboard.press("Shift+Enter")
    page.named("radiogroup", POINT)

    page.press(page.named("slider", HALFWAY), "ArrowRight", times=3)
    page.page.keyboard.press("Tab")  # the number, which can be typed over
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Enter")
    see(page, "53 %.")

    slider = page.page.get_by_role("slider", name="position t").first
    before = page.figures()
    page.press(slider, "ArrowRight", times=5)
    page.wait_for_change(page.figures, before)
    assert answer(page, HALFWAY).startswith("You guessed 53 %; measured: ")

    options = page.named("radiogroup", BETWEEN).get_by_role("radio")
    page.press(options.first, "Space")
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Enter")
    see(page, "“ridges”.")
    assert answer(page, BETWEEN) == "You guessed “ridges”; measured: “ridges”. ✓"

    page.press(page.named("radiogroup", POINT).get_by_role("radio").first, "Space")
    see(page, "✗ Not this one. An image is an input.")
    page.page.keyboard.press("ArrowDown")
    see(page, "✓ Right. It holds every number that training sets.")
    page.shoot("first-minute")


def test_running_all_cells_leaves_the_reader_at_the_first_question(open_notebook):
    page = open_notebook(NOTEBOOK, height=800)
    page.named("radiogroup", POINT)
    place = page.named("slider", HALFWAY).bounding_box()
    assert 0 < place["y"] < 800
    page.shoot("run-all")
