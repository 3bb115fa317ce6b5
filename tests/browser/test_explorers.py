"""Both explorers follow the hand in JupyterLab: slider, mouse, keys, clicks, and nothing queues."""

import re

import pytest

CELLS = (
    "import torch\nfrom fusionlab import Data, Weights, show\n"
    "from fusionlab.connectivity import Line\nfrom fusionlab.landscape import Landscape, Plane\n"
    "torch.manual_seed(0)\n"
    "make = lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 16), "
    "torch.nn.ReLU(), torch.nn.Linear(16, 10))\n"
    "model, data = make(), Data(torch.rand(600, 1, 8, 8), torch.arange(600) % 10)\n"
    "a, b, c = (Weights.of(make()) for _ in range(3))\nlandscape = Landscape(model, data)",
    "show.explore_line(landscape, Line(a, b), samples=data.sample(4))",
    "show.explore_landscape(landscape, Plane.through(a, b, c), {'a': a, 'b': b, 'c': c}, "
    "samples=data.sample(4))",
)


@pytest.fixture(scope="module")
def opened(shared_page):
    """One page for all tests of this file; each begins with Reset."""
    return shared_page(CELLS)


@pytest.fixture
def line(opened):
    explorer = Explorer(opened, 0)
    explorer.control("button", "Reset").click()
    explorer.says(r"^t = 0\.50")
    return explorer


@pytest.fixture
def landscape(opened):
    explorer = Explorer(opened, 1)
    explorer.control("button", "Reset").click()
    explorer.says(r"^At \(0\.00, 0\.00\).*All \d+ points of the map are measured")
    return explorer


class Explorer:
    """One of the explorers of a page, seen as its reader sees it."""

    def __init__(self, opened, number):
        self.opened, self.page = opened, opened.page
        self.box = self.page.locator(".fusionlab-explorer").nth(number)
        self.box.scroll_into_view_if_needed(timeout=60_000)
        self.box.locator(".js-plotly-plot").wait_for(timeout=60_000)

    def says(self, pattern, *, seconds=30):
        """Wait for words in the line below the figure, and return them all."""
        line = self.box.locator(".fusionlab-status").filter(has_text=re.compile(pattern))
        line.wait_for(timeout=1000 * seconds)
        return line.inner_text()

    def control(self, role, name):
        return self.box.get_by_role(role, name=name, exact=True)

    def mark(self):
        """Where the moving mark is drawn on the loss curve."""
        return self.box.locator(".js-plotly-plot").evaluate(
            "p => p._fullData.find(t => String(t.meta).startsWith('loss:mark')).x[0]"
        )


def test_arrow_keys_move_the_slider_the_mark_and_the_words(line):
    line.opened.press(line.control("slider", "position t"), "ArrowRight", times=3)
    line.says(r"^t = 0\.53")
    assert line.mark() == pytest.approx(0.53)
    line.opened.shoot("line-explorer")


def test_the_mouse_drags_the_slider(line):
    slider = line.control("slider", "position t")
    box = slider.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    line.page.mouse.move(x, y)
    line.page.mouse.down()
    for step in range(1, 11):
        line.page.mouse.move(x + 12 * step, y)
    line.page.mouse.up()
    t = float(slider.get_attribute("aria-valuetext"))
    assert t > 0.6
    line.says(rf"^t = {t:.2f}".replace(".", r"\."))
    assert line.mark() == pytest.approx(t)


def test_a_hundred_quick_moves_leave_nothing_queued(line):
    slider = line.control("slider", "position t")
    slider.focus()
    line.page.evaluate(
        """() => { window.seen = []; const line = document.querySelector('.fusionlab-status');
        new MutationObserver(() => window.seen.push(line.textContent.slice(0, 8)))
            .observe(line, {childList: true, subtree: true, characterData: true}); }"""
    )
    for step in range(100):
        line.page.keyboard.press("ArrowRight" if step < 70 else "ArrowLeft")
    line.says(r"^t = 0\.70", seconds=3)
    seen = line.page.evaluate(
        "async () => { await new Promise(r => setTimeout(r, 1000)); return window.seen; }"
    )
    assert seen[-1] == "t = 0.70"
    assert line.mark() == pytest.approx(0.70)


def test_beyond_the_ends_and_back_by_reset(line):
    slider = line.control("slider", "position t")
    line.control("checkbox", "beyond the ends").check()
    line.opened.wait_for_change(lambda: slider.get_attribute("aria-valuemax"), "1.0")
    line.opened.press(slider, "End")  # ipywidgets' slider takes it for the end that it began with
    line.opened.press(slider, "ArrowRight", times=3)
    line.says(r"^t = 1\.03")
    line.control("button", "Reset").click()
    line.says(r"^t = 0\.50")


def test_settings_are_told_as_code(line):
    line.control("button", "Settings as code").click()
    code = line.box.locator(".fusionlab-code pre")
    code.wait_for()
    assert "show.explore_line(landscape, line, samples=samples, t=0.50" in code.inner_text()


def test_a_place_typed_by_keyboard_becomes_a_network(landscape):
    landscape.control("spinbutton", "x").fill("1.5")
    landscape.control("spinbutton", "y").fill("0.5")
    landscape.control("button", "Go there").press("Enter")
    assert "loss" in landscape.says(r"^At \(1\.50, 0\.50\)")
    landscape.opened.shoot("landscape-explorer")


def test_a_click_on_the_map_becomes_a_network(landscape):
    before = landscape.says(r"^At ")
    plot = landscape.box.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    landscape.page.mouse.click(plot["x"] + plot["width"] * 0.6, plot["y"] + plot["height"] * 0.4)
    after = landscape.opened.wait_for_change(lambda: landscape.says(r"^At "), before)
    assert after.split(":")[0] != before.split(":")[0]


def test_views_scales_and_grids_can_be_chosen(landscape):
    landscape.control("combobox", "view").select_option("3-D")
    landscape.box.locator(".js-plotly-plot canvas").first.wait_for(timeout=30_000)
    landscape.opened.shoot("landscape-3d")
    landscape.control("combobox", "loss").select_option("linear")
    landscape.control("combobox", "points").select_option("21 × 21")
    landscape.says(r"All 441 points of the map are measured")
