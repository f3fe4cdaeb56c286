"""The pictures of the page, one a view: ``python docs/picture.py RUN [RUN2]``.

The mailed views are those of RUN's ``report.html``; Ask, Jobs and Training are those of the same
run served, and with RUN2 the two are shown side by side, too. Needs ``cisgram[test]`` and
Chromium. The README shows that of the sequences as ``report.png``.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from cisgram.report.section import VIEWS

IMAGES = Path(__file__).resolve().parent / "images"
SIZE = {"width": 1280, "height": 1500}
README = "sequences"
LIVE = ("ask", "jobs", "progress")
SHORT = ("overview", "compare")  # what stands below names files by their paths
DRAWN = 2000  # ms until a view has unpacked its data and drawn


def main(*runs: Path) -> None:
    """Write ``docs/images/VIEW.png``, ``compare.png`` and ``report.png``."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=["--no-sandbox"],
        )
        page = browser.new_page(viewport=SIZE)
        address = (runs[0] / "report.html").resolve().as_uri()
        for view in VIEWS:
            shoot(page, f"{address}#{view}", "report" if view == README else view)
        with served(runs) as link:
            page.goto(link)
            home = link.partition("/login")[0]
            runs_of = page.request.get(f"{home}/api/runs").json()["runs"]
            slugs = [run["slug"] for run in runs_of]
            for view in LIVE:
                asked = f"?name={first_name(page, home, slugs[0])}" if view == "ask" else ""
                shoot(page, f"{home}/runs/{slugs[0]}/#{view}{asked}", view)
            if len(slugs) > 1:
                shoot(page, f"{home}/compare?first={slugs[0]}&second={slugs[1]}", "compare")
        browser.close()


def shoot(page: Page, address: str, name: str) -> None:
    """A picture of a view, unless the run has nothing to show there."""
    page.goto("about:blank")
    page.goto(address)
    if name == "ask":
        page.wait_for_selector(".predictions td", timeout=60_000)  # the model is loaded first
    page.wait_for_timeout(DRAWN)
    if page.locator(".view.current .absent").count():
        print(f"{name}: this run has nothing to show there")
        return
    height = 1180 if name in SHORT else SIZE["height"]
    clip = {"x": 0, "y": 0, "width": SIZE["width"], "height": height}
    page.screenshot(path=IMAGES / f"{name}.png", clip=clip)


def first_name(page: Page, home: str, slug: str) -> str:
    """Name of the sequence that the page opens with."""
    page.goto(f"{home}/runs/{slug}/#sequences")
    page.wait_for_timeout(DRAWN)
    return page.locator("#viewer-title").inner_text()


@contextmanager
def served(runs: tuple[Path, ...]) -> Iterator[str]:
    """The link of a server of these runs, which ends with the block."""
    command = [sys.executable, "-m", "cisgram", "serve", *map(str, runs), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            said: dict[str, Any] = json.loads(server.stdout.readline())
            yield str(next(v for v in said.values() if isinstance(v, str) and "/login" in v))
        finally:
            server.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
