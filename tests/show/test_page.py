"""One copy of plotly per page, and figures that stand alone where there is no kernel."""

import base64
import gzip
import json
import re
import sys

import nbformat
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from nbconvert import HTMLExporter
from plotly.offline import get_plotlyjs

from fusionlab import show
from fusionlab.show.page import fig, html
from fusionlab.show.page.fig import Fig
from fusionlab.show.page.html import to_html

from .standins import IMAGES, LINE, Hill

FIGURE = go.Figure(go.Scatter(x=[0, 1], y=[2, 3], meta="line"), {"meta": {"description": "<Up>"}})


@pytest.fixture
def started(monkeypatch):
    monkeypatch.setattr(pio.renderers, "default", pio.renderers.default)
    return show.start()


def payload(page: str) -> str:
    """The plotly that a page carries, unpacked."""
    (packed,) = re.findall(r'fusionlab\.load\("([A-Za-z0-9+/=]+)"', page)
    return gzip.decompress(base64.b64decode(packed)).decode()


def test_the_page_carries_the_installed_plotly(started):
    assert payload(started._repr_mimebundle_()["text/html"]) == get_plotlyjs()


def test_many_figures_bring_plotly_once(sent):
    for _ in range(5):
        Fig(FIGURE)
    carriers = [data for _, data in sent if "fusionlab.load(" in str(data)]
    assert len(carriers) == 1
    others = [len(json.dumps(data)) for _, data in sent if data not in carriers]
    assert max(others) < 20_000


def test_a_closed_loader_is_replaced(sent):
    Fig(FIGURE)
    html._loader[0].close()
    Fig(FIGURE)
    assert html._loader[0].comm is not None


def test_a_change_sends_only_itself(sent):
    shown = Fig(FIGURE)
    sent.clear()
    shown.patch({"line": {"y": [5, 6]}}, "flat")
    ((method, data),) = sent
    assert method == "custom"
    assert data["content"] == {
        "traces": {"line": {"y": [5, 6]}},
        "layout": {"meta": {"description": "flat"}},
    }
    assert shown.trace("line")["y"] == [5, 6]
    assert shown.trace("line")["x"] == [0, 1]
    assert shown.description == "flat"


def test_a_page_that_is_loaded_again_gets_the_present_figure(sent):
    shown = Fig(FIGURE)
    shown.patch({"line": {"y": [5, 6]}}, "flat")
    assert shown.get_state("_figure")["_figure"]["data"][0]["y"] == [5, 6]


def test_a_view_that_comes_late_gets_what_it_missed(sent):
    shown = Fig(FIGURE)
    shown.patch({"line": {"y": [5, 6]}}, "flat")
    sent.clear()
    hear = {"content": {"data": {"method": "custom", "content": {"mounted": True}}}, "buffers": []}
    shown._handle_msg(hear)
    (figure,) = [data["state"]["_figure"] for method, data in sent if method == "update"]
    assert figure["data"][0]["y"] == [5, 6]
    sent.clear()
    shown._handle_msg(hear)
    assert sent == []  # it has missed nothing now


def test_a_click_tells_the_trace_and_the_place(sent):
    shown, clicks = Fig(FIGURE), []
    shown.on_click = lambda *click: clicks.append(click)
    content = {"clicked": [0.5, 2.5], "key": "line"}
    shown._handle_msg(
        {"content": {"data": {"method": "custom", "content": content}}, "buffers": []}
    )
    assert clicks == [("line", 0.5, 2.5)]


def test_a_plain_figure_is_displayed_as_html_and_words(started):
    bundle = pio.renderers["fusionlab"].to_mimebundle(FIGURE.to_dict())
    assert bundle["text/plain"] == "<Up>"
    assert ">&lt;Up&gt;</p>" in bundle["text/html"]
    assert len(bundle["text/html"]) < 10_000


def test_no_text_of_a_figure_ends_its_script():
    page = to_html(go.Figure(layout={"title": {"text": "</script><b>"}}))
    assert page.count("</script>") == 2  # of the figure's data, and of its start


def test_the_tool_bar_shares_nothing():
    page = to_html(FIGURE)
    assert '"showSendToCloud": false' in page
    assert '"displaylogo": false' in page


@pytest.fixture
def displayed(monkeypatch):
    """A function: an explorer → the bundles sent when it ends a cell."""

    def show_it(explorer):
        bundles = []
        monkeypatch.setattr(fig, "display", lambda bundle, raw: bundles.append(bundle))
        explorer._ipython_display_()
        return bundles

    return show_it


def explored():
    explorer = show.explore_line(Hill(), LINE, samples=IMAGES, frames=5)
    explorer.wait(10)
    return explorer


def test_an_explorer_is_followed_by_its_twin_for_pages_without_a_kernel(displayed):
    explorer = explored()
    live, twin = displayed(explorer)
    assert live["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.model_id
    assert "t = 0.50: loss 2.50 nats" in twin["text/plain"]
    assert f'data-twin="{explorer.fig._twin}"' in twin["text/html"]
    assert "widget-view" not in str(list(twin))


def test_a_converted_notebook_keeps_the_twin_beside_the_widget(started, displayed):
    explorer = explored()
    state = {explorer.model_id: {"model_name": "VBoxModel", "state": {}}}
    bundles = [started._repr_mimebundle_(), *displayed(explorer)]
    outputs = [nbformat.v4.new_output("display_data", data=bundle) for bundle in bundles]
    cells = [nbformat.v4.new_code_cell("show", outputs=[output]) for output in outputs]
    widgets = {"application/vnd.jupyter.widget-state+json": {"state": state}}
    book = nbformat.v4.new_notebook(cells=cells, metadata={"widgets": widgets})
    page, _ = HTMLExporter().from_notebook_node(book)
    assert payload(page) == get_plotlyjs()
    assert "Here the loss lies 1.00 nats above the straight line" in page
    (spec,) = re.findall(r'<script type="application/json">(.*?)</script></div>', page)
    figure = json.loads(spec)
    assert [frame["name"] for frame in figure["frames"]] == ["0.00", "0.25", "0.50", "0.75", "1.00"]
    assert len(figure["layout"]["meta"]["words"]) == 5


def test_where_each_cell_is_a_page_a_figure_brings_the_drawing_library(monkeypatch):
    assert "fusionlab.load(" not in to_html(FIGURE)
    monkeypatch.setitem(sys.modules, "google.colab", object())
    assert payload(to_html(FIGURE)) == get_plotlyjs()
