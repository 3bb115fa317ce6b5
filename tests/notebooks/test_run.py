"""Every notebook runs as readers run it, and nothing in it breaks when it is touched."""

import os
import re
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from .miniature import miniature, place
from .notebook import NOTEBOOKS, course
from .running import hand_on, run

pytestmark = pytest.mark.notebook


@pytest.mark.parametrize("path", course(), ids=lambda path: path.stem)
def test_notebook_runs_unplugged_and_survives_every_touch(
    path, tmp_path, data_root, record_property
):
    outcome = run(path, tmp_path)
    hand_on(tmp_path, data_root)
    record_property("seconds", outcome.seconds)
    record_property("touches", len(outcome.tried.get("done", [])))
    assert outcome.complaints() == []


@pytest.mark.skipif(os.name == "nt", reason="there, programs lie in another folder of .venv")
def test_the_line_of_the_readme_runs_a_notebook_with_another_parameter(tmp_path):
    readme = (NOTEBOOKS.parent / "README.md").read_text("utf-8")
    [line] = re.findall(r"^```\n(\S*papermill .*)\n```$", readme, re.M)
    (tmp_path / "notebooks").symlink_to(NOTEBOOKS)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    subprocess.run(line, shell=True, cwd=tmp_path, check=True, capture_output=True)
    [file] = tmp_path.glob("*.ipynb")
    cells = nbformat.read(file, as_version=4).cells
    [given] = [c for c in cells if "injected-parameters" in c.metadata.get("tags", [])]
    width = int(re.search(r"-p width (\d+)", line)[1])
    assert f"width = {width}" in given.source
    printed = " ".join(
        output.get("text", "") for cell in cells for output in cell.get("outputs", [])
    )
    numbers = (64 + 1) * width + (width + 1) * width + (width + 1) * 10
    assert f"a list of {numbers} numbers" in printed


def run_cells(tmp_path, *sources):
    cells = [new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3"}
    book = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    return run(place(book, tmp_path), tmp_path)


def test_the_miniature_runs_and_every_control_is_touched(tmp_path):
    outcome = run(place(miniature(), tmp_path), tmp_path)
    assert outcome.complaints() == []
    assert 0 < outcome.seconds < 300
    touched = " ".join(outcome.tried["done"])
    for words in ("FloatSlider '' to 0", "to 1.0", "to 2.0", "RadioButtons", "Lock in my guess"):
        assert words in touched


def test_networks_that_a_run_trained_are_found_by_others(tmp_path):
    kept, data = tmp_path / "data" / "zoo" / "ab.safetensors", tmp_path / "shared"
    hand_on(tmp_path, data)  # of a notebook that trains nothing
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"weights")
    hand_on(tmp_path, data)
    assert (data / "zoo" / kept.name).read_bytes() == b"weights"
    assert not kept.exists()


CALLBACK = """
import ipywidgets as widgets
slider, button = widgets.FloatSlider(max=2), widgets.Button(description="go")
def moved(change):
    if change["new"] == 2:
        raise RuntimeError("fell off the end")
slider.observe(moved, "value")
button.on_click(lambda b: {}["nowhere"])
widgets.VBox([slider, button])
"""

OUT_OF_SIGHT = """
import asyncio, threading, ipywidgets as widgets
box, out = widgets.Checkbox(description="later"), widgets.Output()
async def later():
    raise RuntimeError("in a task")
def work():
    raise RuntimeError("in a thread")
@out.capture()
def captured():
    raise RuntimeError("into an Output")
def moved(change):
    asyncio.ensure_future(later())
    threading.Thread(target=work).start()
    captured()
box.observe(moved, "value")
box
"""

FIGURE = """
import plotly.graph_objects as go
figure = go.FigureWidget(go.Scatter(x=[5.0], y=[7.0], name="dots"))
def clicked(trace, points, state):
    raise RuntimeError(f"clicked {points.xs} {points.ys}")
figure.data[0].on_click(clicked)
"""

NETWORK = """
import urllib.request
def reason(address):
    try:
        urllib.request.urlopen(address, timeout=5)
    except OSError as error:
        return str(error)
print(reason("http://example.org"), reason("http://192.0.2.1"))
"""


def test_a_callback_that_fails_is_caught(tmp_path):
    errors = run_cells(tmp_path, CALLBACK).tried["errors"]
    assert any("FloatSlider '' to 2.0: RuntimeError: fell off the end" in e for e in errors)
    assert any("Button 'go': KeyError: 'nowhere'" in e for e in errors)


def test_failures_in_threads_tasks_and_output_widgets_are_caught(tmp_path):
    errors = " ".join(run_cells(tmp_path, OUT_OF_SIGHT).tried["errors"])
    assert "RuntimeError: in a thread" in errors
    assert "RuntimeError: in a task" in errors
    assert "to True: RuntimeError: into an Output" in errors


def test_points_of_figures_are_clicked(tmp_path):
    errors = run_cells(tmp_path, FIGURE).tried["errors"]
    assert any("a click on 'dots': RuntimeError: clicked [5.0] [7.0]" in e for e in errors)


def test_the_network_is_unplugged(tmp_path):
    outcome = run_cells(tmp_path, NETWORK)
    printed = outcome.notebook.cells[0].outputs[0].text
    assert printed.count("the network is unplugged") == 2
    assert outcome.complaints() == []


def test_errors_warnings_and_names_that_are_not_there_are_complained_about(tmp_path):
    sources = ("import warnings; warnings.warn('old')", "threading", "1")
    complaints = run_cells(tmp_path, *sources).complaints()
    assert any("cell 1 writes to stderr" in words and "old" in words for words in complaints)
    assert any("cell 2 fails: NameError: name 'threading'" in words for words in complaints)
