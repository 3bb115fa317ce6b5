"""Make the README's pictures: explorers of the notebooks, as they stand in JupyterLab.

    python -m tools.pictures

Needs Chromium and the extra `browser`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.lab import FLAGS, Lab, Opened, find_chromium

ROOT = Path(__file__).resolve().parents[1]
START, CURVES = "00_start_here.ipynb", "11_curves.ipynb"
PICTURES = {START: {"interpolation": 0, "landscape": 1}, CURVES: {"curves": 0}}  # numbers on a page


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
        page.get_by_text("All 1681 points of the map are measured").wait_for(timeout=60_000)
    for name, number in PICTURES[notebook].items():
        page.locator(".fusionlab-explorer").nth(number).screenshot(
            path=ROOT / "docs" / "pictures" / f"{name}.png"
        )
    page.close()


def train(page: Page) -> None:
    """Let the curves be trained to their ends."""
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("button", name="Trained", exact=True).wait_for(timeout=180_000)
    page.wait_for_timeout(5_000)  # the map grows sharp


if __name__ == "__main__":
    main()
