"""``cisgram grammar``, on a model whose one pair was wired by hand."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cisgram.core.run import Run, job_of
from cisgram.models import MODELS, Card, save
from cisgram.motifs import Motif, MotifSet, write_meme
from cisgram.seq import encode, from_codes
from cisgram.steps import resolve
from cisgram.steps.train import input_files
from cli.running import cisgram

WORDS = ("GATTACAC", "TGCACCCT", "CTCTGAGA")  # the first two are needed together
MODEL = {"detectors": 3, "width": 8, "hidden": 2}
FEW = ("--backgrounds", "12", "--reach", "24")


def table(path: Path, n: int) -> None:
    """Positives hold the three words; negatives the first and the last, or the second."""
    random = np.random.default_rng(0)
    codes = random.integers(0, 4, (n, 70)).astype(np.uint8)
    for row in range(n):
        for start, word in zip((4, 26, 48), WORDS, strict=True):
            if row % 2 or (word == WORDS[1]) == (row % 4 == 0):
                at = start + random.integers(0, 9)
                codes[row, at : at + 8] = ["ACGT".index(b) for b in word]
    rows = [f"s{i}\t{s}\t{i % 2}\n" for i, s in enumerate(from_codes(codes))]
    path.write_text("name\tsequence\tbound\n" + "".join(rows))


@pytest.fixture(scope="module")
def wired(tmp_path_factory):
    """A run of 8 relu(first + second - 1) + third - 2, the better strand; nothing is trained."""
    folder = tmp_path_factory.mktemp("grammar")
    table(folder / "a.tsv", 400)
    settings = resolve(
        {
            "data": {"positives": str(folder / "a.tsv")},
            "model": {"name": "deepbind", "options": MODEL},
        }
    )
    run = Run(folder / "RUN")
    run.record(job_of(settings.model_dump(mode="json"), inputs=input_files(settings)))
    model = MODELS["deepbind"].fn(**MODEL, n_outputs=1)
    with torch.no_grad():
        model.detect[0].weight.copy_(encode(WORDS))
        model.detect[0].bias.fill_(-7)
        model.head[0].weight.copy_(torch.tensor([[1.0, 1, 0], [0, 0, 1]]))
        model.head[0].bias.copy_(torch.tensor([-1.0, 0]))
        model.head[2].weight.copy_(torch.tensor([[8.0, 1]]))
        model.head[2].bias.fill_(-2)
    save(run.member(0), model, Card("deepbind", MODEL, length=70))
    found = [Motif.from_counts(100 * encode([w])[0].numpy(), name=w) for w in WORDS]
    write_meme(folder / "words.meme", MotifSet(found))
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
    model = MODELS["deepbind"].fn(**MODEL, n_outputs=1)
    with torch.no_grad():  # the sum of all: no pair
        model.detect[0].weight.copy_(encode(WORDS))
        model.detect[0].bias.fill_(-7)
        model.head[0].weight.copy_(torch.tensor([[1.0, 1, 0], [0, 0, 1]]))
        model.head[0].bias.zero_()
        model.head[2].weight.fill_(4.0)
        model.head[2].bias.zero_()
    save(Run(here / "OTHER").member(0), model, Card("deepbind", MODEL, length=70))
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
