"""The landscape explorer in JupyterLab: runs play, losses are subtracted, pictures are saved."""

import re

import pytest

from .test_explorers import Explorer

CELLS = (
    "import torch\nfrom fusionlab import Data, Weights, lerp, show\n"
    "from fusionlab.landscape import Landscape, Plane\n"
    "torch.manual_seed(0)\n"
    "make = lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 16), "
    "torch.nn.ReLU(), torch.nn.Linear(16, 10))\n"
    "model, data = make(), Data(torch.rand(600, 1, 8, 8), torch.arange(600) % 10)\n"
    "a, b, c = (Weights.of(make()) for _ in range(3))\n"
    "both = {'train': Landscape(model, data[:400]), 'test': Landscape(model, data[400:])}\n"
    "run = [lerp(b, a, i / 8) for i in range(9)]\nshow.start()",
    "show.explore_landscape(both, Plane.through(a, b, c), {'a': a, 'b': b, 'c': c}, "
    "samples=data.sample(4), trajectory=run, resolution=21)",
)
MEASURED = r"All \d+ points of the map are measured"


@pytest.fixture(scope="module")
def opened(shared_page):
    """One page for all tests of this file; each begins with Reset."""
    page = shared_page(CELLS, height=1300)
    yield page
    assert page.nameless() == []


@pytest.fixture
def explorer(opened):
    one = Explorer(opened, 0)
    one.control("button", "Reset").click()
    one.says(rf"^At \(0\.00, 0\.00\).*step 0.*{MEASURED}")
    return one


def traces(explorer):
    """What is drawn now: the key of each trace → its data."""
    return explorer.box.locator(".js-plotly-plot").evaluate(
        "p => Object.fromEntries(p.data.map(t => [t.meta, t]))"
    )


def drawn(explorer, key):
    """Wait until there is a trace of that key."""
    explorer.opened.wait_for_change(lambda: key in traces(explorer), False)
    return traces(explorer)[key]


def unfold(explorer):
    button = explorer.control("button", "More")
    if not explorer.control("combobox", "cross-section").is_visible():
        button.click()


def test_the_run_plays_and_pauses(explorer):
    explorer.control("button", "▶ Play").press("Enter")
    explorer.says(r"The run: step [2-7],")
    explorer.control("button", "❚❚ Pause").press("Enter")
    said = explorer.says(r"The run: step \d")
    step = int(re.search(r"The run: step (\d)", said).group(1))
    assert 2 <= step < 8
    explorer.opened.wait_for_change(
        lambda: (
            traces(explorer)["surface:now"]["x"] == [traces(explorer)["surface:run:run"]["x"][step]]
        ),
        False,
    )
    explorer.opened.shoot("landscape-run")


def test_arrow_keys_move_along_the_run(explorer):
    slider = explorer.control("slider", "checkpoint")
    explorer.opened.press(slider, "ArrowRight", times=8)
    said = explorer.says(r"The run: step 8, loss")
    assert "0.00 below" in said


def test_two_losses_are_subtracted_and_set_side_by_side(explorer):
    explorer.control("combobox", "measured on").select_option("train − test")
    explorer.opened.wait_for_change(
        lambda: traces(explorer)["surface:map"]["zmin"] == -traces(explorer)["surface:map"]["zmax"],
        False,
    )
    explorer.opened.shoot("landscape-difference")
    explorer.control("combobox", "measured on").select_option("side by side")
    beside = drawn(explorer, "surface2:map")
    assert beside["zmax"] == traces(explorer)["surface:map"]["zmax"]


def test_the_pointer_reads_the_map(explorer):
    line = explorer.box.locator(".fusionlab-readout")
    assert "Point at the map" in line.inner_text()
    map_ = explorer.box.locator(".nsewdrag[data-subplot=xy]")
    map_.scroll_into_view_if_needed()
    area = map_.bounding_box()
    explorer.page.mouse.move(area["x"] + 0.15 * area["width"], area["y"] + 0.2 * area["height"])
    read = re.compile(r"^\(-?\d+\.\d\d, -?\d+\.\d\d\): loss [\d.]+ nats, measured$")
    line.filter(has_text=read).wait_for(timeout=30_000)


@pytest.mark.parametrize("kind", ["PNG", "SVG", "HTML"])
def test_a_button_downloads_the_view(explorer, kind, tmp_path):
    unfold(explorer)
    with explorer.page.expect_download(timeout=60_000) as waiting:
        explorer.control("button", kind).click()
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    assert file.name == f"landscape.{kind.lower()}"
    start = {"PNG": b"\x89PNG", "SVG": b"<svg", "HTML": b"<!doctype html>"}[kind]
    assert file.read_bytes().startswith(start)


def test_the_saved_page_plays_without_a_kernel_and_without_a_network(explorer, open_page, tmp_path):
    unfold(explorer)
    with explorer.page.expect_download(timeout=60_000) as waiting:
        explorer.control("button", "HTML").click()
    waiting.value.save_as(tmp_path / "view.html")
    alone = open_page()
    alone.page.goto((tmp_path / "view.html").as_uri())
    alone.page.get_by_role("button", name="▶ Play").click()
    alone.page.locator("output").filter(has_text=re.compile("step [2-8]")).wait_for(timeout=30_000)
    assert alone.outside == set()
    assert alone.console == []


def test_cross_sections_along_x_and_through_two_clicked_points(explorer):
    unfold(explorer)
    cut = explorer.control("combobox", "cross-section")
    cut.select_option("along x")
    along = drawn(explorer, "section:train")
    explorer.opened.wait_for_change(lambda: len(traces(explorer)["section:train"]["x"]), 0)
    cut.select_option("through two points")
    explorer.says("Choose a second point")
    map_ = explorer.box.locator(".nsewdrag[data-subplot=xy]")
    map_.scroll_into_view_if_needed()
    area = map_.bounding_box()
    map_.click(position={"x": 0.7 * area["width"], "y": 0.3 * area["height"]})
    explorer.opened.wait_for_change(lambda: "section:named" in traces(explorer), False)
    assert traces(explorer)["section:named"]["text"][1::3] == ["before", "here"]
    assert along["meta"] == "section:train"
    explorer.opened.shoot("landscape-cut")


def test_all_of_it_in_space(explorer):
    explorer.control("combobox", "view").select_option("3-D")
    drawn(explorer, "surface:run:run")
    explorer.opened.wait_for_change(lambda: traces(explorer)["surface:run:run"]["type"], "scatter")
    explorer.opened.press(explorer.control("slider", "checkpoint"), "ArrowRight", times=3)
    explorer.says(r"The run: step 3,")
    explorer.opened.shoot("landscape-run-3d")
