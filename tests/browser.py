"""Chromium for the tests that open a page, and what they ask of every page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def chromium():
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def showing(chromium, path: Path, *, view: str = "", **options) -> Iterator:
    """The page, opened on a view (what stands behind the # of its address).

    On leaving it must have been silent and asked for nothing but itself.
    """
    context = chromium.new_context(**{"viewport": {"width": 1200, "height": 900}, **options})
    context.set_default_timeout(10_000)
    page = context.new_page()
    heard: list[str] = []
    asked: list[str] = []
    page.on("console", lambda m: heard.append(m.text))
    page.on("pageerror", lambda e: heard.append(str(e)))

    def dialog(shown):
        heard.append(f"dialog: {shown.message}")
        shown.dismiss()

    def route(handled):
        asked.append(handled.request.url)
        handled.continue_()

    page.on("dialog", dialog)
    page.route("**/*", route)
    page.goto(f"{path.as_uri()}#{view}" if view else path.as_uri())
    is_drawn = options.get("java_script_enabled", True) and page.locator("#viewer").count()
    if is_drawn and view.startswith("sequences"):
        page.wait_for_selector("#viewer:not([hidden])")
        page.wait_for_function(painted("#viewer canvas"))
    try:
        yield page
        assert heard == []
        foreign = [url for url in asked if not url.startswith(("data:", "blob:"))]
        assert {url.partition("#")[0] for url in foreign} == {path.as_uri()}
    finally:
        context.close()


# A copy that is meant to be read: of the canvas of the page itself the browser would complain.
COPIED = """(c) => {
    const how = {willReadFrequently: true};
    const copy = new OffscreenCanvas(c.width, c.height).getContext("2d", how);
    copy.drawImage(c, 0, 0);
    return copy;
}"""


def painted(selector: str) -> str:
    return f"""() => {{
        const c = document.querySelector({selector!r});
        if (!c || !c.width) return false;
        return ({COPIED})(c).getImageData(0, 0, c.width, c.height).data.some((v) => v > 0);
    }}"""
