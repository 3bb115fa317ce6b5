"""A click lands while the map is still being drawn, and a drag is none."""

import pytest

from .test_explorers import Explorer

CELLS = (
    "import time, torch\nfrom fusionlab import Weights, show\n"
    "from fusionlab.landscape import Plane, Score\nshow.start()\n"
    "def point(x, y):\n    return Weights({'w': torch.tensor([x, y], dtype=torch.double)})\n"
    "class Slow:\n"
    "    def __call__(self, theta):\n"
    "        time.sleep(self.seconds)\n"
    "        x, y = theta['w'].tolist()\n"
    "        return Score(1 + x * x + 4 * x * (1 - x) + y * y, 1.0)\n"
    "slow, quick = Slow(), Slow()\nslow.seconds, quick.seconds = 0.1, 0\n"
    "a, b, c = point(0, 0), point(1, 0), point(0, 1)\n"
    "marks, plane = {'a': a, 'b': b, 'c': c}, Plane.through(a, b, c)",
    "show.explore_landscape(slow, plane, marks, resolution=41)",
    "show.explore_landscape(quick, plane, marks, resolution=21, spot=(0.5, 0.5), view='3d')",
)
COORDINATES = r"^At \((-?\d+\.\d\d), (-?\d+\.\d\d)\)"


@pytest.fixture(scope="module")
def opened(shared_page):
    return shared_page(CELLS, height=1500)


def place(explorer):
    return explorer.says(r"^At ").split(":")[0]


def press(page, x, y):
    page.mouse.move(x, y)
    page.mouse.down()
    page.wait_for_timeout(60)
    page.mouse.up()


def test_every_click_lands_while_a_map_sharpens(opened):
    explorer = Explorer(opened, 0)
    box = explorer.box.locator(".nsewdrag").first.bounding_box()
    explorer.page.evaluate(
        """() => { const plot = document.querySelector('.js-plotly-plot'); window.draws = 0;
        plot.on('plotly_afterplot', () => window.draws++); }"""
    )
    for i in range(10):
        before = place(explorer)
        share = 0.15 + 0.07 * i
        press(opened.page, box["x"] + share * box["width"], box["y"] + share * box["height"])
        opened.wait_for_change(lambda: place(explorer), before)
    assert "All" not in explorer.says(r"^At ")  # it was sharpening all the while
    assert opened.page.evaluate("window.draws") > 10


def test_turning_the_picture_leaves_the_chosen_network(opened):
    explorer = Explorer(opened, 1)
    explorer.says(r"^At \(0\.50, 0\.50\).*All 441 points")
    scene = explorer.box.locator("canvas").first.bounding_box()
    x, y = scene["x"] + scene["width"] / 2, scene["y"] + scene["height"] / 2
    camera = (
        "(e) => JSON.stringify(e.querySelector('.js-plotly-plot')._fullLayout.scene._scene"
        ".getCamera().eye)"
    )
    for i in range(20):
        before = explorer.box.evaluate(camera)
        opened.page.mouse.move(x + 3 * i, y)
        opened.page.mouse.down()
        for step in range(1, 5):
            opened.page.mouse.move(
                x + 3 * i + (-1) ** i * 15 * step, y + (-1) ** (i // 2) * 4 * step
            )
        opened.page.mouse.up()
        opened.wait_for_change(lambda: explorer.box.evaluate(camera), before)
    assert place(explorer) == "At (0.50, 0.50)"


def test_a_click_in_space_chooses_a_network(opened):
    explorer = Explorer(opened, 1)
    explorer.control("button", "Reset").click()
    before = explorer.says(r"^At \(0\.50, 0\.50\).*All 441 points").split(":")[0]
    scene = explorer.box.locator("canvas").first.bounding_box()
    x, y = scene["x"] + scene["width"] / 2, scene["y"] + scene["height"] / 2
    opened.page.mouse.move(x - 20, y)
    opened.page.mouse.move(x, y)
    readout = explorer.box.locator(".fusionlab-readout")
    opened.wait_for_change(readout.inner_text, "Point at the map to read it; click to go there.")
    press(opened.page, x, y)
    opened.wait_for_change(lambda: place(explorer), before)


def test_no_label_of_the_flat_map_stays_over_the_map_in_space(opened):
    explorer = Explorer(opened, 0)
    box = explorer.box.locator(".nsewdrag").first.bounding_box()
    opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    explorer.box.locator(".hovertext").first.wait_for(timeout=30_000)
    explorer.control("combobox", "view").select_option("3-D")
    explorer.box.locator("canvas").first.wait_for(timeout=30_000)
    assert explorer.box.locator(".hovertext").count() == 0
