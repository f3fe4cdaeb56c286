"""Pages on a phone: where they open, and that controls show what they say."""

from __future__ import annotations

import pytest

from browser import chromium, showing
from cisgram import report
from cisgram.report.section import VIEWS
from report.test_compare_browser import page_of_two

__all__ = ["chromium", "page_of_two"]

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
CLIPPED = """(widest) => [...document.querySelectorAll("select")].filter((e) => {
    if (!e.offsetParent) return false;
    const shown = e.offsetWidth;
    e.style.cssText = "width: max-content; max-width: none";
    const wanted = Math.min(e.offsetWidth, widest);
    e.style.cssText = "";
    return shown < wanted;
}).map((e) => e.ariaLabel ?? e.id)"""
"""Lists that are narrower than their widest entry although the line would hold it."""


def clipped(page, widest: int = 300) -> list[str]:
    """What is cut off on a page whose lines hold ``widest`` px."""
    return page.evaluate(CLIPPED, widest)


@pytest.fixture
def page_of_run(new_run):
    return report.write(new_run(n=12, length=60, more=True))


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens_at_its_top(chromium, page_of_two, page_of_run, view):
    for path in (page_of_two, page_of_run):
        with showing(chromium, path, view=view, **PHONE) as page:
            page.wait_for_timeout(200)
            assert page.evaluate("scrollY") == 0


def test_no_list_to_choose_from_is_cut_off(chromium, page_of_run):
    with showing(chromium, page_of_run, view="sequences", **PHONE) as page:
        assert page.locator("select:visible").count() > 5
        assert clipped(page) == []
        page.select_option("select[aria-label='Side by side']", "two")
        page.wait_for_selector("#second-viewer [data-lane=difference]")
        assert clipped(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_tools_are_whole_on_a_desk_too(chromium, page_of_run):
    with showing(chromium, page_of_run) as page:
        assert clipped(page) == []


@pytest.mark.parametrize("width", [1100, 1200, 1800])
def test_lists_of_two_panels_are_whole_on_a_desk(chromium, new_run, width):
    path = report.write(new_run(n=12, length=60, name="chr12_peak", more=True))
    desk = {"viewport": {"width": width, "height": 900}}
    with showing(chromium, path, view="sequences", **desk) as page:
        page.select_option("select[aria-label='Side by side']", "two")
        page.wait_for_selector("#second-viewer [data-lane=difference]")
        assert clipped(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
