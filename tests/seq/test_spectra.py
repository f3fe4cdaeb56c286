"""Spectra, Markov chains and nearest sequences by hand."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from cisgram.core.errors import InputError
from cisgram.seq import to_codes
from cisgram.seq.spectra import jensen_shannon, markov_chain, nearest_distance, spectrum


def test_the_divergence_of_two_spectra_is_that_of_scipy():
    random = np.random.default_rng(0)
    a, b = (spectrum(random.integers(0, 4, (20, 30)).astype(np.uint8), 3) for _ in range(2))
    assert a.sum() == pytest.approx(1)
    assert jensen_shannon(a, b) == pytest.approx(jensenshannon(a, b, base=2) ** 2)
    assert jensen_shannon(a, a) == 0


def test_a_chain_is_what_one_counts_by_hand():
    chain = markov_chain(to_codes(["AAC", "AAG", "AAG"]), 2, pseudocount=0)
    assert chain.start[0] == 1
    assert chain.step[0].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 0])
    assert chain.step[5].tolist() == [0.25] * 4  # never seen: any base is as good


def test_samples_of_a_chain_have_its_words_and_depend_on_their_row_alone():
    random = np.random.default_rng(1)
    train = random.choice(4, (400, 30), p=[0.4, 0.1, 0.1, 0.4]).astype(np.uint8)
    train[:, 10:14] = [0, 1, 2, 3]
    chain = markov_chain(train, 3)
    made = chain.sample(3000, 30, seed=0)
    assert jensen_shannon(spectrum(train, 4), spectrum(made, 4)) < 0.02
    assert jensen_shannon(spectrum(train, 4), np.full(256, 1 / 256)) > 0.1
    assert np.array_equal(chain.sample(5, 30, seed=0), made[:5])


def test_the_nearest_is_found_on_either_strand_and_a_few_bases_apart():
    others = to_codes(["ACGTTGCA", "GGGGGGGG"])
    made = to_codes(["ACGTTGCA", "ACGATGCA", "CCCCCCCA", "TACGTTGC", "NNNNNNNN"])
    assert nearest_distance(made, others).tolist() == [0, 1, 1, 1, 8]
    assert nearest_distance(made, others, slide=0).tolist()[3] > 1


def test_sequences_are_not_their_own_neighbors():
    codes = to_codes(["AAAAAAAA", "AAAAAAAC", "GCGCGCGC"])
    assert nearest_distance(codes, codes, same=True).tolist()[:2] == [1, 1]
    assert (nearest_distance(codes, codes) == 0).all()


def test_what_cannot_be_compared_is_refused():
    codes = to_codes(["ACGT"])
    with pytest.raises(InputError, match="compared"):
        nearest_distance(codes, to_codes(["ACG"]))
    with pytest.raises(InputError, match="compared"):
        nearest_distance(codes, codes, same=True)
    with pytest.raises(InputError, match="order"):
        markov_chain(codes, 4)
    with pytest.raises(InputError, match="no word"):
        spectrum(to_codes(["NN"]), 1)
