"""Make the README's pictures: explorers of the notebooks, as they stand in JupyterLab.

    python -m tools.pictures

Needs Chromium and the extra `browser`. The families are drawn by `tools/families.py`.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.browser.lab import FLAGS, Lab, Opened, find_chromium

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "pictures"
START, CURVES = "00_start_here.ipynb", "11_curves.ipynb"
PICTURES = {START: {"interpolation": 0, "landscape": 1}, CURVES: {"curves": 0}}  # numbers on a page
MEASURED = "All 1681 points of the map are measured"
MOVING = (760, 560)  # pixels
COLOURS = 128
CORNERS = ((0.17, 0.82), (0.83, 0.82), (0.52, 0.19))  # a, b and c on the map, from its upper left
Frames = Iterator[tuple[Image.Image, int]]  # each with its milliseconds


def main() -> None:
    """Run the notebooks and take the pictures."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        os.environ.setdefault("FUSIONLAB_DATA", str(Path(folder) / "data"))
        lab = Lab(Path(folder))
        try:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
            for notebook in PICTURES:
                take(lab, browser, notebook)
            browser.close()
        finally:
            lab.stop()


def take(lab: Lab, browser: Browser, notebook: str) -> None:
    """Take the pictures of one notebook."""
    shutil.copy(ROOT / "notebooks" / notebook, lab.root / notebook)
    page = browser.new_page(viewport={"width": 1300, "height": 1100})
    Opened(page).open(lab.url(notebook))
    if notebook == CURVES:
        train(page)
    else:
        page.get_by_text(MEASURED).wait_for(timeout=60_000)
    for name, number in PICTURES[notebook].items():
        page.locator(".fusionlab-explorer").nth(number).screenshot(path=FOLDER / f"{name}.png")
    if notebook == START:
        line, plane = (page.locator(".fusionlab-explorer").nth(number) for number in (0, 1))
        join([*slide(page, line), *wander(page, plane)], FOLDER / "first_minute.gif")
    page.close()


def train(page: Page) -> None:
    """Let the curves be trained to their ends."""
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("button", name="Trained", exact=True).wait_for(timeout=180_000)
    page.wait_for_timeout(5_000)  # the map grows sharp


def slide(page: Page, explorer: Locator) -> Frames:
    """Move the slider of the line from a to b and back to the middle."""
    page.mouse.move(0, 0)
    handle = explorer.get_by_role("slider").first
    handle.focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(1_000)
    yield look(explorer), 900
    for key, moves in (("ArrowRight", 25), ("ArrowLeft", 12)):
        for _ in range(moves):
            for _ in range(4):
                page.keyboard.press(key)
            page.wait_for_timeout(250)
            yield look(explorer), 90
        yield look(explorer), 700


def wander(page: Page, explorer: Locator) -> Frames:
    """Go over the map in a straight line from network to network, a to b to c."""
    yield look(explorer), 500  # which brings it into view, where it can be clicked
    box = explorer.locator(".nsewdrag").first.bounding_box()
    assert box is not None
    for start, end in pairwise(CORNERS):
        for step in range(9):
            u, v = (p + (q - p) * step / 8 for p, q in zip(start, end, strict=True))
            page.mouse.click(box["x"] + u * box["width"], box["y"] + v * box["height"])
            page.mouse.move(5, 5)  # away, so that no label of the pointer is in the picture
            page.wait_for_timeout(900)
            yield look(explorer), 200
        yield look(explorer), 700


def look(explorer: Locator) -> Image.Image:
    """Take a picture of an explorer."""
    return Image.open(io.BytesIO(explorer.screenshot())).convert("RGB")


def join(frames: list[tuple[Image.Image, int]], file: Path) -> None:
    """Write frames of one size, in few colours, as one picture that moves."""
    pictures = [fit(picture) for picture, _ in frames]
    palette = beside(pictures[::6]).quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE)
    few = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    times = [time for _, time in frames]
    few[0].save(file, save_all=True, append_images=few[1:], duration=times, loop=0, optimize=True)


def beside(pictures: list[Image.Image]) -> Image.Image:
    """Put pictures of one size side by side."""
    width, height = MOVING
    whole = Image.new("RGB", (width * len(pictures), height))
    for place, picture in enumerate(pictures):
        whole.paste(picture, (place * width, 0))
    return whole


def fit(picture: Image.Image) -> Image.Image:
    """Scale a picture to the width of all, and cut off or fill up the rest below."""
    width, height = MOVING
    scaled = picture.resize(
        (width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS
    )
    whole = Image.new("RGB", MOVING, "white")
    whole.paste(scaled.crop((0, 0, width, min(height, scaled.height))))
    return whole


if __name__ == "__main__":
    main()
