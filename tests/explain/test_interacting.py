"""Which pairs interact, over sequences: the summary, its test and its refusals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cisgram import explain
from cisgram.core.errors import InputError
from cisgram.explain.pairs import null_p, partial_conjunction


def table(**pairs):
    """One row a p-value of each pair, named ``AB=[...]``."""
    rows = [
        {"sequence": i, "a": k[0], "b": k[1], "distance": 10 + i, "interaction": float(i)}
        | {"null": 0.5, "p": p, "q": p}
        for k, values in pairs.items()
        for i, p in enumerate(values)
    ]
    return pd.DataFrame(rows)


def test_a_pair_that_most_sequences_have_is_found_and_one_of_few_is_not():
    found = explain.interacting(table(AB=[0.001] * 9 + [0.9], CD=[0.001] * 4 + [0.6] * 6))
    assert found["a"].tolist() == ["A", "C"]
    assert found["q"][0] < 0.05 < found["q"][1]
    assert found["share"].tolist() == [0.9, 0.4]
    least = explain.interacting(table(CD=[0.001] * 4 + [0.6] * 6), least=0.1)
    assert least["q"][0] < 0.05


def test_means_have_their_interval():
    found = explain.interacting(table(AB=[0.5] * 3)).iloc[0]  # of 0, 1 and 2
    half = 4.302653 / np.sqrt(3)  # Student's t of 2 degrees of freedom, 97.5 %
    assert (found["mean"], found["sequences"], found["distance"]) == (1.0, 3, 11.0)
    assert found["low"] == pytest.approx(1 - half)
    assert found["high"] == pytest.approx(1 + half)


def test_several_rows_of_a_sequence_count_once():
    twice = pd.concat([table(AB=[0.01] * 4), table(AB=[0.5] * 4)])
    found = explain.interacting(twice).iloc[0]
    assert found["sequences"] == 4
    assert found["p"] == pytest.approx(0.02)  # the smaller of two, times two


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0.01, 1))
def test_one_p_is_itself_and_more_company_never_helps_beyond_its_share(p, least):
    values = np.array(p)
    found = partial_conjunction(values, least)
    u = int(np.ceil(least * len(p) - 1e-9))
    assert 0 <= found <= 1
    assert found >= np.sort(values)[u - 1] - 1e-12  # as sure as its u-th at most
    assert partial_conjunction(np.array(p[:1]), least) == p[0]


def test_under_no_interaction_p_keeps_its_level():
    random = np.random.default_rng(0)
    p = [partial_conjunction(random.random(20), 0.5) for _ in range(2000)]
    assert np.mean(np.array(p) <= 0.05) == 0.0
    half = [partial_conjunction(np.r_[np.zeros(9), random.random(11)], 0.5) for _ in range(4000)]
    assert np.mean(np.array(half) <= 0.05) < 0.06  # one too few: the worst case
    assert np.mean(np.array(half) <= 0.05) > 0.04


def test_p_of_a_null_is_counted_both_ways_and_by_group():
    found = null_p(np.array([-3.0, 3.0, 0.0]), np.array([[1.0], [5.0], [np.nan]]), ["x", "x", "y"])
    assert found[:2].tolist() == [2 / 3, 2 / 3]
    assert np.isnan(found[2])


@pytest.mark.parametrize(
    ("options", "message"), [({"least": 0}, "least must lie"), ({"level": 2}, "level must lie")]
)
def test_shares_that_are_none_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        explain.interacting(table(AB=[0.5]), **options)


def test_another_table_is_refused():
    with pytest.raises(InputError, match="lacks sequence, a, b"):
        explain.interacting(pd.DataFrame({"motif": ["A"]}))
