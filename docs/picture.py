"""The picture of the README, from the page of a demo: ``python docs/picture.py demo-run``.

Needs ``cisgram[test]`` and Chromium. Long parts of the page are hidden; nothing is drawn anew.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).resolve().parent / "images" / "report.png"
HIDDEN = (
    "#done, #data, #scores, #neurons, #cite",
    "#motifs tbody tr:nth-child(n + 2)",
    "#sequences tbody tr:nth-child(n + 4)",
)


def main(run: Path) -> None:
    """Write ``docs/images/report.png``."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=["--no-sandbox"],
        )
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.goto((run / "report.html").resolve().as_uri())
        page.wait_for_timeout(1500)  # the viewer unpacks its data and draws
        # its content policy takes no style sheet of ours
        page.evaluate(
            "what => document.querySelectorAll(what).forEach(e => { e.style.display = 'none' })",
            ", ".join(HIDDEN),
        )
        page.screenshot(path=PICTURE, full_page=True)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
