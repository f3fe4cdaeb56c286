"""One y scale for two panels where both draw a method, and each its own where that is asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from browser import chromium, showing
from cisgram import report
from report.test_beside_browser import LAYOUT, observed, settled, table_of

__all__ = ["chromium"]

pytestmark = pytest.mark.browser

VIEW = "sequences?name=peak_0&second=peak_3&minus2="
PANELS = {"#viewer": 0, "#second-viewer": 3}
LETTER = re.compile(r"scale\((\S+) (\S+)\)")


@pytest.fixture
def run(new_run):
    return new_run(n=8, length=60, more=True)


def picture(page, panel: str) -> str:
    with page.expect_download() as saved:
        page.click(f"{panel} .downloads button:has-text('SVG')")
    return Path(saved.value.path()).read_text()


def px(page, panel: str, method: str, largest: float) -> float:
    """Height of a score of 1, from the highest letter of a method's lane."""
    lane = picture(page, panel).partition(f">{method}")[2].partition(">Saliency")[0]
    heights = [abs(float(m[2])) * 100 for m in LETTER.finditer(lane)]
    return max(heights) / largest


def whole(page) -> None:
    page.wait_for_selector("#second-viewer .lane")
    for panel in PANELS:
        page.click(f"{panel} button:has-text('Whole')")
    settled(page)


def test_of_one_method_a_score_is_as_high_in_both_panels_unless_each_has_its_own(chromium, run):
    largest = {p: abs(observed(run, "ism", row)).max() for p, row in PANELS.items()}
    with showing(chromium, report.write(run), view=VIEW) as page:
        whole(page)
        left, right = (px(page, p, "In-silico mutagenesis", v) for p, v in largest.items())
        assert left == pytest.approx(right, rel=0.03)
        caption = page.locator("#viewer [data-lane=ism] figcaption")
        assert caption.inner_text().endswith("same scale beside")
        page.check("text=Own scale")
        own = [px(page, p, "In-silico mutagenesis", v) for p, v in largest.items()]
        assert min(own) == pytest.approx(left, rel=0.03), "of the panel that reaches farther"
        assert max(own) > 1.05 * min(own)
        page.wait_for_function(
            "() => !document.querySelector('#viewer figcaption').textContent.includes('beside')"
        )
        settled(page)
        assert "scale=own" in page.url
        page.reload()
        page.wait_for_selector("#second-viewer .lane")
        assert page.locator("text=Own scale").is_checked()
        page.uncheck("text=Own scale")
        settled(page)
        assert "scale=" not in page.url


def test_tracks_say_how_far_a_shared_scale_reaches(chromium, run):
    with showing(chromium, report.write(run), view=VIEW) as page:
        whole(page)
        for panel in PANELS:
            said = page.locator(f"{panel} [data-lane=attention] figcaption").inner_text()
            assert said == "Attention same scale beside, up to 1.000"
            assert "Attention (same scale beside, up to 1.000)" in picture(page, panel)
            page.select_option(f"{panel} select[aria-label^='What is drawn']", "both")
        page.wait_for_function(
            "() => [...document.querySelectorAll('#viewer figcaption')]"
            ".some((e) => /all four bases.*same scale beside, up to/.test(e.textContent))"
        )


def test_a_panel_that_zooms_alone_moves_the_scale_of_both(chromium, run):
    strongest = int(abs(observed(run, "ism", 0)).argmax())
    weak = "from=0&to=15" if strongest > 30 else "from=45&to=60"
    with showing(chromium, report.write(run), view=f"{VIEW}&zoom=free&{weak}") as page:
        page.wait_for_selector("#second-viewer .lane")
        page.click("#second-viewer button:has-text('Whole')")
        settled(page)
        seen = max(abs(float(v)) for v in table_of(page)["ism"])
        assert seen < 0.5 * abs(observed(run, "ism", 0)).max(), "the strongest site is out of sight"
        left = px(page, "#viewer", "In-silico mutagenesis", seen)
        largest = abs(observed(run, "ism", 3)).max()
        right = px(page, "#second-viewer", "In-silico mutagenesis", largest)
        assert left == pytest.approx(right, rel=0.03)


def test_panels_that_draw_no_method_in_common_are_not_offered_a_scale(chromium, run):
    with showing(chromium, report.write(run), view="sequences?name=peak_0") as page:
        switch = page.locator("label:has-text('Own scale')")
        assert not switch.is_visible()
        page.select_option(LAYOUT, "same")
        page.wait_for_selector("#second-viewer .lane")
        switch.wait_for()
        page.uncheck("#viewer .choices label:has-text('Saliency')")
        switch.wait_for(state="hidden")
        page.check("#second-viewer .choices label:has-text('In-silico mutagenesis')")
        switch.wait_for()


@pytest.mark.parametrize("row", range(8))
def test_a_scale_has_a_line_besides_that_of_zero(chromium, run, row):
    with showing(chromium, report.write(run), view=f"sequences?name=peak_{row}") as page:
        page.wait_for_selector("#viewer .lane")
        page.click("#viewer button:has-text('Whole')")
        settled(page)
        lane = picture(page, "#viewer").partition(">In-silico mutagenesis")[2]
        said = re.findall(r">([-\u2212]?[0-9.]+)</text>", lane.partition(">Saliency")[0])
        assert {float(v.replace("\u2212", "-")) for v in said} - {0.0}, said
