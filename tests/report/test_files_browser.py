"""Every figure as SVG and PNG, every table as TSV: alone in their files, with the right numbers."""

from __future__ import annotations

import csv
import json
import re
import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest

from browser import chromium, showing
from cisgram import report
from cisgram.core import files
from made_run import EVIL, EVIL_ATTRIBUTE

__all__ = ["chromium"]

pytestmark = pytest.mark.browser

DRAWINGS = 'main svg[role="img"]'


@pytest.fixture
def page_of_run(new_run) -> Path:
    return report.write(new_run(n=12, length=60, more=True))


def saved(page, press: str) -> Path:
    with page.expect_download() as download:
        page.click(press)
    assert re.fullmatch(r"[\w.+-]+\.(svg|png|tsv)", download.value.suggested_filename)
    return Path(download.value.path())


def drawing(page, inside: str, kind: str) -> Path:
    """Opens the menu of a drawing and takes one of its files."""
    page.hover(f"{inside} svg[role=img]")
    page.click(f"{inside} .save summary")
    return saved(page, f"{inside} .save button:has-text('{kind}')")


def rows_of(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def quoted_rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.reader(handle, delimiter="\t"))


def test_a_chart_is_saved_alone_with_its_styles_and_in_light_colors(chromium, page_of_run):
    with showing(chromium, page_of_run, color_scheme="dark") as page:
        chart = "figure:has(h3:text-is('Calibration'))"
        text = drawing(page, chart, "SVG").read_text()
        assert not re.search(r"var\(|class=|style=|<script|href", text)
        root = ElementTree.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        drawn = {e.get("d") for e in root.iter() if e.tag.endswith("path")}
        on_page = page.locator(f"{chart} svg[role=img] path").evaluate_all(
            "(all) => all.map((e) => e.getAttribute('d'))"
        )
        assert drawn == set(on_page)
        first = next(e for e in root.iter() if e.get("stroke-width") == "2px")
        assert first.get("stroke") == "rgb(0, 114, 178)", "as on paper, not as in the dark"
        words = {e.text for e in root.iter() if e.tag.endswith("text")}
        assert {"Predicted probability", "0.5"} <= words | {"0.5"}


def test_a_picture_has_two_dots_a_px_on_white(chromium, page_of_run):
    with showing(chromium, page_of_run, color_scheme="dark") as page:
        chart = "figure:has(h3:text-is('Calibration'))"
        size = page.locator(f"{chart} svg[role=img]").evaluate(
            "(s) => [s.viewBox.baseVal.width, s.viewBox.baseVal.height]"
        )
        data = drawing(page, chart, "PNG").read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", data[16:24]) == pytest.approx([2 * v for v in size], abs=2)
        corner = page.evaluate(
            """async (bytes) => {
                const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
                const copy = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
                copy.drawImage(bitmap, 0, 0);
                const dots = copy.getImageData(0, 0, bitmap.width, bitmap.height).data;
                const dark = dots.filter((v, i) => i % 4 === 0 && v < 120).length;
                return [...dots.slice(0, 4), dark];
            }""",
            list(data),
        )
        assert corner[:4] == [255, 255, 255, 255]
        assert corner[4] > 100, "there is ink on it"


def test_every_drawing_and_table_of_every_view_is_offered(chromium, page_of_run):
    with showing(chromium, page_of_run) as page:
        for what, least, bare in (
            (DRAWINGS, 10, "(s) => !s.parentElement.querySelector(':scope > .save')"),
            ("main table", 8, "(t) => !t.dataset.files"),
        ):
            assert page.locator(what).count() > least
            found = f"[...document.querySelectorAll({what!r})].filter({bare}).length"
            assert page.evaluate(found) == 0, what


def test_what_is_drawn_later_is_offered_too(chromium, page_of_run):
    with showing(chromium, page_of_run) as page:
        page.evaluate("""() => {
            const late = document.createElement("div");
            late.id = "late";
            late.innerHTML = `<figure><h3>Late</h3><svg role="img" viewBox="0 0 9 9"
                ><title>late</title><path d="M1 1H8"/></svg></figure>
                <table><caption>Late</caption><tbody><tr><td class="n">1,234</td></tr></table>`;
            document.querySelector("#summary").append(late);
        }""")
        page.wait_for_selector("#late .files")
        assert 'd="M1 1H8"' in drawing(page, "#late figure", "SVG").read_text()
        assert rows_of(saved(page, "#late .files button")) == [["1234"]]


def test_a_menu_is_opened_and_closed_by_keys(chromium, page_of_run):
    with showing(chromium, page_of_run, view="motifs") as page:
        menu = page.locator(".motifs .save summary").first
        menu.focus()
        assert menu.evaluate("(e) => getComputedStyle(e).opacity") == "1"
        page.keyboard.press("Enter")
        page.wait_for_selector(".motifs .save[open] button")
        page.keyboard.press("Tab")
        with page.expect_download() as download:
            page.keyboard.press("Enter")
        root = ElementTree.parse(download.value.path()).getroot()
        drawn = len([e for e in root.iter() if e.tag.endswith("path")])
        assert drawn == page.locator(".motifs svg[role=img]").first.locator("path").count() > 0
        page.keyboard.press("Escape")
        assert not page.locator(".motifs .save button").first.is_visible()


def test_the_table_of_scores_holds_the_numbers_of_the_file(chromium, page_of_run):
    metrics = files.read_json(page_of_run.parent / "metrics.json")["test"]
    with showing(chromium, page_of_run) as page:
        head, test, *_ = rows_of(saved(page, "#scores .files button >> nth=0"))
        row = dict(zip(head, test, strict=True))
        assert row["Set"] == "Test"
        assert int(row["Sequences"]) == metrics["n"] == 1000
        assert float(row["AUROC"]) == metrics["auroc"]
        assert row["AUROC, note"] == "0.953–0.975"
        assert "AUROC" in head
        assert "Sequences, note" not in head


def test_the_table_of_motifs_holds_q_values_that_programs_read(chromium, page_of_run):
    written = rows_of(page_of_run.parent / "motifs" / "filters.matches.tsv")
    best = {r[0]: float(r[5]) for r in written[1:] if float(r[5]) < 0.05}
    with showing(chromium, page_of_run, view="motifs") as page:
        head, *rows = rows_of(saved(page, "#motifs .files button >> nth=0"))
        assert head[0] == "Motif"
        found = {r[0]: float(r[head.index("q")]) for r in rows if r[0] in best}
        assert found == best
        assert {r[0]: int(r[head.index("Sites")]) for r in rows}["filter_0"] == 400


def test_the_table_of_sequences_holds_all_rows_that_fit(chromium, page_of_run):
    with showing(chromium, page_of_run, view="sequences?sort=name&range=score:0:") as page:
        head, *rows = rows_of(saved(page, "#sequence-table button:has-text('TSV')"))
        assert head == ["name", "label", "set", "probability", "score"]
        explained = rows_of(page_of_run.parent / "explain" / "ism" / "names.tsv")[1:]
        wanted = sorted((r for r in explained if float(r[2]) >= 0), key=lambda r: int(r[0][5:]))
        assert [r[0] for r in rows] == [r[0] for r in wanted]
        assert [float(r[4]) for r in rows] == pytest.approx([float(r[2]) for r in wanted])


def test_a_name_is_no_formula_in_any_file_and_numbers_are_as_they_were(chromium, new_run):
    path = report.write(new_run(n=6, length=60, name='=HYPERLINK("x")', more=True))
    with showing(chromium, path, view="sequences?sort=name") as page:
        head, *rows = quoted_rows_of(saved(page, "#sequence-table button:has-text('TSV')"))
        assert [r[0] for r in rows] == [f'\'=HYPERLINK("x")_{i}' for i in range(6)]
        scores = [float(r[head.index("score")]) for r in rows]
        assert min(scores) < 0, "a negative number is no formula"
        head, *rows = quoted_rows_of(saved(page, "#viewer button:has-text('TSV')"))
        at = [head.index(name) for name in ("position", "ism", "saliency", "saliency:A")]
        values = [[float(row[i]) for i in at] for row in rows]
        assert min(v for row in values for v in row) < 0


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1 bp", "'+1 bp"),
        ("-SUM(A1)", "'-SUM(A1)"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1+1", "'=1+1"),
        ('"=1+1"', '"""=1+1"""'),
        ("-1.5", "-1.5"),
        ("+.5e-7", "+.5e-7"),
        ("-inf", "-inf"),
        ("+", "+"),
        ("ELK1-like", "ELK1-like"),
        ("\u200b=1+1", "'\u200b=1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
    ],
)
def test_a_cell_is_guarded_where_a_spreadsheet_would_compute_it(
    chromium, page_of_run, cell, written
):
    with showing(chromium, page_of_run) as page:
        page.evaluate(
            """(text) => {
                const late = document.createElement("table");
                late.id = "late";
                late.createTBody().insertRow().insertCell().textContent = text;
                document.querySelector("#summary").append(late);
            }""",
            cell,
        )
        found = saved(page, "#late + .files button").read_text(encoding="utf-8")
        assert found == f"{written}\n"


def test_no_line_end_or_letter_that_is_not_seen_hides_a_formula(chromium, page_of_run):
    """Of names as they came: cells of a table in the page have no line ends any more."""
    names = {
        "=\nHYPERLINK(1)": "'= HYPERLINK(1)",
        "-\r\nA1": "'- A1",
        "+\u2028A1": "'+ A1",
        "\n@\u2029A1": "' @ A1",
        "\u200b=A1": "'\u200b=A1",
        "\ufeff\u2060-A1": "'\ufeff\u2060-A1",
        "\0=A1": "' =A1",
        "\uff1dA1": "'\uff1dA1",
        "\uff0bA1": "'\uff0bA1",
        "\uff0dA1": "'\uff0dA1",
        "\uff20A1": "'\uff20A1",
        "A\n=B": "A =B",
    }
    text = page_of_run.read_text(encoding="utf-8")
    for i, name in enumerate(names):
        text = text.replace(f'"peak_{i}"', json.dumps(name))
    page_of_run.write_text(text, encoding="utf-8")
    with showing(chromium, page_of_run, view="sequences") as page:
        _, *rows = rows_of(saved(page, "#sequence-table button:has-text('TSV')"))
        assert {row[0] for row in rows} == set(names.values())


def test_markup_in_names_stays_text_in_every_file(chromium, new_run):
    path = report.write(new_run(evil=True, n=20, more=True))
    with showing(chromium, path, view="motifs") as page:
        text = drawing(page, ".motifs tbody tr:nth-child(1) .logo:first-child", "SVG").read_text()
        root = ElementTree.fromstring(text)
        tags = {e.tag.rpartition("}")[2] for e in root.iter()}
        assert tags <= {"svg", "title", "path", "g", "text", "rect"}
        rows = rows_of(saved(page, "#motifs .files button >> nth=0"))
        assert len({len(r) for r in rows}) == 1
        assert any("<img" in cell or "<svg" in cell for row in rows for cell in row)
    for view in ("sequences?name=x%22onload", "sequences?second=%3Cimg%20src%3Dx%3E&find=%3Cb%3E"):
        with showing(chromium, path, view=view) as page:
            page.select_option("select[aria-label='Side by side']", "two")
            page.wait_for_selector("#second-viewer .lane")
            page.locator("input[aria-label='The sequence beside']").focus()
            labels = page.locator("#sequence-names option").evaluate_all(
                "(all) => all.map((o) => o.value)"
            )
            assert any(EVIL_ATTRIBUTE in label for label in labels)
            page.select_option("#second-viewer select[aria-label='Difference of']", "ism")
            page.wait_for_timeout(350)
            assert page.locator("img").count() == 0
            assert page.locator("script").count() == 2
            assert EVIL not in page.url
            page.reload()
            page.wait_for_selector("#second-viewer [data-lane=difference]")
            for kind in ("PNG", "SVG"):
                saved(page, f"#second-viewer .downloads button:has-text('{kind}')")
