import threading

import numpy as np
import pytest
import torch

import planted
from cisgram.core import files
from cisgram.core.config import read_toml
from cisgram.core.errors import InputError, UnknownName
from cisgram.core.run import Run
from cisgram.models import load, predict
from cisgram.steps import (
    evaluate_again,
    evaluate_file,
    explain_run,
    predict_file,
    resolve,
    settings_of,
    train_run,
)
from cisgram.train import fit, metrics
from steps.jobs import ENDS, digests

QUICK = {"epochs": 3, "min_rows": 1, "batch_size": 32}
SMALL = {"name": "deepbind", "options": {"detectors": 6, "width": 10, "hidden": 0}}


def asked(path, *overrides, **data):
    groups = {"data": {"positives": str(path)} | data, "model": SMALL, "train": QUICK}
    return resolve(groups, overrides=overrides)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return planted.write_tsv(tmp_path_factory.mktemp("table") / "a.tsv", 160)


@pytest.fixture(scope="module")
def trained(table, tmp_path_factory):
    """An ensemble of two, trained to its end; tests copy what they change."""
    run = Run(tmp_path_factory.mktemp("runs") / "RUN")
    train_run(run, asked(table, "train.seeds=2"), device="cpu")
    return run


def test_a_run_holds_what_the_design_promises(trained):
    for name in ("run.toml", *ENDS, "data/dropped.tsv", "data/leaks.tsv", "data/summary.json",
                 "history-2.tsv", "model-2/weights.safetensors"):  # fmt: skip
        assert (trained.path / name).is_file(), name
    assert not list(trained.path.rglob("checkpoint*"))
    assert not list(trained.path.rglob("*.tmp"))
    found = files.read_json(trained.path / "metrics.json")
    assert set(found) == {"train", "valid", "test"}
    assert found["test"]["per_output"][0]["auroc"] == found["test"]["auroc"]
    assert found["test"]["auroc_interval"][0] <= found["test"]["auroc"]
    # thresholds are chosen on the validation set and used on the test set
    assert found["test"]["threshold"] == found["valid"]["threshold"]


def test_the_members_of_an_ensemble_differ_and_their_spread_is_told(trained):
    first, second = (load(folder) for folder in trained.members())
    assert not torch.equal(next(first.parameters()), next(second.parameters()))
    table = trained.read_table("predictions.tsv")
    split = trained.read_table("data/split.tsv")
    test = table[table["set"] == "test"]
    assert test["name"].tolist() == split.loc[split["set"] == "test", "name"].tolist()
    assert (table["sd"] > 0).any()
    np.testing.assert_allclose(table["probability"], metrics.sigmoid(table["score"]), rtol=1e-4)


def test_a_training_can_be_watched_epoch_by_epoch(tmp_path, table):
    """Each member's history holds what has been done; its end is the same without a watcher."""
    run, seen = Run(tmp_path / "RUN"), []

    def watch(member, state):
        name = "history.tsv" if member == 0 else f"history-{member + 1}.tsv"
        seen.append((member, run.read_table(name)["epoch"].tolist()))
        assert len(state.history) == len(seen[-1][1])

    train_run(run, asked(table, "train.seeds=2"), device="cpu", progress=watch)
    epochs = [[1], [1, 2], [1, 2, 3]]
    assert seen == [(member, done) for member in range(2) for done in epochs]


def test_with_folds_each_member_leaves_another_part_of_the_training_set_out(
    tmp_path, table, monkeypatch
):
    seen = []

    def noted(model, data, options, **more):
        seen.append(data.data.names)
        return fit(model, data, options, **more)

    monkeypatch.setattr("cisgram.train.stages.fit", noted)
    run = Run(tmp_path / "RUN")
    train_run(run, asked(table, "train.seeds=3", "train.folds=true"), device="cpu")
    split = run.read_table("data/split.tsv")
    every = set(split.loc[split["set"] == "train", "name"])
    out = [every - set(names) for names in seen]
    assert sorted(name for part in out for name in part) == sorted(every)  # each once
    assert all(len(part) >= len(every) // 3 for part in out)
    assert not (set().union(*map(set, seen)) - every)


def test_folds_of_a_single_member_are_refused(tmp_path, table):
    with pytest.raises(InputError, match="--folds 5"):
        train_run(Run(tmp_path / "RUN"), asked(table, "train.folds=true"), device="cpu")
    assert not (tmp_path / "RUN").exists()


def test_the_training_loss_is_the_mean_over_members_of_the_epoch_that_each_kept(tmp_path, table):
    run = Run(tmp_path / "RUN")
    hasty = ("train.seeds=2", "train.epochs=6", "train.learning_rate=0.5")  # the best is not last
    found = train_run(run, asked(table, *hasty), device="cpu")
    tables = [run.read_table(name) for name in ("history.tsv", "history-2.tsv")]
    assert any(t["best"].iloc[-1] == 0 for t in tables)
    kept = [t.loc[t["best"] == 1, "train_loss"].item() for t in tables]
    assert found["train"]["loss"] == np.mean(kept)


def test_the_scores_are_those_of_the_predictions(trained):
    table = trained.read_table("predictions.tsv")
    test = table[table["set"] == "test"]
    found = files.read_json(trained.path / "metrics.json")["test"]
    auroc = metrics.auroc(test["label"].to_numpy(), test["score"].to_numpy())
    assert auroc == pytest.approx(found["auroc"])


def test_a_finished_run_is_not_trained_again(trained, table):
    before, seen = digests(trained.path), []
    found = train_run(
        trained, asked(table, "train.seeds=2"), device="cpu", progress=lambda *a: seen.append(a)
    )
    assert not seen
    assert digests(trained.path) == before
    assert found == files.read_json(trained.path / "metrics.json")


class Stop(Exception):
    pass


def stop_at(member, epoch):
    def progress(which, state):
        if (which, len(state.history)) == (member, epoch):
            raise Stop

    return progress


@pytest.mark.parametrize(("member", "epoch"), [(0, 1), (0, 3), (1, 2)])
def test_a_stopped_ensemble_resumes_to_the_same_bytes(tmp_path, trained, table, member, epoch):
    run, settings = Run(tmp_path / "RUN"), asked(table, "train.seeds=2")
    with pytest.raises(Stop):
        train_run(run, settings, device="cpu", progress=stop_at(member, epoch))
    assert list(run.path.rglob("checkpoint.safetensors"))
    train_run(run, settings, device="cpu")
    names = [*ENDS, "history-2.tsv", "model-2/weights.safetensors"]
    for name in names:
        assert (run.path / name).read_bytes() == (trained.path / name).read_bytes(), name
    assert not list(run.path.rglob("checkpoint*"))


@pytest.mark.parametrize("gone", ["metrics.json", "predictions.tsv"])
def test_a_run_killed_while_it_was_scored_ends_with_the_same_bytes(tmp_path, table, gone):
    """All members are trained, and the scores are not written (or only half of them)."""
    run, settings = Run(tmp_path / "RUN"), asked(table)
    train_run(run, settings, device="cpu")
    before = digests(run.path)
    (run.path / "metrics.json").unlink()
    (run.path / gone).unlink(missing_ok=True)
    (run.path / ".predictions.tsv.77.tmp").write_text("half")
    train_run(run, settings, device="cpu")
    assert digests(run.path) == before
    assert not list(run.path.rglob("*.tmp"))


def test_a_start_killed_before_its_record_was_renamed_is_begun_again(tmp_path, table):
    run = Run(tmp_path / "RUN")
    run.path.mkdir()
    (run.path / ".run.toml.4711.tmp").write_text("command =")
    (run.path / ".lock").touch()
    train_run(run, asked(table), device="cpu")
    assert not list(run.path.rglob("*.tmp"))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["model.name=deepbnd"], "Did you mean 'deepbind'"),
        (["model.options.widthh=11"], "Did you mean 'width'"),
        (["train.stop_on=pearson"], "does not fit a classification task"),
        (["data.label_columns=['bond']"], "Did you mean 'bound'"),
        (["model.weights=nowhere.safetensors"], "weights file nowhere.safetensors does not exist"),
    ],
)
def test_a_job_that_cannot_be_done_burns_no_folder(tmp_path, table, overrides, said):
    run = Run(tmp_path / "RUN")
    with pytest.raises(InputError, match=said):
        train_run(run, asked(table, *overrides), device="cpu")
    assert not run.path.exists()


def test_explanations_and_motifs_may_be_asked_for_anew_on_a_trained_run(trained, table):
    other = asked(table, "train.seeds=2", "explain.most=3", "motifs.max_q=0.2")
    before = trained.toml.read_bytes()
    train_run(trained, other, device="cpu")
    assert settings_of(trained) == other
    train_run(trained, asked(table, "train.seeds=2"), device="cpu")
    assert trained.toml.read_bytes() == before


def test_a_run_that_is_older_than_a_setting_is_resumed(trained, table):
    before = trained.toml.read_text()
    assert "min_rows = 1\n" in before
    younger = before.replace("fresh_negatives = true\n", "").replace("shuffle = true\n", "")
    try:
        trained.toml.write_text(younger)
        train_run(trained, asked(table, "train.seeds=2"), device="cpu")
        with pytest.raises(InputError, match=r"differs in train\.shuffle\."):
            train_run(trained, asked(table, "train.seeds=2", "train.shuffle=false"), device="cpu")
    finally:
        trained.toml.write_text(before)


def test_other_settings_in_the_same_folder_are_refused(trained, table):
    with pytest.raises(InputError, match=r"another run; it differs in train\.seed"):
        train_run(trained, asked(table, "train.seed=4"), device="cpu")


def test_a_second_process_on_the_same_run_is_refused_and_the_first_goes_on(tmp_path, table):
    run, settings = Run(tmp_path / "RUN"), asked(table)
    said = []

    def second(member, state):
        def try_it():
            try:
                train_run(run, settings, device="cpu")
            except InputError as error:
                said.append(str(error))

        thread = threading.Thread(target=try_it)  # its own open file, as another process has
        thread.start()
        thread.join()

    train_run(run, settings, device="cpu", progress=second)
    assert len(said) == 3
    assert "Another process is at work in" in said[0]
    assert (run.path / "metrics.json").is_file()


def test_evaluating_again_gives_the_same_bytes(trained):
    before = digests(trained.path)
    evaluate_again(trained)
    assert digests(trained.path) == before


def test_a_run_that_is_not_trained_to_its_end_is_not_scored(tmp_path, table):
    run, settings = Run(tmp_path / "RUN"), asked(table, "train.seeds=2")
    with pytest.raises(Stop):
        train_run(run, settings, device="cpu", progress=stop_at(1, 1))
    with pytest.raises(
        InputError, match=r"1 of 2 models are there\. Run the same training command"
    ):
        evaluate_again(run)
    assert not (run.path / "metrics.json").exists()


def test_changed_inputs_are_noticed_before_anything_is_scored_or_explained(tmp_path):
    path = planted.write_tsv(tmp_path / "a.tsv", 160)
    run = Run(tmp_path / "RUN")
    train_run(run, asked(path), device="cpu")
    planted.write_tsv(path, 160, seed=9)
    for step in (lambda: evaluate_again(run), lambda: explain_run(run, "saliency")):
        with pytest.raises(InputError, match="was made from other files: the bytes of positives"):
            step()
    path.unlink()
    with pytest.raises(InputError, match=r"positives file .*a\.tsv does not exist \(seen from"):
        evaluate_again(run)


def test_predictions_of_a_file_are_those_of_the_model(trained, tmp_path):
    path = planted.write_fasta(tmp_path / "x.fa", planted.letters(6, seed=3))
    table = predict_file(trained, str(path))
    expected = predict(load(trained), planted.codes(6, seed=3)).numpy()[:, 0]
    np.testing.assert_allclose(table["score"], expected, rtol=1e-5)
    assert table["label"].isna().all()
    assert table["name"].tolist() == [f"s{i}" for i in range(6)]


def test_a_file_with_labels_is_scored_and_one_without_is_refused(trained, tmp_path):
    labeled = planted.write_tsv(tmp_path / "x.tsv", 40, seed=3)
    assert evaluate_file(trained, str(labeled))["n"] == 40
    fasta = planted.write_fasta(tmp_path / "x.fa", planted.letters(6))
    with pytest.raises(InputError, match="holds no labels to evaluate against"):
        evaluate_file(trained, str(fasta))


def test_several_outputs_are_scored_and_explained_on_files_of_ones_own(tmp_path):
    rows = [f"{s}\t{i % 2}\t{(i // 2) % 2}\n" for i, s in enumerate(planted.letters(120))]
    path = tmp_path / "m.tsv"
    path.write_text("dna_text\tU\tV\n" + "".join(rows))
    run = Run(tmp_path / "RUN")
    settings = asked(path, sequence_column="dna_text", label_columns=["U", "V"])
    found = train_run(run, settings, device="cpu")
    assert [o["output"] for o in found["test"]["per_output"]] == ["U", "V"]
    assert [o["output"] for o in evaluate_file(run, str(path))["per_output"]] == ["U", "V"]
    fasta = planted.write_fasta(tmp_path / "x.fa", planted.letters(4))
    assert predict_file(run, str(fasta))["output"].tolist() == ["U"] * 4 + ["V"] * 4
    folder = explain_run(run, "saliency", sequences=str(fasta), target="V")
    assert (folder / "values.safetensors").is_file()
    with pytest.raises(InputError, match=r"the outputs U, V\. Say with --target"):
        explain_run(run, "saliency", sequences=str(fasta))
    run.begin(
        asked(
            path, "explain.target='V'", sequence_column="dna_text", label_columns=["U", "V"]
        ).model_dump(mode="json"),
        inputs={"positives": path},
        free=("explain",),
    )
    again = explain_run(run, "saliency", sequences=str(fasta))
    assert read_toml(again / "options.toml")["output"] == "V"
    with pytest.raises(UnknownName, match=r"No output named 'W'.*Known: U, V"):
        explain_run(run, "saliency", sequences=str(fasta), target="W")


def test_a_regression_is_trained_and_scored(tmp_path):
    rows = [f"{s}\t{(i % 2) + i / 1000}\n" for i, s in enumerate(planted.letters(160))]
    path = tmp_path / "r.tsv"
    path.write_text("sequence\ty\n" + "".join(rows))
    run = Run(tmp_path / "RUN")
    found = train_run(run, asked(path), device="cpu")
    assert {"pearson", "spearman", "mse", "r2"} <= set(found["test"])
    assert "probability" not in run.read_table("predictions.tsv")


def test_training_goes_on_from_given_weights(trained, table, tmp_path):
    weights = trained.path / "model" / "weights.safetensors"
    run = Run(tmp_path / "RUN")
    overrides = [f"model.weights='{weights}'", "train.learning_rate=1e-12", "train.weight_decay=0"]
    train_run(run, asked(table, *overrides), device="cpu")
    ours, theirs = (load(p).state_dict() for p in (run.path, trained.members()[0]))
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], atol=1e-8, rtol=0)
