"""Regimes of a run from end to end: what they write, and what the page says of it."""

import numpy as np
import pandas as pd
import pytest

import planted
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.core.seeds import derive
from cisgram.models import load, predict_samples
from cisgram.report import write as write_page
from cisgram.seq import from_codes
from cisgram.steps import (
    evaluate_file,
    from_model,
    predict_file,
    resolve,
    start_words,
    train_run,
)
from cli.running import cisgram

QUICK = {"epochs": 2, "min_rows": 1, "batch_size": 32}
SMALL = {"name": "demo-cnn", "options": {"size": "small"}}


def asked(path, *overrides, train=None, model=None, **data):
    groups = {"data": {"positives": str(path)} | data, "model": model or SMALL,
              "train": QUICK | (train or {})}  # fmt: skip
    return resolve(groups, overrides=overrides)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return planted.write_tsv(tmp_path_factory.mktemp("table") / "a.tsv", 240)


@pytest.fixture(scope="module")
def trained(table, tmp_path_factory):
    run = Run(tmp_path_factory.mktemp("runs") / "RUN")
    train_run(run, asked(table, train={"calibrate": "temperature"}), device="cpu")
    return run


def test_a_calibrated_run_predicts_and_scores_with_its_probabilities(trained, table):
    fitted = files.read_json(trained.path / "calibration.json")
    temperature = fitted["parts"][0][0][0]
    rows = trained.read_table("predictions.tsv")
    np.testing.assert_allclose(
        rows["probability"], 1 / (1 + np.exp(-rows["score"] / temperature)), rtol=1e-3
    )
    test = rows[rows["set"] == "test"]
    found = files.read_json(trained.path / "metrics.json")["test"]
    assert found["brier"] == pytest.approx(
        np.mean((test["probability"] - test["label"]) ** 2), abs=1e-5
    )
    again = predict_file(trained, str(table))
    both = again.merge(test, on="name")
    np.testing.assert_allclose(both["probability_x"], both["probability_y"], rtol=1e-3)
    scored = evaluate_file(trained, str(table))
    assert scored["brier"] == pytest.approx(
        np.mean((again["probability"] - again["label"]) ** 2), abs=1e-6
    )


def test_predictions_of_thinned_networks_stand_beside_the_score(trained, table):
    out = trained.path.parent / "p.tsv"
    done = cisgram("predict", str(trained.path), "--sequences", str(table), "--mc-dropout", "40",
                   "-o", str(out))  # fmt: skip
    assert done.status == 0, done.err
    rows = pd.read_csv(out, sep="\t")
    assert {"score", "mc_mean", "mc_sd"} <= set(rows.columns)
    assert (rows["mc_sd"] > 0).all()
    codes = planted.codes(240)
    drawn = predict_samples(load(trained), codes, samples=40, seed=derive(0, 0))[:, :, 0]
    np.testing.assert_allclose(rows["mc_mean"], drawn.mean(0), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(rows["mc_sd"], drawn.std(0), rtol=1e-3)
    plain = predict_file(trained, str(table))
    np.testing.assert_allclose(plain["score"], rows["score"], rtol=1e-4)


def test_a_new_head_on_the_features_of_a_run_says_so(trained, table, tmp_path):
    done = cisgram("train", "--positives", str(table), "--from", str(trained.path), "--epochs", "1",
                   "--set", "train.freeze=features", "--device", "cpu", "-o",
                   str(tmp_path / "NEW"))  # fmt: skip
    assert done.status == 0, done.err
    donor, new = load(trained).state_dict(), load(tmp_path / "NEW").state_dict()
    equal = {k for k in donor if (donor[k] == new[k]).all()}
    assert equal == {k for k in donor if not k.startswith("model.head")}
    rows = Run(tmp_path / "NEW").read_table("model/start.tsv")
    assert dict(zip(rows["weight"], rows["start"], strict=True))["head.linear.weight"] == "drawn"
    assert f"began as in {trained.path}" in done.err
    assert "stay." in done.err
    write_page(Run(tmp_path / "NEW"))
    page = (tmp_path / "NEW" / "report.html").read_text()
    assert "began as in" in page


def test_weights_that_cannot_be_meant_are_refused(trained, table, tmp_path):
    with pytest.raises(InputError, match=r"weights_match is about weights to start from"):
        train_run(Run(tmp_path / "a"), asked(table, "model.weights_match=first"), device="cpu")
    groups = from_model({"data": {"positives": str(table)}}, str(trained.path))
    headless = resolve(groups, overrides=["train.epochs=0"])
    with pytest.raises(InputError, match=r"epochs=0 scores weights as they are"):
        train_run(Run(tmp_path / "b"), headless, device="cpu")
    with pytest.raises(InputError, match="there is no such run or file"):
        from_model({}, "nowhere")
    with pytest.raises(InputError, match="not both"):
        from_model({"model": {"weights": "w"}}, str(trained.path))
    assert not list(tmp_path.iterdir())
    assert start_words(trained, asked(table)) == []


def three_classes(path, n=240):
    codes = planted.codes(n, 60)
    for row in range(2, n, 4):
        codes[row, 20:28] = (3, 3, 3, 2, 2, 0, 0, 0)
    kinds = [1 if i % 2 else 2 if i % 4 == 2 else 0 for i in range(n)]
    rows = zip(from_codes(codes), kinds, strict=True)
    text = "".join(f"s{i}\t{s}\t{k if i % 11 else ''}\n" for i, (s, k) in enumerate(rows))
    path.write_text("name\tsequence\tkind\n" + text)
    return path


def test_a_run_of_classes_is_scored_predicted_and_told_on_its_page(tmp_path):
    path = three_classes(tmp_path / "k.tsv")
    settings = asked(path, task="multiclass", label_columns=["kind"], train={"epochs": 3})
    run = Run(tmp_path / "RUN")
    found = train_run(run, settings, device="cpu")["test"]
    assert found["classes"] == 3
    assert [o["output"] for o in found["per_output"]] == ["kind_0", "kind_1", "kind_2"]
    rows = run.read_table("predictions.tsv")
    total = rows.groupby(["set", "name"])["probability"].sum()
    np.testing.assert_allclose(total, 1, rtol=1e-4)
    write_page(run)
    page = (run.path / "report.html").read_text()
    assert "names the right one of 3 classes for" in page
    again = evaluate_file(run, str(path))
    assert set(again) >= {"accuracy", "auroc", "f1", "log_loss"}


def test_counts_are_predicted_as_rates(tmp_path):
    rows = enumerate(planted.letters(160))
    text = "".join(f"s{i}\t{s}\t{(i % 2) * 9 + i % 5}\n" for i, s in rows)
    path = tmp_path / "c.tsv"
    path.write_text("name\tsequence\treads\n" + text)
    run = Run(tmp_path / "RUN")
    settings = asked(path, task="counts", label_columns=["reads"])
    assert train_run(run, settings, device="cpu")["test"]["deviance"] > 0
    table = run.read_table("predictions.tsv")
    np.testing.assert_allclose(table["rate"], np.exp(table["score"]), rtol=1e-4)
    write_page(run)


def test_an_augmented_run_is_fine_tuned_and_leaves_no_checkpoint(table, tmp_path):
    run = Run(tmp_path / "RUN")
    settings = asked(table, augment=["mutation", "noise"], train={"finetune_epochs": 2})
    train_run(run, settings, device="cpu")
    assert run.read_table("history.tsv")["epoch"].tolist() == [1, 2, 3, 4]
    assert not list(run.path.rglob("checkpoint*"))
    write_page(run)
    assert "EvoAug: improving generalization" in (run.path / "report.html").read_text()


@pytest.mark.parametrize(
    ("train", "data", "what"),
    [
        ({"sampling": "balanced"}, {"task": "regression"}, "regression task has none"),
        ({"sampling": "balanced", "shuffle": False}, {}, "train.shuffle=false"),
        ({"sampling": "blocked"}, {}, r"data\.batch_column"),
        ({"adversary": 1.0}, {}, r"have none; .*data\.batch_column"),
        ({"finetune_epochs": 3}, {}, "data.augment names no augmentation"),
        ({"calibrate": "isotonic"}, {"task": "regression"}, "regression task has none"),
        ({"calibrate": "isotonic"}, {"valid_fraction": 0.03}, "needs at least 10 validation"),
        ({"loss": "pearson"}, {"task": "regression"}, "at least 3 are needed"),
        ({"task_weights": [1.0, 2.0]}, {}, "a weight for each of the 1 outputs"),
        ({"freeze": ["feature"]}, {}, "features"),
    ],
)
def test_a_regime_that_the_data_cannot_have_is_refused_before_anything_is_written(
    table, tmp_path, train, data, what
):
    with pytest.raises(InputError, match=what):
        train_run(Run(tmp_path / "RUN"), asked(table, train=train, **data), device="cpu")
    assert not list(tmp_path.iterdir())


def test_batch_labels_reach_the_sampler_and_the_summary(tmp_path):
    rows = enumerate(planted.letters(240))
    text = "".join(f"s{i}\t{s}\t{i % 2}\t{'xy'[i % 3 > 0]}\n" for i, s in rows)
    path = tmp_path / "b.tsv"
    path.write_text("name\tsequence\tbound\tdonor\n" + text)
    run = Run(tmp_path / "RUN")
    settings = asked(path, label_columns=["bound"], batch_column="donor",
                     train={"sampling": "blocked", "adversary": 0.3})  # fmt: skip
    train_run(run, settings, device="cpu")
    sets = files.read_json(run.path / "data" / "summary.json")["sets"]
    assert sum(s["batches"]["x"] for s in sets.values()) == 80
    with pytest.raises(InputError, match="column"):
        train_run(Run(tmp_path / "c"), asked(path, batch_column="donors"), device="cpu")
