"""The view of sequences: a table to search, a sequence under every method."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy.stats import spearmanr

from browser import COPIED, chromium, showing
from cisgram import motifs, report
from cisgram.core import config

__all__ = ["chromium"]

pytestmark = pytest.mark.browser

VIEW = "sequences"


@pytest.fixture
def page_of_run(new_run) -> Path:
    return report.write(new_run())


def test_rows_sort_filter_and_page(chromium, page_of_run):
    with showing(chromium, page_of_run, view=VIEW) as page:
        names = page.locator(".rows tbody th")
        assert names.count() == 8
        page.click(".rows button:has-text('Name')")
        assert names.first.inner_text() == "peak_0"
        assert names.nth(2).inner_text() == "peak_2", "numbers in names are read as numbers"
        page.click(".rows button:has-text('Name')")
        assert names.first.inner_text() == "peak_59"
        page.click("button:has-text('Next')")
        assert names.first.inner_text() == "peak_51"
        page.fill("input[type=search]", "PEAK_3")
        assert names.count() == 8
        page.select_option("select[aria-label=Label]", "0")
        assert all(int(t.removeprefix("peak_")) % 2 for t in names.all_inner_texts())
        page.fill("input[type=search]", "no such name")
        assert page.locator("text=No sequence fits the filter.").is_visible()


def test_arrow_keys_walk_through_the_sequences(chromium, page_of_run):
    with showing(chromium, page_of_run, view=VIEW) as page:
        page.locator(".rows tbody tr").first.focus()
        shown = page.locator(".rows tbody th").all_inner_texts()
        for _ in range(8):
            page.keyboard.press("ArrowDown")
        assert page.locator("#viewer-title").inner_text() not in shown, "the ninth is on page two"
        assert page.locator("text=9–16 of 60").is_visible()
        page.keyboard.press("ArrowUp")
        assert page.locator("#viewer-title").inner_text() == shown[7]


@pytest.mark.parametrize("method", ["ism", "saliency"])
def test_the_read_out_is_the_value_of_the_file(chromium, new_run, method):
    """Of saliency the score of the base that is there; of ISM minus the mean of the others."""
    run = new_run(n=6, length=40)
    title = {"ism": "In-silico mutagenesis", "saliency": "Saliency"}[method]
    arrays = load_file(run.path / "explain" / method / "values.safetensors")
    with showing(chromium, report.write(run), view=VIEW) as page:
        name = page.locator("#viewer-title").inner_text()
        x = arrays["x"][int(name.removeprefix("peak_"))]
        values = arrays["values"][int(name.removeprefix("peak_"))]
        scores = (values * x).sum(0) if method == "saliency" else -values.sum(0) / 3 * x.sum(0)
        page.locator(".stack").focus()
        page.keyboard.press("Home")
        for position in range(8):
            said = page.locator(".readout").inner_text().replace("−", "-")
            base = "ACGT"[x[:, position].argmax()] if x[:, position].any() else "N"
            found = re.search(rf"Position (\d+) · base (\w) .*· {title} (\S+) logit", said)
            assert found is not None, said
            assert (int(found[1]), found[2]) == (position, base)
            step = float(abs(values).max()) / 127
            assert float(found[3]) == pytest.approx(float(scores[position]), abs=0.51 * step + 1e-3)
            page.keyboard.press("ArrowRight")


def table_of(page) -> tuple[list[str], list[list[str]]]:
    """The downloaded table: headings, rows."""
    with page.expect_download() as saved:
        page.click("#viewer button:has-text('TSV')")
    head, *rows = Path(saved.value.path()).read_text().splitlines()
    return head.split("\t"), [r.split("\t") for r in rows]


def test_the_downloaded_table_holds_what_is_shown(chromium, new_run):
    run = new_run(n=6, length=40)
    with showing(chromium, report.write(run), view=VIEW) as page:
        page.uncheck(".choices label:has-text('In-silico mutagenesis')")
        page.uncheck(".choices label:has-text('Contested')")
        head, rows = table_of(page)
        own = ["saliency", *(f"saliency:{b}" for b in "ACGT")]
        assert head == ["position", "base", *own, "sites"]
        assert len(rows) == 40
        for _, base, score, *four, _ in rows:
            assert score == ("0.000" if base == "N" else four["ACGT".index(base)])


def lanes(page) -> list[str]:
    return page.locator(".lane").evaluate_all("(all) => all.map((e) => e.dataset.lane)")


def test_every_method_is_drawn_on_one_axis_and_can_be_left_out(chromium, new_run):
    with showing(chromium, report.write(new_run(n=6, length=60, more=True)), view=VIEW) as page:
        assert lanes(page) == [
            *("ism", "saliency", "attention", "temporal"),
            *("hits", "sites", "contested", "optimum optimum_1"),
        ]
        boxes = page.locator(".lane canvas").evaluate_all(
            "(all) => all.map((c) => [c.getBoundingClientRect().left, c.clientWidth])"
        )
        assert len({tuple(b) for b in boxes}) == 1
        page.uncheck(".choices label:has-text('Saliency')")
        assert "saliency" not in lanes(page)
        page.select_option("select[aria-label^='What is drawn']", "both")
        assert lanes(page)[:3] == ["ism", "ism", "attention"]
        page.check(".choices label:has-text('Saliency')")
        assert lanes(page)[:5] == ["ism", "ism", "saliency", "saliency", "attention"]
        page.uncheck(".choices label:has-text('Saliency')")
        page.click(".rows tbody tr >> nth=2")
        assert "saliency" not in lanes(page), "what was left out stays out"


def test_a_method_that_scores_only_what_is_there_has_no_map(chromium, new_run):
    run = new_run(n=6, length=60)
    path = run.path / "explain" / "saliency" / "values.safetensors"
    arrays = load_file(path)
    save_file({"values": arrays["values"] * arrays["x"], "x": arrays["x"]}, path)
    with showing(chromium, report.write(run), view=VIEW) as page:
        page.select_option("select[aria-label^='What is drawn']", "map")
        titles = page.locator(".lane figcaption").all_inner_texts()
        assert titles[0].startswith("In-silico mutagenesis, all four bases")
        assert titles[1].startswith("Saliency logit")


def color_at(page, lane: str, share: float, y: float) -> list[int]:
    """The color of a lane at a share of the sequence, y CSS px below its top."""
    script = f"""(c, [share, y]) => {{
        const ratio = c.width / c.clientWidth;
        const x = (66 + share * (c.clientWidth - 66 - 8)) * ratio;
        return [...({COPIED})(c).getImageData(x, y * ratio, 1, 1).data];
    }}"""
    return page.locator(f"[data-lane={lane}] canvas").evaluate(script, [share, y])


def test_temporal_scores_are_red_for_and_blue_against(chromium, new_run):
    with showing(chromium, report.write(new_run(n=6, length=60, more=True)), view=VIEW) as page:
        page.wait_for_timeout(200)
        red, blue = [213, 94, 0], [0, 114, 178]
        for y, left, right in ((8, blue, red), (25, red, blue)):
            for share, color in ((0.01, left), (0.99, right)):
                found = color_at(page, "temporal", share, y)
                assert found[:3] == pytest.approx(color, abs=3)
                assert found[3] > 240
            assert color_at(page, "temporal", 0.5, y)[3] < 30, "neither, in the middle"
        page.locator(".stack").focus()
        page.keyboard.press("End")
        said = page.locator(".readout").inner_text()
        assert "Temporal output scores forward 1.000, backward 0" in said


def test_attention_stands_where_it_looks(chromium, new_run):
    with showing(chromium, report.write(new_run(n=6, length=60, more=True)), view=VIEW) as page:
        page.wait_for_timeout(200)
        assert color_at(page, "attention", 7.5 / 60, 10)[3] == 255
        assert color_at(page, "attention", 9.5 / 60, 10)[3] == 0


def test_of_many_tracks_the_first_is_drawn_and_the_others_on_demand(chromium, new_run):
    run = new_run(n=6, length=60, more=True)
    path = run.path / "explain" / "attention" / "values.safetensors"
    x = load_file(path)["x"]
    tracks = np.zeros((6, 8, 60), dtype=np.float32)
    tracks[:, 0, 3], tracks[:, 5, 3] = 0.25, 0.75
    save_file({"tracks": tracks, "x": x}, path)
    names = ["mean", *(f"head {i}" for i in range(1, 8))]
    config.write_toml(path.with_name("options.toml"), {"tracks": names})
    with showing(chromium, report.write(run), view=VIEW) as page:
        page.locator(".stack").focus()
        page.keyboard.press("Home")
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        said = page.locator(".readout").inner_text()
        assert "Attention mean 0.250" in said
        assert "head" not in said
        page.check(".choices label:has-text('Attention, the 7 others')")
        assert "attention others" in lanes(page)
        page.keyboard.press("Tab")
        page.locator(".stack").focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowRight")
        assert "Attention most in head 5 0.750" in page.locator(".readout").inner_text()
        head, rows = table_of(page)
        assert rows[3][head.index("attention:head 5")] == "0.7500"


def test_sites_are_named_where_they_lie_and_rows_are_found_by_them(chromium, new_run):
    run = new_run(n=12, length=60)
    wanted = {m.name for m in motifs.jaspar() if m.id in ("MA0139.2", "MA0028.3", "MA0093.4")}
    with showing(chromium, report.write(run), view=VIEW) as page:
        head, rows = table_of(page)
        named = [r[head.index("sites")] for r in rows]
        assert any(named)
        assert {n.split("(")[0] for cell in named if cell for n in cell.split(",")} <= wanted
        first = next(i for i, cell in enumerate(named) if cell)
        page.locator(".stack").focus()
        page.keyboard.press("Home")
        for _ in range(first):
            page.keyboard.press("ArrowRight")
        assert named[first].split("(")[0] in page.locator(".readout").inner_text()
        site = named[first].split("(")[0]
        before = page.locator(".rows tbody tr").count()
        page.select_option("select[aria-label='Motif site']", label=f"Motif: {site}")
        assert 0 < page.locator(".rows tbody tr").count() < before


def test_names_of_one_place_are_drawn_as_one(chromium, new_run):
    """A second name for every motif: as many boxes as before, each with the other name behind."""
    run = new_run(n=6, length=60)
    folder = run.path / "motifs"
    shutil.copy(folder / "filters.meme", folder / "patterns.meme")
    head, *rows = (folder / "filters.matches.tsv").read_text().splitlines()
    column = head.split("\t").index("target_name")
    named = []
    for cells in (r.split("\t") for r in rows):
        cells[column] = f"TWIN-{cells[column]}"
        named.append("\t".join(cells))
    (folder / "patterns.matches.tsv").write_text("\n".join([head, *named]) + "\n")
    with showing(chromium, report.write(run), view=VIEW) as page:
        head, rows = table_of(page)
        first = next(i for i, r in enumerate(rows) if r[head.index("sites")])
        listed = rows[first][head.index("sites")].split(",")
        assert len(listed) == 2
        assert {n.removeprefix("TWIN-") for n in listed} == {listed[0].removeprefix("TWIN-")}
        page.locator(".stack").focus()
        page.keyboard.press("Home")
        for _ in range(first):
            page.keyboard.press("ArrowRight")
        assert re.search(r"\(also (TWIN-)?\w+ [+−]\)", page.locator(".readout").inner_text())
        with page.expect_download() as saved:
            page.click("#viewer button:has-text('SVG')")
        assert " +1" in Path(saved.value.path()).read_text()


def test_hits_say_what_they_contribute(chromium, new_run):
    with showing(chromium, report.write(new_run(n=6, length=60, more=True)), view=VIEW) as page:
        page.click(".rows th >> text=peak_3")
        page.wait_for_function("document.querySelector('#viewer-title').textContent === 'peak_3'")
        page.wait_for_timeout(100)
        page.locator(".stack").focus()
        page.keyboard.press("Home")
        for _ in range(10):
            page.keyboard.press("ArrowRight")
        said = page.locator(".readout").inner_text()
        assert "positive_0 10–18 − contributes −0.500" in said
        page.wait_for_timeout(100)
        assert color_at(page, "hits", 17.9 / 60, 10)[:3] == pytest.approx([0, 114, 178], abs=4)


def test_the_matrix_of_a_sequence_is_its_rank_correlation(chromium, new_run):
    run = new_run(n=6, length=60)
    arrays = {
        m: load_file(run.path / "explain" / m / "values.safetensors") for m in ("ism", "saliency")
    }
    with showing(chromium, report.write(run), view=VIEW) as page:
        row = int(page.locator("#viewer-title").inner_text().removeprefix("peak_"))
        x = arrays["ism"]["x"][row]
        known = x.any(0)
        scores = [
            (-arrays["ism"]["values"][row].sum(0) / 3)[known],
            (arrays["saliency"]["values"][row] * x).sum(0)[known],
        ]
        expected = spearmanr(*scores).statistic
        said = page.locator(".matrix tbody td").all_inner_texts()
        assert [t.replace("−", "-") for t in said] == ["", *[f"{expected:.2f}"] * 2, ""]


def test_the_picture_that_is_downloaded_holds_every_lane(chromium, new_run):
    with showing(chromium, report.write(new_run(n=6, length=60, more=True)), view=VIEW) as page:
        with page.expect_download() as saved:
            page.click("#viewer button:has-text('SVG')")
        root = ElementTree.parse(saved.value.path()).getroot()
        words = {e.text for e in root.iter() if e.tag.endswith("text")}
        assert {"In-silico mutagenesis (logit)", "Temporal output scores (probability)"} <= words
        assert {"forward", "backward", "head 1", "Motif sites"} <= words
        width = float(root.get("width"))
        for box in (e for e in root.iter() if e.tag.endswith("rect")):
            assert float(box.get("x")) >= 66 - 0.6 or float(box.get("width")) <= 4
            assert float(box.get("x")) + float(box.get("width")) <= width - 8 + 0.6


def test_zoom_shows_fewer_bases_and_whole_shows_all(chromium, page_of_run):
    with showing(chromium, page_of_run, view=VIEW) as page:

        def shown() -> int:
            with page.expect_download() as saved:
                page.click("#viewer button:has-text('TSV')")
            return len(Path(saved.value.path()).read_text().splitlines()) - 1

        page.click("#viewer button:has-text('Whole')")
        assert shown() == 200
        page.click("#viewer button[aria-label='Zoom in']")
        assert 120 <= shown() <= 130
        page.click("#viewer button:has-text('Strongest site')")
        assert shown() == 80


def window(page) -> tuple[int, int]:
    """First and last base that is shown."""
    _, rows = table_of(page)
    return int(rows[0][0]), int(rows[-1][0])


def test_the_wheel_zooms_around_the_base_that_is_pointed_at(chromium, page_of_run):
    with showing(chromium, page_of_run, view=VIEW) as page:
        page.click("#viewer button:has-text('Whole')")
        box = page.locator("#viewer .stack").bounding_box()
        at = 66 + 0.25 * (box["width"] - 66 - 8)
        page.mouse.move(box["x"] + at, box["y"] + 60)
        before = page.locator("#viewer .readout b").first.inner_text()
        page.keyboard.down("Control")
        for _ in range(8):
            page.mouse.wheel(0, -60)
        page.keyboard.up("Control")
        first, last = window(page)
        assert last - first < 60
        page.mouse.move(box["x"] + at + 1, box["y"] + 60)
        page.mouse.move(box["x"] + at, box["y"] + 60)
        after = page.locator("#viewer .readout b").first.inner_text()
        assert int(after) == pytest.approx(int(before), abs=1)
        page.mouse.down()
        page.mouse.move(box["x"] + at - 200, box["y"] + 60, steps=4)
        page.mouse.up()
        moved, _ = window(page)
        assert moved > first, "dragged to the left, what lies right of it comes in"


def test_two_fingers_pull_the_window_apart(chromium, page_of_run):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    with showing(chromium, page_of_run, view=VIEW, **phone) as page:
        page.click("#viewer button:has-text('Whole')")
        page.locator("#viewer .stack").evaluate("(e) => e.scrollIntoView({block: 'center'})")
        box = page.locator("#viewer .stack").bounding_box()
        middle = box["x"] + 66 + 0.5 * (box["width"] - 66 - 8)
        hand = page.context.new_cdp_session(page)

        def touch(kind: str, apart: float | None) -> None:
            x = [] if apart is None else [middle - apart, middle + apart]
            points = [{"x": v, "y": box["y"] + 50, "id": k} for k, v in enumerate(x)]
            hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", 20)
        for apart in (30, 45, 60, 80):
            touch("touchMove", apart)
        touch("touchEnd", None)
        first, last = window(page)
        assert last - first + 1 == pytest.approx(200 / 4, abs=3), "four times as far apart"
        assert (first + last) / 2 == pytest.approx(100, abs=3)


def test_a_range_that_ends_before_it_begins_is_said_beside_it(chromium, page_of_run):
    with showing(chromium, page_of_run, view="sequences?range=score:2:-1.5") as page:
        low, high = (page.locator(f"input[aria-label='{of}']") for of in ("At least", "At most"))
        said = page.locator("#range-turned")
        assert said.inner_text() == "No number lies from 2 to −1.5: give the smaller one first."
        assert page.locator("text=No sequence fits the filter").is_visible()
        for field in (low, high):
            assert field.get_attribute("aria-invalid") == "true"
            assert field.get_attribute("aria-describedby") == said.get_attribute("id")
        high.fill("3")
        assert said.inner_text() == ""
        assert low.get_attribute("aria-invalid") == "false"
        low.fill("")
        assert page.locator(".rows tbody tr").count() > 0
