"""How far a run is, read from its files and locks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from cisgram import motifs
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.lock import LOCK, hold, is_held, only_one
from cisgram.core.run import Run
from cisgram.core.work import at_work
from cisgram.dashboard.progress import SAID, progress_of, state_of, summary_of
from cisgram.dashboard.recent import SECONDS, Recent
from cisgram.motifs import Motif, MotifSet
from dashboard.asking import tree_of
from made_run import make_run

NOTE = ".work-0000000000000000"


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "demo", n=4, length=30)


def test_the_state_follows_the_lock_and_the_last_file(run):
    assert state_of(run)[0] == "finished"
    with only_one(run.path):
        assert state_of(run)[0] == "working"
        (run.path / "metrics.json").unlink()
        assert state_of(run)[0] == "training"
    assert state_of(run)[0] == "stopped"
    with only_one(run.path / "demix"):
        assert state_of(run)[0] == "demixing"


def test_a_step_of_a_run_that_is_not_trained_is_no_training(run):
    (run.path / "metrics.json").unlink()
    with at_work(run.path, "exporting"):
        said = "A process is exporting. Training has not come to its end."
        assert state_of(run) == ("exporting", said)
        with only_one(run.path):
            assert state_of(run) == ("training", SAID["training"])
    for step in ("training", "working"):
        with at_work(run.path, step), at_work(run.path, "exporting"):
            assert state_of(run)[0] == "training"


def test_a_trained_run_whose_training_is_asked_for_again_is_at_work_and_not_training(run):
    with at_work(run.path, "training"):
        assert state_of(run) == ("working", SAID["working"])


def test_demixing_is_told_by_its_lock_and_counted_by_its_files(run):
    assert progress_of(run)["demixing"] == {"is_held": False, "done": {}}
    for name in ("conv1/0", "conv1/3", "conv3/7"):
        files.write_json(run.path / "demix" / f"{name}.json", {})
    files.write_json(run.path / "demix" / "summary.json", {})
    with only_one(run.path / "demix"):
        found = progress_of(run)["demixing"]
    assert found == {"is_held": True, "done": {"conv1": 2, "conv3": 1}}


def test_where_locks_are_unknown_the_state_says_so(run, monkeypatch):
    monkeypatch.setattr("cisgram.dashboard.progress.is_held", lambda folder: None)
    assert state_of(run)[0] == "finished"
    (run.path / "metrics.json").unlink()
    assert state_of(run)[0] == "unknown"
    assert "cannot be seen" in progress_of(run)["said"]


def test_a_trained_run_tells_the_step_that_works(run):
    with at_work(run.path, "working"):
        assert state_of(run) == ("working", SAID["working"])
        with at_work(run.path, "explaining", "ism"), at_work(run.path, "demixing"):
            state, said = state_of(run)
            assert (state, said) == ("demixing", "The network is trained; a process is demixing.")
        with at_work(run.path, "explaining", "ism"):
            assert progress_of(run)["state"] == summary_of(run)["state"] == "explaining"
            assert progress_of(run)["said"].endswith("a process is explaining (ism).")
            with only_one(run.path / "demix"):  # a step that says more than a lock does
                assert state_of(run)[0] == "explaining"
        assert state_of(run)[0] == "working"
    assert state_of(run)[0] == "finished"
    assert not list(run.path.glob(".work-*"))


STEP = """
import sys, time
from pathlib import Path
from cisgram.core.work import at_work
with at_work(Path(sys.argv[1]), "explaining", "ism"):
    print("begun", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_step_that_was_killed_reads_as_stopped_until_another_begins(run, number):
    before = tree_of(run.path)
    with subprocess.Popen(
        [sys.executable, "-c", STEP, str(run.path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        process.stdout.readline()
        assert state_of(run)[0] == "explaining"
        process.send_signal(number)
    state, said = state_of(run)
    assert state == summary_of(run)["state"] == "stopped"
    assert "A process that was explaining (ism) was ended before it was done; start it" in said
    assert "goes on" not in said  # not every step does
    with pytest.raises(InputError), at_work(run.path, "judging"):
        raise InputError("refused")
    assert state_of(run)[0] == "finished"
    assert tree_of(run.path) == before


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b'{"step": "<b>", "of": ""}', b"[" * 4096,
                b'{"step": "a", "of": "b\\nc"}', b'{"step": 1, "of": 2}']
)  # fmt: skip
def test_a_note_that_no_step_wrote_says_no_more_than_that_it_is_there(run, content):
    path = run.path / NOTE
    path.write_bytes(content)
    assert "was working was ended" in state_of(run)[1]
    with path.open("rb") as handle:
        hold(handle)
        assert state_of(run) == ("working", SAID["working"])


def test_what_is_no_plain_file_is_no_note(run, tmp_path):
    (tmp_path / "secret").write_text('{"step": "stolen", "of": ""}')
    (run.path / f"{NOTE[:-1]}1").symlink_to(tmp_path / "secret")
    os.mkfifo(run.path / f"{NOTE[:-1]}2")
    (run.path / f"{NOTE[:-1]}3").mkdir()
    assert state_of(run)[0] == "finished"


def test_looking_at_a_lock_neither_makes_nor_keeps_it(tmp_path):
    assert is_held(tmp_path) is False
    assert not (tmp_path / LOCK).exists()
    with only_one(tmp_path):
        assert is_held(tmp_path) is True
        assert is_held(tmp_path) is True
    assert is_held(tmp_path) is False
    with only_one(tmp_path):
        pass


def test_history_scores_and_plans_are_numbers(run):
    found = progress_of(run)
    json.dumps(found, allow_nan=False)
    assert (found["epochs"], found["members"]) == (12, None)
    (history,) = found["history"]
    assert history["columns"][:3] == ["epoch", "train_loss", "valid_loss"]
    assert [row[0] for row in history["rows"]] == list(range(1, 13))
    assert found["scores"]["test"]["auroc"] == 0.965
    assert found["scores"]["test"]["auroc_interval"] == [0.953, 0.975]
    assert "per_output" not in found["scores"]["test"]
    assert "calibration" not in found["scores"]["test"]
    assert found["broken"] == []


def test_every_member_has_a_history(run):
    text = "epoch\ttrain_loss\n1\tnan\n2\t0.5\n"
    files.write_text(run.path / "history-2.tsv", text)
    files.write_text(run.path / "history-4.tsv", text)  # of nobody: a third one is not there
    histories = progress_of(run)["history"]
    assert [h["file"] for h in histories] == ["history.tsv", "history-2.tsv"]
    assert histories[1]["rows"] == [[1, None], [2, 0.5]]


def test_a_motif_that_is_too_flat_to_be_named_is_not_named(run):
    def named():
        (source,) = (m for m in progress_of(run)["motifs"] if m["source"] == "filters")
        return [m["motif"] for m in source["matches"]]

    first, *others = named()
    facts = run.path / "motifs" / "filters.facts.tsv"
    facts.write_text(f"motif\tis_specific\n{first}\t0\n{others[0]}\t1\n")
    assert named() == others


def test_the_newest_motifs_come_first_with_their_surest_matches(run):
    learned = MotifSet([Motif([[0.25] * 4] * 4, "late")])
    motifs.write_meme(run.path / "motifs" / "patterns.meme", learned)
    motifs.write_meme(run.path / "motifs" / "patterns.targets.meme", learned)
    os.utime(run.path / "motifs" / "filters.meme", (1, 1))
    late, filters = progress_of(run)["motifs"]
    assert (late["source"], late["matches"]) == ("patterns", [])
    assert (filters["source"], filters["changed"]) == ("filters", 1.0)
    q = [m["q"] for m in filters["matches"]]
    assert len(q) == 3
    assert q == sorted(q)
    assert filters["matches"][0]["q"] == 1e-7


def test_damaged_files_are_named_and_the_rest_is_told(run):
    (run.path / "metrics.json").write_text("[1, 2]")
    (run.path / "history.tsv").write_text("epoch\ttrain_loss\n1\n")
    (run.path / "motifs" / "filters.matches.tsv").write_bytes(b"\xff\n")
    run.toml.write_text("settings = 3\n")
    found = progress_of(run)
    for name in ("metrics.json", "history.tsv", "filters.matches.tsv"):
        assert [str(run.path) in b and name in b for b in found["broken"]].count(True) == 1
    said = " ".join(found["broken"])
    assert f"This makes it anew: cisgram evaluate {run.path}" in said
    assert f"This makes it anew: cisgram motifs {run.path} --source filters" in said
    assert said.count("Only training writes it") == 1
    assert found["epochs"] is None
    assert found["motifs"][0]["source"] == "filters"
    assert summary_of(run)["score"] is None
    assert summary_of(run)["model"] == "demo-cnn-rnn"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.json", "[" * 100_000),
        ("metrics.json", '{"test": {"auroc": 1' + "0" * 5000 + "}}"),
        ("run.toml", "v = 1" + "0" * 5000),
        ("run.toml", "v = " + "[" * 100_000),
    ],
)
def test_digits_and_brackets_without_end_are_damage_too(run, name, content):
    (run.path / name).write_text(content)
    assert [name in b for b in progress_of(run)["broken"]] == [True]
    assert [name in b for b in summary_of(run)["broken"]] == [True]


def test_numbers_that_json_does_not_have_are_left_out(run):
    huge = "1" + "0" * 400
    (run.path / "metrics.json").write_text(
        f'{{"test": {{"auroc": 0.5, "auroc_interval": [NaN, {huge}], "loss": {huge}}}}}'
    )
    run.toml.write_text(f"[settings.train]\nepochs = {huge}\n")
    found = progress_of(run)
    json.dumps(found, allow_nan=False)
    assert found["scores"]["test"] == {"auroc": 0.5, "auroc_interval": [None, None]}
    assert found["epochs"] is None
    score = summary_of(run)["score"]
    assert (score["value"], score["interval"]) == (0.5, None)


def test_a_file_without_anything_is_damaged_too(run):
    (run.path / "history.tsv").write_text("")
    (broken,) = progress_of(run)["broken"]
    assert "history.tsv" in broken


def test_the_summary_takes_the_test_else_the_validation_set(run):
    score = summary_of(run)["score"]
    assert score == {"set": "test", "name": "auroc", "value": 0.965, "interval": [0.953, 0.975]}
    metrics = files.read_json(run.path / "metrics.json")
    del metrics["test"]
    metrics["valid"] = {"n": 3, "pearson": 0.5, "pearson_interval": [None, 0.6]}
    files.write_json(run.path / "metrics.json", metrics)
    score = summary_of(run)["score"]
    assert score == {"set": "valid", "name": "pearson", "value": 0.5, "interval": None}
    files.write_json(run.path / "metrics.json", {"valid": {"n": 3, "auroc": None}})
    assert summary_of(run)["score"] is None


def test_a_folder_that_is_gone_is_said_to_be_empty(tmp_path):
    found = progress_of(Run(tmp_path / "gone"))
    assert (found["history"], found["scores"], found["motifs"]) == ([], {}, [])
    assert summary_of(Run(tmp_path / "gone"))["changed"] == 0.0


def test_many_who_ask_at_once_get_one_answer_and_later_a_new_one():
    now, made = [0.0], []
    recent = Recent(clock=lambda: now[0])

    def make():
        made.append(now[0])
        return len(made)

    assert [recent.get("a", make), recent.get("a", make), recent.get("b", make)] == [1, 1, 2]
    now[0] = SECONDS
    assert [recent.get("a", make), recent.get("a", make)] == [3, 3]
