"""GC, words, Markov backgrounds."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cisgram import seq
from cisgram.core.errors import InputError


@given(
    st.lists(st.text("ACGTN", min_size=9, max_size=9), min_size=1, max_size=4), st.integers(1, 4)
)
def test_words_are_counted_as_in_text(texts: list[str], k: int) -> None:
    counts = seq.kmer_counts(seq.to_codes(texts), k)
    names = ["".join(p) for p in product("ACGT", repeat=k)]
    for text, row in zip(texts, counts, strict=True):
        windows = [text[i : i + k] for i in range(10 - k)]
        assert row.tolist() == [windows.count(w) for w in names]
    assert np.array_equal(counts, seq.kmer_counts(seq.encode(texts), k))


def test_words_longer_than_the_sequence_occur_never() -> None:
    assert seq.kmer_counts(seq.to_codes(["AC"]), 3).tolist() == [[0] * 64]


def test_gc_counts_known_bases_only() -> None:
    assert seq.gc(seq.to_codes(["GCAT", "GNNN", "ATNN"])).tolist() == [0.5, 1.0, 0.0]
    assert seq.gc(seq.encode(["GCAT"])).tolist() == [0.5]


def test_gc_of_unknown_bases_is_refused_unless_said() -> None:
    codes = seq.to_codes(["ACGT", "NNNN"])
    with pytest.raises(InputError, match="first at row 1"):
        seq.gc(codes)
    assert seq.gc(codes, unknown=0.41).tolist() == [0.5, 0.41]


def test_a_markov_background_learned_from_its_own_samples_is_itself() -> None:
    step = np.array([[0.7, 0.1, 0.1, 0.1], [0.2, 0.3, 0.1, 0.4], [0.25] * 4, [0.0, 0.5, 0.5, 0.0]])
    true = seq.Markov(start=np.array([0.1, 0.2, 0.3, 0.4]), step=step)
    samples = true.sample(200, 500, seed=1)
    assert np.abs(seq.markov(samples).step - step).max() < 0.02
    assert np.array_equal(true.sample(3, 500, seed=1), samples[:3])
    first = np.bincount(true.sample(5000, 1, seed=2)[:, 0], minlength=4) / 5000
    assert np.abs(first - true.start).max() < 0.03


@pytest.mark.parametrize(
    "call",
    [
        lambda: seq.kmer_counts(seq.to_codes(["ACGT"]), 11),
        lambda: seq.kmer_counts(seq.to_codes(["ACGT"]), 0),
        lambda: seq.gc(np.zeros((2, 3))),
        lambda: seq.gc(np.full((2, 3), 7, dtype=np.uint8)),
        lambda: seq.markov(seq.to_codes(["NNNN"]), pseudocount=0.0),
        lambda: seq.markov(seq.to_codes(["ACGT"]), pseudocount=-1.0),
        lambda: seq.sample_bases((0, 0, 0, 0), 1, 5),
    ],
)
def test_wrong_arguments_are_refused(call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError):
        call()
