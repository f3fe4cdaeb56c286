"""Two sequences side by side, differences, the class optimum, and the address that keeps it all."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from browser import chromium, showing
from cisgram import motifs, report
from cisgram.core import config

__all__ = ["chromium"]

pytestmark = pytest.mark.browser

VIEW = "sequences"
LAYOUT = "select[aria-label='Side by side']"


@pytest.fixture
def run(new_run):
    return new_run(n=8, length=60, more=True)


def observed(run, method: str, row: int, *, relative: bool | None = None) -> np.ndarray:
    """Scores of the bases that are there, as the page defines them; of ISM changes against them."""
    arrays = load_file(run.path / "explain" / method / "values.safetensors")
    values, x = arrays["values"][row], arrays["x"][row]
    if method == "ism" if relative is None else relative:
        return -(values * (1 - x)).sum(0) / 3 * x.any(0)
    return (values * x).sum(0)


def quantum(run, method: str, row: int) -> float:
    values = load_file(run.path / "explain" / method / "values.safetensors")["values"][row]
    return float(abs(values).max()) / 127


def table_of(page, panel: str = "#viewer") -> dict[str, list[str]]:
    """Columns of the table that a panel downloads."""
    with page.expect_download() as saved:
        page.click(f"{panel} .downloads button:has-text('TSV')")
    head, *rows = [line.split("\t") for line in Path(saved.value.path()).read_text().splitlines()]
    return dict(zip(head, zip(*rows, strict=True), strict=True))


def settled(page) -> None:
    """Waits until the address says what is shown: it follows a fifth of a second behind."""
    page.wait_for_timeout(400)


def named(page, panel: str = "#viewer") -> int:
    return int(page.locator(f"{panel} h3").inner_text().removeprefix("peak_"))


def alike(run, **options):
    """Gives both methods the same units and options."""
    for method in ("ism", "saliency"):
        path = run.path / "explain" / method / "options.toml"
        config.write_toml(path, {"target": 0, "units": "logit", **options})


def test_a_difference_is_one_method_minus_the_other(chromium, run):
    alike(run, signed=True, substitutions=True)
    with showing(chromium, report.write(run), view=VIEW) as page:
        page.click("#viewer button:has-text('Whole')")
        page.select_option("#viewer select[aria-label='Difference of']", "ism")
        page.select_option("#viewer select[aria-label='What is subtracted']", "saliency")
        found = np.array(table_of(page)["difference:ism-saliency"], dtype=float)
        row = named(page)
        expected = observed(run, "ism", row) - observed(run, "saliency", row, relative=True)
        step = quantum(run, "ism", row) + quantum(run, "saliency", row)
        np.testing.assert_allclose(found, expected, atol=0.5 * step + 1e-3)
        said = page.locator("[data-lane=difference] figcaption").inner_text()
        assert "In-silico mutagenesis minus Saliency, logit" in said


def test_of_other_units_each_is_a_share_of_its_largest(chromium, run):
    config.write_toml(run.path / "explain" / "saliency" / "options.toml", {"units": "z"})
    with showing(chromium, report.write(run), view=VIEW) as page:
        page.click("#viewer button:has-text('Whole')")
        page.select_option("#viewer select[aria-label='Difference of']", "saliency")
        found = np.array(table_of(page)["difference:saliency-ism"], dtype=float)
        row = named(page)
        a, b = observed(run, "saliency", row), observed(run, "ism", row)
        expected = a / abs(a).max() - b / abs(b).max()
        np.testing.assert_allclose(found, expected, atol=0.03)
        said = page.locator("[data-lane=difference] figcaption").inner_text()
        assert "Saliency minus In-silico mutagenesis" in said
        assert "each divided by its own largest score" in said


@pytest.mark.parametrize("other", [{"signed": False}, {"substitutions": False}])
def test_of_other_measures_in_the_same_units_each_is_a_share_of_its_largest(chromium, run, other):
    """The size of a gradient is no change of the output, though both are in logits."""
    alike(run, signed=True, substitutions=True)
    told = {"units": "logit", "signed": True, "substitutions": True, **other}
    config.write_toml(run.path / "explain" / "saliency" / "options.toml", told)
    with showing(chromium, report.write(run), view=VIEW) as page:
        page.select_option("#viewer select[aria-label='Difference of']", "ism")
        said = page.locator("[data-lane=difference] figcaption").inner_text()
        assert "each divided by its own largest score" in said


def test_of_two_sequences_the_second_panel_subtracts_the_first(chromium, run):
    with showing(chromium, report.write(run), view=VIEW) as page:
        page.click(".rows tbody tr:has-text('peak_0')")
        page.wait_for_selector("#viewer h3:has-text('peak_0')")
        page.click(".rows tbody tr:has-text('peak_2')", modifiers=["Shift"])
        page.wait_for_selector("#second-viewer [data-lane=difference]")
        assert (named(page), named(page, "#second-viewer")) == (0, 2)
        page.click("#second-viewer button:has-text('Whole')")
        found = np.array(table_of(page, "#second-viewer")["difference:ism-@beside"], dtype=float)
        expected = observed(run, "ism", 2) - observed(run, "ism", 0)
        step = quantum(run, "ism", 0) + quantum(run, "ism", 2)
        np.testing.assert_allclose(found, expected, atol=0.5 * step + 1e-3)
        said = page.locator("#second-viewer [data-lane=difference] figcaption").inner_text()
        assert "minus In-silico mutagenesis of peak_0" in said
        assert page.locator("#viewer [data-lane=difference]").count() == 0


def window(page, panel: str = "#viewer") -> tuple[int, int]:
    positions = table_of(page, panel)["position"]
    return int(positions[0]), int(positions[-1])


def test_panels_zoom_together_until_they_are_freed(chromium, run):
    with showing(chromium, report.write(run), view=VIEW) as page:
        page.select_option(LAYOUT, "two")
        page.wait_for_selector("#second-viewer .lane")
        page.click("#viewer button:has-text('Whole')")
        assert window(page) == window(page, "#second-viewer") == (0, 59)
        page.click("#second-viewer button[aria-label='Zoom in']")
        assert window(page) == window(page, "#second-viewer") != (0, 59)
        page.uncheck("text=Zoom together")
        page.click("#viewer button:has-text('Whole')")
        assert window(page) == (0, 59) != window(page, "#second-viewer")


def test_two_panels_that_are_swapped_keep_what_is_seen_of_their_sequences(chromium, run):
    with showing(chromium, report.write(run), view=VIEW) as page:
        page.select_option(LAYOUT, "two")
        page.wait_for_selector("#second-viewer .lane")
        page.click("#viewer button:has-text('Whole')")

        def swap() -> None:
            first = page.locator("#viewer h3").inner_text()
            page.click("button:has-text('Swap')")
            page.wait_for_selector(f"#second-viewer h3:has-text('{first}')")
            settled(page)

        swap()
        assert window(page) == window(page, "#second-viewer") == (0, 59)
        page.uncheck("text=Zoom together")
        page.click("#viewer button[aria-label='Zoom in']")
        near = window(page)
        swap()
        assert window(page, "#second-viewer") == near != window(page) == (0, 59)


def test_the_same_sequence_twice_shows_its_methods_side_by_side(chromium, run):
    with showing(chromium, report.write(run), view=VIEW) as page:
        page.select_option(LAYOUT, "same")
        page.wait_for_selector("#second-viewer .lane")
        assert named(page) == named(page, "#second-viewer")
        lanes = "(all) => all.map((e) => e.dataset.lane)"
        assert page.locator("#second-viewer .lane").evaluate_all(lanes) == ["saliency"]
        assert "ism" in page.locator("#viewer .lane").evaluate_all(lanes)
        page.select_option(LAYOUT, "one")
        assert not page.locator("#second-viewer").is_visible()


def test_a_second_sequence_is_found_by_its_name_or_refused(chromium, run):
    with showing(chromium, report.write(run), view=VIEW) as page:
        page.select_option(LAYOUT, "two")
        field = page.locator("input[aria-label='The sequence beside']")
        field.fill("peak_5")
        field.press("Enter")
        page.wait_for_selector("#second-viewer h3:has-text('peak_5')")
        field.fill("no such name")
        field.press("Enter")
        assert field.evaluate("(e) => e.validationMessage") != ""
        assert named(page, "#second-viewer") == 5
        before = named(page)
        page.click("button:has-text('Swap')")
        page.wait_for_selector("#viewer h3:has-text('peak_5')")
        assert named(page, "#second-viewer") == before


def test_a_reload_brings_back_all_that_was_shown(chromium, run):
    with showing(chromium, report.write(run), view=VIEW) as page:
        page.fill("input[aria-label='Filter by name']", "peak")
        page.fill("input[aria-label='At least']", "0.1")
        page.click(".rows button:has-text('Name')")
        page.click(".rows tbody tr:has-text('peak_2')")
        page.wait_for_selector("#viewer h3:has-text('peak_2')")
        page.uncheck("#viewer .choices label:has-text('Attention')")
        page.select_option("#viewer select[aria-label^='What is drawn']", "both")
        page.select_option("#viewer select[aria-label='Difference of']", "saliency")
        page.click(".rows tbody tr:has-text('peak_4')", modifiers=["Shift"])
        page.wait_for_selector("#second-viewer [data-lane=difference]")
        page.uncheck("text=Zoom together")
        page.click("#viewer button[aria-label='Zoom in']")
        page.click("#second-viewer button:has-text('Whole')")
        page.uncheck("#second-viewer .choices label:has-text('Temporal')")
        settled(page)

        def state() -> list:
            panels = ("#viewer", "#second-viewer")
            lanes = [page.locator(f"{p} .lane figcaption").all_inner_texts() for p in panels]
            names = page.locator(".rows tbody th").all_inner_texts()
            return [lanes, [table_of(page, p) for p in panels], names, page.url]

        before = state()
        assert "difference:saliency-ism" in before[1][0]
        page.reload()
        page.wait_for_selector("#second-viewer [data-lane=difference]")
        settled(page)
        after = state()
        for one, other in zip(before, after, strict=True):
            assert one == other


def test_a_tab_leads_back_to_what_its_view_showed(chromium, run):
    with showing(chromium, report.write(run), view=VIEW) as page:
        page.click(".rows tbody tr:has-text('peak_6')")
        page.wait_for_selector("#viewer h3:has-text('peak_6')")
        settled(page)
        address = page.url
        page.click("nav.tabs a:has-text('Trust')")
        page.wait_for_selector(".view.current[data-view=trust]")
        page.click("nav.tabs a:has-text('Sequences')")
        page.wait_for_selector(".view.current[data-view=sequences]")
        assert page.url == address
        assert named(page) == 6


def test_the_table_is_asked_for_ranges_and_motifs_in_the_address_too(chromium, run):
    path = report.write(run)
    with showing(chromium, path, view=f"{VIEW}?range=probability:0.5:") as page:
        rows = page.locator(".rows tbody tr")
        values = [float(t) for t in page.locator(".rows tbody td:nth-child(4)").all_inner_texts()]
        assert 0 < rows.count() < 8
        assert min(values) >= 0.5
        page.click("button:has-text('Clear')")
        assert rows.count() == 8
    with showing(chromium, path, view=f"{VIEW}?motif=positive_0") as page:
        names = page.locator(".rows tbody th").all_inner_texts()
        assert sorted(names) == [f"peak_{i}" for i in range(4)], "those that have hits"
        assert page.locator("#viewer h3").inner_text() in names
    with showing(chromium, path, view=f"{VIEW}?motif=%3Cb%3Enobody") as page:
        assert page.locator("text=No sequence fits the filter").is_visible()
        assert "<b>nobody" in page.locator("select[aria-label='Motif site']").inner_text()


def test_the_optimum_lies_where_the_sequence_fits_it_best(chromium, run):
    optimum = motifs.read_meme(run.path / "motifs" / "class_optimization.meme")[0]
    x = load_file(run.path / "explain" / "ism" / "values.safetensors")["x"]
    with showing(chromium, report.write(run), view=VIEW) as page:
        sequence = x[named(page)].astype(float)
        best = []
        for strand, ppm in (("+", optimum.ppm), ("−", optimum.ppm[::-1, ::-1])):
            odds = np.log2((ppm + 0.01) / 1.04 / 0.25)
            for start in range(60 - optimum.width + 1):
                part = sequence[:, start : start + optimum.width]
                best.append((float((odds * part).sum()), start, strand))
        _, start, strand = max(best)
        said = page.locator("[data-lane='optimum optimum_1'] figcaption").inner_text()
        assert f"{start}–{start + optimum.width}, strand {strand}" in said


def test_a_canvas_says_in_a_sentence_what_it_shows(chromium, run):
    with showing(chromium, report.write(run), view=VIEW) as page:
        page.click("#viewer button:has-text('Whole')")
        canvas = page.locator("[data-lane=saliency] canvas")
        page.wait_for_function(
            "() => document.querySelector('[data-lane=saliency] canvas')"
            ".ariaLabel.includes('bases 0 to 60 of 60')"
        )
        row = named(page)
        said = (canvas.get_attribute("aria-label") or "").replace("−", "-")
        scores = observed(run, "saliency", row)
        sums = np.convolve(abs(scores), np.ones(12), "valid")
        pattern = r"strongest at (\d+) to (\d+), ([ACGTN]+); scores from (\S+) to (\S+)\."
        found = re.search(pattern, said)
        assert found is not None, said
        assert sums[int(found[1])] == pytest.approx(sums.max(), rel=0.02)
        x = load_file(run.path / "explain" / "ism" / "values.safetensors")["x"][row]
        letters = "".join("ACGT"[c.argmax()] if c.any() else "N" for c in x.T)
        assert found[3] == letters[int(found[1]) : int(found[2])]
        step = quantum(run, "saliency", row)
        assert float(found[4]) == pytest.approx(min(scores.min(), 0), abs=step)
        assert float(found[5]) == pytest.approx(scores.max(), abs=step)
        page.click("#viewer button[aria-label='Zoom in']")
        page.wait_for_function(
            "() => !document.querySelector('[data-lane=saliency] canvas')"
            ".ariaLabel.includes('bases 0 to 60')"
        )
        assert page.locator("#viewer [aria-live], #viewer [role=status]").count() == 0
