"""``tune`` through the runner."""

import json

import planted
from cli.running import cisgram

SMALL = ("--model", "deepbind", "--epochs", "1", "--set", "train.min_rows=1", "--set",
         "model.options={detectors=4,width=10,hidden=0}", "--device", "cpu")  # fmt: skip


def test_the_best_trial_is_a_run_and_a_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    planted.write_tsv(tmp_path / "s.tsv", 160)
    ask = ("tune", "--positives", "s.tsv", *SMALL, "--search", "train.learning_rate=1e-4:1e-1:log")
    done = cisgram(*ask, "--trials", "2", "-o", "S")
    assert done.status == 0, done.err
    assert "train.learning_rate: 0.0001 to 0.1, by ratio" in done.err
    assert "trials: 2 finished" in done.out
    assert "the test set chose nothing" in done.err
    more = cisgram(*ask, "--trials", "3", "-o", "S", "--json")
    best = json.loads(more.out)["best"]
    assert (tmp_path / "S" / "trials" / f"{best:03d}" / "metrics.json").is_file()
    assert cisgram("run", "S/best.toml", "-o", "R", "--set", "explain.most=4").status == 0


def test_what_cannot_be_searched_is_one_paragraph(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    planted.write_tsv(tmp_path / "s.tsv", 60)
    done = cisgram("tune", "--positives", "s.tsv", "--search", "train.seed=1:9", "-o", "S")
    assert done.status == 2
    assert "train.seed cannot be searched" in done.err
    assert cisgram("tune", "-o", "S").status == 2
