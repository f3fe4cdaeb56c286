"""The page of two runs in headless Chromium: offline, silent, readable at every width."""

import pytest

from cisgram import report
from made_run import make_run
from report.test_browser import chromium, showing

__all__ = ["chromium"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_of_two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    first, second = make_run(folder / "first-run"), make_run(folder / "second-run")
    return report.write_comparison(first, second)


def test_the_page_of_two_runs_opens_offline_and_stays_silent(chromium, page_of_two):
    with showing(chromium, page_of_two) as page:
        assert page.locator("h1").inner_text() == "first-run and second-run"
        assert page.locator(".chart").count() == 4
        for name in ("first-run", "second-run"):
            assert page.locator(f"thead th:has-text('{name}')").count() > 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_width_makes_the_page_scroll_sideways(chromium, page_of_two, scheme):
    for width in (390, 1024, 1280):
        view = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
        with showing(chromium, page_of_two, **view) as page:
            page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
