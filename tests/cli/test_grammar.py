"""``cisgram grammar``, on a model whose one pair was wired by hand."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from cisgram.core.run import Run
from cli.running import cisgram
from cli.wired import put_network, write_run, write_table

WORDS = ("GATTACAC", "TGCACCCT", "CTCTGAGA")  # the first two are needed together
FEW = ("--backgrounds", "12", "--reach", "24")


@pytest.fixture(scope="module")
def wired(tmp_path_factory):
    """A run of 8 relu(first + second - 1) + third - 2, the better strand; nothing is trained."""
    folder = tmp_path_factory.mktemp("grammar")
    write_table(folder / "a.tsv", WORDS, 400, length=70, starts=(4, 26, 48), partial=True)
    write_run(folder, WORDS, length=70, gain=8.0)
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch, wired):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(wired / "RUN", "RUN")
    shutil.copy(wired / "words.meme", "words.meme")
    return tmp_path


def test_the_pair_that_was_wired_is_read_aloud_and_lies_in_the_folder(here):
    done = cisgram("grammar", "RUN", "--source", "words.meme", *FEW)
    assert done.status == 0, done.err
    first, tree = done.out.splitlines()[0], done.out.splitlines()[-1]
    assert "together they raise the output beyond the sum of each by 8 (95 % 8 to 8" in done.out
    assert {w in first for w in WORDS[:2]} == {True}
    assert tree.startswith("{(")
    found = json.loads(Path("RUN/grammar/rules.json").read_text())
    known = [r for r in found["rules"] if r.get("model", {}).get("holds")]
    assert {r["kind"] for r in known} == {"synergy", "orientation"}  # deepbind adds on one strand
    assert all(sorted(r["motifs"]) == sorted(WORDS[:2]) for r in known)
    assert {r["strands"] for r in known} <= {"++", "--"}
    assert known[0]["said"] == first
    rows = pd.read_csv("RUN/grammar/rules.tsv", sep="\t")
    assert rows["model_effect"].max() >= 8.0
    assert rows.loc[0, "verdict"] in ("confirmed", "model only")
    assert Path("RUN/grammar/motifs.meme").is_file()


def test_json_is_what_lies_in_the_folder_and_the_same_command_gives_the_same_bytes(here):
    command = ("grammar", "RUN", "--source", "words.meme", "--json", *FEW)
    one, two = cisgram(*command), cisgram(*command)
    assert one.status == 0, one.err
    assert one.out == two.out
    assert json.loads(one.out) == json.loads(Path("RUN/grammar/rules.json").read_text())
    assert json.loads(one.out)["facts"]["options"]["source"] == "words.meme"


def test_rules_are_checked_on_another_run_and_both_are_on_the_page(here):
    assert cisgram("grammar", "RUN", "--source", "words.meme", *FEW).status == 0
    shutil.copytree("RUN", "OTHER")
    shutil.rmtree("OTHER/grammar")
    # the sum of all: no pair
    put_network(Run(here / "OTHER"), WORDS, length=70, threshold=0, gains=(4, 4), bias=0)
    done = cisgram("grammar", "OTHER", "--check", "RUN", *FEW)
    assert done.status == 0, done.err
    assert "not held by the model (" in done.out
    assert not Path("OTHER/grammar/rules.json").exists()
    held = cisgram("grammar", "RUN", "--check", "RUN", *FEW)
    assert held.status == 0, held.err
    assert "raise the output beyond the sum of each by 8" in held.out
    for run, said in (("RUN", "Held by the model"), ("OTHER", "checked on this one")):
        assert cisgram("report", run).status == 0
        assert said in Path(run, "report.html").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("RUN", "holds no motifs yet; run 'cisgram motifs RUN --source patterns'"),
        ("RUN --source nowhere.meme", "nowhere.meme"),
        ("RUN --source words.meme --fdr 0", "0 is not in the range"),
        ("RUN --source words.meme --backgrounds 3", "3 is not in the range"),
        ("RUN --source words.meme --target bond", "No output named 'bond'"),
        ("RUN --check nowhere", "nowhere holds no rules; run 'cisgram grammar nowhere'"),
        (". --source words.meme", "is not a run"),
    ],
)
def test_what_is_wrong_is_said(here, options, says):
    done = cisgram("grammar", *options.split())
    assert done.status == 2, done
    assert says in " ".join(done.err.split())
    assert "Traceback" not in done.err
    assert not (here / "RUN" / "grammar").exists()


def test_the_command_runs_as_a_process(here):
    start = [sys.executable, "-c", "from cisgram.cli import main; main()"]
    command = [*start, "grammar", "RUN", "--source", "words.meme", *FEW]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "together they raise" in done.stdout
