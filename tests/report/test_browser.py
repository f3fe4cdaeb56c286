"""The page in headless Chromium: offline, silent, and doing what it promises."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from browser import chromium, showing
from cisgram import report
from made_run import EVIL, EVIL_ATTRIBUTE

__all__ = ["chromium"]

pytestmark = pytest.mark.browser


@pytest.fixture
def page_of_run(new_run) -> Path:
    return report.write(new_run())


def test_the_page_opens_offline_draws_and_stays_silent(chromium, page_of_run):
    with showing(chromium, page_of_run) as page:
        assert page.title() == "demo · cisgram"
        assert page.locator("h1").inner_text() == "demo"
        assert page.locator(".chart").count() == 6
        assert page.locator(".motifs .logo svg").count() == 4 + 3
        assert page.locator("#viewer-title").inner_text() == "peak_8"


def test_markup_in_names_is_shown_and_never_runs(chromium, new_run):
    path = report.write(new_run(evil=True, n=20, more=True))
    with showing(chromium, path, view="sequences") as page:
        page.click(".rows tbody tr >> nth=3")
        page.wait_for_function(
            "document.querySelector('#viewer-title').textContent.includes('peak')"
        )
        assert page.locator("img").count() == 0
        assert page.locator("script").count() == 2
        active = "(e) => [...e.attributes].some((a) => a.name.startsWith('on'))"
        assert page.evaluate(f"[...document.querySelectorAll('*')].filter({active}).length") == 0
        said = ""
        for tab in page.locator("nav.tabs a").all():
            tab.click()
            page.wait_for_selector(f".view.current[data-view={tab.get_attribute('data-view')}]")
            said += page.locator("main").inner_text()
        assert min(said.count(EVIL), said.count(EVIL_ATTRIBUTE)) > 2
        page.click("nav.tabs a:has-text('Sequences')")
        with page.expect_download() as saved:
            page.click("#viewer button:has-text('SVG')")
        assert re.fullmatch(r"[\w.+-]+\.svg", saved.value.suggested_filename)
        root = ElementTree.parse(saved.value.path()).getroot()
        tags = {e.tag.rpartition("}")[2] for e in root.iter()}
        assert tags == {"svg", "title", "g", "rect", "text", "path"}


def test_without_scripts_scores_logos_and_rows_are_there(chromium, new_run):
    page_of_run = report.write(new_run(more=True))
    with showing(chromium, page_of_run, java_script_enabled=False) as page:
        assert page.locator("text=AUROC 0.965 (95 % interval").is_visible()
        assert page.locator(".chart").first.is_visible()
        assert page.locator(".motifs .logo svg").first.is_visible()
        assert page.locator("#sequence-table tbody tr").count() == 25
        assert page.locator(".optima .logo svg").is_visible()
        assert page.locator(".agreement tbody tr").count() == 2
        assert not page.locator("#viewer").is_visible()


def test_motifs_sort_by_their_headings(chromium, page_of_run):
    with showing(chromium, page_of_run, view="motifs") as page:
        sites = page.locator(".motifs td[data-label=Sites]")
        page.click(".motifs button:has-text('Sites')")
        assert sites.all_inner_texts() == ["55", "400", "401", "402"]
        page.click(".motifs button:has-text('Sites')")
        assert sites.all_inner_texts() == ["402", "401", "400", "55"]


@pytest.mark.parametrize("width", [400, 800])
def test_a_narrow_window_needs_no_sideways_scrolling(chromium, new_run, width):
    page_of_run = report.write(new_run(more=True))
    with showing(chromium, page_of_run, viewport={"width": width, "height": 800}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_follows_the_color_scheme(chromium, page_of_run):
    seen = {}
    for scheme in ("light", "dark"):
        with showing(chromium, page_of_run, view="overview", color_scheme=scheme) as page:
            seen[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light, dark = (sum(map(int, re.findall(r"\d+", seen[s]))) for s in ("light", "dark"))
    assert light > 600
    assert dark < 150


def test_the_canvas_is_sharp_on_a_dense_screen(chromium, page_of_run):
    with showing(chromium, page_of_run, view="sequences", device_scale_factor=2) as page:
        ratio = page.locator("#viewer canvas").first.evaluate("(c) => c.width / c.clientWidth")
        assert ratio == pytest.approx(2, abs=0.01)


def test_every_control_has_a_name_and_every_table_a_caption(chromium, new_run):
    with showing(chromium, report.write(new_run(more=True))) as page:
        nameless = (
            "(e) => !(e.getAttribute('aria-label') || (e.labels?.[0] ?? e).textContent.trim())"
        )
        controls = "button, input, select, canvas:not([aria-hidden])"
        bare = "(t) => !t.caption && !t.getAttribute('aria-label')"
        for selector, fails in ((controls, nameless), ("table", bare)):
            found = f"[...document.querySelectorAll({selector!r})].filter({fails}).length"
            assert page.evaluate(found) == 0, selector
        levels = "[...document.querySelectorAll('h1, h2, h3')].map((h) => Number(h.tagName[1]))"
        found = page.evaluate(levels)
        assert found[0] == 1
        assert found.count(1) == 1
        assert all(b - a <= 1 for a, b in pairwise(found))


def test_captions_of_wide_tables_are_read_without_scrolling_at_400_px(chromium, page_of_run):
    with showing(chromium, page_of_run, viewport={"width": 400, "height": 900}) as page:
        wide = page.evaluate(
            "[...document.querySelectorAll('.scroll')].some(e => e.scrollWidth > e.clientWidth)"
        )
        assert wide
        ends = page.evaluate(
            "[...document.querySelectorAll('caption')].map(e => e.getBoundingClientRect().right)"
        )
        assert max(ends) <= 400
