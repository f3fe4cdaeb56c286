"""Every step of a trained run is seen at work, and nothing of it is left when it has ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cisgram import report, steps
from cisgram.core import files
from cisgram.core.run import Run
from cisgram.dashboard.progress import state_of
from cisgram.steps import (
    baselines_run,
    demix_run,
    evaluate_again,
    explain_run,
    export_run,
    grammar_run,
    interact_run,
    motifs_run,
    run_all,
    trust_run,
)
from steps.test_run_all import asked, planted

STEPS: dict[str, tuple[str, Callable[[Run], Any]]] = {
    "explain": ("explaining", lambda run: explain_run(run, "ism", most=2, device="cpu")),
    "demix": ("demixing", lambda run: demix_run(run, layer="conv1", neuron=0, device="cpu")),
    "motifs": ("reading motifs", motifs_run),
    "interact": ("looking for interactions", interact_run),
    "grammar": ("looking for rules", grammar_run),
    "trust": ("judging", trust_run),
    "baselines": ("comparing with baselines", baselines_run),
    "evaluate": ("scoring", evaluate_again),
    "report": ("writing the page", report.write),
    "export": ("exporting", lambda run: export_run(run, "meme", run.path / "all.meme")),
}

LOCKED = "a training of its own: it holds the lock of its new folder, which says so"
PART = "a part of steps that are noted"
READS = "leaves the run as it is"
NOT_NOTED = {
    "distill_run": LOCKED,
    "evaluate_run": PART,
    "feedback_run": LOCKED,
    "generate_run": LOCKED,
    "impute_run": LOCKED,
    "maximize_run": READS,
    "pretrain_run": LOCKED,
    "sample_run": READS,
    "tune_run": "its folder is no run; its trials are, and each is noted as a training",
}
"""Steps that write no note of their own, and why."""


class Seen(Exception):
    """Ends a step at its first look into the run."""


@pytest.mark.parametrize("name", STEPS)
def test_a_step_says_what_it_does(run, monkeypatch, name):
    files.write_json(run.path / "metrics.json", {})  # as of a run that is trained
    state, step = STEPS[name]
    seen = []

    def look(opened):
        seen.append(state_of(opened)[0])
        raise Seen

    monkeypatch.setattr(Run, "read", look)  # the settings, or what there is: every step reads them
    with pytest.raises(Seen):
        step(run)
    assert seen == [state]
    monkeypatch.undo()
    assert state_of(run)[0] == "stopped"  # neither done nor refused: a bug


def test_every_step_is_noted_or_has_a_reason_not_to_be():
    every = {name for name in steps.__all__ if name.endswith("_run")}
    assert {n for n in every if not hasattr(getattr(steps, n), "__wrapped__")} == set(NOT_NOTED)


def test_between_the_steps_of_the_whole_job_a_run_is_not_said_to_be_finished(tmp_path):
    path = planted.write_tsv(tmp_path / "a.tsv", 160)
    run, seen = Run(tmp_path / "RUN"), []
    run_all(run, asked(path), device="cpu", say=lambda word: seen.append((word, state_of(run)[0])))
    assert dict(seen)["explaining with saliency"] == "working"
    assert dict(seen)["reading filters"] == "reading motifs"
    assert state_of(run)[0] == "finished"
    assert not list(run.path.glob(".work-*"))
    seen.clear()
    run_all(run, asked(path), device="cpu", say=lambda word: seen.append((word, state_of(run)[0])))
    assert {state for _, state in seen} == {"working"}
