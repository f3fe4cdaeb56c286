"""Asking by keyboard: where the focus goes, and what is said of positions that there are not."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from browser import chromium
from cisgram.steps import explain_run
from dashboard.test_live_browser import answered, ask, edits, named, opened

__all__ = ["chromium", "named"]

pytestmark = pytest.mark.browser


def insert(page, at: int) -> None:
    page.fill("#insert-at", str(at))
    answered(page, lambda: page.locator("button:has-text('Insert')").press("Enter"))


def focused(page) -> str:
    """Label of what has the focus; of the page itself nothing."""
    return page.evaluate("document.activeElement.ariaLabel ?? ''")


def test_after_delete_the_focus_is_at_the_next_motif_and_then_at_the_tracks(
    chromium, serving, named, sequence
):
    with opened(chromium, serving(named.path), "#ask") as page:
        ask(page, sequence)
        page.click(".asked button:has-text('Whole')")
        page.wait_for_selector(".motif")
        for at in (0, 20, 40):
            insert(page, at)
        page.locator(".strip .placed").nth(1).focus()
        answered(page, lambda: page.keyboard.press("Delete"))
        assert "at 40;" in focused(page)
        answered(page, lambda: page.keyboard.press("Delete"))
        assert "at 0;" in focused(page), "no next one: the one before"
        answered(page, lambda: page.keyboard.press("Delete"))
        assert edits(page) == []
        assert focused(page).startswith("Tracks of ")
        answered(page, lambda: page.keyboard.press("Control+z"))
        assert len(edits(page)) == 1


def test_the_list_of_changes_keeps_the_focus_in_the_place_of_what_was_taken_out(
    chromium, serving, named, sequence
):
    with opened(chromium, serving(named.path), "#ask") as page:
        ask(page, sequence)
        page.wait_for_selector(".motif")
        for at in (0, 20):
            insert(page, at)
        page.locator(".chips button[aria-label^=Move][aria-label$=right]").first.focus()
        answered(page, lambda: page.keyboard.press("Enter"))
        assert re.search(r"^Move .* at 1 \+ right$", focused(page))
        page.locator(".chips button[aria-label^='Take out']").first.focus()
        answered(page, lambda: page.keyboard.press("Enter"))
        assert re.search(r"^Take out .* at 20 \+$", focused(page))
        answered(page, lambda: page.keyboard.press("Enter"))
        assert focused(page).startswith("Undo")
        page.locator(".edits button:has-text('Redo')").wait_for()
        for _ in range(5):
            answered(page, lambda: page.keyboard.press("Enter"))
        assert focused(page).startswith("Redo"), "nothing is left to undo"


@pytest.mark.parametrize(("asked", "is_last"), [(500, True), (-3, False)])
def test_a_position_that_there_is_not_is_said_and_the_nearest_taken(
    chromium, serving, named, sequence, asked, is_last
):
    with opened(chromium, serving(named.path), "#ask") as page:
        ask(page, sequence)
        page.wait_for_selector(".motif")
        insert(page, asked)
        at = int(re.search(r" at (-?\d+) ", edits(page)[-1].replace("−", "-"))[1])
        width = len(re.search(r"([ACGT]{4,}) at", edits(page)[-1])[1])
        said = page.locator(".palette [role=status]").inner_text()
        assert said.startswith(f"Position {asked} ")
        assert said.endswith(f"was put in at {at}.")
        assert ("is too far right" in said) == is_last
        assert not is_last or at == len(sequence) - width
        insert(page, 10)
        assert page.locator(".palette [role=status]").inner_text() == ""


@pytest.mark.parametrize("typed", ["", "3.5"])
def test_a_position_that_is_no_whole_number_puts_nothing_in(
    chromium, serving, named, sequence, typed
):
    with opened(chromium, serving(named.path), "#ask") as page:
        ask(page, sequence)
        page.wait_for_selector(".motif")
        page.fill("#insert-at", typed)
        page.click("button:has-text('Insert')")
        said = page.locator(".palette [role=status]").inner_text()
        assert said.startswith("A position is a whole number")
        assert edits(page) == []


def test_a_motif_that_is_longer_than_the_sequence_is_said_to_be(chromium, serving, named):
    with opened(chromium, serving(named.path), "#ask") as page:
        ask(page, "ACGT")
        page.wait_for_selector(".motif")
        page.fill("#insert-at", "0")
        page.click("button:has-text('Insert')")
        said = page.locator(".palette [role=status]").inner_text()
        assert said.endswith("does not fit into the 4 bp of the sequence.")
        assert edits(page) == []


def test_changes_of_a_link_that_the_sequence_has_no_place_for_are_said(
    chromium, serving, named, sequence
):
    asked = {"sequence": f">a\n{sequence}", "edits": "A59,G60,CACGTG@55+USF1,X3,T0"}
    with opened(chromium, serving(named.path), f"#ask?{urlencode(asked)}") as page:
        page.wait_for_selector(".chips li")
        assert [text[1:] for text in edits(page)] == ["59A", "0T"]
        said = page.locator(".view.current .caution:visible").inner_text()
        assert "G60, CACGTG@55+USF1, X3" in said
        assert "60 bp" in said
        ask(page, sequence)
        page.wait_for_selector(".chips", state="hidden")
        assert page.locator(".view.current .caution:visible").count() == 0


def test_a_link_by_name_brings_its_changes_along(chromium, serving, named):
    explain_run(named, "saliency", device="cpu")
    with opened(chromium, serving(named.path), "#sequences") as page:
        page.click("button:has-text('Change it')")
        page.wait_for_selector(".predictions td")
        name = page.evaluate("new URLSearchParams(location.hash.split('?')[1]).get('name')")
        link = urlencode({"name": name, "edits": "A3,T5,G70"})
        page.evaluate("link => { location.hash = link }", f"#ask?{link}")
        page.wait_for_function("() => document.querySelectorAll('.chips li').length === 2")
        assert {text[1:] for text in edits(page)} == {"3A", "5T"}
        assert "G70" in page.locator(".view.current .caution:visible").inner_text()


@pytest.mark.parametrize("is_link", [False, True])
def test_under_the_error_of_a_new_question_no_other_answer_is_shown(
    chromium, serving, named, sequence, is_link
):
    with opened(chromium, serving(named.path), "#ask") as page:
        ask(page, sequence)
        page.click(".asked button:has-text('Whole')")
        page.locator(".asked .stack").focus()
        page.keyboard.press("Home")
        answered(page, lambda: page.keyboard.press("A" if sequence[0] != "A" else "C"))
        page.wait_for_function("() => location.hash.includes('edits')")
        before = edits(page)
        if is_link:
            page.evaluate("location.hash = '#ask?name=nowhere'")
        else:
            page.fill("#ask-sequence", "")
            page.click(".askform button[type=submit]")
        page.wait_for_selector(".view.current .status [role=alert]:visible")
        page.heard.clear()  # Chromium notes that the server answered 400
        for part in (".predictions", ".chips", ".asked .stack"):
            assert not page.locator(part).is_visible()
        page.keyboard.press("Control+z")
        page.click("nav a[href='#jobs']")
        page.click("nav a[data-view=ask]")
        page.wait_for_selector(".predictions td")
        assert edits(page) == before, "the tab leads back to the last question that was answered"
        assert not page.locator(".view.current .status [role=alert]").is_visible()
