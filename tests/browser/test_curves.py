"""A curve is trained live in JupyterLab while t is dragged; a triangle goes by keyboard."""

import pytest

from .test_explorers import Explorer

CELLS = (
    "import torch\nfrom fusionlab import show\n"
    "from fusionlab.connectivity import Bezier, Chain, Fitting, Line, Simplex\n"
    "from fusionlab.lab import Recipe, digits, mlp, train_many\n"
    "from fusionlab.landscape import Landscape\n"
    "task, model = digits(), mlp(64, 32, 32, 10)\n"
    "runs = train_many(model, task.train, Recipe(epochs=8), seeds=range(3), progress=False)\n"
    "a, b, c = (run.final for run in runs)\n"
    "landscape, curve = Landscape(model, task.train), Bezier.between(a, b)\n"
    "def begin():\n"
    "    return Fitting(model, task.train, curve, Recipe(epochs=3000, lr=0.05), seed=0)",
    "show.explore_curves(landscape, {'line': Line(a, b), 'curve': curve}, "
    "training={'curve': begin}, samples=task.test.sample(4), resolution=11)",
    "show.explore_subspace(landscape, Simplex((a, b, c)), samples=task.test.sample(4), "
    "resolution=11)",
)
MEAN = """p => { const y = p._fullData.find(t => t.meta === 'loss:curve:curve').y;
    return y.reduce((a, b) => a + b) / y.length; }"""
HEIGHT = """p => p._fullData.find(t => t.meta === 'path:line:curve').y[50]"""


@pytest.fixture(scope="module")
def opened(shared_page):
    """One page for all tests of this file."""
    return shared_page(CELLS)


@pytest.fixture
def curves(opened):
    explorer = Curves(opened, 0)
    explorer.control("button", "Reset").click()
    explorer.says(r"^t = 0\.50")
    explorer.control("button", "Train").wait_for()
    yield explorer
    explorer.control("button", "Reset").click()
    explorer.control("button", "Train").wait_for()


@pytest.fixture
def triangle(opened):
    explorer = Explorer(opened, 1)
    explorer.control("button", "Reset").click()
    explorer.says(r"^A mixture of 33 % a, 33 % b and 33 % c")
    return explorer


class Curves(Explorer):
    """The curve explorer, seen as its reader sees it."""

    def drawn(self, script):
        return self.box.locator(".js-plotly-plot").evaluate(script)

    def reaches(self, script, true, *, seconds=60):
        """Poll a number of the figure until `true` of it holds; return it."""
        for _ in range(20 * seconds):
            if true(value := self.drawn(script)):
                return value
            self.page.wait_for_timeout(50)
        raise AssertionError(f"it stayed at {value}")


def test_a_curve_is_trained_live_while_t_is_dragged(curves):
    curves.reaches(HEIGHT, lambda y: abs(y) < 1e-6)
    before = curves.drawn(MEAN)
    curves.control("button", "Train").press("Enter")
    slider = curves.control("slider", "position t")
    box = slider.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    curves.page.mouse.move(x, y)
    curves.page.mouse.down()
    means, marks = [], []
    for step in range(1, 61):
        curves.page.mouse.move(x + 3 * step, y)
        curves.page.wait_for_timeout(50)
        means.append(curves.drawn(MEAN))
        marks.append(curves.mark())
    assert len(set(marks)) > 10  # the marks followed the hand
    assert len(set(means)) > 3  # and the curve moved while the hand did
    assert means[-1] < 0.7 * before
    assert curves.drawn(HEIGHT) > 0.1
    curves.page.mouse.up()
    t = float(slider.get_attribute("aria-valuetext"))
    assert t > 0.6
    curves.says(rf"^t = {t:.2f}".replace(".", r"\."))
    curves.reaches(
        "p => p._fullData.find(t => String(t.meta).startsWith('loss:mark')).x[0]",
        lambda mark: abs(mark - t) < 1e-9,
    )
    curves.opened.shoot("curve-explorer")


def test_a_pause_holds_going_on_goes_on_and_reset_restores(curves):
    before = curves.reaches(MEAN, lambda loss: loss > 0.2)
    curves.control("button", "Train").press("Enter")
    curves.reaches(MEAN, lambda loss: loss < 0.8 * before)
    curves.control("button", "Pause").press("Enter")
    curves.control("button", "Go on").wait_for()
    curves.page.wait_for_timeout(1500)  # the slice in hand, and the picture grows sharp
    held = curves.drawn(HEIGHT), step(curves)
    curves.opened.press(curves.control("slider", "position t"), "ArrowRight", times=3)
    curves.says(r"^t = 0\.53")
    assert (curves.drawn(HEIGHT), step(curves)) == held
    curves.control("button", "Go on").press("Enter")
    curves.reaches(HEIGHT, lambda y: y != held[0])
    curves.opened.wait_for_change(lambda: step(curves), held[1])
    assert step(curves) > held[1]
    curves.control("button", "Reset").press("Enter")
    curves.says(r"^t = 0\.50")
    curves.reaches(HEIGHT, lambda y: abs(y) < 1e-6)
    assert curves.reaches(MEAN, lambda loss: loss > 0.9 * before) == pytest.approx(before, 0.1)


def step(curves):
    """How many steps the line of words tells."""
    words = curves.box.locator(".fusionlab-status").inner_text()
    return int(words.partition("at step ")[2].partition(" ")[0])


def test_the_triangle_goes_by_keyboard(triangle):
    shares = [triangle.control("slider", f"share of {name}") for name in "abc"]
    triangle.opened.press(shares[0], "End")
    triangle.says(r"^A mixture of 100 % a, 0 % b and 0 % c")
    triangle.opened.press(shares[2], "ArrowRight", times=5)
    triangle.says(r"^A mixture of 95 % a, 0 % b and 5 % c")
    values = [float(share.get_attribute("aria-valuetext")) for share in shares]
    assert values == pytest.approx([0.95, 0, 0.05])
    triangle.control("combobox", "show").select_option("error")
    triangle.control("checkbox", "beyond the edges").check()
    triangle.says(r"All \d+ points of the map are measured")
    triangle.opened.shoot("subspace-explorer")
    triangle.control("button", "Reset").press("Enter")
    triangle.says(r"^A mixture of 33 % a, 33 % b and 33 % c")
    triangle.page.wait_for_timeout(500)  # the page may answer when the ends of its sliders move
    triangle.says(r"^A mixture of 33 % a, 33 % b and 33 % c", seconds=2)


def test_a_click_in_the_triangle_becomes_a_mixture(triangle):
    before = triangle.says(r"^A mixture")
    plot = triangle.box.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    triangle.page.mouse.click(plot["x"] + plot["width"] * 0.45, plot["y"] + plot["height"] * 0.7)
    after = triangle.opened.wait_for_change(lambda: triangle.says(r"^A mixture"), before)
    assert after.split(":")[0] != before.split(":")[0]


def test_every_control_and_picture_has_a_name(opened, curves, triangle):
    assert opened.nameless() == []
