"""Nothing but the plain files of the given runs can be read, whatever the address says."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from cisgram.core.errors import InputError, UnknownName
from cisgram.core.run import Run
from cisgram.dashboard.served import Served, by_slug
from dashboard.asking import tree_of
from hostile import HOSTILE
from made_run import make_run

SECRET = b"the canary sings"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A run between things that must not be read, with links of all kinds inside of it."""
    root = tmp_path_factory.mktemp("place")
    run = make_run(root / "runs" / "demo", n=4, length=30).path
    for path in (root / "canary", root / "runs" / "canary", root / "runs" / "demo-2" / "canary"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(SECRET)
    (run / ".lock").write_bytes(SECRET)
    (run / ".run.toml.7.tmp").write_bytes(SECRET)
    (run / "out").symlink_to(root / "canary")
    (run / "out.tsv").symlink_to("../canary")
    (run / "up").symlink_to(root)
    (run / "twice").symlink_to("up")
    (run / "loop").symlink_to("loop")
    (run / "system").symlink_to("/etc/passwd")
    (run / "hidden").symlink_to(".lock")
    (run / "inside.tsv").symlink_to("history.tsv")
    os.mkfifo(run / "pipe")
    return root


def spellings() -> list[str]:
    """Ways out of a run as they may stand in an address: forms x depths x encodings."""
    ups = [
        "..",
        "%2e%2e",
        "%2E.",
        ".%2e",
        "%252e%252e",
        "..%00",
        "%c0%ae%c0%ae",
        "....",
        "..;",
        ". .",
    ]
    slashes = ["/", "%2f", "%2F", "\\", "%5c", "%252f", "//", "/./", "%c0%af"]
    climbs = [
        slash.join([up] * depth + ["canary"]) for up, slash, depth in product(ups, slashes, (1, 2))
    ]
    begun = [
        f"{start}/{'../' * n}canary"
        for start in ("motifs", "model", "run.toml", "out")
        for n in (1, 2, 3)
    ]
    absolute = [
        prefix + target
        for prefix in (
            "",
            "/",
            "//",
            "%2f",
            "file://",
            "file:/",
            "\\\\localhost\\",
            "C:",
            "c:\\",
            "C%3A/",
        )
        for target in ("/etc/passwd", "{root}/canary", "{root}/runs/canary")
    ]
    links = [
        "out",
        "out.tsv",
        "up/canary",
        "up/runs/canary",
        "twice/canary",
        "loop",
        "system",
        "hidden",
    ]
    others = [
        ".lock", ".run.toml.7.tmp", "pipe", "", ".", "..", "/", "motifs", "motifs/", "run.toml/",
        "./run.toml", "run.toml%00.txt", "run.toml%00", "run.toml\\", "run.toml%0a", "~/canary",
        "~root/.bashrc", "$HOME", "%2e/run.toml", "CON", "NUL", "run.toml::$DATA", "run.toml ",
        "motifs/../../canary", "motifs%2f..%2f..%2fcanary", "?path=../canary", "#/../canary",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "a" * 5000, "a/" * 2000 + "b",
        "/proc/self/environ", "../../../../../../../../etc/passwd", "%ff%fe",
    ]  # fmt: skip
    return list(dict.fromkeys(climbs + begun + absolute + links + others))


def test_there_are_more_than_a_hundred_spellings():
    assert len(spellings()) > 200


def test_no_spelling_of_an_address_leads_out_of_the_run(place, serving):
    """Sent byte by byte to a real server: no client tidies the path up before."""
    run = place / "runs" / "demo"
    known = {name.removeprefix(f"{run}/"): file[1] for name, file in tree_of(run).items()}
    server = serving(run)
    before = tree_of(place)
    heads = ("/runs/demo/files/", "/runs/demo/", "/runs/", "/")
    for spelling, head in product(spellings(), heads):
        target = head + spelling.replace("{root}", str(place)).replace(" ", "%20")
        answer = server.raw(target.encode("utf-8", "replace").decode("latin-1"))
        status, content = int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2]
        assert SECRET not in answer, target
        assert b"root:" not in answer, target
        assert b"Traceback" not in answer, target
        if status == 200 and head.endswith("files/"):
            assert content in known.values(), target
    assert server.raw("/runs/demo/files/run.toml").endswith(known["run.toml"])
    assert tree_of(place) == before
    status, said = server.stop()
    assert status == 0
    assert "Traceback" not in said


@pytest.mark.parametrize("path", spellings())
def test_no_path_leads_out_of_the_run(place, path):
    """The same, and decoded as a server would, without the layers before."""
    served = Served(by_slug([place / "runs" / "demo"]))
    inside = (place / "runs" / "demo").resolve()
    said = set()
    for given in (path, path.replace("{root}", str(place)), _decoded(path)):
        try:
            found = served.file("demo", given)
        except UnknownName as error:
            said.add(str(error))
        else:
            assert found.is_relative_to(inside)
            assert found.read_bytes() != SECRET
    assert said <= {"There is nothing at this address."}


def _decoded(path: str) -> str:
    return unquote(unquote(path))


def test_files_of_the_run_are_given_as_they_are(place, browser):
    run = place / "runs" / "demo"
    asked = browser(by_slug([run])).login()
    for name in ("run.toml", "history.tsv", "inside.tsv", "metrics.json", "motifs/filters.meme"):
        answer = asked.get(f"/runs/demo/files/{name}")
        assert answer.content == (run / name).read_bytes()
        assert answer.headers["content-disposition"].startswith("inline")
        kind = answer.headers["content-type"]
        assert kind.startswith("application/json" if name.endswith("json") else "text/plain")
    for name, content in (("x.html", "<script>"), ("x.svg", "<svg>"), ("x.js", "1"), ("x", "")):
        (run / name).write_text(content)
        answer = asked.get(f"/runs/demo/files/{name}")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment")
        (run / name).unlink()
    part = asked.get("/runs/demo/files/run.toml", headers={"range": "bytes=0-6"})
    assert (part.status_code, part.content) == (206, (run / "run.toml").read_bytes()[:7])


FILE_NAMES = [n for n in HOSTILE if "/" not in n and len(n) < 200]


@pytest.mark.parametrize("name", FILE_NAMES)
def test_a_file_of_any_name_is_only_a_download(place, browser, name):
    run = place / "runs" / "demo"
    asked = browser(by_slug([run])).login()
    (run / f"{name}.html").write_text("<script>window.__hit=1</script>")
    answer = asked.get(f"/runs/demo/files/{quote(name + '.html', safe='')}")
    (run / f"{name}.html").unlink()
    assert answer.status_code in (200, 404)
    if answer.status_code == 200:
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_slugs_are_of_letters_and_no_two_are_the_same(tmp_path):
    folders = [tmp_path / n for n in ("a/demo", "b/demo", "ELK1 (K562)", "x/--", "y/..z")]
    for folder in folders:
        make_run(folder, n=4, length=30)
    served = Served(by_slug([*folders, tmp_path / "b" / ".." / "a" / "demo"]))
    assert list(served.runs) == ["demo", "demo-2", "ELK1-K562", "run", "z"]
    assert list(served.names.values()) == ["a/demo", "b/demo", "ELK1 (K562)", "--", "..z"]
    assert [run.path for run in served.runs.values()] == [f.resolve() for f in folders]


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no run\.toml"):
        by_slug([tmp_path])
    (tmp_path / "run.toml").write_text("[settings")
    with pytest.raises(InputError, match=r"run\.toml is not TOML"):
        by_slug([tmp_path])


def test_a_run_that_is_not_served_is_not_there(browser, place):
    asked = browser({"demo": Run(place / "runs" / "demo")}).login()
    for slug in ("demo-2", "..", "%2e%2e", "Demo", "demo%00", ""):
        for address in (f"/runs/{slug}/", f"/runs/{slug}/files/run.toml"):
            assert asked.get(address).status_code in (303, 404, 307), address
        assert asked.get(f"/api/runs/{slug}/progress").status_code == 404
    assert asked.get("/compare?first=demo&second=nowhere").status_code == 404
    assert asked.get("/compare").status_code == 404
    assert Path(place / "runs" / "demo-2" / "canary").read_bytes() == SECRET
