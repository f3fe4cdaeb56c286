"""Pairs that share words, counted by hand and in flat memory."""

import tracemalloc
from functools import partial
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import planted
from cisgram.data import near
from cisgram.data.near import WORD, near_pairs
from cisgram.io import blocks
from cisgram.seq.alphabet import from_codes

PAIRS = str.maketrans("ACGTN", "TGCAN")


def random(n, length=60, seed=0):
    return planted.codes(n, length, seed=seed, planted=False)


def words_of(codes):
    """The set of words of each row, by plain text."""
    found = []
    for text in from_codes(codes):
        width = min(WORD, len(text))
        all_words = [text[i : i + width] for i in range(len(text) - width + 1)]
        found.append({min(w, w.translate(PAIRS)[::-1]) for w in all_words if "N" not in w})
    return found


def by_hand(codes, kind, least):
    words, found = words_of(codes), {}
    for i, j in combinations(range(len(words)), 2):
        share = len(words[i] & words[j]) / max(min(len(words[i]), len(words[j])), 1)
        if kind[i] != kind[j] and share and share >= least:
            found[i, j] = share
    return found


def as_found(pairs, similarity):
    return dict(zip(map(tuple, pairs.tolist()), similarity.tolist(), strict=True))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), bits=st.integers(0, 5), least=st.sampled_from([0.05, 0.3, 0.8]))
def test_pairs_are_those_of_the_plain_count_in_any_number_of_turns(seed, bits, least):
    g = np.random.default_rng(seed)
    codes = random(12, seed=seed)
    for i in range(1, 12, 2):  # parts of the row before it, some turned round, some with an N
        n = int(g.integers(16, 60))
        part = codes[i - 1, :n].copy()
        if i % 3 == 0:
            part = 3 - part[::-1]
        codes[i, 60 - n :] = part
        if i % 5 == 0:
            codes[i, 40] = 4
    kind = g.integers(0, 3, 12)
    at_once = max(1, 12 * 45 >> bits)
    pairs, similarity, _ = near_pairs([codes[:5], codes[5:]], kind, least=least, at_once=at_once)
    expected = by_hand(codes, kind, least)
    assert as_found(pairs, similarity) == pytest.approx(expected)


@pytest.mark.parametrize("length", [1, 5, 15, 16, 17])
def test_sequences_shorter_than_a_word_are_one_word(length):
    codes = random(3, length, seed=4)
    codes[2] = 3 - codes[0][::-1]
    pairs, similarity, _ = near_pairs([codes], np.arange(3), least=1.0)
    assert as_found(pairs, similarity) == by_hand(codes, np.arange(3), 1.0)
    assert [0, 2] in pairs.tolist()


def test_repeats_are_counted_and_say_nothing_of_a_pair():
    codes = np.repeat(random(1, 20), 60, axis=0)
    pairs, _, of_repeats = near_pairs([codes], np.arange(60), least=0.5, at_once=50)
    assert len(pairs) == 0
    assert of_repeats == 60


def test_memory_does_not_grow_with_the_words(monkeypatch):
    """Of 4,000 sequences all words together would take 31 MB."""
    monkeypatch.setattr(near, "blocks", partial(blocks, bases=1 << 16))
    codes = random(4000, 1000)
    tracemalloc.start()
    near_pairs([codes], np.zeros(4000, np.int64), least=0.5, at_once=1 << 17)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 << 20
