"""The harness sees what it is for: plots that follow, and pages on which something is wrong."""

from nbformat.v4 import new_code_cell, new_notebook

FOLLOWS = """
import ipywidgets as widgets, plotly.graph_objects as go
slider = widgets.FloatSlider(min=0, max=1, step=0.1)
figure = go.FigureWidget(go.Scatter(x=[0.0, 1.0], y=[0.0, 0.0], name="line"))
figure.update_layout(title="A line", height=300)
def follow(change):
    figure.data[0].y = [0.0, change["new"]]
slider.observe(follow, "value")
widgets.VBox([slider, figure])
"""

WRONG = (
    "import ipywidgets as widgets; widgets.FloatSlider()",
    "import warnings; warnings.warn('this is old')",
    'from IPython.display import HTML; HTML(\'<img alt="" src="http://192.0.2.1/a.png">\')',
    "1 / 0",
)


def of_cells(*sources):
    kernel = {"name": "python3", "display_name": "Python 3"}
    cells = [new_code_cell(source) for source in sources]
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def test_a_plot_is_seen_to_follow_the_keys(open_notebook):
    page = open_notebook(of_cells(FOLLOWS))
    slider = page.page.get_by_role("slider").first
    plot = page.page.locator(".js-plotly-plot").first
    plot.wait_for(state="attached")
    (before,) = page.wait_for_change(page.figures, [])
    assert before["title"] == "A line"
    page.press(slider, "ArrowRight", times=3)
    page.wait_for_change(lambda: page.figures()[0]["traces"][0]["y"], [0.0, 0.0])
    times = page.milliseconds_to_draw(slider, plot, "ArrowRight", times=5)
    assert len(times) == 5
    assert all(0 < time < 60_000 for time in times)
    page.wait_for_change(lambda: round(page.figures()[0]["traces"][0]["y"][1], 1) == 0.8, False)


def test_what_is_wrong_on_a_page_is_complained_about(open_notebook):
    page = open_notebook(of_cells(*WRONG), broken=True)
    page.page.get_by_text("ZeroDivisionError").first.wait_for()
    page.page.get_by_role("slider").first.wait_for()
    complaints = " ".join(page.complaints())
    for words in ("this is old", "ZeroDivisionError", "asked for http://192.0.2.1/a.png"):
        assert words in complaints
    assert any(words.startswith("slider in output 0") for words in page.nameless())
