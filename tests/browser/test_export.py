"""An executed notebook, converted to HTML as a reader would, shows all its pictures by itself."""

import re
import subprocess
import sys

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_notebook

from .conftest import KERNEL
from .test_explorers import CELLS

CARDS = (
    'guess = teach.predict("0.1", "How high is the hill?", low=0, high=2, unit="nats")\nguess',
    'guess.reveal(1.5, "It is steep.")',
    'teach.check("10.1", lambda a, b, t: (1 - t) * a + t * b)',
    'teach.quiz("0", [teach.Question("Where is the barrier?", {"in the middle": "Far from both.", '
    '"at an end": "That is a network."}, right="in the middle")])',
)
FIGURES = (
    "from fusionlab import teach\nshow.start()",
    CELLS[1],
    CELLS[2].replace("samples=", "resolution=11, samples="),
    "show.explore_landscape(landscape, Plane.through(a, b, c), resolution=11, view='3d')",
    "show.draw_bars({'a': [[1.0], [2.0]]}, ['one', 'two'], title='Two bars', y_title='loss')",
)


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """The file that nbconvert makes of a notebook with every kind of figure and card."""
    folder = tmp_path_factory.mktemp("converted")
    cells = [new_code_cell(source) for source in (CELLS[0], *FIGURES, *CARDS)]
    book = new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(book, folder / "notebook.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "html", "notebook.ipynb"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "notebook.html"


@pytest.fixture
def opened(converted, open_page):
    """The page without a network, whose own scripts raised nothing."""
    opened = open_page()
    opened.page.goto(converted.as_uri(), wait_until="domcontentloaded")
    return opened


def stills(opened):
    """The figures, each of them drawn."""
    found = opened.page.locator(".fusionlab-still")
    assert found.count() == 4
    for still in found.all():
        still.scroll_into_view_if_needed(timeout=60_000)
        still.locator(".main-svg, canvas").first.wait_for(timeout=60_000)
    return found


def test_every_figure_is_drawn_without_a_kernel_and_a_network(opened):
    for still in stills(opened).all():
        assert still.bounding_box()["height"] > 300
        assert still.locator(".fusionlab-figure").get_attribute("aria-label")
    assert stills(opened).nth(2).locator("canvas").count() > 0
    assert opened.page.locator(".jupyter-widgets:visible").count() == 0
    opened.shoot("converted")


def test_the_sliders_of_a_converted_page_move_its_pictures(opened):
    line, landscape = (stills(opened).nth(i) for i in range(2))
    read = (
        "(s) => JSON.stringify(s.querySelector('.js-plotly-plot')._fullData.map(t => [t.x, t.y]))"
    )
    for still in (line, landscape):
        before = still.evaluate(read)
        opened.press(still.get_by_role("slider"), "End")
        opened.wait_for_change(lambda still=still: still.evaluate(read), before)


def test_the_words_of_cards_are_read_on_a_converted_page(opened):
    for words in ("How high is the hill?", "Measured: 1.5 nats", "Passed.", "Where is the barrier"):
        assert opened.page.get_by_text(words).first.is_visible()


def test_words_below_a_drawn_figure_are_there_for_screen_readers_only(opened):
    still = stills(opened).first
    figure = still.locator(".fusionlab-figure")
    words = opened.page.locator(f"#{figure.get_attribute('aria-describedby')}")
    assert words.inner_text().startswith("The line from a to b")
    assert words.bounding_box()["width"] <= 1


def test_a_converted_notebook_is_no_larger_than_it_must_be(converted):
    assert converted.stat().st_size < 8e6


def test_without_scripts_and_styles_every_output_says_something(converted):
    page = BeautifulSoup(converted.read_text(), "html.parser")
    for code in page.select("script, style, [type]"):
        code.decompose()
    for cell in page.select(".jp-CodeCell"):
        if cell.select_one(".jp-OutputArea-child"):
            said = cell.select_one(".jp-OutputArea").get_text(" ", strip=True)
            assert re.search(r"\w+ \w+", said), cell.get_text()[:300]
