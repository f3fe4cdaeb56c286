"""The pictures of the page, one a view, from a run: ``python docs/picture.py demo-run``.

Needs ``cisgram[test]`` and Chromium. The README shows that of the sequences as ``report.png``.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from cisgram.report.section import VIEWS

IMAGES = Path(__file__).resolve().parent / "images"
SIZE = {"width": 1280, "height": 1500}
README = "sequences"


def main(run: Path) -> None:
    """Write ``docs/images/VIEW.png`` and ``docs/images/report.png``."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=["--no-sandbox"],
        )
        page = browser.new_page(viewport=SIZE)
        address = (run / "report.html").resolve().as_uri()
        for view in VIEWS:
            page.goto("about:blank")
            page.goto(f"{address}#{view}")
            page.wait_for_timeout(1500)  # the viewer unpacks its data and draws
            if page.locator(".view.current .absent").count():
                print(f"{view}: this run has nothing to show there")
                continue
            name = "report" if view == README else view
            page.screenshot(path=IMAGES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
