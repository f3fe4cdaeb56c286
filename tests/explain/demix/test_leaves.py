"""Blocks are letters that move the neuron; what matters is told from a tail."""

import numpy as np
import pytest

from cisgram.explain.demix.leaves import MAIN, MOST, Leaf, Word, divided, leaves_of, segments, words
from cisgram.explain.demix.sample import Sample
from cisgram.seq.alphabet import to_codes

WIDTH = 40


def profile(*placed):
    """Even letters but for words at their starts."""
    ppm = np.full((4, WIDTH), 0.25)
    for start, letters in placed:
        ppm[:, start : start + len(letters)] = np.eye(4)[to_codes([letters])[0]].T
    return ppm


def leaf(*placed, n=100, weight=1.0, effect=None):
    return Leaf(profile(*placed), np.arange(n), 1.0, 1.0, weight, effect)


def felt(*intervals):
    effect = np.full(WIDTH, 0.01)
    for a, b in intervals:
        effect[a:b] = 1
    return effect


def test_letters_that_move_nothing_are_no_block():
    placed = (5, "CACGTG"), (22, "GATTACA")
    assert len(segments(leaf(*placed))) == 2
    ((a, b),) = segments(leaf(*placed, effect=felt((5, 11))))
    assert a <= 5
    assert 11 <= b < 22
    (only,) = words([leaf(*placed, effect=felt((5, 11)))])
    assert "CACGTG" in "".join("ACGT"[x] for x in only.ppm.argmax(0))


def test_an_effect_over_even_letters_makes_no_block():
    assert segments(leaf(effect=felt((0, WIDTH)))) == []


def test_the_share_of_a_motif_is_that_of_the_activation_of_its_leaves():
    found = words(
        [
            leaf((5, "CACGTGAC"), n=10, weight=6.0),
            leaf((9, "CACGTGAC"), n=10, weight=3.0),
            leaf((20, "TTCCGGAA"), n=80, weight=1.0),
        ]
    )
    shares = {len(w.blocks): w.share for w in found}
    assert shares == {2: pytest.approx(0.9), 1: pytest.approx(0.1)}


def a_word(share):
    return Word(np.eye(4), np.eye(4), (0,), 10, (), share)


@pytest.mark.parametrize(
    ("shares", "main"),
    [([0.5, 0.2, MAIN, MAIN - 1e-6, 0.01], 3), ([0.01, 0.01], 1), ([0.5] * 20, MOST), ([], 0)],
)
def test_motifs_of_little_activation_and_beyond_twelve_are_a_tail(shares, main):
    first, tail = divided([a_word(s) for s in shares])
    assert len(first) == main
    assert [w.share for w in first + tail] == shares


class Linear:
    """A neuron that adds one weight for A at each of some positions."""

    def __init__(self, weight):
        self.weight = np.asarray(weight, dtype=np.float32)

    def values(self, codes, neurons):
        return ((codes == 0) * self.weight).sum(1, keepdims=True).repeat(len(neurons), 1)

    def slopes(self, codes, neuron, wanted=(), *, seed=0):
        slope = np.zeros((len(codes), 4, len(self.weight)), dtype=np.float32)
        slope[:, 0] = self.weight
        return self.values(codes, [neuron])[:, 0], slope, []


def test_effects_are_the_slopes_as_a_share_of_the_steepest():
    weight = np.r_[0, 0, 1, 4, 2, np.zeros(3)]
    codes = np.random.default_rng(0).integers(0, 4, (60, 8)).astype(np.uint8)
    read = Linear(weight)
    value = read.values(codes, [0])[:, 0] + 1
    s = Sample(codes, value, 0.0, is_complete=False)
    found = leaves_of(s, [np.arange(20), np.arange(20, 60)], read, 0, bins=5, is_felt=True)
    for one in found:
        np.testing.assert_allclose(one.effect, weight / 4)
    assert sum(one.weight for one in found) == pytest.approx(float(value.sum()))
    assert leaves_of(s, [np.arange(60)], read, 0, bins=5)[0].effect is None
