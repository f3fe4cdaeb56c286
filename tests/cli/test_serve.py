"""``cisgram serve``: what it refuses, where it listens, what it prints."""

import os
import signal
import socket
import subprocess
import sys

import httpx2 as httpx
import pytest

from cisgram.core.errors import InputError
from cisgram.dashboard import bound
from cli.running import cisgram
from made_run import make_run


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
