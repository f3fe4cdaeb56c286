"""Scores of resamples that are counted, beside scikit-learn's of each resample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cisgram.train import metrics
from cisgram.train.resampled import any_of, auprc_of, auroc_of


@pytest.mark.parametrize(
    ("counted", "score"), [(auroc_of, metrics.auroc), (auprc_of, metrics.auprc)]
)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 40), distinct=st.sampled_from([1, 3, 1000]))
def test_counting_gives_the_score_of_every_resample(counted, score, seed, n, distinct):
    g = np.random.default_rng(seed)
    y = g.integers(0, 2, n).astype(float)
    y[g.random(n) < 0.2] = np.nan
    prediction = np.round(g.random(n) * distinct) / distinct
    rows = g.integers(0, n, (20, n))
    one_by_one = any_of(score, y, prediction)(rows)
    np.testing.assert_allclose(counted(y, prediction)(rows), one_by_one, atol=1e-12)


def test_the_interval_is_that_of_the_plain_bootstrap():
    """The same draws, one after the other, by scikit-learn's functions."""
    g = np.random.default_rng(0)
    y = g.integers(0, 2, (60, 2)).astype(float)
    y[g.random((60, 2)) < 0.1] = np.nan
    out = np.nan_to_num(y) + g.normal(0, 1, (60, 2))
    random, means = metrics.generator(3, "bootstrap", 60), []
    for _ in range(metrics.RESAMPLES):
        rows = random.integers(0, 60, 60)
        known = [rows[~np.isnan(y[rows, i])] for i in range(2)]
        means.append(np.mean([metrics.auroc(y[r, i], out[r, i]) for i, r in enumerate(known)]))
    scores = [(metrics.auroc, out[:, i]) for i in range(2)]
    found = metrics.mean_interval(scores, y, seed=3)
    assert found == pytest.approx(np.percentile(means, [2.5, 97.5]).tolist(), abs=1e-12)


def test_no_more_rows_at_once_than_are_wanted_change_nothing(monkeypatch):
    g = np.random.default_rng(1)
    y, out = g.integers(0, 2, 30).astype(float), g.random(30)
    whole = metrics.interval(metrics.auroc, y, out, seed=0)
    monkeypatch.setattr(metrics, "AT_ONCE", 70)
    assert metrics.interval(metrics.auroc, y, out, seed=0) == whole
