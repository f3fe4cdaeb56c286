"""Simulations tell the whole truth about what they planted."""

import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from cisgram import seq
from cisgram.core.errors import InputError
from cisgram.seq import Grammar, Plant, simulate

PPM = np.array([[0.7, 0.1, 0.0], [0.1, 0.2, 0.0], [0.1, 0.3, 1.0], [0.1, 0.4, 0.0]])
GATA = Grammar([Plant("GATAAG")])
COMPLEMENT = str.maketrans("ACGT", "TGCA")


class Box:
    """Looks like a motif of another room."""

    ppm, name = PPM, "box"


def example(**change: object) -> seq.Simulation:
    pair = Grammar(
        [Plant("GATAAG", "GATA", strand="both"), Plant("CACGTG", "E-box", copies=(1, 2))],
        spacing=(2, 9),
    )
    decoys = [Plant(PPM, "decoy", strand="-", copies=(1, 3), probability=0.6)]
    options: dict[str, object] = {
        "grammar": pair, "decoys": decoys, "singles": 0.5, "seed": 3,
    }  # fmt: skip
    return simulate(400, 80, **(options | change))  # type: ignore[arg-type]


def test_the_truth_is_what_stands_in_the_sequences() -> None:
    s = example()
    texts = seq.from_codes(s.codes)
    assert {"+", "-"} == set(s.sites.strand)
    for site in s.sites.itertuples():
        found = texts[site.sequence][site.start : site.end]
        if site.strand == "-":
            found = found[::-1].translate(COMPLEMENT)
        assert found == site.word


def test_sites_of_a_sequence_never_overlap() -> None:
    s = simulate(
        50, 40, grammar=Grammar([Plant("GATAAG")]), decoys=[Plant("CACGTG", copies=(5, 5))]
    )
    for _, sites in s.sites.groupby("sequence"):
        assert (sites.start.to_numpy()[1:] >= sites.end.to_numpy()[:-1]).all()
        assert sites.start.min() >= 0
        assert sites.end.max() <= 40


def test_positives_hold_the_whole_grammar_in_order_and_in_distance() -> None:
    s = example(decoys=[])
    for row in np.flatnonzero(s.y):
        sites = s.sites[s.sites.sequence == row]
        assert sites.motif.tolist() in (["GATA", "E-box"], ["GATA", "E-box", "E-box"])
        assert set(sites.role) == {"grammar"}
        gaps = sites.start.to_numpy()[1:] - sites.end.to_numpy()[:-1]
        assert ((gaps >= 2) & (gaps <= 9)).all()
    positive = s.sites[s.y[s.sites.sequence] == 1]
    ends = positive.groupby("sequence").end.agg(list)
    starts = positive.groupby("sequence").start.agg(list)
    first = [b[1] - a[0] for a, b in zip(ends, starts, strict=True)]
    assert set(first) == set(range(2, 10))


def test_negatives_hold_one_element_at_most_and_each_as_often() -> None:
    s = example(decoys=[])
    negative = s.sites[s.y[s.sites.sequence] == 0]
    assert set(negative.role) == {"single"}
    assert negative.sequence.is_unique
    assert binomtest(len(negative), int((s.y == 0).sum()), 0.5).pvalue > 0.001
    assert binomtest(int((negative.motif == "GATA").sum()), len(negative), 0.5).pvalue > 0.001
    assert example(decoys=[], singles=0.0).sites.role.unique().tolist() == ["grammar"]


def test_decoys_are_as_frequent_in_both_classes() -> None:
    s = example()
    decoys = s.sites[s.sites.role == "decoy"]
    assert set(decoys.strand) == {"-"}
    rows = decoys.sequence.unique()
    for label in (0, 1):
        share = binomtest(int((s.y[rows] == label).sum()), int((s.y == label).sum()), 0.6)
        assert share.pvalue > 0.001
    copies = decoys.groupby("sequence").size().value_counts()
    assert sorted(copies.index) == [1, 2, 3]
    assert chisquare(copies).pvalue > 0.001


def test_letters_follow_the_probabilities() -> None:
    s = simulate(2000, 12, grammar=Grammar([Plant(Box(), strand="both")]), positives=1.0, seed=2)
    assert set(s.sites.motif) == {"box"}
    letters = np.array([list(word) for word in s.sites.word])
    for i in range(3):
        count = np.array([(letters[:, i] == b).sum() for b in "ACGT"])
        can = PPM[:, i] > 0
        assert count[~can].sum() == 0
        if can.sum() > 1:
            assert chisquare(count[can], 2000 * PPM[can, i]).pvalue > 0.001


def test_every_free_place_is_as_probable() -> None:
    s = simulate(4000, 12, grammar=Grammar([Plant("GATAAG")]), positives=1.0, seed=4)
    assert chisquare(s.sites.start.value_counts().reindex(range(7))).pvalue > 0.001


def test_every_arrangement_of_two_sites_is_as_probable() -> None:
    """Two sites and two free bases: six places, two orders."""
    s = simulate(3000, 14, grammar=GATA, decoys=[Plant("CACGTG")], positives=1.0, seed=4)
    starts = s.sites.pivot_table(index="sequence", columns="role", values="start")
    seen = starts.value_counts()
    assert len(seen) == 12
    assert chisquare(seen).pvalue > 0.001


def test_any_order_and_both_strands_turn_the_grammar_round() -> None:
    elements = [Plant("GATAAG", "a"), Plant("CACGTT", "b")]
    free = simulate(200, 40, grammar=Grammar(elements, order="any"), positives=1.0)
    orders = {tuple(g.motif) for _, g in free.sites.groupby("sequence")}
    assert orders == {("a", "b"), ("b", "a")}
    turned = simulate(200, 40, grammar=Grammar(elements, strand="both"), positives=1.0)
    seen = {(*g.motif, *g.strand) for _, g in turned.sites.groupby("sequence")}
    assert seen == {("a", "b", "+", "+"), ("b", "a", "-", "-")}


def test_a_row_depends_on_its_number_and_the_seed_alone() -> None:
    few = simulate(30, 60, grammar=Grammar([Plant("GATAAG")]), seed=9)
    many = simulate(90, 60, grammar=Grammar([Plant("GATAAG")]), seed=9)
    assert np.array_equal(few.codes, many.codes[:30])
    assert np.array_equal(few.y, many.y[:30])
    assert few.sites.equals(many.sites[many.sites.sequence < 30])
    other = simulate(30, 60, grammar=Grammar([Plant("GATAAG")]), seed=10)
    assert not np.array_equal(few.codes, other.codes)


@pytest.mark.parametrize(("n", "share", "expected"), [(10, 0.5, 5), (100, 0.3, 30), (7, 1.0, 7)])
def test_labels_keep_their_share(n: int, share: float, expected: int) -> None:
    s = simulate(n, 20, grammar=Grammar([Plant("GATAAG")]), positives=share)
    assert s.y.sum() == expected
    assert s.x.shape == (n, 4, 20)
    assert len(s.names) == n


def test_backgrounds_keep_what_they_promise() -> None:
    rng = np.random.default_rng(0)
    given = seq.markov(rng.integers(0, 2, (1, 50)).astype(np.uint8)).sample(40, 300, seed=1)
    none = {"grammar": Grammar([Plant("GATAAG")]), "positives": 0.0, "sequences": given}
    as_given = simulate(40, background="given", **none)
    assert np.array_equal(as_given.codes, given)
    assert len(as_given.sites) == 0
    shuffled = simulate(60, background="shuffled", **none).codes
    assert not np.array_equal(shuffled[:20], shuffled[40:])
    pairs = seq.kmer_counts(given, 2)
    assert np.array_equal(seq.kmer_counts(shuffled, 2), pairs[np.arange(60) % 40])
    chain = simulate(40, 500, background="dinucleotide", **none).codes
    share, expected = seq.kmer_counts(chain, 2).sum(0) / (40 * 499), pairs.sum(0) / (40 * 299)
    assert np.abs(share - expected).max() < 0.02
    skewed = simulate(
        50, 200, grammar=none["grammar"], positives=0.0, background=(0.1, 0.4, 0.4, 0.1)
    )
    assert seq.gc(skewed.codes).mean() == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"length": 5}, "do not fit into sequences of 5 bp"),
        ({"decoys": [Plant("CACGTG", copies=(1, 9))]}, "do not fit"),
        ({"positives": 1.5}, "positives must be a share"),
        ({"singles": 0.5}, "positives and negatives would be alike"),
        ({"background": "genome"}, "background must be one of"),
        ({"background": "given"}, "needs sequences"),
        ({"length": None}, "needs a length"),
        ({"background": (1, 2, 3)}, "four shares"),
        ({"background": "given", "sequences": np.zeros((2, 50), dtype=np.uint8)}, "every sequence"),
        ({"background": "shuffled", "sequences": np.zeros((2, 9), dtype=np.uint8)}, "keeps the"),
        ({"grammar": Plant("GATAAG")}, "Wrap it"),
        ({"decoys": Plant("GATAAG")}, "list of Plant"),
        ({"n": 0}, "n must be an integer"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    options = {"n": 10, "length": 50, "grammar": GATA} | change
    with pytest.raises(InputError, match=message):
        simulate(options.pop("n"), options.pop("length"), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Plant("GAXTA"), "X"),
        (lambda: Plant(""), "none"),
        (lambda: Plant(PPM), "needs a name"),
        (lambda: Plant(PPM.T, "m"), "must be \\(4, k\\)"),
        (lambda: Plant(PPM * 2, "m"), "sum to 1"),
        (lambda: Plant("GATA", strand="x"), "strand must be"),
        (lambda: Plant("GATA", probability=2.0), "probability"),
        (lambda: Plant("GATA", copies=(3, 1)), "low <= high"),
        (lambda: Plant("GATA", copies=2), "low <= high"),
        (lambda: Grammar([]), "at least one element"),
        (lambda: Grammar(["GATA"]), "wrap motifs"),
        (lambda: Grammar([Plant("GATA")], order="left"), "order must be"),
        (lambda: Grammar([Plant("GATA")], spacing=(-1, 3)), "0 <= low"),
    ],
)
def test_a_plant_that_cannot_be_is_refused(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=message):
        make()
