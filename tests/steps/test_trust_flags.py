"""Each flag is raised at its threshold, and its sentence holds its number."""

import numpy as np
import pandas as pd
import pytest

from cisgram.steps.trust_explanations import _removal_flag, alike, alike_flag
from cisgram.steps.trust_shortcuts import _coverage_flag, _error_flag
from cisgram.steps.trust_stability import _agreement_flag, _motif_flags
from cisgram.trust import motif_recurrence


@pytest.mark.parametrize(("value", "raised"), [(0.51, True), (0.49, False), (np.nan, None)])
def test_a_method_is_blind_to_the_weights_from_a_correlation_of_one_half_on(value, raised):
    row = {"method": "saliency", "likeness": value, "low": 0.4, "high": 0.6}
    flag = alike_flag(row, what="weights", networks="random networks", table="random-weights")
    assert flag.raised is raised
    assert flag.name == "blind to the weights: saliency"
    if raised is not None:
        assert f"{value:.2f} (0.40 to 0.60)" in flag.said


def test_a_picture_that_stays_whatever_the_weights_are_is_detected():
    random = np.random.default_rng(0)
    letters = random.random((20, 60))  # what a method that reads the letters alone would show
    found = alike(letters, [letters, -letters], seed=0)
    assert found["likeness"] == pytest.approx(1)
    assert found["signed"] == pytest.approx(0)
    other = alike(letters, [random.random((20, 60))], seed=0)
    assert abs(other["likeness"]) < 0.1
    assert found["n"] == other["n"] == 20


@pytest.mark.parametrize(("low", "raised"), [(0.01, False), (0.0, True), (-0.2, True)])
def test_a_method_is_not_faithful_when_a_random_order_may_do_as_well(low, raised):
    row = {"method": "ism", "deletion": 0.5, "deletion_low": low, "deletion_high": 1, "change": 4}
    flag = _removal_flag(row)
    assert flag.raised is raised
    assert "by 0.5 more" in flag.said
    assert "falls by 4" in flag.said


@pytest.mark.parametrize(
    ("error", "chance", "raised"), [(0.06, 0.03, True), (0.06, 0.07, False), (0.04, 0.01, False)]
)
def test_bad_calibration_is_large_and_beyond_chance(error, chance, raised):
    flag = _error_flag({"error": error, "low": 0.02, "high": 0.08, "by_chance": chance})
    assert flag.raised is raised
    assert f"{100 * error:.1f} points" in flag.said


@pytest.mark.parametrize(("p", "raised"), [(0.024, True), (0.026, False)])
def test_a_promise_is_broken_when_chance_rarely_covers_so_little(p, raised):
    table = pd.DataFrame(
        {"level": [0.8, 0.9], "covered": [0.7, 0.85], "low": [0.6, 0.8], "high": [0.8, 0.89],
         "p": [0.5, p], "size": [1, 1.5], "certain": [0.9, 0.8]}
    )  # fmt: skip
    flag = _coverage_flag(table, "set of labels")
    assert flag.raised is raised
    assert "85.0 %" in flag.said
    assert "80 % of the sets hold one label" in flag.said


def test_the_pair_that_agrees_least_decides():
    table = pd.DataFrame(
        {"first": [1, 1, 2], "second": [2, 3, 3], "agreement": [0.95, 0.7, np.nan],
         "low": [0.9, 0.6, np.nan], "high": [0.99, 0.8, np.nan]}
    )  # fmt: skip
    flag = _agreement_flag("predictions", table, 0.9)
    assert flag.raised is True
    assert "numbers 1 and 3 agree least" in flag.said
    assert _agreement_flag("predictions", table, 0.6).raised is False
    assert _agreement_flag("predictions", table.iloc[2:], 0.6).raised is None


def test_motifs_of_few_members_are_named():
    table = motif_recurrence({1: {"CTCF", "ELK1"}, 2: {"CTCF"}, 3: {"CTCF", "USF1"}})
    (flag,) = _motif_flags(table)
    assert flag.raised is True
    assert flag.said.startswith("CTCF was found by all 3 members. Found by at most half: ELK1, USF")
    (none,) = _motif_flags(motif_recurrence({1: {"CTCF"}, 2: {"CTCF"}}))
    assert none.raised is False
    (nothing,) = _motif_flags(motif_recurrence({1: set(), 2: set()}))
    assert nothing.raised is None
