"""Every notebook of the course opens in JupyterLab, runs, and can be named by a screen reader.

By then it has run once for its results, which trained its networks. What no network depends on is
done less often here, as by a reader who gives other parameters.
"""

from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
FEWER = {
    "11_curves": {"pairs": 2, "few_pairs": 2, "steps": 60},
    "12_subspaces": {"runs": 2},
    "13_landscapes": {"side": 13},
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_in_the_browser_without_a_nameless_control(open_notebook, path):
    notebook = nbformat.read(path, as_version=4)
    [parameters] = [
        cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])
    ]
    parameters.source += "".join(
        f"\n{name} = {value}" for name, value in FEWER.get(path.stem, {}).items()
    )
    page = open_notebook(notebook, name=path.name)
    page.shoot(path.stem)
    assert page.nameless() == []
