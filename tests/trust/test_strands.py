"""Baselines of what has one strand: a word and its reverse complement are two."""

import numpy as np
import pytest

from cisgram.motifs import Motif
from cisgram.seq import to_codes
from cisgram.train import metrics
from cisgram.trust import Labeled, best_sites, motif_baseline, word_baseline
from cisgram.trust.features import gapped_counts, word_counts

WORD, TURNED = "TGTAAATA", "TATTTACA"  # one the reverse complement of the other


def sites(n, *, seed=0):
    """Odd rows hold the word, even rows its reverse complement."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 4, (n, 60)).astype(np.uint8)
    for row in range(n):
        at = random.integers(0, 53)
        codes[row, at : at + 8] = to_codes([WORD if row % 2 else TURNED])[0]
    return Labeled(codes, (np.arange(n) % 2).astype(float))


def test_words_of_the_strand_as_given_are_counted_by_themselves():
    codes = to_codes(["AAC"])
    given = word_counts(codes, 2, strands="given").toarray()[0]
    assert given.tolist() == [2, 1, 0, 0] + [1, 1] + [0] * 14  # A C G T; AA AC ...
    assert gapped_counts(codes, 2, 3, strands="given").toarray()[0].sum() == 3
    both = word_counts(codes, 2).toarray()[0]
    assert len(given) == 20
    assert len(both) == 2 + 10


@pytest.mark.parametrize(("strands", "least", "most"), [("given", 0.95, 1), ("both", 0.3, 0.7)])
def test_a_word_is_told_from_its_reverse_complement_on_the_strand_as_given_alone(
    strands, least, most
):
    train, valid, test = sites(600), sites(200, seed=1), sites(400, seed=2)
    how = {"task": "classification", "strands": strands}
    found = word_baseline(train, valid, test, k=6, name="k-mers", **how)
    assert least <= metrics.auroc(test.y, found.score) <= most
    motif = Motif.from_counts(100 * np.eye(4)[:, to_codes([WORD])[0]], name="word")
    found = motif_baseline(train, test, [motif], **how)
    assert least <= metrics.auroc(test.y, found.score) <= most


def test_a_site_of_the_other_strand_is_not_seen_on_the_strand_as_given():
    motif = Motif.from_counts(1e6 * np.eye(4)[:, to_codes([WORD])[0]], name="word")
    codes = to_codes([WORD, TURNED])
    assert best_sites(codes, [motif])[:, 0].tolist() == pytest.approx([16, 16], abs=0.05)
    given = best_sites(codes, [motif], strands="given")[:, 0]
    assert given[0] == pytest.approx(16, abs=0.05)
    assert given[1] < 0
