import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax

from cisgram.core.errors import InputError
from cisgram.train import metrics
from cisgram.train.calibrate import Calibrator, calibrator

NAN = np.nan


def sure(n=4000, factor=3.0, seed=0):
    """Labels drawn from the probabilities of logits, and these logits made too sure."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.5, (n, 2))
    y = (random.random((n, 2)) < expit(logits)).astype(float)
    return y, logits * [factor, 1 / factor]


def fitted(y, out, method="temperature", task="classification"):
    names = [f"o{i}" for i in range(y.shape[1])]
    return calibrator(y, out, method=method, task=task, outputs=names)


def test_the_temperature_of_logits_that_are_three_times_too_large_is_three():
    y, out = sure()
    found = [part[0][0] for part in fitted(y, out).parts]
    assert found == pytest.approx([3, 1 / 3], rel=0.12)


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_brier_falls_and_auroc_stays(method):
    y, out = sure()
    y[::7, 0] = NAN
    fresh_y, fresh = sure(seed=1)
    own = fitted(y, out, method)
    before = metrics.evaluate(fresh_y, fresh, outputs="ab", task="classification", intervals=False)
    after = metrics.evaluate(
        fresh_y, fresh, outputs="ab", task="classification", intervals=False,
        probabilities=expit(own(fresh)),
    )  # fmt: skip
    assert after["auroc"] == before["auroc"]
    assert after["auprc"] == before["auprc"]
    assert after["brier"] < before["brier"] - 0.005


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000), method=st.sampled_from(["temperature", "isotonic"]))
def test_no_two_sequences_change_places(seed, method):
    y, out = sure(n=300, seed=seed)
    own = fitted(y, out, method)
    fresh = np.sort(np.random.default_rng(seed).normal(0, 8, (50, 2)), axis=0)
    assert (np.diff(own(fresh), axis=0) >= 0).all()
    assert np.isfinite(own(fresh)).all()
    again = Calibrator.from_json(json.loads(json.dumps(own.to_json())))
    np.testing.assert_array_equal(again(fresh), own(fresh))


def test_classes_share_one_temperature_and_stay_a_distribution():
    random = np.random.default_rng(0)
    logits = random.normal(0, 1.5, (4000, 3))
    truth = np.array([random.choice(3, p=p) for p in softmax(logits, axis=1)])
    own = fitted(np.eye(3)[truth], 4 * logits, task="multiclass")
    found = {part[0][0] for part in own.parts}
    assert len(found) == 1
    assert found.pop() == pytest.approx(4, rel=0.1)
    np.testing.assert_allclose(expit(own(4 * logits)).sum(1), 1)


def test_too_few_labels_and_tasks_without_probabilities_are_refused():
    y, out = sure(n=40)
    y[5:, 1] = NAN
    with pytest.raises(InputError, match=r"o1 has \d positives and \d negatives"):
        fitted(y, out)
    with pytest.raises(InputError, match="regression task has none"):
        fitted(y, out, task="regression")
