"""A transparent student of a network: what it keeps, and what it says of itself."""

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import planted
from cisgram import explain, models
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.models import load, predict
from cisgram.seq.alphabet import one_hot
from cisgram.steps import (
    DistillOptions,
    distill_run,
    evaluate_again,
    explain_run,
    resolve,
    student_settings,
    train_run,
)
from cisgram.steps.distill import mutated
from steps.jobs import digests

QUICK = {"epochs": 2, "min_rows": 1, "batch_size": 32}
NONE = DistillOptions(shuffles=0, mutants=0)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return planted.write_tsv(tmp_path_factory.mktemp("table") / "a.tsv", 240)


@pytest.fixture(scope="module")
def teacher(table, tmp_path_factory):
    """A trained network whose outputs are no sum of words."""
    model = {"name": "deepbind", "options": {"detectors": 6, "width": 10, "hidden": 4}}
    settings = resolve({"data": {"positives": str(table)}, "model": model, "train": QUICK})
    run = Run(tmp_path_factory.mktemp("teacher") / "RUN")
    train_run(run, settings, device="cpu")
    return run


@pytest.fixture(scope="module")
def linear(table, tmp_path_factory):
    """A teacher that is a known sum of words of two letters."""
    folder = tmp_path_factory.mktemp("linear")
    torch.manual_seed(5)
    model = models.create("kmer", k=2)
    save_file({k: v * 5 for k, v in model.state_dict().items()}, folder / "w.safetensors")
    own = {"name": "kmer", "options": {"k": 2}, "weights": str(folder / "w.safetensors")}
    settings = resolve({"data": {"positives": str(table)}, "model": own, "train": {"epochs": 0}})
    run = Run(folder / "RUN")
    train_run(run, settings, device="cpu")
    return run


def asked(teacher, name="kmer", overrides=(), *, train=QUICK, **options):
    groups = {"model": {"name": name, "options": options or {"k": 3}}, "train": train}
    return student_settings(teacher, groups, overrides=overrides)


def test_a_student_of_the_same_make_becomes_its_teacher(linear, tmp_path):
    train = {"epochs": 40, "min_rows": 1, "learning_rate": 0.05, "weight_decay": 0.0}
    settings = asked(linear, k=2, train=train | {"patience": 40})
    found = distill_run(linear, Run(tmp_path / "S"), settings, device="cpu").set_index("role")
    assert found["fidelity"]["student"] > 0.999
    x = one_hot(planted.codes(2, 60))
    one, other = (
        explain.ism(load(run), x, target=0).values for run in (linear, Run(tmp_path / "S"))
    )
    # the first and last letters are told from the length alone: any value of theirs will do
    assert (one - other)[..., 1:-1].abs().max() < 0.05 * one.abs().max()
    assert found["auroc"]["student"] == pytest.approx(found["auroc"]["teacher"], abs=0.05)


def test_the_table_holds_accuracy_fidelity_and_size(teacher, tmp_path):
    run = Run(tmp_path / "S")
    found = distill_run(teacher, run, asked(teacher), options=NONE, device="cpu")
    by = found.set_index("role")
    assert by["model"].tolist() == ["deepbind", "kmer"]
    assert by["fidelity"]["teacher"] == pytest.approx(1)
    assert -1 <= by["fidelity"]["student"] < 1
    assert by["parameters"].tolist() == [6 * 41 + 7 * 4 + 5, 33]
    assert by["terms"]["student"] == 32
    assert by["terms"].isna()["teacher"]
    truth = teacher.read_table("predictions.tsv")
    mine = run.read_table("predictions.tsv")
    rows = truth["set"] == "test"
    assert truth["name"].tolist() == mine["name"].tolist()  # the same sequences held out
    expected = np.corrcoef(truth.loc[rows, "score"], mine.loc[rows, "score"])[0, 1]
    assert by["fidelity"]["student"] == pytest.approx(expected, abs=1e-4)
    assert len(run.read_table("distill.tsv")) == 2


def test_the_student_is_a_run_like_any_other(teacher, tmp_path):
    run = Run(tmp_path / "S")
    distill_run(teacher, run, asked(teacher, "pwm", motifs=3, width=8), options=NONE, device="cpu")
    before = (run.path / "metrics.json").read_bytes()
    evaluate_again(run)
    assert (run.path / "metrics.json").read_bytes() == before
    explain_run(run, "saliency", most=3, device="cpu")
    assert (run.path / "explain" / "saliency" / "values.safetensors").is_file()


def test_shuffles_and_mutants_are_asked_about_too(teacher, tmp_path, monkeypatch):
    seen = []
    from cisgram.steps import distill

    def noted(model, codes, **more):
        seen.append(len(codes))
        return predict(model, codes, **more)

    monkeypatch.setattr(distill, "predict", noted)
    for name, options in (("A", NONE), ("B", DistillOptions(shuffles=2, mutants=3))):
        settings = asked(teacher, train=QUICK | {"epochs": 1})
        distill_run(teacher, Run(tmp_path / name), settings, options=options, device="cpu")
    alone, more = seen[0], seen[2]
    assert more == 6 * alone


def test_a_mutant_keeps_nine_tenths_and_every_n():
    codes = planted.codes(200, 60)
    codes[:, :5] = 4
    found = mutated(codes, seed=0)
    assert (found[:, :5] == 4).all()
    changed = (found != codes)[:, 5:].mean()
    assert changed == pytest.approx(0.075, abs=0.01)  # a quarter of the draws are the old letter
    assert np.array_equal(found, mutated(codes, seed=0))
    assert not np.array_equal(found, mutated(codes, seed=1))


def test_the_same_command_again_changes_nothing(teacher, tmp_path):
    run = Run(tmp_path / "S")
    distill_run(teacher, run, asked(teacher), options=NONE, device="cpu")
    before = digests(run.path)
    distill_run(teacher, run, asked(teacher), options=NONE, device="cpu")
    assert digests(run.path) == before


def test_a_student_killed_before_its_end_is_finished(teacher, tmp_path):
    run = Run(tmp_path / "S")
    whole = distill_run(teacher, run, asked(teacher), options=NONE, device="cpu")
    shutil.rmtree(run.path / "model")
    for name in ("metrics.json", "run.toml", "data/split.tsv"):
        (run.path / name).unlink()
    again = distill_run(teacher, run, asked(teacher), options=NONE, device="cpu")
    assert again.equals(whole)
    assert (run.path / "data" / "split.tsv").is_file()


def test_another_teacher_or_other_sequences_are_another_job(teacher, linear, tmp_path):
    run = Run(tmp_path / "S")
    distill_run(teacher, run, asked(teacher), options=NONE, device="cpu")
    with pytest.raises(InputError, match="another teacher, or from other sequences"):
        distill_run(teacher, run, asked(teacher), device="cpu")
    with pytest.raises(InputError, match="another teacher, or from other sequences"):
        distill_run(linear, run, asked(linear), options=NONE, device="cpu")
    on_labels = Run(tmp_path / "T")
    train_run(on_labels, asked(teacher), device="cpu")
    with pytest.raises(InputError, match="was not distilled"):
        distill_run(teacher, on_labels, asked(teacher), options=NONE, device="cpu")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("data.test_fraction=0.5",), "reads the data of its teacher"),
        (("train.seed=4",), "keeps its teacher's seed, 0"),
        (("train.loss=bce",), "by squared differences"),
        (("train.stop_on=auroc",), "does not fit a regression task"),
        (("model.name=kmr",), "Did you mean 'kmer'"),
    ],
)
def test_what_a_student_cannot_have_is_refused(teacher, tmp_path, overrides, message):
    run = Run(tmp_path / "S")
    with pytest.raises(InputError, match=message):
        distill_run(teacher, run, asked(teacher, overrides=overrides), options=NONE, device="cpu")
    assert not (run.path / "model").exists()


def test_a_folder_without_a_model_teaches_nothing(tmp_path):
    with pytest.raises(InputError, match="not a run"):
        asked(Run(tmp_path))
