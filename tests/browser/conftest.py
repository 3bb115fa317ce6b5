"""One JupyterLab and one Chromium for all tests of this folder; a fresh page for each."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from .lab import FLAGS, Lab, Opened, find_chromium

KERNEL = {"name": "python3", "display_name": "Python 3"}
HOW_TO_GET_IT = (
    "needs Chromium and Playwright: install Chromium (apt install chromium, or set CHROMIUM to "
    "any Chrome), and pip install -e '.[browser]'"
)


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


# These end with the folder, not with the session: Playwright keeps an event loop running, in which
# the asyncio.run of a later test would fail.
@pytest.fixture(scope="package")
def chromium():
    executable = find_chromium()
    if find_spec("playwright") is None or executable is None:
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def lab(tmp_path_factory):
    server = Lab(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shared_page(chromium, missing, request):
    """A function: sources of cells → their page, all run, for all tests of a file.

    At the end nothing may have gone wrong on it, and nothing been asked from outside.
    """
    if chromium is None:
        missing(HOW_TO_GET_IT)
    lab = request.getfixturevalue("lab")
    opened = []

    def open_it(sources, *, height=1000):
        name = f"{request.module.__name__.rpartition('.')[2]}.ipynb"
        cells = [new_code_cell(source) for source in sources]
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), lab.root / name)
        context = chromium.new_context(viewport={"width": 1280, "height": height})
        opened.append(Opened(context.new_page()))
        opened[-1].open(lab.url(name))
        return opened[-1]

    yield open_it
    complaints = [words for page in opened for words in page.complaints()]
    for page in opened:
        page.close()
    assert complaints == []


@pytest.fixture
def open_page(chromium, missing):
    """A function: → a fresh, empty page that reaches nothing outside this machine."""
    if chromium is None:
        missing(HOW_TO_GET_IT)
    opened = []

    def open_it(*, width=1280, height=1000):
        context = chromium.new_context(viewport={"width": width, "height": height})
        opened.append(Opened(context.new_page()))
        return opened[-1]

    yield open_it
    for page in opened:
        page.close()


@pytest.fixture
def open_notebook(open_page, request):
    """A function: a notebook's path, or a notebook in memory → its page, all cells run.

    At the end nothing may have gone wrong on a page, and nothing been asked from outside, unless
    the notebook was opened as a broken one.
    """
    lab = request.getfixturevalue("lab")  # not started where there is no browser
    sound = []

    def open_it(notebook, *, name="notebook.ipynb", broken=False, **size):
        if isinstance(notebook, (str, Path)):
            name = Path(notebook).name
            shutil.copy(notebook, lab.root / name)
        else:
            nbformat.write(notebook, lab.root / name)
        page = open_page(**size)
        if not broken:
            sound.append(page)
        page.open(lab.url(name))
        return page

    yield open_it
    assert [words for page in sound for words in page.complaints()] == []
