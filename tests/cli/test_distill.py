"""``cisgram distill`` and ``evaluate --baselines`` through the runner, once as a process."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import planted
from cisgram.motifs import Motif, write_meme
from cli.running import cisgram

STUDENT = ("--model", "pwm", "--set", "model.options.motifs=2", "--set", "model.options.width=8",
           "--epochs", "1", "--set", "train.min_rows=1", "--device", "cpu")  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch, trained):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, "RUN")
    shutil.copy(trained.parent / "a.tsv", "a.tsv")
    write_meme(tmp_path / "m.meme", [Motif(np.eye(4)[:, list(planted.WORD)], "EBOX")])
    return tmp_path


def test_a_student_is_compared_with_its_teacher(here):
    done = cisgram("distill", "RUN", "-o", "S", "--shuffles", "0", "--mutants", "0", *STUDENT)
    assert done.status == 0, done.err
    rows = list(csv.DictReader(io.StringIO(done.out), delimiter="\t"))
    assert [(r["role"], r["model"]) for r in rows] == [("teacher", "deepbind"), ("student", "pwm")]
    assert [r["terms"] for r in rows] == ["", "2"]
    assert "training the student (pwm)" in done.err
    assert cisgram("predict", "S", "--sequences", "a.tsv").status == 0
    report = cisgram("report", "S")
    assert report.status == 0, report.err
    again = cisgram(
        "distill", "RUN", "-o", "S", "--shuffles", "0", "--mutants", "0", "--json", *STUDENT
    )
    assert [r["role"] for r in json.loads(again.out)] == ["teacher", "student"]


def test_a_student_may_start_from_known_motifs_and_keep_them(here):
    frozen = ("--motifs", "m.meme", "--freeze-motifs", "--set", "model.motif_form=log-odds")
    done = cisgram("distill", "RUN", "-o", "S", *frozen, *STUDENT)
    assert done.status == 0, done.err
    run = cisgram("train", "--positives", "a.tsv", "-o", "T", "--motifs", "m.meme", *STUDENT)
    assert run.status == 0, run.err
    first = (here / "S" / "motifs" / "first-filters.tsv").read_text()
    assert first == (here / "T" / "motifs" / "first-filters.tsv").read_text()


def test_baselines_stand_beside_the_network(here):
    done = cisgram("evaluate", "RUN", "--baselines", "--json")
    assert done.status == 0, done.err
    names = [r["predictor"] for r in json.loads(done.out)]
    assert names[0] == "network"
    assert {"k-mers", "gapped k-mers", "one motif"} <= {*names}
    wrong = cisgram("evaluate", "RUN", "--baselines", "--sequences", "a.tsv")
    assert wrong.status == 2
    assert "leave --sequences out" in wrong.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("distill", "RUN"), "Missing option -o"),
        (("distill", "NOWHERE", "-o", "S"), "is not a run"),
        (("distill", "RUN", "-o", "S", "--model", "kmr"), "Did you mean 'kmer'"),
        (("distill", "RUN", "-o", "S", "--motifs", "x.meme"), "does not exist"),
        (("distill", "RUN", "-o", "S", "--freeze-motifs"), "give them with model.motifs"),
    ],
)
def test_what_is_wrong_is_said(here, arguments, message):
    done = cisgram(*arguments)
    assert done.status == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_distill_runs_as_a_process(here):
    start = [sys.executable, "-c", "from cisgram.cli import main; main()"]
    done = subprocess.run(
        [*start, "distill", "RUN", "-o", "S", *STUDENT],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (here / "S" / "distill.tsv").read_text() == done.stdout
