"""axe-core on the live views and on the pages of the server that are no page of a run."""

from __future__ import annotations

import pytest

from browser import chromium
from cisgram.steps import explain_run, motifs_run, settings_of
from dashboard.test_live_browser import answered, ask, opened
from report.test_axe import found

__all__ = ["chromium"]

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def full(run):
    """A run with named motifs and explained sequences."""
    motifs_run(run, source="filters", options=settings_of(run).motifs)
    explain_run(run, "saliency", device="cpu")
    return run


@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, {"viewport": PHONE}], ids=str)
def test_no_live_view_has_a_serious_finding(chromium, serving, full, sequence, options):
    with opened(chromium, serving(full.path), "#ask", **options) as page:
        ask(page, sequence)
        page.wait_for_selector(".motif")
        page.locator(".asked .stack").focus()
        page.keyboard.press("Home")
        answered(page, lambda: page.keyboard.press("A" if sequence[0] != "A" else "C"))
        page.wait_for_selector(".asked[aria-busy=false]")
        assert found(page) == []
        home = page.url.partition("#")[0]
        page.goto(f"{home}#jobs")
        page.wait_for_selector("#job-method option[value=ism]", state="attached")
        page.click(".jobform button[type=submit]")
        page.wait_for_selector(".jobs .state.done", timeout=120_000)
        assert found(page) == []
        page.goto(f"{home}#progress")
        page.locator(".state:visible").first.wait_for()
        assert found(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_other_page_of_the_server_has_a_serious_finding(chromium, serving, full, made, scheme):
    server = serving(full.path, made)
    with opened(chromium, server, "", color_scheme=scheme) as page:
        page.goto(f"{server.origin}/")
        assert page.locator("tbody tr").count() == 2
        assert found(page) == []
        page.click("text=Make a link")
        page.wait_for_selector("pre")
        assert found(page) == []
        page.goto(f"{server.origin}/compare?first=RUN&second=demo")
        page.wait_for_selector("h1")
        assert found(page) == []
        page.goto(f"{server.origin}/runs/nobody/")
        assert "No such run" in page.locator("main").inner_text()
        assert found(page) == []
        page.heard.clear()  # Chromium notes that the server answered 404
