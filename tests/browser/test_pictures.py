"""Pictures at every width: nothing is written over anything else, and nothing is cut."""

import pytest
import torch

from fusionlab import show
from fusionlab.connectivity import Profile
from fusionlab.landscape import Surface
from fusionlab.show.page.export import to_page

T = torch.linspace(0, 1, 11, dtype=torch.double)
PATHS = {
    f"{kind} between a and b": Profile(T, 1 + T * (1 - T), 1 - T / 9)
    for kind in ["line", "curve", "band"]
}
X = torch.linspace(-1, 1, 15).double()
HILL = X[:, None] ** 2 + X**2 + 0.1
MAP = Surface(X, X, HILL, 1 / (1 + HILL), torch.ones(15, 15, dtype=torch.bool))
WRITTEN = ".gtitle, .xtitle, .legend, .annotation-text, .cbtitle text"
BOXES = f"""(plot) => Array.from(plot.querySelectorAll('{WRITTEN}'), (one) => {{
    const {{left, right, top, bottom}} = one.getBoundingClientRect();
    return [one.textContent, left, right, top, bottom];
}}).filter(([text]) => text)"""


def figures():
    profiles = show.draw_profiles(PATHS, title="Loss along three paths, each of which has a name")
    accuracy = show.draw_profiles(PATHS, what="accuracy", title="Accuracy along three paths")
    map_ = show.draw_surface(MAP, {"a": (0.0, 0.0)}, isometric=True)
    return {
        "alone": profiles,
        "two": show.arrange([(profiles, (0, 0.45, 0, 1)), (accuracy, (0.55, 1, 0, 1))]),
        "map": show.arrange([(profiles, (0, 0.45, 0, 1)), (map_, (0.55, 0.92, 0, 1))]),
        "map alone": map_,
    }


@pytest.mark.parametrize("width", [360, 560, 1000])
@pytest.mark.parametrize("name", list(figures()))
def test_what_is_written_is_whole_and_meets_nothing_else(open_page, tmp_path, name, width):
    opened = open_page(width=width)
    (tmp_path / "page.html").write_text(to_page(figures()[name]), encoding="utf-8")
    opened.page.goto((tmp_path / "page.html").as_uri())
    plot = opened.page.locator(".js-plotly-plot")
    plot.locator(".main-svg").first.wait_for(timeout=60_000)
    boxes = plot.evaluate(BOXES)
    for text, left, right, *_ in boxes:
        assert left >= 0, text
        assert right <= width, text
    for i, (text, left, right, top, bottom) in enumerate(boxes):
        for other, *box in boxes[:i]:
            apart = right <= box[0] or box[1] <= left or bottom <= box[2] + 1 or box[3] <= top + 1
            assert apart, (text, other)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_colour_bar_is_not_longer_than_its_map_is_high(open_page, tmp_path):
    for name, width in (("map", 1000), ("map", 360), ("map alone", 400)):
        opened = open_page(width=width)
        (tmp_path / "page.html").write_text(to_page(figures()[name]), encoding="utf-8")
        opened.page.goto((tmp_path / "page.html").as_uri())
        plot = opened.page.locator(".js-plotly-plot")
        plot.locator(".main-svg").first.wait_for(timeout=60_000)
        size = "(plot) => plot.querySelector('%s').getBoundingClientRect().height"
        bar, map_ = (plot.evaluate(size % css) for css in (".cbbg", ".contourlayer"))
        assert bar <= map_ + 2
