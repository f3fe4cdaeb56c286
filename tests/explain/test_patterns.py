import numpy as np
import pytest
import torch

from cisgram.core.errors import InputError
from cisgram.core.results import Attribution
from cisgram.explain import patterns, seqlets
from cisgram.explain.windows import Scores, cosines, cut, fit, hypothetical, pairwise
from cisgram.motifs import Motif, tomtom
from cisgram.seq import encode, reverse_complement
from explain.tracks import written

WORDS = {"TGACGTCATC": 1, "GGGCAATT": 1, "CCATATTAGGA": -1}


@pytest.fixture(scope="module")
def made():
    attribution, truth = written(WORDS, n=150)
    return attribution, truth, patterns(attribution, seqlets(attribution))


def of_word(found, word):
    """The pattern whose consensus is the word, either strand, and whether it is turned round."""
    other = "".join("ACGT"[3 - "ACGT".index(b)] for b in reversed(word))
    (one,) = [p for p in found if p.motif.consensus in (word, other)]
    return one, one.motif.consensus == other


def test_every_planted_word_is_one_pattern_of_its_sign(made):
    _, _, found = made
    assert [p.name for p in found] == ["positive_0", "positive_1", "negative_0"]
    for word, sign in WORDS.items():
        pattern, _ = of_word(found, word)
        assert pattern.sign == ("+" if sign > 0 else "-")
        assert pattern.n >= 47  # of 50
        assert pattern.motif.n_sites == pattern.n
        assert pattern.motif.name == pattern.motif.id == pattern.name


def test_sites_of_a_pattern_are_the_planted_ones_and_their_strands(made):
    _, truth, found = made
    for word in WORDS:
        pattern, is_turned = of_word(found, word)
        for row in pattern.members.itertuples():
            planted, start, strand = truth[row.sequence]
            assert (planted, start, start + len(word)) == (word, row.start, row.end)
            assert (strand == row.strand) != is_turned


def test_contributions_are_the_mean_over_the_sites(made):
    attribution, _, found = made
    for pattern in found:
        total = np.zeros((4, pattern.width))
        for row in pattern.members.itertuples():
            site = attribution.observed[row.sequence, :, row.start : row.end].numpy()
            total += site if row.strand == "+" else site[::-1, ::-1]
        np.testing.assert_allclose(pattern.contributions, total / pattern.n, atol=1e-6)
        sign = 1 if pattern.sign == "+" else -1
        np.testing.assert_allclose(pattern.contributions.sum(0), sign, atol=0.1)


def test_the_order_of_sequences_changes_no_pattern(made):
    attribution, _, found = made
    turned = Attribution(attribution.values.flip(0), attribution.sequences.flip(0), "planted")
    again = patterns(turned, seqlets(turned))
    assert [p.name for p in again] == [p.name for p in found]
    for here, there in zip(found, again, strict=True):
        assert here.n == there.n
        match = tomtom(here.motif, [p.motif for p in again], best=1)
        assert match["target_id"].item() == there.motif.id


def test_sequences_read_from_the_other_strand_have_the_same_patterns(made):
    attribution, _, found = made
    other = Attribution(
        reverse_complement(attribution.values), reverse_complement(attribution.sequences), "planted"
    )
    again = patterns(other, seqlets(other))
    assert sorted(p.n for p in again) == pytest.approx(sorted(p.n for p in found), abs=2)
    for word in WORDS:
        of_word(again, word)


def test_a_degenerate_position_is_no_reason_for_two_patterns():
    """Sites that differ in letters that count share a pattern."""
    a, _ = written({"TGACGTCATC": 1, "TGACGTAATC": 1, "TGATGTCATC": 1}, n=150)
    (pattern,) = patterns(a, seqlets(a))
    assert pattern.n >= 140
    column = pattern.motif.ppm.max(0).round(1)
    assert sorted(column)[:2] == pytest.approx([0.7, 0.7], abs=0.06)


def test_a_site_that_is_two_seqlets_counts_once():
    """A word whose middle is silent gives two seqlets a site."""
    a, _ = written({"TGACGAAAAAGGTCAC": 1}, n=60, noise=0.02)
    values = a.values.clone()
    where = a.per_position > 0.5
    for i in range(60):
        start = int(where[i].nonzero()[0])
        values[i, :, start + 5 : start + 11] *= 0.0
        values[i, :, start + 5 : start + 11] -= 0.3 * a.sequences[i, :, start + 5 : start + 11]
    a = Attribution(values, a.sequences, "planted")
    table = seqlets(a)
    assert (table["sign"] == "+").sum() > 100
    found = [p for p in patterns(a, table) if p.sign == "+"]
    for pattern in found:
        assert not pattern.members.duplicated(["sequence", "start"]).any()
    assert max(p.n for p in found) <= 60


def test_a_site_of_the_other_sign_nearby_is_no_part_of_a_pattern():
    """Weak negative letters, always beside a strong positive word, are no pattern of that word."""
    a, truth = written({"TGACGTCATC": 3}, n=80, noise=0.05)
    values = a.values.clone()
    for i, (word, start, _) in enumerate(truth):
        beside = slice(start + len(word) + 3, start + len(word) + 9)
        values[i, :, beside] -= a.sequences[i, :, beside]
    a = Attribution(values, a.sequences, "planted")
    table = seqlets(a)
    assert (table["sign"] == "-").sum() > 60
    found = patterns(a, table)
    assert found[0].n >= 78
    for pattern in found:
        sign = 1 if pattern.sign == "+" else -1
        assert (sign * pattern.contributions.sum(0)).min() > -0.5
        assert (pattern.sign == "+") == ("GACGTC" in pattern.motif.consensus)


def test_patterns_of_substitutions_have_hypothetical_contributions():
    """The mean effect of the letters that are not there is told by the scores of mutagenesis."""
    x = encode(["A"])
    a = Attribution(torch.tensor([[[0.0], [-1.0], [-2.0], [-6.0]]]), x, "ism", substitutions=True)
    np.testing.assert_allclose(hypothetical(a)[0, :, 0], [3.0, 3 - 4 / 3, 3 - 8 / 3, -5.0])
    assert (Scores.of(a).contributions[0, :, 0] == torch.tensor([3.0, 0, 0, 0])).all()


def test_windows_beyond_a_sequence_are_empty():
    array = torch.arange(8.0).reshape(1, 1, 8).expand(2, 4, 8)
    got = cut(array, np.array([1, 0]), np.array([-2, 6]), 4)[:, 0]
    assert got.tolist() == [[0, 0, 0, 1], [6, 7, 0, 0]]


def test_pairwise_likeness_is_the_best_over_shifts_and_strands():
    rng = np.random.default_rng(0)
    w = torch.tensor(rng.normal(size=(6, 4, 9))).float()
    best = np.full((6, 6), -1.0)
    unit = (w / w.flatten(1).norm(dim=1)[:, None, None]).numpy()
    for i in range(6):
        for j in range(6):
            for other in (unit[j], unit[j, ::-1, ::-1]):
                for shift in range(-3, 4):
                    a, b = max(shift, 0), 9 + min(shift, 0)
                    product = (unit[i, :, a:b] * other[:, a - shift : b - shift]).sum()
                    best[i, j] = max(best[i, j], product)
    np.testing.assert_allclose(pairwise(w, shifts=3), best, atol=1e-6)


def test_a_template_is_found_where_it_was_put_and_on_its_strand():
    rng = np.random.default_rng(1)
    t = torch.tensor(rng.normal(size=(2, 4, 5))).float()
    w = 0.01 * torch.tensor(rng.normal(size=(3, 4, 12))).float()
    w[0, :, 2:7] += t[0]
    w[1, :, 6:11] += t[1].flip(0, 1)
    w[2, :, 0:5] += 3 * t[1]
    how = fit(w, t)
    assert [how.shift[0, 0], how.shift[1, 1], how.shift[2, 1]] == [2, 6, 0]
    assert [how.minus[0, 0], how.minus[1, 1], how.minus[2, 1]] == [False, True, False]
    assert min(how.cosine[0, 0], how.cosine[1, 1], how.cosine[2, 1]) > 0.99
    assert cosines(torch.zeros(1, 4, 6), t).abs().sum() == 0


def test_too_few_sites_make_no_pattern():
    a, _ = written({"TGACGTCATC": 1}, n=40)
    table = seqlets(a)
    assert patterns(a, table, min_members=200) == ()
    assert patterns(a, table.head(0)) == ()


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda t: t.drop(columns="sign"), {}, "no sign"),
        (lambda t: t.assign(end=1000), {}, "does not lie in"),
        (lambda t: t.assign(sequence=99), {}, "does not lie in"),
        (lambda t: t, {"similarity": 1.5}, "similarity"),
        (lambda t: t, {"merged": 0.0}, "merged"),
        (lambda t: t, {"min_members": 0}, "min_members"),
    ],
)
def test_refuses_tables_and_options_that_do_not_fit(change, options, message):
    a, _ = written({"TGACGTCATC": 1}, n=30)
    with pytest.raises(InputError, match=message):
        patterns(a, change(seqlets(a)), **options)


@pytest.mark.slow
def test_thousands_of_seqlets_of_many_words_are_told_apart():
    rng = np.random.default_rng(0)
    words = {"".join(rng.choice(list("ACGT"), 9)): (1 if k % 3 else -1) for k in range(12)}
    a, _ = written(words, n=3000, length=120)
    found = patterns(a, seqlets(a, copies=2))
    assert len(found) == 12
    for word in words:
        known = Motif(np.eye(4)[:, ["ACGT".index(b) for b in word]], word)
        best = tomtom(known, [p.motif for p in found], best=1)
        assert best["overlap"].item() >= 8
    assert sum(p.n for p in found) > 2900
