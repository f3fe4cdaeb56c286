"""Pages that are drawn from runs: once, again when a file changed, and never into the run."""

from __future__ import annotations

import asyncio
import json
import os
import shutil

import pytest

from cisgram import __version__, report
from cisgram.core import config
from cisgram.core.errors import CisgramError, InputError
from cisgram.dashboard import pages as pages_module
from cisgram.dashboard import progress
from cisgram.dashboard.served import by_slug
from cisgram.dashboard.version import version_of
from dashboard.asking import drawn_here, tree_of
from hostile import HOSTILE
from made_run import Page, make_run


class Pen:
    """Draws at once what it was asked for, counts, and fails where it is told to."""

    def __init__(self):
        self.drawn = []
        self.error = None
        self.size = 10

    async def __call__(self, runs, live):
        self.drawn.append(tuple(runs))
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return f"<!doctype html>{len(self.drawn)}{'x' * self.size}".encode()


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "demo", n=4, length=30)


def test_a_page_is_drawn_once_and_again_when_a_file_changed(run, browser):
    pen = Pen()
    asked = browser({"demo": run}, draw=pen).login()
    first = asked.get("/runs/demo/")
    assert asked.get("/runs/demo/").content == first.content
    assert len(pen.drawn) == 1
    tag = {"if-none-match": first.headers["etag"]}
    assert asked.get("/runs/demo/", headers=tag).status_code == 304
    (run.path / "report.html").write_text("mailed")  # what pages and servers write is not read
    (run.path / "explain-given" / "ism-mine").mkdir(parents=True)
    (run.path / "explain-given" / "ism-mine" / "names.tsv").write_text("name\n")
    (run.path / "jobs").mkdir()
    (run.path / "jobs" / "job.json").write_text("{}")
    (run.path / "model" / "checkpoint.safetensors").write_bytes(b"x")
    assert asked.get("/runs/demo/", headers=tag).status_code == 304
    (run.path / "grammar").mkdir()
    (run.path / "grammar" / "rules.json").write_text("[]")
    second = asked.get("/runs/demo/", headers=tag)
    assert second.status_code == 200
    assert second.headers["etag"] != first.headers["etag"]
    assert len(pen.drawn) == 2


def test_one_drawing_serves_all_who_ask(run, browser):
    pen = Pen()
    asked = browser({"demo": run}, draw=pen).login()
    answers = asked.get_at_once(["/runs/demo/"] * 40)
    assert {a.status_code for a in answers} == {200}
    assert len({a.content for a in answers}) == 1
    assert len(pen.drawn) == 1


def test_a_failed_drawing_is_not_tried_again_until_a_file_changed(run, browser):
    pen = Pen()
    asked = browser({"demo": run}, draw=pen).login()
    pen.error = InputError("metrics.json is not JSON.")
    for _ in range(3):
        answer = asked.get("/runs/demo/")
        assert answer.status_code == 500
        assert "metrics.json is not JSON." in answer.text
    assert len(pen.drawn) == 1
    pen.error = None
    (run.path / "metrics.json").write_text("{}")
    assert asked.get("/runs/demo/").status_code == 200


def test_a_drawing_that_came_to_no_end_is_tried_again(run, browser):
    pen = Pen()
    asked = browser({"demo": run}, draw=pen).login()
    pen.error = pages_module.NotDrawn("Ask for it again.")
    assert "Ask for it again." in asked.get("/runs/demo/").text
    pen.error = None
    assert asked.get("/runs/demo/").status_code == 200


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (2, "metrics.json is not JSON.", InputError),
        (2, "", pages_module.NotDrawn),
        (1, "Traceback (most recent call last):", pages_module.NotDrawn),
        (-9, "", pages_module.NotDrawn),
    ],
)
def test_only_a_refusal_says_that_files_are_to_blame(
    run, monkeypatch, tmp_path, status, said, error
):
    child = tmp_path / "python"
    end = f"kill -{-status} $$" if status < 0 else f"exit {status}"
    child.write_text(f"#!/bin/sh\ncat >/dev/null\nprintf '%s' '{said}' >&2\n{end}\n")
    child.chmod(0o755)
    monkeypatch.setattr(pages_module.sys, "executable", str(child))
    with pytest.raises(CisgramError) as raised:
        asyncio.run(pages_module.drawn_apart([run.path], {}))
    assert type(raised.value) is error


def test_a_run_is_not_compared_with_itself(tmp_path, browser):
    runs = by_slug([make_run(tmp_path / name, n=4, length=30).path for name in ("a", "b")])
    asked = browser(runs, draw=Pen()).login()
    answer = asked.get("/compare?first=a&second=a")
    assert answer.status_code == 400
    assert "first and second name the same" in Page(answer.text).said
    assert asked.get("/compare?first=a&second=b").status_code == 200
    assert asked.get("/compare?first=a&second=nowhere").status_code == 404
    offered = [v for k, v in Page(asked.get("/").text).attributes if k == "value"]
    assert offered == ["a/b", "b/a"]
    answer = asked.get("/compare?pair=a/b")
    assert (answer.status_code, answer.headers["location"]) == (303, "/compare?first=a&second=b")


def test_the_files_that_numbers_stand_in_are_links_where_a_server_gives_them(run, browser):
    asked = browser(by_slug([run.path]), draw=drawn_here).login()
    start = "/runs/demo/files/"
    page = Page(asked.get("/runs/demo/").text)
    links = {v for k, v in page.attributes if k == "href" and v.startswith(start)}
    assert f"{start}metrics.json" in links
    here = [link for link in links if not link.startswith(f"{start}page/")]
    assert {asked.get(link).status_code for link in here} == {200}
    mailed = Page(report.write(run).read_text(encoding="utf-8"))
    assert not [v for k, v in mailed.attributes if k == "href" and "/files/" in v]


def test_old_pages_are_let_go(tmp_path, browser, monkeypatch):
    monkeypatch.setattr(pages_module, "KEPT_BYTES", 2500)
    pen = Pen()
    pen.size = 1000
    runs = by_slug([make_run(tmp_path / f"r{i}", n=4, length=30).path for i in range(3)])
    asked = browser(runs, draw=pen).login()
    for slug in ("r0", "r1", "r0", "r2", "r0", "r2", "r1"):
        asked.get(f"/runs/{slug}/")
    assert [paths[0].name for paths in pen.drawn] == ["r0", "r1", "r2", "r1"]


def test_a_served_page_is_the_mailed_one_and_a_block_that_turns_live_on(run, browser):
    asked = browser(by_slug([run.path])).login()
    answer = asked.get("/runs/demo/")
    assert answer.status_code == 200
    served = Page(answer.text)
    mailed = Page(report.write(run).read_text(encoding="utf-8"))
    blocks = [s for s in served.scripts if s not in mailed.scripts]
    assert [json.loads(b) for b in blocks] == [
        {
            "run": "demo",
            "runs": [{"slug": "demo", "name": "demo"}],
            "version": version_of(run.path),  # before report.html was written, which is not read
        }
    ]
    assert served.styles == mailed.styles
    assert ("id", "live") not in mailed.attributes
    assert answer.headers["content-security-policy"] == f"{_meta(served)}; frame-ancestors 'none'"
    assert "connect-src 'self'" in _meta(served)
    assert "connect-src" not in _meta(mailed)


def _meta(page):
    return next(v for k, v in page.attributes if k == "content" and v.startswith("default-src"))


def test_serving_writes_nothing_into_the_run(run, browser):
    before = tree_of(run.path.parent)
    asked = browser(by_slug([run.path]), draw=drawn_here).login()
    for address in (
        "/", "/?list", "/runs/demo/", "/api/runs", "/api/runs/demo/progress",
        "/runs/demo/files/run.toml", "/runs/demo/files/nowhere", "/compare?first=demo&second=demo",
    ):  # fmt: skip
        asked.get(address)
    assert tree_of(run.path.parent) == before


def test_a_damaged_run_names_its_file_and_the_others_open(tmp_path, browser):
    good = make_run(tmp_path / "good", n=4, length=30)
    bad = make_run(tmp_path / "bad", n=4, length=30)
    (bad.path / "metrics.json").write_text('{"test": ')
    (bad.path / "history.tsv").write_bytes(b"\xff\xfe")
    asked = browser(by_slug([good.path, bad.path])).login()
    answer = asked.get("/runs/bad/")
    assert answer.status_code == 500
    said = Page(answer.text).said
    assert str(bad.path / "metrics.json") in said
    assert "is not JSON" in said
    assert "Traceback" not in said
    assert "metrics.json is not JSON" in Page(asked.get("/?list").text).said
    broken = asked.get("/api/runs/bad/progress").json()["broken"]
    assert ["metrics.json" in b or "history.tsv" in b for b in broken] == [True, True]
    assert asked.get("/runs/good/").status_code == 200


def test_a_folder_named_in_other_bytes_is_served_and_told(tmp_path, browser):
    good = make_run(tmp_path / "good", n=4, length=30)
    other = make_run(tmp_path / os.fsdecode(b"name\xe9"), n=4, length=30)
    asked = browser(by_slug([good.path, other.path]), draw=drawn_here).login()
    assert "name?" in Page(asked.get("/").text).said
    assert [r["name"] for r in asked.get("/api/runs").json()["runs"]] == ["good", "name?"]
    assert asked.get("/runs/name/").status_code == 200
    (other.path / "metrics.json").write_text("{")
    assert asked.get("/runs/name/").status_code == 500
    assert "name?" in asked.get("/api/runs/name/progress").json()["broken"][0]
    later = browser(by_slug([good.path, other.path])).login()  # a list is given out for a moment
    assert "name?/metrics.json" in Page(later.get("/").text).said


def test_what_nobody_thought_of_in_one_run_leaves_the_others_listed(tmp_path, browser, monkeypatch):
    runs = by_slug([make_run(tmp_path / name, n=4, length=30).path for name in ("good", "odd")])

    def of(run):
        if run.path.name == "odd":
            raise TypeError("unforeseen")
        return progress.summary_of(run)

    monkeypatch.setattr("cisgram.dashboard.app.summary_of", of)
    asked = browser(runs).login()
    assert [r["broken"] == [] for r in asked.get("/api/runs").json()["runs"]] == [True, False]
    assert "odd holds what no step writes" in Page(asked.get("/").text).said


def test_a_run_in_training_opens_and_says_what_is_to_do(tmp_path, browser):
    whole = make_run(tmp_path / "whole", n=4, length=30)
    young = tmp_path / "young"
    young.mkdir()
    shutil.copy(whole.toml, young)
    asked = browser(by_slug([young]), draw=drawn_here).login()
    said = Page(asked.get("/runs/young/").text).said
    assert "The model has not been evaluated yet" in said
    assert "This step was not run" in said
    assert "load this page again" in said
    shutil.copy(whole.path / "history.tsv", young)
    assert "Training: loss" in Page(asked.get("/runs/young/").text).said


def test_a_run_of_an_older_version_opens(tmp_path, browser):
    """One that knew fewer settings, wrote no versions but its own, and no options of models."""
    run = make_run(tmp_path / "old", n=4, length=30)
    settings = run.read()
    assert settings["versions"]["cisgram"] <= __version__
    config.write_toml(
        run.toml,
        {
            "command": "cisgram run",
            "versions": {"cisgram": "0.0.3"},
            "settings": {"data": {"positives": "x.fa"}, "model": {"name": "demo-cnn"}},
        },
    )
    config.write_toml(run.member(0) / "model.toml", {"name": "demo-cnn"})
    (run.path / "data" / "summary.json").unlink()
    asked = browser(by_slug([run.path]), draw=drawn_here).login()
    assert "0.0.3" in Page(asked.get("/runs/old/").text).said
    (line,) = asked.get("/api/runs").json()["runs"]
    assert (line["model"], line["task"], line["state"]) == ("demo-cnn", "", "finished")
    found = asked.get("/api/runs/old/progress").json()
    assert (found["epochs"], found["members"], found["broken"]) == (None, None, [])


FOLDERS = [n for n in HOSTILE if "/" not in n and len(n) < 200 and n != ".."]


def test_names_of_runs_stay_text_on_pages_of_the_server(tmp_path, browser):
    """Folder names, models, tasks and broken files of any spelling add no element."""
    plain = make_run(tmp_path / "plain", n=4, length=30)
    (plain.path / "metrics.json").write_text("{")
    expected = browser(by_slug([plain.path])).login()
    tags = sorted(set(Page(expected.get("/?list").text).tags))
    paths = []
    for i, name in enumerate(FOLDERS):
        path = tmp_path / f"at{i}" / name
        path.mkdir(parents=True)
        config.write_toml(path / "run.toml", {"settings": {"model": {"name": name}}})
        (path / "metrics.json").write_text("{")
        paths.append(path)
    asked = browser(by_slug(paths)).login()
    text = asked.get("/").text
    page = Page(text)
    assert sorted(
        set(page.tags) - {"form", "label", "select", "optgroup", "option", "button", "section"}
    ) == (sorted(set(tags) - {"form", "button", "section"}))
    assert page.scripts == []
    assert not [k for k, _ in page.attributes if k.startswith("on")]
    addresses = [v for k, v in page.attributes if k in ("href", "src", "action")]
    assert all(a.startswith("/") or a == "data:," for a in addresses)
    for name in FOLDERS:
        assert " ".join(name.split()) in page.said


@pytest.mark.parametrize("name", [FOLDERS[0], FOLDERS[12], FOLDERS[17], FOLDERS[40]])
def test_names_stay_text_on_the_page_of_an_error(tmp_path, browser, name):
    run = make_run(tmp_path / name, n=4, length=30)
    (run.path / "explain" / "ism" / "names.tsv").write_text(f"{name}\tlabel\n{name}\t1\n")
    asked = browser({"demo": run}, draw=drawn_here).login()
    answer = asked.get("/runs/demo/")
    assert answer.status_code == 500
    page = Page(answer.text)
    assert "names.tsv must have the columns name" in page.said
    assert page.scripts == []
    assert {"img", "svg", "iframe", "form"}.isdisjoint(page.tags)
    assert not [k for k, _ in page.attributes if k.startswith("on")]


def test_a_version_tells_names_sizes_and_times_apart(run):
    seen = [version_of(run.path)]
    assert version_of(run.path) == seen[0]
    for change in (
        lambda: os.utime(run.path / "metrics.json", (1, 1)),  # as many bytes, written again
        lambda: (run.path / "history.tsv").write_text("epoch\n1\n"),
        lambda: (run.path / "history.tsv").rename(run.path / "history-2.tsv"),
        (run.path / "motifs" / "filters.meme").unlink,
        lambda: shutil.rmtree(run.path / "explain"),
        lambda: shutil.rmtree(run.path),
    ):
        change()
        seen.append(version_of(run.path))
    assert len(set(seen)) == len(seen)
