"""``cisgram interact``, on a model whose one pair was wired by hand."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from cisgram.core.run import Run
from cisgram.motifs import Motif, MotifSet, write_meme
from cisgram.seq import encode
from cisgram.steps.motif_choice import PREFERRED
from cli.running import cisgram
from cli.wired import put_network, write_run, write_table

WORDS = ("GATTACA", "TGCACCC", "CTCTGAG")  # the first two are needed together


@pytest.fixture(scope="module")
def wired(tmp_path_factory):
    """A run of 4 relu(first + second - 1) + third - 2; nothing is trained."""
    folder = tmp_path_factory.mktemp("interact")
    write_table(folder / "a.tsv", WORDS, 400, length=60, starts=(4, 24, 44))
    write_run(folder, WORDS, length=60, gain=4.0)
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch, wired):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(wired / "RUN", "RUN")
    shutil.copy(wired / "words.meme", "words.meme")
    return tmp_path


def read(name):
    return pd.read_csv(name, sep="\t")


def test_the_pair_that_was_wired_is_printed_and_no_other(here):
    done = cisgram("interact", "RUN", "--source", "words.meme")
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "epistasis: 1 of 3 pairs interact at FDR 0.05"
    assert lines[1].startswith("  GATTACA and TGCACCC: +4 (4 to 4) in ")
    assert lines[2] == "dfim: 2 of 6 pairs interact at FDR 0.05"
    assert {line.split(":")[0].strip() for line in lines[3:]} == {
        "GATTACA and TGCACCC",
        "TGCACCC and GATTACA",
    }
    pairs = read("RUN/interactions/epistasis.pairs.tsv")
    assert pairs["interacts"].tolist() == [1, 0, 0]
    each = read("RUN/interactions/epistasis.tsv")
    both = each[(each["a"] == "GATTACA") & (each["b"] == "TGCACCC")]
    assert (both["interaction"] == 4).mean() > 0.9
    assert both["sequence"].str.fullmatch(r"s\d*[13579]").all()  # names, of positives
    assert len(read("RUN/interactions/dfim.tsv")) == 2 * len(each)


def test_json_is_what_lies_in_the_folder(here):
    done = cisgram("interact", "RUN", "--source", "words.meme", "--method", "epistasis", "--json")
    assert done.status == 0, done.err
    found = json.loads(done.out)
    assert found == json.loads(Path("RUN/interactions/summary.json").read_text())
    assert found["options"]["source"] == "words.meme"
    assert found["options"]["target"] == "output" or found["options"]["target"]
    (first, *rest) = found["pairs"]["epistasis"]
    assert (first["a"], first["b"], first["mean"]) == ("GATTACA", "TGCACCC", 4.0)
    assert len(rest) == 2
    assert not Path("RUN/interactions/dfim.tsv").exists()


def test_the_same_command_gives_the_same_bytes_and_another_seed_others(here):
    one = ("interact", "RUN", "--source", "words.meme", "--method", "epistasis", "--most", "20")
    written = []
    for seed in ("0", "0", "1"):
        assert cisgram(*one, "--seed", seed).status == 0
        written.append(Path("RUN/interactions/epistasis.tsv").read_bytes())
    assert written[0] == written[1] != written[2]


def test_the_runs_own_motifs_are_asked_about_by_default(here):
    assert cisgram("motifs", "RUN").status == 0
    done = cisgram("interact", "RUN", "--method", "epistasis", "--p", "1e-3")
    assert done.status == 0, done.err
    assert "filter_0" in done.out
    assert "filter_1" in done.out
    assert json.loads(Path("RUN/interactions/summary.json").read_text())["options"]["source"] == (
        "filters"
    )


def test_a_source_with_a_single_motif_does_not_stand_before_one_with_pairs(here):
    assert cisgram("motifs", "RUN").status == 0
    folder = Path("RUN/motifs")
    for kind in ("facts", "matches"):
        rows = (folder / f"filters.{kind}.tsv").read_text().splitlines(keepends=True)
        (folder / f"{PREFERRED[0]}.{kind}.tsv").write_text("".join(rows[: 1 + (kind == "facts")]))
    (folder / f"{PREFERRED[0]}.meme").write_text((folder / "filters.meme").read_text())
    assert cisgram("interact", "RUN", "--method", "epistasis", "--p", "1e-3").status == 0
    summary = json.loads(Path("RUN/interactions/summary.json").read_text())
    assert PREFERRED[0] != "filters"
    assert summary["options"]["source"] == "filters"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("RUN", "holds no motifs yet; run 'cisgram motifs RUN --source patterns'"),
        ("RUN --source patterns", "holds no motifs of patterns; run 'cisgram motifs RUN"),
        ("RUN --source one.meme", "one.meme gives 1 motif: fewer than two"),
        ("RUN --source other.meme", "holds two of the motifs other, another at p <= 0.0001"),
        ("RUN --source nowhere.meme", "nowhere.meme"),
        ("RUN --source words.meme --method ism", "'ism' is not one of"),
        ("RUN --source words.meme --least 0", "0 is not in the range"),
        ("RUN --source words.meme --target bond", "No output named 'bond'"),
        (". --source words.meme", "is not a run"),
    ],
)
def test_what_is_wrong_is_said(here, options, says):
    motif = Motif.from_counts(100 * encode(["TTTTTTTTTTTTTTT"])[0].numpy(), name="other")
    another = Motif.from_counts(100 * encode(["GGGGGGGGGGGGGGG"])[0].numpy(), name="another")
    write_meme(here / "one.meme", MotifSet([motif]))
    write_meme(here / "other.meme", MotifSet([motif, another]))
    done = cisgram("interact", *options.split())
    assert done.status == 2, done
    assert says in " ".join(done.err.split())
    assert "Traceback" not in done.err
    assert not (here / "RUN" / "interactions").exists()


def test_a_model_that_calls_no_positive_positive_is_refused(here):
    put_network(Run(here / "RUN"), WORDS, length=60, gains=(0, 0), bias=-1)
    done = cisgram("interact", "RUN", "--source", "words.meme")
    assert done.status == 2
    assert "calls none of the" in done.err


def test_the_command_runs_as_a_process(here):
    start = [sys.executable, "-c", "from cisgram.cli import main; main()"]
    command = [*start, "interact", "RUN", "--source", "words.meme", "--most", "10"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "pairs interact" in done.stdout
