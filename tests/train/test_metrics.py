import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cisgram.core.errors import InputError
from cisgram.train import metrics

GRID = st.sampled_from([i / 20 for i in range(1, 20)])


def labeled(min_size=2):
    rows = st.tuples(st.sampled_from([0.0, 1.0]), GRID)
    return st.lists(rows, min_size=min_size, max_size=40).map(lambda r: np.array(r).T)


@settings(deadline=None)
@given(labeled())
def test_auroc_is_the_share_of_pairs_in_order_and_half_of_the_ties(rows):
    y, p = rows
    pairs = [(a > b) + (a == b) / 2 for a in p[y == 1] for b in p[y == 0]]
    if pairs:
        assert metrics.auroc(y, p) == pytest.approx(np.mean(pairs))


def test_auprc_by_hand():
    y, score = np.array([1.0, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1])
    # precision 1 at recall 1/2, and 2/3 at recall 1
    assert metrics.auprc(y, score) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_brier_and_correlations_by_hand():
    y = np.array([0.0, 1, 2, 3])
    assert metrics.brier(np.array([1.0, 0]), np.array([0.8, 0.4])) == pytest.approx(0.1)
    assert metrics.pearson(y, 5 - 2 * y) == pytest.approx(-1)
    assert metrics.spearman(y, np.exp(y)) == pytest.approx(1)
    assert metrics.mse(y, y + 2) == 4
    assert metrics.r2(y, np.full(4, 1.5)) == 0
    assert metrics.r2(y, y) == 1


@settings(deadline=None)
@given(labeled())
def test_no_threshold_is_right_more_often_than_the_chosen_one(rows):
    y, p = rows
    chosen = metrics.best_threshold(y, p)
    assert 0 <= chosen <= 1

    def right(threshold):
        return np.sum((p > threshold) == (y > 0.5))

    candidates = np.linspace(0, 1, 201)
    assert right(chosen) == max(right(t) for t in candidates)
    # of the equally good ones, none of the midpoints lies nearer to one half
    values = np.unique(p)
    middles = [(a + b) / 2 for a, b in zip(values[1:], values[:-1], strict=True)]
    good = [abs(m - 0.5) for m in middles if right(m) == right(chosen)]
    assert all(abs(chosen - 0.5) <= g + 1e-9 for g in good)


def test_calibration_bins_hold_means_and_skip_what_is_empty():
    p = np.array([0.05, 0.15, 0.11, 0.999, 1.0])
    y = np.array([0.0, 1, 0, 1, 1])
    found = metrics.calibration(y, p)
    assert [b["n"] for b in found] == [1, 2, 2]
    assert found[1] == {"predicted": pytest.approx(0.13), "observed": 0.5, "n": 2}
    assert found[2]["observed"] == 1


def test_intervals_are_seeded_hold_the_score_and_shrink_with_n():
    random = np.random.default_rng(0)
    widths = []
    for n in (60, 600):
        y = (random.random(n) < 0.5).astype(float)
        score = y + random.normal(0, 1.5, n)
        low, high = metrics.interval(metrics.auroc, y, score, seed=1)
        assert low < metrics.auroc(y, score) < high
        assert [low, high] == metrics.interval(metrics.auroc, y, score, seed=1)
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(3)
    y, hits = np.r_[np.zeros(199), 1.0], 0
    for seed in range(60):
        low, high = metrics.interval(metrics.brier, y, y + random.normal(0, 1, 200), seed=seed)
        hits += low < 1 < high  # the mean square of a standard normal is 1
    assert hits >= 51  # 57 expected; fewer than 51 has p = 0.007


def test_an_interval_of_one_positive_is_none_or_defined():
    y = np.zeros(200)
    assert metrics.interval(metrics.auroc, y, np.arange(200.0), seed=0) is None


@pytest.mark.parametrize("y", [[0.0, 0, 0], [1.0, 1, 1], [math.nan] * 3, []])
def test_one_class_alone_has_no_score_and_no_interval(y):
    y = np.array(y)
    out = np.linspace(-1, 1, len(y))
    found = metrics.evaluate_output(y, out, task="classification", threshold=None, seed=0)
    for name in ("auroc", "auprc", "accuracy", "brier"):
        assert found[name] is None
        assert found[f"{name}_interval"] is None
    assert found["threshold"] == 0.5


def test_missing_labels_are_left_out():
    y = np.array([1.0, math.nan, 0, math.nan, 1, 0])
    out = np.array([2.0, 50, -1, -50, 1, -3])
    known = ~np.isnan(y)
    with_missing = metrics.evaluate_output(y, out, task="classification", threshold=None, seed=0)
    without = metrics.evaluate_output(
        y[known], out[known], task="classification", threshold=None, seed=0
    )
    assert with_missing == without
    assert with_missing["n"] == 4


def test_a_given_threshold_is_used():
    y, out = np.array([1.0, 0]), np.array([0.4, 0.2])  # probabilities 0.599, 0.550
    at = {
        t: metrics.evaluate_output(
            y, out, task="classification", threshold=t, seed=0, intervals=False
        )["accuracy"]
        for t in (0.5, 0.57, 0.9)
    }
    assert at == {0.5: 0.5, 0.57: 1.0, 0.9: 0.5}


def test_several_outputs_have_their_means_on_top():
    random = np.random.default_rng(0)
    y = (random.random((80, 3)) < 0.5).astype(float)
    y[:, 2] = 1  # no score
    out = y + random.normal(0, 1, (80, 3))
    found = metrics.evaluate(y, out, outputs=("a", "b", "c"), task="classification", seed=0)
    per = found["per_output"]
    assert [o["output"] for o in per] == ["a", "b", "c"]
    assert found["auroc"] == pytest.approx((per[0]["auroc"] + per[1]["auroc"]) / 2)
    assert per[2]["auroc"] is None
    assert found["auroc_interval"][0] < found["auroc"] < found["auroc_interval"][1]
    assert found["outputs"] == 3


def test_the_interval_of_a_mean_comes_from_sequences_that_are_drawn_for_all_outputs_at_once(
    monkeypatch,
):
    monkeypatch.setattr(metrics, "RESAMPLES", 100)
    random = np.random.default_rng(0)
    y = (random.random((100, 1)) < 0.5).astype(float)
    out = y + random.normal(0, 1, (100, 1))

    def width(y, out):
        names = [str(i) for i in range(y.shape[1])]
        found = metrics.evaluate(y, out, outputs=names, task="classification", seed=0)
        low, high = found["auroc_interval"]
        return high - low

    one = width(y, out)
    # the same output nine times tells no more than once
    assert width(y.repeat(9, 1), out.repeat(9, 1)) == pytest.approx(one, rel=1e-9)
    # independent outputs do: the deviation of their mean is a third; a mean of ends stays as wide
    many = (random.random((100, 9)) < 0.5).astype(float)
    assert width(many, many + random.normal(0, 1, (100, 9))) < one / 2


def test_one_output_stands_on_top_and_in_the_list():
    y, out = np.array([[0.0], [1], [1]]), np.array([[-1.0], [0], [2]])
    found = metrics.evaluate(y, out, outputs=("a",), task="classification", intervals=False)
    (only,) = found.pop("per_output")
    assert only == {"output": "a"} | found


def test_a_regression_has_its_own_scores():
    y = np.arange(20.0)[:, None]
    found = metrics.evaluate(y, 2 * y + 1, outputs=("a",), task="regression")
    assert found["pearson"] == pytest.approx(1)
    assert found["spearman"] == pytest.approx(1)
    assert found["mse"] == pytest.approx(np.mean((np.arange(20) + 1) ** 2))
    assert "threshold" not in found


def test_constant_predictions_have_no_correlation_and_give_no_warning():
    y = np.arange(20.0)[:, None]
    found = metrics.evaluate(y, np.ones_like(y), outputs=("a",), task="regression")
    assert found["pearson"] is None
    assert found["pearson_interval"] is None
    assert found["spearman"] is None
    assert found["mse"] is not None


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"labels \(3, 1\), outputs \(3, 2\) and 1 names"):
        metrics.evaluate(np.zeros((3, 1)), np.zeros((3, 2)), outputs=("a",), task="regression")
