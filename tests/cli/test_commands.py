"""Every command does what it says on files of a few kB, and says where the result lies."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file

import planted
from cisgram import models, motifs
from cisgram.core.config import read_toml
from cisgram.core.run import Run
from cli.running import OPTIONS, cisgram

MAIN = [sys.executable, "-c", "from cisgram.cli import main; main()"]
RUN_OPTIONS = (*OPTIONS, "--set", "explain.most=4", "--set", "explain.methods=['saliency']")


@pytest.fixture
def here(tmp_path, monkeypatch, trained):
    """A folder with a table, a FASTA and a copy of a trained run."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, "RUN")
    shutil.copy(trained.parent / "a.tsv", "a.tsv")
    planted.write_fasta(tmp_path / "x.fa", planted.letters(6, seed=3))
    return tmp_path


@pytest.fixture
def meme(here):
    """Two vertebrate matrices of JASPAR as a MEME file."""
    known = motifs.jaspar("vertebrates")
    motifs.write_meme(here / "m.meme", motifs.MotifSet([known["USF1"], known["CTCF"]]))
    return "m.meme"


def succeeds(*arguments):
    done = cisgram(*arguments)
    assert done.status == 0, done.err
    assert "Traceback" not in done.err
    return done


def test_train_prints_scores_and_names_the_folder(here):
    done = succeeds("train", "--positives", "a.tsv", "-o", "NEW", *OPTIONS)
    assert [line.split()[0] for line in done.out.splitlines()] == ["valid", "test"]
    assert "auroc" in done.out
    assert "epoch   2" in done.err
    assert "lie in NEW" in done.err
    again = succeeds("train", "--positives", "a.tsv", "-o", "NEW", *OPTIONS)
    assert again.out == done.out
    assert "epoch" not in again.err


@pytest.mark.parametrize(
    "command",
    [
        ("train", "--positives", "a.tsv", "-o", "RUN", *OPTIONS),
        ("evaluate", "RUN"),
        ("evaluate", "RUN", "--sequences", "a.tsv"),
        ("motifs", "RUN"),
        ("predict", "RUN", "--sequences", "x.fa"),
        ("explain", "saliency", "RUN", "--sequences", "x.fa"),
        ("report", "RUN"),
        ("tomtom", "m.meme", "--best", "2"),
        ("scan", "m.meme", "x.fa", "--p", "1e-3"),
        ("run", "--positives", "a.tsv", "-o", "RUN", *OPTIONS),
        ("list", "models"),
        ("list", "motifs"),
    ],
)
def test_json_on_standard_output_is_json_and_nothing_else(here, meme, command):
    found = json.loads(succeeds(*command, "--json").out)
    assert found is not None
    assert isinstance(found, dict | list)


def test_json_rows_are_those_of_the_table_and_what_is_missing_is_null(here):
    rows = json.loads(succeeds("predict", "RUN", "--sequences", "x.fa", "--json").out)
    assert [row["name"] for row in rows] == [f"s{i}" for i in range(6)]
    assert rows[0]["label"] is None
    table = pd.read_csv(
        io.StringIO(succeeds("predict", "RUN", "--sequences", "x.fa").out), sep="\t"
    )
    assert [row["score"] for row in rows] == pytest.approx(table["score"], rel=1e-4)
    found = json.loads(succeeds("explain", "saliency", "RUN", "--most", "2", "--json").out)
    assert found == {"folder": "RUN/explain/saliency"}
    assert json.loads(succeeds("report", "RUN", "--json").out) == {"page": "RUN/report.html"}


def test_report_puts_two_runs_side_by_side(here):
    shutil.copytree(here / "RUN", here / "RUN2")
    done = succeeds("report", "RUN", "--compare", "RUN2", "--json")
    assert json.loads(done.out) == {"page": "RUN/compare-RUN2.html"}
    succeeds("report", "RUN", "--compare", "RUN2", "-o", "both.html")
    assert "RUN and RUN2" in (here / "both.html").read_text()
    assert (here / "both" / "scores.differences.tsv").is_file()
    assert not (here / "RUN" / "report.html").exists()


def test_report_takes_a_name_for_a_comparison_alone(here):
    done = cisgram("report", "RUN", "-o", "page.html")
    assert done.status == 2
    assert "-o belongs to --compare" in done.err


def test_evaluate_prints_the_scores_of_the_run_and_of_a_file(here):
    own = succeeds("evaluate", "RUN").out
    metrics = json.loads((here / "RUN" / "metrics.json").read_text())
    assert f"auroc {metrics['test']['auroc']:.3f}" in own
    assert succeeds("evaluate", "RUN", "--sequences", "a.tsv").out.startswith("given")


def test_predict_writes_one_row_a_sequence(here):
    assert succeeds("predict", "RUN", "--sequences", "x.fa", "-o", "p.tsv").out == ""
    table = pd.read_csv(here / "p.tsv", sep="\t")
    assert table["name"].tolist() == [f"s{i}" for i in range(6)]
    assert table["probability"].between(0, 1).all()
    printed = succeeds("predict", "RUN", "--sequences", "x.fa").out
    assert printed == (here / "p.tsv").read_text()


def test_explain_writes_values_and_names(here):
    succeeds("explain", "saliency", "RUN", "--sequences", "x.fa", "-o", "E")
    found = load_file(here / "E" / "values.safetensors")
    assert found["values"].shape == found["x"].shape == (6, 4, 60)
    assert (found["values"].dtype, found["x"].dtype) == (np.float32, np.int8)
    assert pd.read_csv(here / "E" / "names.tsv", sep="\t")["name"].tolist()[5] == "s5"
    succeeds("explain", "saliency", "RUN", "--most", "3")
    own = load_file(here / "RUN" / "explain" / "saliency" / "values.safetensors")
    assert len(own["x"]) == 3


def test_explain_takes_options_and_methods_that_score_positions(here):
    options = ("-O", "mode=padded", "-O", "of=logit_difference")
    succeeds("explain", "temporal", "RUN", "--sequences", "x.fa", "-o", "T", *options)
    found = load_file(here / "T" / "values.safetensors")
    assert found["tracks"].shape == (6, 2, 60)
    table = pd.read_csv(here / "T" / "names.tsv", sep="\t")
    assert found["tracks"][:, 0, -1] == pytest.approx(table["score"], rel=1e-3)
    assert read_toml(here / "T" / "options.toml")["options"]["mode"] == "padded"


def test_explain_says_how_far_the_scores_add_up(here):
    command = ("explain", "deep_lift", "RUN", "--most", "3", "-O", "reference=zeros", "--json")
    done = succeeds(*command)
    found = json.loads(done.out)
    assert found["folder"] == "RUN/explain/deep_lift"
    assert 0 <= found["completeness"]["mean"] <= found["completeness"]["largest"] < 1e-4
    assert "Completeness: scores add up to the change of the output" in done.err
    table = pd.read_csv(here / "RUN" / "explain" / "deep_lift" / "names.tsv", sep="\t")
    values = load_file(here / "RUN" / "explain" / "deep_lift" / "values.safetensors")
    total = (values["values"] * values["x"]).sum((1, 2))
    model = models.load(Run(here / "RUN"))
    change = table["score"] - models.predict(model, torch.zeros(1, 4, 60)).item()
    assert total - table["delta"].to_numpy() == pytest.approx(change.to_numpy(), rel=1e-3, abs=1e-3)


def test_explaining_a_file_leaves_the_explanations_of_the_run_as_they_were(here):
    succeeds("explain", "saliency", "RUN", "--most", "3")
    own = here / "RUN" / "explain" / "saliency" / "values.safetensors"
    before = own.read_bytes()
    done = succeeds("explain", "saliency", "RUN", "--sequences", "x.fa")
    assert own.read_bytes() == before
    assert "RUN/explain-given/saliency-x" in done.err
    found = load_file(here / "RUN" / "explain-given" / "saliency-x" / "values.safetensors")
    assert len(found["x"]) == 6


def test_motifs_and_report_write_into_the_run(here):
    succeeds("motifs", "RUN", "--database", "jaspar:fungi")
    for name in ("filters.meme", "filters.matches.tsv"):
        assert (here / "RUN" / "motifs" / name).is_file()
    done = succeeds("report", "RUN")
    assert "report.html" in done.err
    assert "<html" in (here / "RUN" / "report.html").read_text()


def test_tomtom_finds_a_motif_in_the_database_it_came_from(here, meme):
    assert succeeds("tomtom", meme, "--best", "1", "-o", "t.tsv").out == ""
    table = pd.read_csv(here / "t.tsv", sep="\t")
    assert table["target_name"].tolist() == ["USF1", "CTCF"]
    assert (table["q"] < 1e-6).all()
    assert succeeds("tomtom", meme, "--best", "1").out == (here / "t.tsv").read_text()


def test_scan_finds_a_planted_site_by_the_name_of_its_sequence(here, meme):
    known = motifs.read_meme(here / meme)
    sequences = planted.letters(3)
    site = known[1].consensus
    sequences[2] = sequences[2][:10] + site + sequences[2][10 + len(site) :]
    planted.write_fasta(here / "y.fa", sequences)
    out = succeeds("scan", meme, "y.fa", "--p", "1e-6").out
    rows = [line.split("\t") for line in out.splitlines()]
    where = dict(zip(rows[0], rows[1], strict=True))
    assert (where["sequence"], where["start"]) == ("s2", "10")


def test_scan_takes_a_database_as_tomtom_does(here):
    planted.write_fasta(here / "y.fa", ["ACGT" * 5 + "TGGCCACCAGGGGGCGCTA" + "ACGT" * 5])
    out = succeeds("scan", "jaspar:vertebrates", "y.fa", "--p", "1e-7").out
    assert "\tCTCF\t" in out


@pytest.mark.parametrize(
    ("what", "one"),
    [
        ("models", "deepbind"),
        ("methods", "ism"),
        ("conventions", "basset"),
        ("datasets", "tf-chipseq"),
        ("motifs", "fungi"),
        ("settings", "train.epochs"),
    ],
)
def test_list_names_what_there_is(what, one):
    assert one in succeeds("list", what).out


def test_run_does_the_whole_job_from_a_file_and_resumes(here):
    (here / "c.toml").write_text(
        '[data]\npositives = "a.tsv"\n[model]\nname = "deepbind"\n'
        "[model.options]\ndetectors = 6\nwidth = 10\n"
        '[train]\nepochs = 2\nmin_rows = 1\n[explain]\nmethods = ["saliency"]\nmost = 4\n'
    )
    done = succeeds("run", "c.toml", "-o", "NEW", "--device", "cpu")
    assert done.out.splitlines()[-1].startswith("The page: ")
    for name in (
        "report.html",
        "metrics.json",
        "motifs/filters.meme",
        "explain/saliency/names.tsv",
    ):
        assert (here / "NEW" / name).exists()
    written = (here / "NEW" / "model" / "weights.safetensors").stat().st_mtime_ns
    again = succeeds("run", "c.toml", "-o", "NEW", "--device", "cpu")
    assert again.out == done.out
    assert (here / "NEW" / "model" / "weights.safetensors").stat().st_mtime_ns == written


def test_run_with_options_gives_the_weights_that_train_gives(here):
    succeeds("run", "--positives", "a.tsv", "-o", "NEW", *RUN_OPTIONS)
    mine, theirs = (here / r / "model" / "weights.safetensors" for r in ("NEW", "RUN"))
    assert mine.read_bytes() == theirs.read_bytes()


def environment():
    return os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def process(*arguments):
    return subprocess.run(
        [*MAIN, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "train --positives a.tsv -o NEW",
        "run --positives a.tsv -o NEW",
        "evaluate RUN",
        "predict RUN --sequences x.fa",
        "explain ism RUN --most 2",
        "motifs RUN",
        "report RUN",
        "tomtom m.meme --best 1",
        "scan m.meme x.fa",
        "list models",
    ],
)
def test_every_command_runs_as_a_process_of_its_own(here, meme, command):
    options = RUN_OPTIONS if command.startswith(("train", "run")) else ()
    done = process(*command.split(), *options)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr


@pytest.mark.slow
def test_the_package_runs_as_a_module():
    command = [sys.executable, "-m", "cisgram", "list", "models"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == cisgram("list", "models").out


@pytest.mark.slow
def test_wrong_use_of_the_process_is_one_line_on_standard_error(here):
    done = process("train", "--positives", "nowhere.fa", "-o", "NEW")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: The positives file nowhere.fa does not exist")
    assert done.stderr.count("\n") == 1


def hear_interrupts():
    """A job in the background of a shell script inherits deaf ears."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
def test_an_interrupted_training_says_so_and_resumes_to_the_same_bytes(here):
    job = ("train", "--positives", "a.tsv", *OPTIONS, "--set", "train.epochs=120")
    job += ("--set", "train.patience=120")
    assert process(*job, "-o", "WHOLE").returncode == 0
    running = subprocess.Popen(
        [*MAIN, *job, "-o", "NEW"],
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_interrupts,  # noqa: PLW1509  (this process has no threads)
    )
    while not (here / "NEW" / "model" / "checkpoint.safetensors").is_file():
        time.sleep(0.01)
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    _, said = running.communicate()
    assert running.returncode == 130
    assert "Interrupted. What was written is whole; the same command goes on" in said
    assert "Traceback" not in said
    assert not (here / "NEW" / "metrics.json").exists()
    assert process(*job, "-o", "NEW").returncode == 0
    for name in ("model/weights.safetensors", "metrics.json", "history.tsv"):
        assert (here / "NEW" / name).read_bytes() == (here / "WHOLE" / name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-", "| true"])
def test_training_ends_well_when_nobody_listens(here, closed):
    command = " ".join(f"'{a}'" for a in (*MAIN, "train", "--positives", "a.tsv", "-o", "NEW"))
    command += " " + " ".join(f"'{a}'" for a in OPTIONS)
    done = subprocess.run(
        ["bash", "-c", f"{command} {closed}"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    metrics = [(here / r / "metrics.json").read_text() for r in ("NEW", "RUN")]
    found = [json.loads(m)["test"]["auroc"] for m in metrics]
    assert found[0] == found[1]


@pytest.mark.slow
def test_a_second_process_on_a_run_is_refused_while_the_first_is_at_work(here):
    job = ("train", "--positives", "a.tsv", *OPTIONS, "--set", "train.epochs=200", "-o", "NEW")
    job += ("--set", "train.patience=200")
    first = subprocess.Popen([*MAIN, *job], env=environment(), stderr=subprocess.DEVNULL)
    try:
        while not (here / "NEW" / "model" / "checkpoint.safetensors").is_file():
            time.sleep(0.01)
            assert first.poll() is None
        first.send_signal(signal.SIGSTOP)  # at work, however long the second takes to start
        second = process(*job)
        assert second.returncode == 2
        assert "Error: Another process is at work in NEW" in second.stderr
    finally:
        first.kill()
        first.wait()
    done = process(*job)  # a dead process holds nothing
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_finds_what_was_planted(here):
    done = process("demo", "-o", "DEMO")
    assert done.returncode == 0, done.stderr
    assert "2 of 2 planted motifs were found and are predictive; 0 of 2 decoys" in done.stdout
