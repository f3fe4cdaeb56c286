import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import f1_score, log_loss, roc_auc_score

import planted
from cisgram.core.errors import InputError
from cisgram.data import Dataset, TrainingData
from cisgram.train import TrainOptions, fit, loss_of_task, metrics, scores_of
from train.test_fit import QUICK, deepbind

NAN = np.nan


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(12, 60), t=st.integers(3, 5))
def test_scores_of_classes_are_those_of_scikit_learn(seed, n, t):
    random = np.random.default_rng(seed)
    truth = np.r_[np.arange(t), random.integers(0, t, n - t)]
    y, out = np.eye(t)[truth], random.normal(0, 2, (n, t)) + np.eye(t)[truth]
    names = [f"c{i}" for i in range(t)]
    found = metrics.evaluate(y, out, outputs=names, task="multiclass", intervals=False)
    p = softmax(out, axis=1)
    assert found["n"] == n
    assert found["accuracy"] == np.mean(out.argmax(1) == truth)
    assert found["f1"] == pytest.approx(f1_score(truth, out.argmax(1), average="macro"))
    assert found["auroc"] == pytest.approx(roc_auc_score(truth, p, multi_class="ovr"))
    assert found["log_loss"] == pytest.approx(log_loss(truth, p))
    for i, own in enumerate(found["per_output"]):
        assert own["brier"] == pytest.approx(np.mean((p[:, i] - y[:, i]) ** 2))
        assert own["f1"] == pytest.approx(f1_score(truth == i, out.argmax(1) == i))
    more_y, more = np.vstack([y, np.full((3, t), NAN)]), np.vstack([out, np.ones((3, t))])
    again = metrics.evaluate(more_y, more, outputs=names, task="multiclass", intervals=False)
    assert again == found


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), t=st.integers(2, 6))
def test_the_sigmoid_of_a_class_score_is_its_softmax(seed, t):
    out = np.random.default_rng(seed).normal(0, 5, (2, 7, t))
    np.testing.assert_allclose(
        metrics.sigmoid(scores_of(out, "multiclass")), softmax(out, axis=-1), rtol=1e-9
    )
    assert scores_of(out, "regression") is out


def test_intervals_of_classes_hold_their_scores_and_rows_without_labels_give_none():
    y = np.eye(3)[np.arange(60) % 3]
    out = y + np.random.default_rng(0).normal(0, 1, y.shape)
    found = metrics.evaluate(y, out, outputs=["a", "b", "c"], task="multiclass")
    for name in ("accuracy", "auroc", "f1", "log_loss"):
        low, high = found[f"{name}_interval"]
        assert low < found[name] < high
    empty = metrics.evaluate(
        np.full((4, 3), NAN), np.zeros((4, 3)), outputs=["a", "b", "c"], task="multiclass"
    )
    assert empty["accuracy"] is None
    assert empty["n"] == 0


def test_deviance_is_zero_at_the_truth_and_counts_are_scored_by_their_rate():
    y = np.array([[1.0], [2.0], [5.0], [NAN]])
    found = metrics.evaluate(
        y, np.log([[1.0], [2.0], [5.0], [9.0]]), outputs=["c"], task="counts", intervals=False
    )
    assert found["deviance"] == pytest.approx(0, abs=1e-12)
    assert found["pearson"] == pytest.approx(1)
    assert found["n"] == 3


def three_kinds(n, seed=0):
    """The planted word, another one, or none."""
    codes = planted.codes(n, 40, seed=seed, planted=False)
    truth = np.arange(n) % 3
    for row in range(n):
        at = (7 * row) % 30
        word = (planted.WORD, (3, 3, 3, 2, 2, 0, 0, 0), None)[truth[row]]
        if word:
            codes[row, at : at + 8] = word
    return Dataset([f"s{i}" for i in range(n)], codes, np.eye(3, dtype=np.float32)[truth],
                   ("first", "second", "none"))  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"class_weights": "balanced", "sampling": "balanced"}])
def test_three_classes_are_learned(options):
    model = deepbind(n_outputs=3)
    state = fit(
        model,
        TrainingData(three_kinds(600), reverse_complement=False, classes=True),
        TrainOptions(**(QUICK | {"epochs": 10, "learning_rate": 2e-2} | options)),
        valid=three_kinds(90, seed=1),
        task="multiclass",
        device="cpu",
    )
    row = state.history[state.best_epoch - 1]
    assert row["valid_accuracy"] > 0.9
    assert row["valid_auroc"] > 0.95


def test_counts_are_learned_with_their_dispersion():
    random = np.random.default_rng(0)
    data = planted.dataset(400, 40)
    counts = random.poisson(np.where(data.y == 1, 20, 4)).astype(np.float32)
    counts[::10] = NAN
    valid = planted.dataset(60, 40, seed=1)
    model = deepbind()
    options = {"epochs": 12, "learning_rate": 2e-2, "loss": "negative_binomial"}
    means = np.where(valid.y == 1, 20, 4).astype(np.float32)
    state = fit(
        model,
        TrainingData(Dataset(data.names, data.codes, counts)),
        TrainOptions(**(QUICK | options)),
        valid=Dataset(valid.names, valid.codes, means),
        task="counts",
        device="cpu",
    )
    assert state.history[-1]["valid_pearson"] > 0.8
    assert state.history[-1]["valid_deviance"] < state.history[0]["valid_deviance"]


@pytest.mark.parametrize(
    ("loss", "task", "fit"),
    [
        ("focal", "regression", "classification"),
        ("cross_entropy", "classification", "multiclass"),
        ("bce", "multiclass", "classification"),
        ("negative_binomial", "regression", "counts"),
    ],
)
def test_a_loss_of_another_task_is_refused_and_named(loss, task, fit):
    wanted = rf"train\.loss={loss} does not fit a {task} task but .*{fit}"
    with pytest.raises(InputError, match=wanted):
        loss_of_task(loss, task)
