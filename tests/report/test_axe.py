"""axe-core on every view, in light and in dark, wide and narrow."""

from __future__ import annotations

import pytest

from browser import chromium, showing
from cisgram import report
from cisgram.core import files
from cisgram.report.section import VIEWS
from report.test_neurons import comparison, design, neuron, put

__all__ = ["chromium"]

pytestmark = pytest.mark.browser

BAD = ("serious", "critical")


@pytest.fixture
def page_of_run(new_run):
    run = new_run(n=20, length=60, more=True)
    run = put(run, *(neuron(k, r2=0.5 - k / 10, design=design()) for k in range(3)))
    files.write_json(run.path / "demix" / "comparison.json", comparison("b"))
    return report.write(run)


def found(page) -> list[str]:
    """Serious and critical findings: the rule, and what breaks it."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    violations = axe.run(page).response["violations"]
    return [
        f"{v['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for v in violations
        if v["impact"] in BAD
        for node in v["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_no_view_has_a_serious_finding(chromium, page_of_run, view, scheme):
    with showing(chromium, page_of_run, view=view, color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('main details').forEach((d) => (d.open = true))")
        if view == "sequences":
            page.select_option("select[aria-label='Side by side']", "two")
            page.wait_for_selector("#second-viewer [data-lane=difference]")
        assert found(page) == []


@pytest.mark.parametrize("view", ["overview", "sequences"])
def test_no_view_has_a_serious_finding_on_a_phone(chromium, page_of_run, view):
    size = {"width": 390, "height": 844}
    with showing(chromium, page_of_run, view=view, viewport=size) as page:
        assert found(page) == []


def test_the_keys_have_no_serious_finding(chromium, page_of_run):
    with showing(chromium, page_of_run) as page:
        page.click("button[aria-label='Show the keys']")
        assert found(page) == []
