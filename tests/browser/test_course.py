"""Every notebook of the course opens in JupyterLab, runs, and can be named by a screen reader."""

from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_in_the_browser_without_a_nameless_control(open_notebook, path):
    page = open_notebook(path)
    page.shoot(path.stem)
    assert page.nameless() == []
