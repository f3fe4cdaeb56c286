"""``cisgram serve``: what it refuses, where it listens, what it prints."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import httpx2 as httpx
import pytest

from cisgram.core.errors import InputError
from cisgram.dashboard import bound
from cisgram.dashboard.start import Dashboard
from cli.running import cisgram
from dashboard.asking import Server
from dashboard.waiting import until
from made_run import make_run
from steps.wired_run import wired_run


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return make_run(tmp_path / "RUN", n=4, length=30).path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument"),
        (("nowhere",), "is not a run: it holds no run.toml"),
        (("RUN", "."), "is not a run: it holds no run.toml"),
        (("RUN", "--port", "99999"), "99999"),
        (("RUN", "--host", "0.0.0.0"), "unless --allow-remote is given, too"),
        (("RUN", "--host", "::"), "unless --allow-remote is given, too"),
        (("RUN", "--host", "example.org"), "unless --allow-remote is given, too"),
        (("RUN", "--host", "203.0.113.9", "--allow-remote"), "Give an address of this machine"),
        (("RUN", "--host", "no such host", "--allow-remote"), "Give an address of this machine"),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_paragraph(run, arguments, said):
    done = cisgram("serve", *arguments)
    assert done.status == 2
    assert said in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_a_port_that_is_taken_is_refused_only_when_it_was_asked_for(run, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = cisgram("serve", "RUN", "--port", str(port))
        assert done.status == 2
        assert f"Port {port} of 127.0.0.1 is taken" in done.err
        assert "--port 0" in done.err
        monkeypatch.setattr(bound, "PORT", port)
        with bound.listen("127.0.0.1", None) as listening:
            assert port < listening.getsockname()[1] < port + bound.TRIED
        monkeypatch.setattr(bound, "TRIED", 1)
        with pytest.raises(InputError, match="Every port from"):
            bound.listen("127.0.0.1", None)


def test_it_serves_until_it_is_interrupted(run):
    """As a person uses it: the link on standard output, words beside it."""
    command = [sys.executable, "-c", "from cisgram.cli import main; main()"]
    with subprocess.Popen(
        [*command, "serve", "RUN", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as process:
        link = process.stdout.readline().strip()
        assert link.startswith("http://127.0.0.1:")
        with httpx.Client(trust_env=False, follow_redirects=True, timeout=120) as client:
            page = client.get(link)
        assert page.status_code == 200
        assert str(page.url).endswith("/runs/RUN/")
        assert 'id="live"' in page.text
        assert process.stdout.readline().strip() != link
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Serving 1 run" in said
    assert "That link has been used" in said
    assert said.splitlines()[-1] == "Stopped."


def test_jobs_that_end_with_the_server_are_named_and_go_on_with_the_next(tmp_path):
    run = wired_run(tmp_path).path
    job = {"kind": "demix", "layer": "conv1", "neuron": "0-3"}
    with served(run) as (client, end):
        asked = [client.post("/api/runs/RUN/jobs", json=job) for _ in range(2)]
        assert [a.status_code for a in asked] == [200, 200]
        status, said = end()
    assert status == 0
    what = "demix neurons 0-3 of conv1 (RUN)"
    assert f"2 jobs end with the server: {what}; {what}. Serve the run again and choose" in said
    assert said.splitlines()[-1] == "Stopped."

    with served(run) as (client, end):
        jobs = client.get("/api/runs/RUN/jobs").json()["jobs"]
        assert [j["state"] for j in jobs] == ["interrupted"] * 2
        assert "Resume it: it goes on where it was" in jobs[0]["error"]
        place = f"/api/runs/RUN/jobs/{jobs[0]['id']}"
        assert client.post(f"{place}/resume", json={}).json()["state"] == "waiting"
        until(lambda: client.get(place).json()["state"] == "done", every=0.5)
        _, said = end()
    assert "with the server" not in said


@contextmanager
def served(run):
    """A client that is logged in, and what ends its server as Ctrl-C does."""
    server = Server(run)
    headers = {"cookie": server.cookie, "origin": server.origin}
    try:
        with httpx.Client(
            base_url=server.origin, headers=headers, trust_env=False, timeout=60
        ) as client:
            yield client, server.stop
    finally:
        if server.process.poll() is None:
            server.stop()


def test_without_a_folder_for_temporary_files_the_link_is_printed(run, monkeypatch):
    def nowhere(*_args, **_options):
        raise FileNotFoundError(2, "No usable temporary directory found")

    def answer(_dashboard, *, on_start, **_others):
        on_start("http://127.0.0.1:1/login?token=x")

    started = []
    monkeypatch.setattr("tempfile.TemporaryDirectory", nowhere)
    monkeypatch.setattr("webbrowser.open", started.append)
    monkeypatch.setattr(Dashboard, "answer", answer)
    done = cisgram("serve", "RUN", "--port", "0", "--open")
    assert done.status == 0
    assert "http://127.0.0.1:1/login?token=x" in done.out
    assert "No browser is started" in done.err
    assert started == []


BROWSER = """#!/bin/sh
printf '%s\n' "$@" >"$SEEN.part"
mv "$SEEN.part" "$SEEN"
"""


@pytest.mark.parametrize("number", [None, signal.SIGINT, signal.SIGTERM])
def test_the_browser_is_started_with_a_file_that_only_its_user_can_read(
    run, tmp_path, monkeypatch, number
):
    """What a process is started with is seen by every user of the machine."""
    browser, seen, place = tmp_path / "browser", tmp_path / "seen", tmp_path / "place"
    browser.write_text(BROWSER)
    browser.chmod(0o755)
    place.mkdir()
    for name, value in (("BROWSER", browser), ("SEEN", seen), ("TMPDIR", place)):
        monkeypatch.setenv(name, str(value))
    with subprocess.Popen(
        [sys.executable, "-m", "cisgram", "serve", "RUN", "--port", "0", "--json", "--open"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        link = json.loads(process.stdout.readline())["link"]
        token = link.partition("token=")[2]
        until(seen.is_file)
        (address,) = seen.read_text().splitlines()
        assert token not in address
        path = Path(url2pathname(urlsplit(address).path))
        assert f'content="0; url={link}"' in path.read_text()
        modes = [stat.S_IMODE(p.stat().st_mode) for p in (path, path.parent)]
        assert modes == [0o600, 0o700]
        if number is None:
            assert httpx.get(link, trust_env=False).status_code == 303
            until(lambda: not path.parent.exists())
            process.send_signal(signal.SIGINT)
        else:
            process.send_signal(number)
        process.communicate(timeout=30)
    assert not path.parent.exists()
