"""Words and motifs with a weight for each."""

import numpy as np
import pytest
import torch

import planted
from cisgram import explain, models
from cisgram.core.errors import InputError
from cisgram.motifs import Motif
from cisgram.seq import encode, reverse_complement
from cisgram.seq.alphabet import one_hot
from cisgram.trust import best_sites
from cisgram.trust.features import gapped_counts, word_counts
from networks import made, small

EBOX = Motif(np.eye(4)[:, [1, 0, 1, 2, 3, 2]], "CACGTG")


def kmer(**options):
    return made(lambda: models.create("kmer", **options))


def paired(model, x):
    """Counts of the words, a word and its reverse complement as one."""
    counts = model.counts(x)
    out = torch.zeros(len(x), int(model.column.max()) + 1)
    return out.index_add_(1, model.column, counts)


@pytest.mark.parametrize(("k", "width"), [(2, 2), (3, 3), (2, 4), (3, 5)])
def test_words_are_counted_as_by_the_baselines_of_trust(k, width):
    codes = planted.codes(6, 30)
    codes[2, 10:12] = 4  # N
    model = kmer(k=k, width=width)
    wanted = gapped_counts(codes, k, width).toarray()
    np.testing.assert_array_equal(paired(model, one_hot(codes)).numpy(), wanted)
    if k == width:
        np.testing.assert_array_equal(
            wanted, word_counts(codes, k).toarray()[:, -wanted.shape[1] :]
        )


def test_gapped_words_of_a_short_sequence_by_hand():
    """ACGT: AC CG GT without a gap, A.G C.T with one: AC and GT are one word, A.G and C.T too."""
    counts = paired(kmer(k=2, width=3), encode(["ACGT"]))[0]
    assert sorted(counts[counts > 0].tolist()) == [1, 2, 2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"k": 2}, 10),
        ({}, 2080),
        ({"k": 5}, 512),
        ({"k": 2, "width": 3}, 20),
        ({"k": 3, "width": 4}, 32 + 64),
    ],
)
def test_a_weight_for_every_pair_of_words_and_a_bias(options, words):
    """4^k words, half of them the reverse complements of the rest but for palindromes."""
    assert sum(p.numel() for p in models.create("kmer", **options).parameters()) == words + 1


def test_both_strands_have_the_same_words():
    x = one_hot(planted.codes(5, 40))
    for model in (kmer(k=3, width=5), made(lambda: small("pwm"))):
        torch.testing.assert_close(model(x), model(reverse_complement(x)))


def test_the_gradient_of_words_is_the_exact_effect_of_each_substitution():
    model, x = kmer(k=4), one_hot(planted.codes(3, 25))
    leaf = x.clone().requires_grad_()
    model(leaf).sum().backward()
    effects = leaf.grad - (leaf.grad * x).sum(1, keepdim=True)
    torch.testing.assert_close(
        effects, explain.ism(model, x, target=0).values, atol=1e-4, rtol=1e-4
    )


def test_a_uniform_reference_has_the_counts_of_random_sequences():
    model = kmer(k=3)
    quarter = torch.full((1, 4, 22), 0.25)
    torch.testing.assert_close(model.counts(quarter), torch.full((1, 64), 20 / 64))


@pytest.mark.parametrize("score", ["best", "sum"])
def test_a_known_motif_is_scored_as_by_the_baseline_of_trust(score):
    codes = planted.codes(30, 40)
    model = models.create("pwm", motifs=1, width=10, score=score)
    models.put_motifs(model, [EBOX], form="log-odds")
    found = model.motif_scores(one_hot(codes))[:, 0].detach().numpy()
    best = best_sites(codes, [EBOX])[:, 0]
    has = best > 0  # the whole word
    assert 10 < has.sum() < 20
    if score == "best":
        np.testing.assert_allclose(found[has], best[has], atol=1e-4)
        assert (found >= best - 1e-4).all()  # elsewhere a site may hang over the end
    else:  # a palindrome is a site on both strands: twice the best one, a bit more
        assert np.median(found[has] - best[has]) == pytest.approx(1, abs=0.01)
        assert (found > best + 0.99).all()


def test_frozen_motifs_leave_a_logistic_regression():
    model = models.create("pwm", motifs=1, width=8)
    models.put_motifs(model, [EBOX], form="log-odds", frozen=True)
    assert [p.numel() for p in model.parameters() if p.requires_grad] == [1, 1]
    x = one_hot(planted.codes(4, 30))
    expected = model.motif_scores(x) @ model.head.weight.T + model.head.bias
    torch.testing.assert_close(model(x), expected)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("kmer", {"k": 1}, "2 letters or more"),
        ("kmer", {"k": 5, "width": 4}, "width of at least k"),
        ("kmer", {"k": 10}, "1,048,576 words"),
        ("kmer", {"k": 2.5}, "k must be"),
        ("pwm", {"score": "bset"}, "Did you mean 'best'"),
        ("pwm", {"motifs": 0}, "motifs must be"),
    ],
)
def test_options_without_sense_are_refused(name, options, message):
    with pytest.raises(InputError, match=message):
        models.create(name, **options)


def test_sequences_shorter_than_a_word_are_refused():
    with pytest.raises(InputError, match="at least 6 bp; got 5"):
        models.create("kmer")(torch.zeros(1, 4, 5))
