"""Views, tabs and addresses; light and dark; what the keyboard does; what is printed."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from browser import chromium, showing
from cisgram import report
from cisgram.report.section import VIEWS
from cisgram.report.style import style
from report.test_neurons import neuron, put

__all__ = ["chromium"]

pytestmark = pytest.mark.browser


@pytest.fixture
def page_of_run(new_run) -> Path:
    return report.write(put(new_run(n=12, length=60, more=True), neuron(0, r2=0.5)))


def shown(page) -> list[str]:
    """Views that can be seen."""
    return [v.get_attribute("data-view") for v in page.locator(".view:visible").all()]


def test_each_tab_shows_its_view_alone_and_takes_the_focus_to_its_heading(chromium, page_of_run):
    with showing(chromium, page_of_run) as page:
        assert shown(page) == ["overview"]
        for name, title in list(VIEWS.items())[::-1]:
            page.click(f"nav.tabs a:has-text('{title}')")
            page.wait_for_selector(f".view.current[data-view={name}]")
            assert shown(page) == [name]
            assert page.locator("nav.tabs a[aria-current=page]").inner_text() == title
            assert page.evaluate("document.activeElement.closest('.view').dataset.view") == name
            assert page.evaluate("document.activeElement.tagName") == "H2"
            assert page.evaluate("scrollY") == 0
            heading = "" if name == "overview" else f"{title} · "
            assert page.title() == f"{heading}demo · cisgram"


def test_back_and_forward_walk_through_the_views(chromium, page_of_run):
    with showing(chromium, page_of_run) as page:
        for name in ("motifs", "sequences", "trust"):
            page.click(f"nav.tabs a[data-view={name}]")
            page.wait_for_selector(f".view.current[data-view={name}]")
        for name in ("sequences", "motifs", "overview"):
            page.go_back()
            page.wait_for_selector(f".view.current[data-view={name}]")
        page.go_forward()
        page.wait_for_selector(".view.current[data-view=motifs]")
        assert shown(page) == ["motifs"]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_that_is_opened_by_its_name_begins_at_its_tab(chromium, page_of_run, view):
    with showing(chromium, page_of_run, view=view) as page:
        page.wait_for_timeout(200)
        assert page.evaluate("scrollY") == 0
        assert page.locator("nav.tabs a[aria-current=page]").is_visible()


@pytest.mark.parametrize(
    ("address", "view", "anchor"),
    [
        ("nothing-of-that-name", "overview", None),
        ("%E0%A4%A", "overview", None),
        ("trust?a=b", "trust", None),
        ("data-title", "overview", "data-title"),
        ("scores", "overview", "scores"),
        ("neuron-conv3-0", "neurons", "neuron-conv3-0"),
    ],
)
def test_an_address_opens_its_view_and_what_lies_in_it(
    chromium, page_of_run, address, view, anchor
):
    with showing(chromium, page_of_run, view=address) as page:
        assert shown(page) == [view]
        if anchor:
            page.wait_for_function(f"() => document.activeElement.id === {anchor!r}")
            assert page.locator(f"[id='{anchor}']").is_visible()


def test_the_skip_link_leads_past_the_tabs(chromium, page_of_run):
    with showing(chromium, page_of_run) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "summary-title"
        assert shown(page) == ["overview"]


def test_the_keys_are_listed_on_request_but_not_while_a_name_is_typed(chromium, page_of_run):
    with showing(chromium, page_of_run, view="sequences") as page:
        page.keyboard.press("/")
        page.keyboard.type("?")
        assert page.locator("input[type=search]").first.input_value() == "?"
        assert not page.locator("dialog.keys").is_visible()
        page.locator(".stack").focus()
        page.keyboard.press("?")
        said = page.locator("dialog.keys").inner_text()
        assert "step from base to base" in said
        assert "Shift + Enter" in said
        page.keyboard.press("Escape")
        assert not page.locator("dialog.keys").is_visible()


@pytest.mark.parametrize("how", ["print", "no scripts"])
def test_on_paper_and_without_scripts_all_sections_stand_in_order(chromium, page_of_run, how):
    with showing(chromium, page_of_run, java_script_enabled=how == "print") as page:
        if how == "print":
            page.emulate_media(media="print")
        assert shown(page) == list(VIEWS)
        tops = [s.bounding_box()["y"] for s in page.locator("main section").all()]
        assert tops == sorted(tops)
        for control in (".tools", ".save", ".files", ".beside-bar", "dialog"):
            assert page.locator(f"{control}:visible").count() == 0
        if how == "print":
            assert page.locator("nav:visible, .bar:visible, .readout:visible").count() == 0


def test_tracks_are_printed_in_light_colors_and_as_wide_as_the_paper(chromium, page_of_run):
    with showing(chromium, page_of_run, color_scheme="dark") as page:
        page.wait_for_selector("#viewer .lane canvas[aria-label*='strongest']", state="attached")
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        canvas = page.locator("#viewer .lane canvas").first
        assert canvas.evaluate("(c) => c.width") == 1400, "two dots a px of 700 px of paper"
        inks = canvas.evaluate("""(c) => {
            const copy = new OffscreenCanvas(c.width, c.height).getContext("2d");
            copy.drawImage(c, 0, 0);
            const dots = copy.getImageData(0, 0, c.width, c.height).data;
            const found = new Set();
            for (let i = 0; i < dots.length; i += 4) {
                if (dots[i + 3] === 255) found.add(`${dots[i]} ${dots[i + 1]} ${dots[i + 2]}`);
            }
            return [...found];
        }""")
        assert "37 92 153" in inks, "the blue of a C on paper"
        assert "106 165 224" not in inks, "the blue of a C in the dark"


def background(page) -> int:
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", color)))


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_reader_chooses_light_or_dark_and_the_page_remembers(chromium, page_of_run, system):
    with showing(chromium, page_of_run, color_scheme=system) as page:
        for wanted in ("dark", "light"):
            page.select_option("select[aria-label='Light or dark']", wanted)
            assert (background(page) > 600) == (wanted == "light")
        other = "light" if system == "dark" else "dark"
        page.select_option("select[aria-label='Light or dark']", other)
        page.reload()
        assert (background(page) > 600) == (other == "light")
        page.select_option("select[aria-label='Light or dark']", "auto")
        assert (background(page) > 600) == (system == "light")


def test_safe_letters_change_logos_and_tracks_and_stand_in_the_address(chromium, page_of_run):
    with showing(chromium, page_of_run, view="sequences") as page:
        letter = ".optima .logo [fill='#109648']"
        fill = f"getComputedStyle(document.querySelector({letter!r})).fill"
        assert page.evaluate(fill) == "rgb(16, 150, 72)"
        page.select_option("select[aria-label='Colors of the letters']", "safe")
        assert page.evaluate(fill) == "rgb(18, 167, 157)"
        page.wait_for_function("() => location.hash.includes('palette=safe')")
        with page.expect_download() as saved:
            page.click("#viewer button:has-text('SVG')")
        text = Path(saved.value.path()).read_text()
        assert "#12a79d" in text
        assert "#109648" not in text
        page.evaluate("localStorage.clear()")
        page.reload()
        page.wait_for_function(f"() => {fill} === 'rgb(18, 167, 157)'")


# Machado, Oliveira and Fernandes 2009, table of severity 1: how linear RGB is seen.
SEEN = {
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ],
}
TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
) / np.array([[0.9505], [1], [1.089]])


def lab(color: str, seen: list[list[float]]) -> np.ndarray:
    """CIE L*a*b* of a color as somebody sees it."""
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(TO_XYZ @ np.clip(np.array(seen) @ linear, 0, 1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def nearest(letters: list[str]) -> float:
    """The distance of the two letters that the worst-served readers can tell apart least."""
    return min(
        float(np.linalg.norm(lab(a, seen) - lab(b, seen)))
        for seen in SEEN.values()
        for a, b in combinations(letters, 2)
    )


def test_safe_letters_differ_for_every_kind_of_color_blindness():
    found = re.findall(r"--A: (\S+); --C: (\S+); --G: (\S+); --T: (\S+);", style())
    light, safe, dark, safe_dark = ([str(c) for c in four] for four in found)
    assert max(nearest(light), nearest(dark)) < 20, "why there is a choice at all"
    assert min(nearest(safe), nearest(safe_dark)) > 35


def test_a_link_to_the_view_is_offered_where_nothing_may_be_copied(chromium, page_of_run):
    with showing(chromium, page_of_run, view="sequences") as page:
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        page.click("button:has-text('Copy link')")
        link = page.locator("dialog input").input_value()
        assert link.startswith(f"{page_of_run.as_uri()}#sequences?name=")
        page.click("dialog button:has-text('Close')")
        page.wait_for_selector("dialog", state="detached")


def test_the_link_is_copied_where_that_is_allowed(chromium, page_of_run):
    with showing(chromium, page_of_run, view="trust") as page:
        board = "{writeText(text) { globalThis.copied = text; }}"
        page.evaluate(f"Object.defineProperty(navigator, 'clipboard', {{value: {board}}})")
        page.click("button:has-text('Copy link')")
        page.wait_for_selector("text=Link copied")
        assert page.evaluate("globalThis.copied") == f"{page_of_run.as_uri()}#trust"


def test_nothing_glides_where_less_motion_is_asked_for(chromium, page_of_run):
    for wanted, behavior in (("reduce", "auto"), ("no-preference", "smooth")):
        with showing(chromium, page_of_run, reduced_motion=wanted) as page:
            found = "getComputedStyle(document.documentElement).scrollBehavior"
            assert page.evaluate(found) == behavior


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("width", [390, 1024])
def test_no_view_is_wider_than_the_screen(chromium, page_of_run, view, width):
    size = {"width": width, "height": 800}
    with showing(chromium, page_of_run, view=view, viewport=size) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
