"""Figures on pages that are no JupyterLab: dark ones, and frames that hold one output alone."""

import html
import json

import plotly.graph_objects as go
import pytest

from fusionlab import show
from fusionlab.show.figures.theme import canvas
from fusionlab.show.page.export import to_page
from fusionlab.show.page.fig import Fig
from fusionlab.show.page.html import page_script, to_html, to_plain

PAPER = """(plot) => [plot._fullLayout.paper_bgcolor, plot._fullLayout.font.color,
    plot._fullData[0].line.color]"""
LIVE = """async ([source, script, spec]) => {
    const code = new Blob([source], {type: 'text/javascript'});
    const { default: widget } = await import(URL.createObjectURL(code));
    const loader = {get: () => script + 'export default {};'};
    const state = {_figure: spec, _loader: 'the loader', _twin: 'twin'};
    const model = {
        get: (key) => state[key], send() {}, on() {}, off() {},
        widget_manager: {get_model: async (id) => {
            if (id !== 'the loader' || !script) throw new Error('no such model');
            return loader;
        }},
    };
    widget.render({model, el: document.body.appendChild(document.createElement('div'))});
}"""


def line(**look):
    figure = canvas("A line", description="It goes up.").update_layout(look)
    return figure.add_scatter(x=[0, 1], y=[0, 1], line={"color": "#D55E00"}, meta="line")


def drawn(opened):
    plot = opened.page.locator(".js-plotly-plot")
    plot.locator(".main-svg").first.wait_for(timeout=60_000)
    return plot


@pytest.fixture
def saved(open_page, tmp_path):
    """A function: a figure → its own page, opened."""

    def open_it(figure, **size):
        opened = open_page(**size)
        (tmp_path / "page.html").write_text(to_page(figure), encoding="utf-8")
        opened.page.goto((tmp_path / "page.html").as_uri())
        return opened

    return open_it


def test_a_figure_follows_the_page_into_the_dark_and_back(saved):
    opened = saved(line())
    assert drawn(opened).evaluate(PAPER) == ["white", "#1F2933", "#D55E00"]
    opened.page.emulate_media(color_scheme="dark")
    opened.wait_for_change(lambda: drawn(opened).evaluate(PAPER)[0], "white")
    paper, ink, data = drawn(opened).evaluate(PAPER)
    assert (paper, ink, data) == ("#111111", "#E3E7EB", "#D55E00")
    opened.page.emulate_media(color_scheme="light")
    opened.wait_for_change(lambda: drawn(opened).evaluate(PAPER)[0], "#111111")


def test_a_figure_in_space_is_dark_on_a_dark_page(saved):
    opened = saved(go.Figure(go.Surface(z=[[0, 1], [1, 2]]), line().layout))
    drawn(opened)
    opened.page.emulate_media(color_scheme="dark")
    read = "(plot) => plot._fullLayout.scene.xaxis.backgroundcolor"
    opened.wait_for_change(lambda: drawn(opened).evaluate(read), "#F7F8FA")
    assert drawn(opened).evaluate(read) == "#1B1F24"


def test_jupyterlab_in_the_dark_has_dark_figures(saved):
    opened = saved(line())
    drawn(opened)
    opened.page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    opened.wait_for_change(lambda: drawn(opened).evaluate(PAPER)[0], "white")


def test_an_output_alone_in_its_frame_says_what_to_do(open_page):
    opened = open_page()
    frame = f'<iframe width="900" height="600" srcdoc="{html.escape(to_html(line()))}"></iframe>'
    opened.page.set_content(frame)
    inside = opened.page.frame_locator("iframe")
    inside.get_by_text("write show.start() into this cell").wait_for(timeout=60_000)
    assert inside.get_by_text("It goes up.").is_visible()


def test_an_output_alone_in_its_frame_draws_what_start_brings_there(open_page):
    opened = open_page()
    both = show.start()._repr_mimebundle_()["text/html"] + to_html(line())
    opened.page.set_content(
        f'<iframe width="900" height="600" srcdoc="{html.escape(both)}"></iframe>'
    )
    opened.page.frame_locator("iframe").locator(".main-svg").first.wait_for(timeout=60_000)


def test_a_live_figure_alone_in_its_frame_loads_the_drawing_library(open_page):
    opened = open_page()
    opened.page.set_content("<body></body>")
    opened.page.evaluate(LIVE, [Fig._esm, page_script(), to_plain(line())])
    drawn(opened)


def test_a_live_figure_without_a_drawing_library_says_what_to_do(open_page):
    opened = open_page()
    opened.page.set_content("<body></body>")
    opened.page.evaluate(LIVE, [Fig._esm, "", json.loads(json.dumps(to_plain(line())))])
    opened.page.get_by_text("Run the cell with show.start() again").wait_for(timeout=60_000)


def test_panels_come_below_one_another_where_there_is_no_room(saved):
    both = show.arrange([(line(), (0.0, 0.45, 0.0, 1.0)), (line(), (0.55, 1.0, 0.0, 1.0))])
    opened = saved(both, width=680)
    read = (
        "(p) => [p._fullLayout.xaxis, p._fullLayout.yaxis2, p._fullLayout.yaxis].map(a => a.domain)"
    )
    across, below, above = drawn(opened).evaluate(read)
    assert across[0] == 0
    assert across[1] > 0.8
    assert below[1] < above[0]
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 680
    opened.page.set_viewport_size({"width": 1000, "height": 700})
    _, right, left = opened.wait_for_change(
        lambda: drawn(opened).evaluate(read), [across, below, above]
    )
    assert right == left
