"""Hostile names on the mailed pages, in real Chromium: shown as text, and nothing else happens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from browser import chromium
from cisgram import report
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from hostile import BREAKING, ELSEWHERE, HOSTILE
from hostile_run import WORDS, hostile_run
from made_run import make_run

__all__ = ["chromium"]

pytestmark = pytest.mark.browser

ALLOWED = {
    "a", "abbr", "b", "body", "br", "button", "canvas", "caption", "code", "dd", "desc", "details",
    "dialog", "div", "dl", "dt", "figcaption", "figure", "footer", "g", "h1", "h2", "h3", "h4",
    "head", "header", "html", "i", "input", "kbd", "label", "li", "link", "main", "meta", "nav",
    "ol", "option", "p", "path", "pre", "rect", "section", "select", "span", "strong", "style",
    "summary", "sup", "svg", "table", "tbody", "td", "text", "th", "thead", "title", "tr", "ul",
    "circle", "cite", "datalist",
}  # fmt: skip
"""Elements that our own templates and script make; a name must bring none beyond them."""
FOUND = """() => {
  const all = [...document.querySelectorAll("*")];
  const own = (e) => [...e.attributes].map((a) => [e.localName, a.name, a.value]);
  const attributes = all.flatMap(own);
  const leads = /^(href|src|srcset|action|data|formaction|xlink:href|srcdoc|poster)$/;
  return {
    tags: [...new Set(all.map((e) => e.localName))],
    count: all.length,
    scripts: all.filter((e) => e.localName === "script").map((e) => e.type || "run"),
    handlers: attributes.filter(([, n]) => n.startsWith("on")),
    styles: attributes.filter(([, n, v]) => n === "style" && /url|expression|import/i.test(v)),
    addresses: attributes.filter(([, n]) => leads.test(n)).map(([, , v]) => v),
  };
}"""


@contextmanager
def watched(chromium, path: Path) -> Iterator:
    """A page with everything listened to; on leaving it must have been silent."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    heard: list[str] = []
    asked: list[str] = []
    page.on("console", lambda m: heard.append(m.text))
    page.on("pageerror", lambda e: heard.append(str(e)))
    page.on("request", lambda r: asked.append(r.url))
    page.on("popup", lambda p: heard.append(f"popup {p.url}"))

    def dialog(shown):
        heard.append(f"dialog: {shown.message}")
        shown.dismiss()

    page.on("dialog", dialog)
    page.goto(path.as_uri())
    try:
        yield page
        assert heard == []
        own = path.as_uri()
        others = [u for u in asked if not u.startswith(("data:,", "blob:")) and u != own]
        assert others == []
        assert page.evaluate("window.__hit") is None
        assert page.url.startswith(own)
    finally:
        context.close()


WANDERED = """() =>
  [...document.querySelectorAll(".view.current *")].slice(0, 4000).forEach((e) => {
    e.dispatchEvent(new MouseEvent("mouseover", {bubbles: true}));
    e.dispatchEvent(new FocusEvent("focus"));
})"""


def wander(page) -> None:
    """What a reader does: every view, everything opened, pointed at, focused."""
    for link in page.locator("nav.tabs a").all():
        link.click()
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        page.evaluate(WANDERED)
    page.wait_for_timeout(300)


def check_is_text(page, *, n_run: int = 1) -> None:
    """No element, handler, style or address on the page was made from a name."""
    found = page.evaluate(FOUND)
    assert set(found["tags"]) - {"script"} <= ALLOWED
    assert found["scripts"].count("run") == n_run
    assert set(found["scripts"]) <= {"run", "application/json"}
    assert found["handlers"] == []
    assert found["styles"] == []
    for address in found["addresses"]:
        assert address.startswith(("#", "blob:")) or address == "data:,"


@pytest.fixture(scope="module")
def run_of_names(tmp_path_factory) -> Run:
    return hostile_run(tmp_path_factory.mktemp("hostile") / "run")


@pytest.fixture(scope="module")
def page_of_names(run_of_names) -> Path:
    return report.write(run_of_names)


def test_there_are_enough_names_and_each_is_another():
    assert len(HOSTILE) == len(set(HOSTILE)) >= 60
    assert not any(c in s for s in HOSTILE for c in "\t\n\r\x00")


def test_no_name_runs_asks_or_builds_anything(chromium, page_of_names):
    with watched(chromium, page_of_names) as page:
        wander(page)
        check_is_text(page)


def test_the_page_of_hostile_names_is_built_like_that_of_plain_ones(
    chromium, page_of_names, tmp_path_factory
):
    """The same elements, as many and in the same order: names change text and nothing else."""
    plain = tuple(f"name{i}" for i in range(len(HOSTILE)))
    other = report.write(hostile_run(tmp_path_factory.mktemp("plain") / "run", names=plain))
    shape = """[...document.querySelectorAll("#trust *, #data *, #demo *")].map((e) => [
        e.localName, [...e.attributes].map((a) => a.name).join(" ")].join(" "))"""
    shapes = []
    for path in (page_of_names, other):
        with watched(chromium, path) as page:
            shapes.append(page.evaluate(shape))
    assert shapes[0] == shapes[1]


def test_sequences_are_listed_by_exactly_their_names(chromium, page_of_names):
    with watched(chromium, page_of_names) as page:
        page.locator("nav.tabs a", has_text="Sequences").click()
        page.wait_for_selector(".rows tbody tr")
        listed: list[str] = []
        while True:
            listed += page.locator(".rows tbody th").evaluate_all(
                "(cells) => cells.map((c) => c.textContent)"
            )
            following = page.locator("button[aria-label='Next page']")
            if following.is_disabled():
                break
            following.click()
        assert sorted(listed) == sorted(HOSTILE)


def test_motifs_rules_dangers_and_settings_show_exactly_their_names(chromium, page_of_names):
    with watched(chromium, page_of_names) as page:
        rows = page.locator("#motifs tr[data-name]").evaluate_all(
            "(rows) => rows.map((r) => r.dataset.name)"
        )
        assert len(set(rows)) > 0.9 * len(WORDS)
        strong = page.locator("#motifs td strong").evaluate_all(
            "(cells) => cells.map((c) => c.textContent)"
        )
        assert len(set(strong) & set(HOSTILE)) > 0.6 * len(HOSTILE)
        text = page.evaluate("document.body.textContent")
        for name in HOSTILE:
            assert f"said {name}" in text, "the sentence of a danger"
            assert f"rule {name}" in text, "its rule"


def test_links_of_hostile_names_lead_to_their_motif_and_their_sequences(chromium, page_of_names):
    with watched(chromium, page_of_names) as page:
        links = page.locator("#motifs a[href^='#sequences']")
        assert links.count() > 10
        for k in range(0, links.count(), 7):
            address = links.nth(k).get_attribute("href")
            page.evaluate("(a) => { location.hash = a; }", address)
            name = page.evaluate(
                "(a) => new URLSearchParams(a.split('?').slice(1).join('?')).get('motif')", address
            )
            assert name in HOSTILE or name in WORDS
            page.wait_for_selector(".filters select[aria-label='Motif site']")
            shown = page.locator(".filters select[aria-label='Motif site']").evaluate(
                "(s) => s.selectedOptions[0].textContent"
            )
            assert shown == f"Motif: {name}"


def test_hostile_addresses_of_a_page_do_nothing(chromium, tmp_path):
    with watched(chromium, report.write(make_run(tmp_path / "run", n=4))) as page:
        for name in HOSTILE:
            for address in (f"#{name}", f"#motifs?name={name}", f"#neurons?layer={name}&neuron=x"):
                page.evaluate("(a) => { location.hash = a; }", address)
        page.wait_for_timeout(300)
        check_is_text(page)


def test_without_scripts_the_names_are_as_harmless(chromium, page_of_names):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.goto(page_of_names.as_uri())
    assert [u for u in asked if not u.startswith("data:,")] == [page_of_names.as_uri()]
    assert ELSEWHERE in page.locator("main").inner_text()
    context.close()


def test_two_runs_of_hostile_names_side_by_side(chromium, run_of_names, tmp_path_factory):
    folder = tmp_path_factory.mktemp("beside")
    other = hostile_run(folder / "<img src=x onerror=window.__hit=1>")
    path = report.write_comparison(run_of_names, other, folder / "both.html")
    with watched(chromium, path) as page:
        wander(page)
        check_is_text(page)
        assert "<img src=x onerror=window.__hit=1>" in page.locator("h1").inner_text()
        text = page.evaluate("document.body.textContent")
        for name in HOSTILE:
            assert name in text


@pytest.mark.parametrize("name", [s for s in HOSTILE if "/" not in s and 0 < len(s) < 200][::9])
def test_a_run_folder_of_a_hostile_name(chromium, tmp_path, name):
    path = report.write(make_run(tmp_path / name, n=4))
    with watched(chromium, path) as page:
        assert page.locator("h1").evaluate("(h) => h.textContent") == name
        check_is_text(page)


def test_names_that_no_reader_lets_in_are_harmless_where_a_file_is_changed_by_hand(
    chromium, tmp_path
):
    run = make_run(tmp_path / "run", n=4)
    names = [n for n in BREAKING if n.isascii()]
    value = files.read_json(run.path / "metrics.json")
    (each,) = value["test"]["per_output"]
    value["test"]["per_output"] = [{**each, "output": n} for n in names]
    files.write_json(run.path / "metrics.json", value)
    with watched(chromium, report.write(run)) as page:
        check_is_text(page)
        rows = page.locator("#scores details tbody th").evaluate_all(
            "(cells) => cells.map((c) => c.textContent)"
        )
        assert len(rows) == len(names)
        assert rows[0] == "two\nlines"


def test_half_a_character_is_refused_by_the_name_of_its_file(tmp_path):
    run = make_run(tmp_path / "run", n=4)
    path = run.path / "metrics.json"
    path.write_text(path.read_text().replace('"bound"', r'"lone \ud800"'))
    with pytest.raises(InputError, match=r"metrics\.json"):
        report.write(run)
    path.write_text(path.read_text().replace(r"\ud800", r"\ud83e\uddec"))
    assert files.read_json(path)["test"]["per_output"][0]["output"] == "lone \U0001f9ec"
    report.write(run)


def test_a_folder_named_in_other_bytes_makes_a_page(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/run\xff"))
    assert "run?" in report.write(make_run(path, n=4)).read_text("utf-8")
