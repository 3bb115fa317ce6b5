"""Make the README's pictures: both explorers of the first notebook, as they stand in JupyterLab.

    python -m tools.pictures

Needs Chromium and the extra `browser`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.lab import FLAGS, Lab, Opened, find_chromium

ROOT = Path(__file__).resolve().parents[1]
PICTURES = {"interpolation": 0, "landscape": 1}  # numbers of the explorers on the page
NOTEBOOK = "00_start_here.ipynb"


def main() -> None:
    """Run the notebook and take the pictures."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        os.environ.setdefault("FUSIONLAB_DATA", str(Path(folder) / "data"))
        lab = Lab(Path(folder))
        try:
            shutil.copy(ROOT / "notebooks" / NOTEBOOK, lab.root / NOTEBOOK)
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
            page = browser.new_page(viewport={"width": 1300, "height": 1100})
            Opened(page).open(lab.url(NOTEBOOK))
            page.get_by_text("All 1681 points of the map are measured").wait_for(timeout=60_000)
            for name, number in PICTURES.items():
                page.locator(".fusionlab-explorer").nth(number).screenshot(
                    path=ROOT / "docs" / "pictures" / f"{name}.png"
                )
            browser.close()
        finally:
            lab.stop()


if __name__ == "__main__":
    main()
