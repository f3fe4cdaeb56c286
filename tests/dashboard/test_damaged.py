"""What a message says of a damaged file is true: done as told, the page is drawn again."""

from __future__ import annotations

import shlex
import shutil

import pytest

from cisgram import report
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.dashboard.progress import progress_of
from cisgram.steps import demix_run, resolve, run_all
from cli.running import cisgram
from dashboard.waiting import SLUG
from made_run import make_run
from steps.test_run_all import planted

DAMAGED = (
    "metrics.json",
    "predictions.tsv",
    "explain/saliency/names.tsv",
    "explain/saliency/options.toml",
    "explain/saliency/values.safetensors",
    "motifs/filters.matches.tsv",
    "motifs/filters.meme",
    "demix/conv1/0.json",
    "demix/summary.json",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of which every step was done that is damaged here."""
    folder = tmp_path_factory.mktemp("whole")
    path = planted.write_tsv(folder / "a.tsv", 300)
    settings = resolve(
        {
            "data": {"positives": str(path)},
            "model": {"name": "deepbind", "options": {"detectors": 4, "width": 10, "hidden": 0}},
            "train": {"epochs": 12, "min_rows": 1, "batch_size": 32, "learning_rate": 0.01},
            "explain": {"methods": ["saliency"], "most": 4},
        }
    )
    run = Run(folder / "RUN")
    run_all(run, settings, device="cpu")
    demix_run(run, layer="conv1", neuron=0, device="cpu")
    return run.path


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGED)
def test_the_command_that_is_named_makes_the_file_anew(whole, tmp_path, name):
    run = Run(shutil.copytree(whole, tmp_path / "a run"))
    report.draw(run)
    (run.path / name).write_bytes(b"\xff{")
    with pytest.raises(InputError) as refused:
        report.draw(run)
    said, _, command = str(refused.value).partition("makes it anew: cisgram ")
    assert str(run.path / name) in said
    if said.endswith("Delete it; this "):
        (run.path / name).unlink()
    done = cisgram(*shlex.split(command))
    assert done.status == 0, done.err
    report.draw(run)
    assert progress_of(run)["broken"] == []


def test_two_runs_side_by_side_say_it_of_either(tmp_path):
    first, second = (make_run(tmp_path / n, n=4, length=30) for n in ("one", "two"))
    for run in (first, second):
        good = (run.path / "metrics.json").read_bytes()
        (run.path / "metrics.json").write_text("{")
        with pytest.raises(InputError) as refused:
            report.compare_page(first, second)
        assert str(refused.value).endswith(f"This makes it anew: cisgram evaluate {run.path}")
        (run.path / "metrics.json").write_bytes(good)


def test_a_question_about_a_damaged_run_is_told_what_helps(client, run):
    (run.path / "motifs").mkdir()
    (run.path / "motifs" / "filters.meme").write_text("no motif")
    refused = client.get(f"/api/runs/{SLUG}/motifs")
    assert refused.status_code == 400
    assert f"cisgram motifs {run.path} --source filters" in refused.json()["error"]
    (run.member(0) / "model.toml").write_text("name = 3")
    facts = client.get(f"/api/runs/{SLUG}/model").json()
    assert "Only training writes it" in facts["why"]
