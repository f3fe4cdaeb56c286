"""Sites as a search needs them, and what counts of them say: all worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from cisgram.core.errors import InputError
from cisgram.grammar import Rule
from cisgram.grammar.geometry import chance, observed
from cisgram.grammar.hits import hits_of
from cisgram.grammar.in_data import Data, answer, occurrences, searched
from cisgram.grammar.strata import log_odds, odds_test


def table(rows):
    """(sequence, start, strand, motif, score); every motif is 5 bp."""
    found = pd.DataFrame(rows, columns=["sequence", "start", "strand", "motif", "score"])
    return found.assign(end=found["start"] + 5)


def counted(rows, *, n=40, length=100, **options):
    return Data(hits_of(table(rows), n=n, length=length), np.full(n, 0.5), **options)


def test_of_overlapping_hits_of_one_motif_the_best_is_kept():
    found = hits_of(
        table([(0, 3, "+", "A", 8), (0, 5, "-", "A", 9), (0, 10, "+", "A", 7)]), n=1, length=20
    )
    assert found.counts.tolist() == [[2]]
    assert found.start[0, 0].tolist() == [5, 10]
    assert found.strand[0, 0].tolist() == [-1, 1]


def test_a_palindrome_has_no_strand_and_counts_once():
    rows = [(i, 10, s, "P", 8) for i in range(8) for s in "+-"]
    found = hits_of(table(rows), n=8, length=30)
    assert found.palindromes == ("P",)
    assert found.counts.tolist() == [[1]] * 8
    assert (found.strand == 0).all()


def test_of_a_family_the_first_stands_for_all():
    rows = [(i, 10, "+", m, 8) for i in range(8) for m in ("ELK1", "ETV6")]
    rows += [(i, 30, "+", "SP1", 8) for i in range(8)]
    found = hits_of(table(rows), n=8, length=50, names=["ELK1", "ETV6", "SP1"])
    assert found.names == ("ELK1", "SP1")
    assert found.same == {"ETV6": "ELK1"}
    assert found.at("ETV6") == found.at("ELK1") == 0
    every = hits_of(table(rows), n=8, length=50, merged=False)
    assert every.names == ("ELK1", "ETV6", "SP1")


def test_of_hits_of_two_motifs_at_one_place_the_better_is_the_site():
    rows = [(i, 10, "+", "A", 9) for i in range(8)] + [(i, 30, "+", "B", 9) for i in range(8)]
    rows += [(0, 12, "+", "B", 8), (1, 31, "+", "A", 10), (2, 14, "+", "B", 8)]
    found = hits_of(table(rows), n=8, length=50)
    assert found.counts.tolist() == [[1, 1], [2, 0], [1, 2], *[[1, 1]] * 5]  # 1 of 5 bp is no share
    every = hits_of(table(rows), n=8, length=50, merged=False)
    assert every.counts[:3].tolist() == [[1, 2], [2, 1], [1, 2]]
    by_p = table(rows).assign(p=[1e-5] * 16 + [1e-6, 1e-4, 1e-4])
    assert hits_of(by_p, n=8, length=50).counts[:2].tolist() == [[0, 2], [1, 1]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"start": -1}, "Hit 0 has sequence 0, start -1"),
        ({"sequence": 9}, "Hit 0 has sequence 9"),
        ({"end": 99}, "end 99, but there are 2 sequences of 20 bp"),
    ],
)
def test_hits_outside_of_the_sequences_are_refused(change, says):
    with pytest.raises(InputError, match=says):
        hits_of(table([(0, 3, "+", "A", 8)]).assign(**change), n=2, length=20)


def test_hits_without_a_motif_are_refused():
    with pytest.raises(InputError, match="needs the columns sequence, start, end and motif"):
        hits_of(table([(0, 3, "+", "A", 8)]).drop(columns="motif"), n=2, length=20)


def test_partners_from_other_sequences_are_every_pair_of_places():
    rows = [(0, 0, "+", "A", 8), (0, 10, "+", "B", 8), (1, 20, "+", "A", 8), (1, 40, "-", "B", 8)]
    hits = hits_of(table(rows), n=2, length=60)
    seen, by_chance = (f(hits, 0, 1, folded=False) for f in (observed, chance))
    assert seen.gap.tolist() == [5, 15]
    pairs = zip(by_chance.gap.tolist(), by_chance.ahead.tolist(), strict=True)
    assert sorted(pairs) == [(5, False), (5, True), (15, True), (35, True)]
    assert by_chance.weight.tolist() == [0.25] * 4


def test_read_from_either_strand_a_pair_lies_as_its_first_motif_reads_it():
    rows = [(0, 0, "+", "A", 8), (0, 10, "+", "B", 8), (1, 30, "-", "A", 8), (1, 10, "-", "B", 8)]
    hits = hits_of(table(rows), n=2, length=60)
    assert observed(hits, 0, 1, folded=True).ahead.tolist() == [True, True]
    assert observed(hits, 0, 1, folded=False).ahead.tolist() == [True, False]


def spaced(gap, n=40):
    """A anywhere, B always so far behind it."""
    rng = np.random.default_rng(0)
    starts = rng.integers(0, 60, n)
    rows = [(i, s, "+", "A", 8) for i, s in enumerate(starts)]
    return rows + [(i, s + 5 + gap, "+", "B", 8) for i, s in enumerate(starts)]


def test_a_fixed_distance_is_found_and_nothing_else_is():
    own = counted(spaced(12), folded=False)
    found = {r.kind: r for r in searched(own) if r.data}
    assert (found["spacing"].low, found["spacing"].high) == (12, 12)
    assert found["spacing"].data.effect == 1.0
    assert found["spacing"].data.expected < 0.06
    assert found["spacing"].data.p < 1e-20
    exact = answer(own, Rule("spacing", ("A", "B"), "..", 12, 12))
    assert exact.p < found["spacing"].data.p  # the search pays for all ranges that it looked at
    assert answer(own, Rule("spacing", ("A", "B"), "..", 30, 40)).effect == 0.0
    assert answer(own, Rule("orientation", ("A", "B"), "++", 0, 50)) is None  # chance: all alike


def test_an_order_is_tested_as_it_is_written():
    own = counted(spaced(12), folded=False)
    assert answer(own, Rule("order", ("A", "B"), "..")).effect == 1.0
    assert answer(own, Rule("order", ("B", "A"), "..")).effect == 0.0


def test_what_the_others_hold_too_is_no_evidence():
    hits = hits_of(table(spaced(12)), n=40, length=100)
    gc = np.full(40, 0.5)
    same = Data(hits, gc, hits, gc, folded=False)
    rule = Rule("spacing", ("A", "B"), "..", 12, 12)
    assert answer(same, rule).p == 1.0
    assert answer(Data(hits, gc, folded=False), rule).p < 1e-20


def test_too_few_pairs_are_not_tested():
    few = counted(spaced(12, 10), n=10, folded=False)
    assert answer(few, Rule("spacing", ("A", "B"), "..", 12, 12)) is None
    assert not [r for r in searched(few) if r.kind == "spacing"]


def test_two_motifs_that_keep_company_have_odds_and_composition_takes_them_back():
    rows = [(i, 0, "+", "A", 8) for i in range(20)] + [(i, 10, "+", "B", 8) for i in range(20)]
    rows += [(i, 0, "+", "A", 8) for i in range(20, 24)]
    rows += [(i, 10, "+", "B", 8) for i in range(24, 28)]
    hits = hits_of(table(rows), n=48, length=60)
    rule = Rule("synergy", ("A", "B"), "..")
    plain = answer(Data(hits, np.full(48, 0.5)), rule)
    assert plain.effect == pytest.approx(20 * 20 / (4 * 4))
    gc = np.repeat([0.7, 0.6, 0.3], [20, 8, 20])  # rich sequences hold both, poor ones neither
    assert answer(Data(hits, gc), rule).effect < 1.5


def test_copies_are_compared_with_the_others_or_with_chance():
    rows = [(i, 10 * c, "+", "A", 8) for i in range(30) for c in range(2)]
    hits = hits_of(table(rows), n=40, length=60)
    rule = Rule("copies", ("A",), copies=2)
    alone = answer(Data(hits, np.full(40, 0.5)), rule)
    assert alone.effect == 1.0
    mean = np.log(4)  # a Poisson that leaves a quarter empty
    assert alone.expected == pytest.approx((0.75 - mean * 0.25) / 0.75)
    single = hits_of(table([(i, 0, "+", "A", 8) for i in range(30)]), n=40, length=60)
    other = answer(Data(hits, np.full(40, 0.5), single, np.full(40, 0.5)), rule)
    assert other.expected == 0.0
    assert occurrences(Data(hits, np.full(40, 0.5)), rule) == 30


def test_a_motif_of_the_others_alone_is_avoided():
    rows = [(i, 0, "+", "R", 8) for i in range(30)]
    others = hits_of(table(rows), n=40, length=60, names=["R"])
    none = hits_of(table(rows).iloc[:0], n=40, length=60, names=["R"])
    gc = np.full(40, 0.5)
    rule = Rule("negation", ("R",))
    assert answer(Data(none, gc, others, gc), rule).effect < 0.01
    assert answer(Data(none, gc), rule) is None


def test_arrangements_are_counted_where_they_stand():
    own = counted(spaced(12), folded=False)
    assert occurrences(own, Rule("order", ("A", "B"), "++", 10, 14)) == 40
    assert occurrences(own, Rule("order", ("A", "B"), "+-", 10, 14)) == 0
    assert occurrences(own, Rule("order", ("A", "B"), "..", 0, 5)) == 0


def test_the_common_odds_ratio_of_alike_tables_is_theirs():
    counts = np.array([[20, 10], [10, 5], [10, 5], [20, 10]])
    center, variance = log_odds(counts)
    assert np.exp(center) == pytest.approx(4.0)
    assert variance == pytest.approx(1 / 20 + 2 / 10 + 1 / 20, rel=0.5)
    ratio, low, high, p = odds_test(center, variance)
    assert low < ratio < high
    assert p < 0.01
