"""``cisgram trust`` through the runner, and once as a process."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from cisgram.core.config import read_toml, write_toml
from cli.running import cisgram


@pytest.fixture
def here(tmp_path, monkeypatch, trained):
    """A copy of a trained run that is explained by one cheap method, and two motifs to name."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, "RUN")
    shutil.copy(trained.parent / "a.tsv", "a.tsv")
    table = read_toml(tmp_path / "RUN" / "run.toml")
    table["settings"]["explain"]["methods"] = ["gradient_x_input"]
    table["settings"]["motifs"]["database"] = "jaspar:fungi"
    write_toml(tmp_path / "RUN" / "run.toml", table)
    return tmp_path


def test_trust_says_what_it_found_and_where_it_lies(here):
    done = cisgram("trust", "RUN", "--sequences", "2", "--device", "cpu")
    assert done.status == 0, done.err
    said = {line.split(maxsplit=1)[0] for line in done.out.splitlines()}
    assert said <= {"DOUBT", "good", "?"}
    assert "GC shortcut: " in done.out
    assert "?      unstable over seeds: The run holds one network" in done.out
    assert "lie in RUN/trust" in done.err
    assert (here / "RUN" / "trust" / "flags.tsv").is_file()
    again = cisgram("trust", "RUN", "--sequences", "2", "--device", "cpu", "--json")
    assert "shortcuts: kept" in again.err
    flags = json.loads(again.out)["flags"]
    assert [f"{f['name']}: {f['said']}" for f in flags] == [
        line.split(maxsplit=1)[1] for line in done.out.splitlines()
    ]
    assert cisgram("report", "RUN").status == 0
    assert "What not to believe" in (here / "RUN" / "report.html").read_text()


def test_trust_refuses_a_folder_that_is_no_run(here):
    done = cisgram("trust", "nowhere")
    assert done.status == 2
    assert "not a run" in done.err
    assert "Traceback" not in done.err
    assert cisgram("trust", "RUN", "--sequences", "0").status == 2
    done = cisgram("trust", "RUN", "--target", "expressed")
    assert done.status == 2
    assert "expressed" in done.err


@pytest.mark.slow
def test_trust_runs_as_a_process(here):
    main = [sys.executable, "-c", "from cisgram.cli import main; main()"]
    done = subprocess.run(
        [*main, "trust", "RUN", "--sequences", "1", "--device", "cpu"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert "leak: " in done.stdout
