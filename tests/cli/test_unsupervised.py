"""``impute``, ``pretrain``, ``embed`` and ``generate`` through the runner, each once."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import planted
from cisgram.io import read_fasta, read_matrix
from cli.running import OPTIONS, cisgram

MATRIX = ("--epochs", "3", "--latent", "3", "--set", "members=2", "--set", "hidden=8")
MAKE = ("--epochs", "2", "--set", "steps=3", "--set", "batch_size=16", "--set", "channels=8",
        "--set", "latent=8")  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch, trained):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    values = random.normal(0, 1, (40, 1)) @ random.normal(0, 1, (1, 6)) + 5
    rows = [f"g{i}\t" + "\t".join(f"{v:.4f}" for v in row) for i, row in enumerate(values)]
    rows[3] = rows[3].rsplit("\t", 1)[0] + "\tNA"
    (tmp_path / "m.tsv").write_text("\n".join(["gene\ta\tb\tc\td\te\tf", *rows]) + "\n")
    planted.write_tsv(tmp_path / "s.tsv", 120)
    (tmp_path / "RUN").symlink_to(trained)
    (tmp_path / "a.tsv").symlink_to(trained.parent / "a.tsv")
    return tmp_path


def test_a_matrix_is_filled_and_reduced(here):
    done = cisgram("impute", "m.tsv", "-o", "M", *MATRIX)
    assert done.status == 0, done.err
    assert "239 numbers, 1 missing and filled." in done.out
    for way in ("autoencoder", "column mean", "PCA", "nearest rows"):
        assert way in done.out
    given, filled = read_matrix("m.tsv"), read_matrix("M/imputed.tsv")
    assert filled.rows == given.rows
    assert filled.columns == given.columns
    hole = np.isnan(given.values)
    assert np.isfinite(filled.values[hole]).all()
    np.testing.assert_allclose(filled.values[~hole], given.values[~hole], rtol=1e-5)
    assert read_matrix("M/latent.tsv").values.shape == (40, 3)
    metrics = json.loads((here / "M" / "metrics.json").read_text())
    assert metrics["test"]["autoencoder"]["rmse"] > 0
    again = cisgram("impute", "m.tsv", "-o", "M", *MATRIX, "--json")
    assert json.loads(again.out) == metrics
    other = cisgram("impute", "m.tsv", "-o", "M", *MATRIX, "--latent", "2")
    assert other.status == 2
    assert "impute.latent" in other.err


def test_a_variational_run_says_what_its_coordinates_say(here):
    done = cisgram("impute", "m.tsv", "-o", "V", "--kind", "variational", *MATRIX)
    assert done.status == 0, done.err
    assert "nats an item" in done.out
    wide = read_matrix("V/latent.tsv")
    assert wide.columns == ("z1", "z2", "z3", "sd1", "sd2", "sd3")


def test_items_may_be_columns(here):
    done = cisgram("impute", "m.tsv", "-o", "C", "--items", "columns", *MATRIX)
    assert done.status == 0, done.err
    assert read_matrix("C/latent.tsv").rows == ("a", "b", "c", "d", "e", "f")
    assert read_matrix("C/imputed.tsv").rows == read_matrix("m.tsv").rows


def test_counts_are_asked_of_counts_alone(here):
    done = cisgram("impute", "m.tsv", "-o", "N", "--likelihood", "nb")
    assert done.status == 2
    assert "counts, integers of at least 0" in done.err
    assert not (here / "N").exists()


def test_a_network_reads_before_it_is_trained(here):
    small = ("--set", "model_options.size=small", "--epochs", "1")
    done = cisgram("pretrain", "--positives", "s.tsv", "-o", "P", *small)
    assert done.status == 0, done.err
    assert "nats a letter" in done.out
    table = cisgram("embed", "P", "--sequences", "s.tsv")
    rows = table.out.splitlines()
    assert rows[0].split("\t")[:2] == ["name", "z1"]
    assert len(rows) == 121
    trained = cisgram(
        "train", "--positives", "s.tsv", "--from", "P", "-o", "T", "--epochs", "1",
        "--set", "train.min_rows=1", "--device", "cpu",
    )  # fmt: skip
    assert trained.status == 0, trained.err
    start = (here / "T" / "model" / "start.tsv").read_text()
    assert "features.0.weight\t2304\tloaded" in start
    refused = cisgram("predict", "P", "--sequences", "s.tsv")
    assert refused.status == 2
    assert "cisgram pretrain" in refused.err


def test_sequences_are_made_turned_and_climbed(here):
    done = cisgram("generate", "train", "--positives", "s.tsv", "-o", "G", *MAKE)
    assert done.status == 0, done.err
    assert "Markov chain, order 3" in done.out
    assert "45 sequences of 60 bp to fit to, 15 held out." in done.err
    assert len(read_fasta("G/samples.fa").letters) == 1000
    made = cisgram("generate", "sample", "G", "-n", "3")
    assert made.out.count(">made_") == 3
    turned = cisgram(
        "generate", "feedback", "G", "--analyzer", "RUN", "-o", "F", "--threshold", "0.5",
        "--epochs", "2", "--set", "steps=2", "--set", "samples=40",
    )  # fmt: skip
    assert turned.status == 0, turned.err
    assert "before" in turned.out
    assert "held_out" in turned.out
    assert cisgram("generate", "sample", "F", "-n", "2").status == 0
    best = cisgram("generate", "maximize", "G", "--analyzer", "RUN", "-n", "4", "--steps", "5")
    rows = [line.split("\t") for line in best.out.splitlines()]
    assert rows[0] == ["name", "sequence", "score", "start_score", "step", "nearest"]
    assert all(float(r[2]) >= float(r[3]) for r in rows[1:])
    both = cisgram(
        "generate", "maximize", "G", "--analyzer", "RUN", "--analyzer", "RUN", "-n", "2",
        "--steps", "2", "--json",
    )  # fmt: skip
    assert {r["score"] == pytest.approx(r["score_RUN"]) for r in json.loads(both.out)} == {True}


def test_a_run_that_cannot_judge_is_refused(here):
    planted.write_tsv(here / "long.tsv", 120, 80)
    assert cisgram("generate", "train", "--positives", "long.tsv", "-o", "L", *MAKE).status == 0
    done = cisgram("generate", "maximize", "L", "--analyzer", "RUN")
    assert done.status == 2
    assert "was trained on 60 bp, the generator makes 80" in done.err
    assert cisgram("generate", "maximize", "L").status == 2
    assert cisgram("generate", "sample", "RUN").status == 2


@pytest.mark.parametrize("command", ["impute", "pretrain", "embed", "generate"])
def test_the_commands_are_there_as_processes(command):
    done = subprocess.run(
        [sys.executable, "-m", "cisgram", command, "--help"],
        capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: ")
    assert OPTIONS


@pytest.mark.parametrize(
    "command", [("report",), ("evaluate", "--baselines"), ("evaluate",), ("explain", "ism")]
)
def test_what_predicts_no_labels_is_refused_by_its_name(here, command):
    assert cisgram("impute", "m.tsv", "-o", "M", *MATRIX).status == 0
    name, *rest = command
    done = cisgram(name, *rest, "M")
    assert done.status == 2
    assert "M is a run of 'cisgram impute', which predicts no labels." in done.err
    assert not (here / "M" / "report.html").exists()


def test_histories_mark_the_pass_that_was_kept(here):
    cisgram("impute", "m.tsv", "-o", "M", *MATRIX)
    cisgram("pretrain", "--positives", "s.tsv", "-o", "P", "--set", "model_options.size=small",
            "--epochs", "2")  # fmt: skip
    cisgram("generate", "train", "--positives", "s.tsv", "-o", "G", *MAKE)
    for path in ("M/autoencoder/history-1.tsv", "P/history.tsv", "G/history.tsv"):
        table = pd.read_csv(here / path, sep="\t")
        assert table["best"].sum() == 1, path
        assert len(table) >= 2, path
