"""Calibration and conformal promises, by exact values and over many draws."""

import numpy as np
import pytest

from cisgram.core.errors import InputError
from cisgram.train import metrics
from cisgram.trust import (
    attribution_agreement,
    brier_parts,
    calibration_error,
    interval_coverage,
    motif_recurrence,
    prediction_agreement,
    reliability,
    set_coverage,
)
from cisgram.trust.calibration import expected_error, wilson
from cisgram.trust.conformal import chance_of, quantile


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(metrics, "RESAMPLES", 100)


def drawn(n, seed=0):
    random = np.random.default_rng(seed)
    p = random.random(n)
    return (random.random(n) < p).astype(float), p


def test_calibrated_probabilities_have_an_error_within_chance():
    y, p = drawn(20_000)
    found = calibration_error(y, p)
    assert found["error"] < 0.02
    assert found["error"] < found["by_chance"] * 1.2
    table = reliability(y, p)
    inside = (table["low"] <= table["predicted"]) & (table["predicted"] <= table["high"])
    assert inside.mean() >= 0.8
    assert table["n"].sum() == 20_000


def test_a_known_miscalibration_has_its_exact_error():
    y = np.r_[np.ones(30), np.zeros(70), np.ones(70), np.zeros(30)]
    p = np.r_[np.full(100, 0.15), np.full(100, 0.95)]  # off by 0.15 and by 0.25
    assert expected_error(y, p) == pytest.approx(0.2)
    found = calibration_error(y, p)
    assert found["low"] < 0.2 < found["high"]
    assert found["error"] > found["by_chance"]
    table = reliability(y, p)
    assert table["observed"].tolist() == pytest.approx([0.3, 0.7])
    assert table["low"].tolist() == pytest.approx([wilson(30, 100)[0], wilson(70, 100)[0]])


def test_the_parts_of_the_brier_score_add_up_exactly():
    y, p = drawn(500)
    parts = brier_parts(y, p**2)
    total = parts["reliability"] - parts["resolution"] + parts["uncertainty"] + parts["within_bins"]
    assert parts["brier"] == pytest.approx(total, abs=1e-12)
    assert parts["brier"] == pytest.approx(metrics.brier(y, p**2))
    flat = brier_parts(y, np.full(500, y.mean()))
    assert flat["resolution"] == pytest.approx(0)
    assert flat["brier"] == pytest.approx(flat["uncertainty"])


def test_what_is_no_probability_or_no_class_is_refused():
    with pytest.raises(InputError, match="within 0 and 1"):
        reliability(np.array([0.0, 1]), np.array([-1.0, 2]))
    with pytest.raises(InputError, match="labels 0 and 1"):
        reliability(np.array([0.3, 1]), np.array([0.1, 0.2]))
    with pytest.raises(InputError, match="must share"):
        reliability(np.zeros(3), np.zeros(2))


@pytest.mark.parametrize("n", [19, 50])
@pytest.mark.parametrize("level", [0.8, 0.9])
def test_conformal_intervals_keep_their_promise_on_exchangeable_data(n, level):
    """Mean coverage over draws is between the level and the level + 1 / (n + 1)."""
    covered = []
    for seed in range(600):
        random = np.random.default_rng(seed)
        y = random.standard_cauchy(n + 200)  # no model of the noise is needed
        said = np.zeros_like(y)
        found = interval_coverage((y[:n], said[:n]), (y[n:], said[n:]), level=level)
        covered.append(found.covered)
    error = np.std(covered) / np.sqrt(len(covered))
    assert level - 2.5 * error <= np.mean(covered) <= level + 1 / (n + 1) + 2.5 * error


def test_a_low_coverage_is_called_rare_as_often_as_it_is():
    """On exchangeable data p is below 0.025 in about 2.5 % of draws; the interval of the test set
    alone lies below the promise far more often."""
    few, narrow = [], []
    for seed in range(800):
        y = np.random.default_rng(seed).standard_normal(300)
        said = np.zeros(300)
        found = interval_coverage((y[:100], said[:100]), (y[100:], said[100:]), level=0.9)
        few.append(found.p < 0.025)
        narrow.append(found.high < 0.9)
    assert 0.005 < np.mean(few) < 0.04
    assert np.mean(narrow) > 2 * np.mean(few)
    assert chance_of(5, 5, n_calibration=50, level=0.8) == pytest.approx(1)
    assert chance_of(0, 5, n_calibration=5, level=0.9) == 1  # too few to promise anything finite


def test_label_sets_keep_their_promise_even_when_probabilities_are_wrong():
    covered = []
    for seed in range(300):
        y, p = drawn(300, seed=seed)
        wrong = p**3
        found = set_coverage((y[:100], wrong[:100]), (y[100:], wrong[100:]), level=0.9)
        covered.append(found.covered)
    assert 0.895 <= np.mean(covered) <= 0.92


def test_a_set_holds_the_labels_that_are_likely_enough():
    known = (np.array([1.0, 1, 0, 0] * 5), np.array([0.9, 0.8, 0.1, 0.3] * 5))
    asked = (np.array([1.0, 0, 1]), np.array([0.95, 0.5, 0.5]))
    found = set_coverage(known, asked, level=0.9)
    assert found.threshold == pytest.approx(0.3)  # the 19th of 20 sorted values of 1 - p(truth)
    assert found.covered == pytest.approx(1 / 3)  # p = 0.5 leaves both labels out
    assert (found.size, found.certain) == pytest.approx((1 / 3, 1 / 3))


def test_too_few_sequences_give_an_infinite_interval():
    assert quantile(np.arange(5.0), 0.9) == np.inf
    with pytest.raises(InputError, match="within 0 and 1"):
        quantile(np.arange(5.0), 1.0)
    with pytest.raises(InputError, match="needs a label a prediction"):
        interval_coverage((np.zeros(0), np.zeros(0)), (np.zeros(2), np.zeros(2)), level=0.9)


def test_members_that_agree_and_one_that_does_not_are_told_apart():
    random = np.random.default_rng(0)
    truth = random.normal(0, 1, 300)
    outputs = np.stack([truth, 2 * truth + 1, random.normal(0, 1, 300)])
    table = prediction_agreement(outputs)
    assert table[["first", "second"]].to_numpy().tolist() == [[1, 2], [1, 3], [2, 3]]
    assert table["agreement"][0] == pytest.approx(1)
    assert (table["agreement"][1:].abs() < 0.2).all()
    assert table["low"][1] < table["agreement"][1] < table["high"][1]
    scores = random.random((8, 40))
    same = attribution_agreement([scores, scores**3], what="ism")
    assert same.loc[0, ["what", "agreement", "n"]].tolist() == ["ism", pytest.approx(1), 8]


def test_motifs_are_counted_by_the_members_that_found_them():
    table = motif_recurrence({1: {"CTCF", "ELK1"}, 2: {"CTCF"}, 3: {"CTCF", "USF1"}})
    assert table["name"].tolist() == ["CTCF", "ELK1", "USF1"]
    assert table["members"].tolist() == [3, 1, 1]
    assert table["in"].tolist() == ["1, 2, 3", "1", "3"]
    with pytest.raises(InputError, match="--seeds 3"):
        motif_recurrence({1: set()})
