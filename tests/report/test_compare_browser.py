"""The page of two runs in headless Chromium: offline, silent, readable at every width."""

import pytest

from browser import chromium, showing
from cisgram import report
from cisgram.core import files
from cisgram.core.run import Run
from cisgram.grammar import Rules
from made_run import make_run
from report.test_axe import found
from report.test_compare import flags, rule

__all__ = ["chromium"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_of_two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    first, second = make_run(folder / "first-run"), make_run(folder / "second-run")
    for run, kinds in ((first, ("synergy", "order")), (second, ("synergy",))):
        flags(run, leak="no", shortcut="yes" if run is first else "no")
        found_rules = tuple(rule(kind, "ELK1/filter_3", "CTCF/filter_9") for kind in kinds)
        value = Rules(found_rules, {"motifs": {"ELK1/filter_3": 9}}).to_json()
        files.write_json(run.path / "grammar" / "rules.json", value)
    return report.write_comparison(first, second)


def test_the_page_of_two_runs_opens_offline_and_stays_silent(chromium, page_of_two):
    with showing(chromium, page_of_two) as page:
        assert page.locator("h1").inner_text() == "first-run and second-run"
        assert page.locator(".chart").count() == 4
        for name in ("first-run", "second-run"):
            assert page.locator(f"thead th:has-text('{name}')").count() > 5


OPENED = "document.querySelectorAll('main details').forEach((d) => { d.open = true; })"
VIEWS = ("overview", "sequences", "motifs", "grammar", "trust")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1024, 1280])
def test_every_view_fits_its_window_without_a_serious_finding(chromium, page_of_two, width, scheme):
    size = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    for view in VIEWS:
        with showing(chromium, page_of_two, view=view, **size) as page:
            page.evaluate(OPENED)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert found(page) == []


def test_without_scripts_every_part_is_there(chromium, page_of_two):
    with showing(chromium, page_of_two, java_script_enabled=False) as page:
        for title in ("What differs", "Scores", "Predictions", "Motifs", "Explanations"):
            assert page.locator(f"h2:has-text('{title}')").is_visible()


def test_a_served_comparison_asks_neither_model(chromium, page_of_two):
    first = page_of_two.parent
    runs = [Run(first), Run(first.parent / "second-run")]
    live = {"run": "first-run", "second": "second-run", "runs": []}
    path = first.parent / "served.html"
    path.write_text(report.compare_page(*runs, live=live))
    with showing(chromium, path) as page:
        tabs = page.locator("nav.tabs a").all_inner_texts()
        assert tabs == ["Overview", "Sequences", "Motifs", "Grammar", "Trust"]
