"""The live views in headless Chromium, on a server that is a process of its own."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from safetensors.numpy import load_file

from browser import chromium
from cisgram.core import config, files
from cisgram.core.lock import only_one
from cisgram.steps import explain_run, motifs_run, settings_of
from dashboard.waiting import until

pytestmark = pytest.mark.browser
__all__ = ["chromium"]
PATIENCE = 30_000  # ms


@pytest.fixture
def named(run):
    """The run with its filters read, one of which has a known name."""
    motifs_run(run, source="filters", options=settings_of(run).motifs)
    return run


@contextmanager
def opened(browser, server, view: str, **options: Any) -> Iterator[Any]:
    """A page of the run, logged in; on leaving it was silent and asked its own server alone."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 1000}, **options})
    context.set_default_timeout(PATIENCE)
    name, _, value = server.cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": server.origin}])
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda m: heard.append(f"{m.type} {m.text}"))
    page.on("pageerror", lambda e: heard.append(str(e)))
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.goto(f"{server.origin}/runs/RUN/{view}")
    page.heard = heard
    yield page
    context.close()
    assert [h for h in heard if "503" not in h] == []
    assert {u for u in asked if not u.startswith((server.origin, "data:", "blob:"))} == set()


def ask(page, sequence: str) -> None:
    page.fill("#ask-sequence", sequence)
    page.click(".askform button[type=submit]")
    page.wait_for_selector(".predictions td")


def answered(page, act: Callable[[], Any]) -> dict[str, Any]:
    """The model's answer to what ``act`` does, after it is drawn."""
    with page.expect_response(lambda r: r.url.endswith("/ask") and r.status == 200) as response:
        act()
    found = response.value.json()
    score = found["predictions"][0]["probability"]
    page.wait_for_function(
        "(p) => document.querySelector('.predictions').textContent.includes(p)", arg=f"{score:.3f}"
    )
    return found


def place(page, position: float, span: int = 60) -> tuple[float, float]:
    """Where the middle of a base lies, when the whole sequence is shown."""
    page.locator(".asked .stack").evaluate(
        "(e) => e.scrollIntoView({block: 'center', behavior: 'instant'})"
    )
    box = page.locator(".asked .stack").bounding_box()
    return box["x"] + 66 + (position + 0.5) / span * (box["width"] - 74), box["y"] + 60


def edits(page) -> list[str]:
    return page.locator(".chips li > span").all_inner_texts()


def test_a_base_is_replaced_a_motif_dragged_in_moved_and_taken_out(
    chromium, serving, named, sequence
):
    at = sequence.index("CACGTGAC")
    with opened(chromium, serving(named.path), "#ask") as page:
        ask(page, sequence)
        page.click(".asked button:has-text('Whole')")
        high = float(page.locator(".predictions td").first.inner_text())
        page.mouse.click(*place(page, at + 2))  # the C in the middle of the word
        low = answered(page, lambda: page.click(".pick button:has-text('T')"))
        assert low["predictions"][0]["probability"] < high
        assert edits(page) == [f"C{at + 2}T"]
        answered(page, lambda: page.click("button:has-text('Undo')"))
        assert edits(page) == []
        answered(page, lambda: page.click("button:has-text('Redo')"))
        assert edits(page) == [f"C{at + 2}T"]

        card = page.locator(".motif").first
        letters = card.locator(".spelled").inner_text()
        to = 0 if at > 30 else 40
        x, y = place(page, to + len(letters) / 2 - 0.5)
        box = card.bounding_box()
        page.mouse.move(box["x"] + box["width"] - 12, box["y"] + 12)
        page.mouse.down()
        page.mouse.move(x, y, steps=4)
        assert page.locator(".ghost").inner_text() == letters
        with_motif = answered(page, page.mouse.up)
        assert re.search(rf"{letters} at {to} \+$", edits(page)[-1]), edits(page)
        assert with_motif["predictions"][0]["probability"] > low["predictions"][0]["probability"]
        page.locator(".strip .placed").focus()
        answered(page, lambda: page.keyboard.press("ArrowRight"))
        assert f"at {to + 1} +" in edits(page)[-1]
        answered(page, lambda: page.keyboard.press("r"))
        assert edits(page)[-1].endswith(f"at {to + 1} −")
        out = answered(page, lambda: page.keyboard.press("Delete"))
        assert out["predictions"][0]["score"] == pytest.approx(low["predictions"][0]["score"])

        with page.expect_download() as saved:
            page.click(".edits button:has-text('FASTA')")
        text = Path(saved.value.path()).read_text().splitlines()
        assert "".join(text[1:]) == sequence[: at + 2] + "T" + sequence[at + 3 :]


def test_the_address_brings_the_sequence_and_its_changes_back(chromium, serving, named, sequence):
    server = serving(named.path)
    with opened(chromium, server, "#ask") as page:
        ask(page, sequence)
        page.click(".asked button:has-text('Whole')")
        page.locator(".asked .stack").focus()
        page.keyboard.press("Home")
        wanted = "A" if sequence[0] != "A" else "C"
        found = answered(page, lambda: page.keyboard.press(wanted))
        page.wait_for_function("() => location.hash.includes('edits')")
        address = page.url.partition("#")[2]
    with opened(chromium, server, f"#{address}") as page:
        page.wait_for_selector(".chips li")
        assert edits(page) == [f"{sequence[0]}0{wanted}"]
        score = found["predictions"][0]["probability"]
        page.wait_for_function(
            "(p) => document.querySelector('.predictions').textContent.includes(p)",
            arg=f"{score:.3f}",
        )


def test_a_motif_is_put_in_by_the_keyboard_alone(chromium, serving, named, sequence):
    with opened(chromium, serving(named.path), "#ask") as page:
        ask(page, sequence)
        page.wait_for_selector(".motif")
        page.fill("#insert-at", "5")
        page.select_option("select[aria-label=Strand]", "-")
        letters = page.locator(".motif .spelled").first.inner_text()
        answered(page, lambda: page.locator("button:has-text('Insert')").press("Enter"))
        assert edits(page)[-1].endswith(f"{letters} at 5 −")
        assert page.evaluate("document.activeElement.className") == "placed"


def test_a_motif_stays_where_it_was_dragged_while_the_answer_came(
    chromium, serving, named, sequence
):
    with opened(chromium, serving(named.path), "#ask") as page:
        ask(page, sequence)
        page.click(".asked button:has-text('Whole')")
        page.wait_for_selector(".motif")
        page.fill("#insert-at", "5")
        answered(page, lambda: page.click("button:has-text('Insert')"))
        x, _ = place(page, 30)
        box = page.locator(".strip .placed").bounding_box()
        page.mouse.move(box["x"] + 3, box["y"] + 8)
        page.mouse.down()
        answered(page, lambda: page.mouse.move(x, box["y"] + 8))  # and the button still held
        page.mouse.up()
        at = int(re.search(r"at (\d+) ", edits(page)[-1])[1])
        assert at > 20
        assert f"at {at};" in page.locator(".strip .placed").get_attribute("aria-label")
        answered(page, lambda: page.keyboard.press("ArrowLeft"))
        assert f"at {at - 1} " in edits(page)[-1]


def test_names_in_an_address_are_text(chromium, serving, named, sequence):
    evil = "<img src=x onerror=alert(1)>"
    asked = urlencode({"name": evil, "sequence": sequence, "edits": f"ACGTACG@3+{quote(evil)}"})
    with opened(chromium, serving(named.path), f"#ask?{asked}") as page:
        page.wait_for_selector(".strip .placed")
        assert edits(page) == [f"{evil} ACGTACG at 3 +"]
        assert page.locator("#ask-viewer-title").inner_text() == evil
        assert page.locator("img").count() == 0


def test_what_is_no_sequence_and_a_dead_model_are_said_in_place(chromium, serving, named, sequence):
    with opened(chromium, serving(named.path), "#ask") as page:
        page.fill("#ask-sequence", "ACGZ")
        with page.expect_response("**/ask"):
            page.click(".askform button[type=submit]")
        alert = page.locator(".status [role=alert]").first
        alert.wait_for()
        assert "'Z' at letter 4" in alert.inner_text()
        page.heard.clear()  # Chromium notes that the server answered 400
        ask(page, sequence)
        assert alert.is_hidden()


def test_a_job_is_started_cancelled_resumed_and_its_result_seen(chromium, serving, named):
    with opened(chromium, serving(named.path), "#jobs") as page:
        page.select_option("#job-kind", "demix")
        page.click(".jobform button[type=submit]")
        page.click(".jobs button:has-text('Cancel')")
        page.wait_for_selector(".jobs .state.cancelled")
        page.click(".jobs button:has-text('Resume')")
        page.wait_for_selector(".jobs .state.done", timeout=120_000)
        until(lambda: page.locator(".stale").is_visible())
        page.click(".stale button")
        page.wait_for_load_state()
        page.click(".jobs a:has-text('See the result')")
        page.wait_for_selector("div[data-view=neurons].current")
        assert "demix/neurons.tsv" in page.locator("div[data-view=neurons]").inner_text()


def test_a_training_is_watched_while_it_writes(chromium, serving, run):
    """The curve has a point more with each row of the history; the reader's page is never moved."""
    (run.path / "history.tsv").write_text("epoch\ttrain_loss\tvalid_loss\n1\t0.7\t0.69\n")
    with opened(chromium, serving(run.path), "#progress") as page:
        page.wait_for_selector(".chart")
        said = page.locator("svg.chart").first.get_attribute("aria-label")
        assert "in epoch 1 to 0.690 in epoch 1" in said
        with (run.path / "history.tsv").open("a") as handle:
            handle.write("2\t0.5\t0.45\n3\t0.4\t0.41\n")
        page.wait_for_function(
            "() => document.querySelector('svg.chart').ariaLabel.includes('in epoch 3')"
        )
        assert "Epoch 3" in page.locator(".state").first.inner_text()
        files.write_json(run.path / "metrics.json", {"test": {"auroc": 0.9, "n": 5}})
        page.wait_for_selector("td:has-text('0.900')")
        assert page.locator(".stale").is_visible()


def test_the_model_process_is_killed_and_the_next_question_is_answered(
    chromium, serving, named, sequence
):
    server = serving(named.path)
    with opened(chromium, server, "#ask") as page:
        ask(page, sequence)
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        pids = [int(p) for p in children.read_text().split()]
        workers = [p for p in pids if b"model_worker" in Path(f"/proc/{p}/cmdline").read_bytes()]
        assert len(workers) == 1
        os.kill(workers[0], signal.SIGKILL)
        page.locator(".asked .stack").focus()
        page.keyboard.press("Home")
        base = "A" if sequence[0] != "A" else "C"
        page.keyboard.press(base)
        page.wait_for_function(
            "() => document.querySelector('.status [role=alert]').textContent.includes('ask again')"
            " || document.querySelector('.predictions').textContent.includes('after')"
        )
        if edits(page):
            answered(page, lambda: page.click("button:has-text('Reset')"))
        assert page.locator(".status [role=alert]").first.is_hidden()


@pytest.fixture
def explained(named):
    """The run with explained sequences."""
    explain_run(named, "saliency", device="cpu")
    return named


def test_of_two_sequences_of_one_name_the_one_looked_at_is_changed(chromium, serving, explained):
    table = explained.read_table("explain/saliency/names.tsv")
    table.loc[:1, "name"] = "twice"
    explained.write_table("explain/saliency/names.tsv", table)
    x = load_file(explained.path / "explain/saliency/values.safetensors")["x"]
    wanted = "".join("ACGT"[i] for i in x[1].argmax(0))
    with opened(chromium, serving(explained.path), "#sequences?name=twice+(2)") as page:
        page.wait_for_selector("#viewer h3:has-text('twice (2)')")
        page.click("button:has-text('Change it')")
        page.wait_for_selector(".predictions td")
        assert page.locator("#ask-sequence").input_value() == wanted
        assert "twice (2)" in page.locator("#ask-row option").all_inner_texts()


def test_the_result_of_an_explanation_is_seen_by_a_click(chromium, serving, explained):
    with opened(chromium, serving(explained.path), "#jobs") as page:
        page.wait_for_selector("#job-method option[value=ism]", state="attached")
        page.select_option("#job-method", "ism")
        page.click(".jobform button[type=submit]")
        page.wait_for_selector(".jobs .state.done", timeout=120_000)
        until(lambda: page.locator(".stale").is_visible())
        page.click(".jobs a:has-text('See the result')")
        page.wait_for_selector("div[data-view=sequences].current #viewer input[value=ism]:checked")
        page.wait_for_function("() => location.hash.includes('methods=ism')")
        assert not page.locator("#viewer input[value=saliency]").is_checked()


def test_a_prediction_that_is_not_that_of_the_changes_is_not_shown(
    chromium, serving, named, sequence
):
    with opened(chromium, serving(named.path), "#ask") as page:
        ask(page, sequence)
        page.route("**/ask", lambda r: r.fulfill(status=503, json={"error": "Busy: ask again."}))
        page.locator(".asked .stack").focus()
        page.keyboard.press("Home")
        page.keyboard.press("A" if sequence[0] != "A" else "C")
        page.wait_for_selector(".status [role=alert]:has-text('Busy')")
        cells = page.locator(".predictions tbody tr").first.locator("td").all_inner_texts()
        assert cells[0]
        assert cells[1:3] == ["", ""]
        assert page.locator(".asked").get_attribute("aria-busy") == "true"
        page.unroute("**/ask")
        answered(page, lambda: page.click("button:has-text('Undo')"))
        answered(page, lambda: page.click("button:has-text('Redo')"))
        assert page.locator(".asked").get_attribute("aria-busy") == "false"


def test_a_network_of_further_inputs_says_why_and_can_be_given_jobs(chromium, serving, run):
    card = config.read_toml(run.member(0) / "model.toml")
    card["fields"] = {"neighbors": {"shape": [2, 50], "mirror": [0]}}
    config.write_toml(run.member(0) / "model.toml", card)
    with opened(chromium, serving(run.path), "#ask") as page:
        page.wait_for_selector(".askform .caution:has-text('reads more than letters')")
        assert page.locator(".askform button[type=submit]").is_disabled()
        page.goto(page.url.partition("#")[0] + "#jobs")
        page.wait_for_selector("#job-method option[value=ism]", state="attached")


def test_the_bar_of_a_training_of_several_members_is_full_after_the_last(chromium, serving, run):
    found = config.read_toml(run.toml)
    found["settings"]["train"] |= {"epochs": 2, "seeds": 3}
    config.write_toml(run.toml, found)
    for name in ("history.tsv", "history-2.tsv"):
        (run.path / name).write_text("epoch\ttrain_loss\n1\t0.7\n")
    with only_one(run.path), opened(chromium, serving(run.path), "#progress") as page:
        page.wait_for_selector(".live > progress")
        bar = page.locator(".live > progress")
        assert (bar.evaluate("(e) => e.max"), bar.evaluate("(e) => e.value")) == (6, 3)
        assert "Epoch 1 of at most 2 of member 2 of 3" in page.locator(".state").first.inner_text()
