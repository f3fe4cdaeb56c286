"""A scripted user on a run of real peaks: every view, live and mailed, and a silent console."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from browser import chromium, painted, showing
from dashboard.test_live_browser import answered, edits, opened, place

__all__ = ["chromium"]

pytestmark = [pytest.mark.browser, pytest.mark.data, pytest.mark.slow]

MAILED = ("overview", "sequences", "motifs", "neurons", "grammar", "trust")


def cisgram(*arguments: object) -> None:
    command = [sys.executable, "-c", "from cisgram.cli import main; main()", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, timeout=280)


@pytest.fixture(scope="module")
def real(data_dir, tmp_path_factory) -> Path:
    """ELK1's strongest peaks, few epochs of a small network, one neuron demixed."""
    peaks = data_dir / "tf-chipseq-deepbind" / "ELK1_GM12878_ELK1_(1277-1)_Stanford"
    run = tmp_path_factory.mktemp("real") / "RUN"
    cisgram(
        *("run", "--positives", f"{peaks}_AC.seq.gz", "--test", f"{peaks}_B.seq.gz"),
        *("--max-positives", 800, "--model", "demo-cnn", "--epochs", 4, "--seed", 1),
        *("--set", "model.options.size=small", "--set", "explain.most=40", "-o", run),
    )
    cisgram("demix", run, "--layer", "conv1", "--neuron", 0)
    cisgram("report", run)
    return run


def rows_of(download) -> list[list[str]]:
    with Path(download.path()).open(newline="") as handle:
        return list(csv.reader(handle, delimiter="\t"))


def test_a_user_goes_through_the_served_run(chromium, serving, real):
    with opened(chromium, serving(real), "#overview") as page:
        for view in (*MAILED, "ask", "jobs", "progress"):
            page.click(f"nav a[href^='#{view}']")
            page.wait_for_selector(f"nav a[href^='#{view}'][aria-current=page]")
            page.wait_for_selector("main h2:visible")
        page.click("nav a[href^='#sequences']")
        page.wait_for_function(painted("#viewer canvas"))
        name = page.locator("#viewer-title").inner_text()
        with page.expect_download() as saved:
            page.click("#viewer button:has-text('SVG')")
        assert ElementTree.parse(saved.value.path()).getroot().tag.endswith("svg")
        with page.expect_download() as saved:
            page.click("#viewer button:has-text('TSV')")
        table = rows_of(saved.value)
        assert table[0][:2] == ["position", "base"]
        assert len(table) == 102

        page.click("#viewer button:has-text('Change it')")
        page.wait_for_selector(".predictions td")
        assert page.locator("#ask-viewer-title").inner_text() == name
        page.click(".asked button:has-text('Whole')")
        page.mouse.click(*place(page, 50, span=101))
        page.wait_for_selector(".pick button:enabled")
        answered(page, lambda: page.click(".pick button:enabled >> nth=0"))
        assert len(edits(page)) == 1
        x, y = place(page, 20, span=101)
        box = page.locator(".motif").first.bounding_box()
        page.mouse.move(box["x"] + box["width"] - 12, box["y"] + 12)
        page.mouse.down()
        page.mouse.move(x, y, steps=4)
        answered(page, page.mouse.up)
        assert len(edits(page)) == 2


def test_a_user_starts_cancels_and_resumes_a_job(chromium, serving, real):
    with opened(chromium, serving(real), "#jobs") as page:
        page.select_option("#job-kind", "demix")
        page.fill("#job-layer", "conv1")
        page.fill("#job-neuron", "1")
        page.click(".jobform button[type=submit]")
        page.click(".jobs button:has-text('Cancel')")
        page.wait_for_selector(".jobs .state.cancelled")
        page.click(".jobs button:has-text('Resume')")
        page.wait_for_selector(".jobs .state.done", timeout=200_000)
    assert (real / "demix" / "conv1" / "1.json").is_file()


def test_the_mailed_page_shows_every_view_offline(chromium, real):
    with showing(chromium, real / "report.html", offline=True) as page:
        for view in MAILED:
            page.click(f"nav a[href^='#{view}']")
            page.wait_for_selector(f"div[data-view={view}].current")
            assert page.locator(f"div[data-view={view}]").inner_text().strip()
        page.click("nav a[href^='#motifs']")
        with page.expect_download() as saved:
            page.locator("div[data-view=motifs] button:has-text('TSV')").first.click()
        assert len(rows_of(saved.value)) > 1
