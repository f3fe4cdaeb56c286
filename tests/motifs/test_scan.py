"""Scanning: exact p-values, no site missed, none invented."""

import importlib
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cisgram.core.errors import InputError
from cisgram.motifs import Motif, jaspar, read_meme, scan
from cisgram.motifs.kmers import KmerIndex, plan, sites, sites_plain
from cisgram.motifs.pvalues import RESOLUTION, score_table
from cisgram.seq.alphabet import one_hot, to_codes


def random_motif(rng: np.random.Generator, width: int, sharpness: float = 0.3) -> Motif:
    return Motif(rng.dirichlet(np.full(4, sharpness), size=width).T, f"random{width}")


def random_codes(rng: np.random.Generator, n: int, unknown: float = 0.01) -> np.ndarray:
    codes = rng.integers(0, 4, n).astype(np.uint8)
    codes[rng.random(n) < unknown] = 4
    return codes


@pytest.mark.parametrize("background", [(0.25,) * 4, (0.3, 0.2, 0.2, 0.3), (0.4, 0.3, 0.2, 0.1)])
@pytest.mark.parametrize("width", [1, 2, 5, 7])
def test_p_values_are_those_of_enumerating_every_site(width, background):
    motif = random_motif(np.random.default_rng(width), width)
    table = score_table(motif, background=background, both_strands=False)
    words = np.array(list(itertools.product(range(4), repeat=width)))
    scores = table.scores[words, np.arange(width)].sum(1)
    weights = np.array(background)[words].prod(1)
    for s in np.unique(scores):
        assert table.p(s) == pytest.approx(weights[scores >= s].sum(), rel=1e-12)


def test_two_strands_share_a_background_that_is_its_own_complement():
    motif = random_motif(np.random.default_rng(9), 6)
    lopsided = score_table(motif, background=(0.4, 0.3, 0.2, 0.1))
    even = score_table(motif, background=(0.25, 0.25, 0.25, 0.25))
    np.testing.assert_array_equal(lopsided.scores, even.scores)
    np.testing.assert_allclose(lopsided.survival, even.survival)


def test_a_threshold_is_the_smallest_score_that_is_rare_enough():
    table = score_table(random_motif(np.random.default_rng(0), 8))
    for p in (1e-4, 1e-3, 0.01, 0.5, 1.0):
        least = table.threshold(p)
        assert table.p(np.array(least)) <= p
        if least > table.lowest:
            assert table.p(np.array(least - 1)) > p


def test_nothing_is_rare_enough_for_a_motif_that_says_nothing():
    table = score_table(Motif(np.full((4, 6), 0.25), "vague"))
    assert table.threshold(1e-4) > table.highest


def naive_hits(sequences, motif, p):
    """One window at a time, both strands, in Python."""
    table = score_table(motif)
    complement, hits = str.maketrans("ACGT", "TGCA"), []
    for n, sequence in enumerate(sequences):
        for start in range(len(sequence) - motif.width + 1):
            window = sequence[start : start + motif.width]
            if "N" in window:
                continue
            for strand, site in (("+", window), ("-", window[::-1].translate(complement))):
                score = sum(table.scores["ACGT".index(b), i] for i, b in enumerate(site))
                if table.p(score) <= p:
                    end = start + motif.width
                    hits.append((n, start, end, strand, score * RESOLUTION, table.p(score)))
    return hits


def test_hits_are_those_of_a_loop_over_every_window():
    rng = np.random.default_rng(1)
    motif = random_motif(rng, 6)
    sequences = ["".join(rng.choice(list("ACGTN"), size=n)) for n in (0, 3, 40, 600, 6)]
    found = scan(sequences, motif, p=0.1)
    expected = naive_hits(sequences, motif, 0.1)
    assert len(expected) > 5
    columns = ["sequence", "start", "end", "strand"]
    assert list(found[columns].itertuples(index=False, name=None)) == [h[:4] for h in expected]
    np.testing.assert_allclose(found[["score", "p"]], [h[4:] for h in expected], rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(1, 34),
    n=st.integers(0, 4000),
    p=st.sampled_from([1e-4, 1e-3, 0.05, 1.0]),
    sharpness=st.sampled_from([0.05, 0.3, 2.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_index_finds_what_the_plain_way_finds(width, n, p, sharpness, seed):
    rng = np.random.default_rng(seed)
    table = score_table(random_motif(rng, width, sharpness))
    scores, least = table.scores, min(table.threshold(p), table.highest)
    codes = random_codes(rng, n)
    index = KmerIndex(codes, margin=width + seed % 3)
    got = sites(index, scores, least, plan(scores, least, index.k))
    want = sites_plain(codes, scores, least)
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[1])


@pytest.mark.parametrize("motif_id", ["MA0139.2", "MA0002.3", "MA0528.3", "MA1723.2"])
def test_long_texts_are_searched_without_a_miss(motif_id):
    table = score_table(jaspar()[motif_id])
    codes = random_codes(np.random.default_rng(3), 300_000, 1e-4)
    codes[100_000:150_000] = 4
    index, least = KmerIndex(codes, margin=40), table.threshold(1e-3)
    how = plan(table.scores, least, index.k)
    for scores, h in (
        (table.scores, how),
        (np.ascontiguousarray(table.scores[::-1, ::-1]), how.mirrored(table.scores.shape[1])),
    ):
        got, want = sites(index, scores, least, h), sites_plain(codes, scores, least)
        assert len(want[0]) > 50
        np.testing.assert_array_equal(got[0], want[0])
        np.testing.assert_array_equal(got[1], want[1])


def test_tiles_change_nothing(monkeypatch):
    rng = np.random.default_rng(4)
    codes, motifs = (
        random_codes(rng, 5000).reshape(5, 1000),
        [random_motif(rng, w) for w in (5, 12)],
    )
    whole = scan(codes, motifs, p=0.3)
    module = importlib.import_module("cisgram.motifs.scan")
    monkeypatch.setattr(module, "_TILE", 333)
    monkeypatch.setattr(module, "_SMALL", 100)
    assert len(whole) > 2000
    assert scan(codes, motifs, p=0.3).equals(whole)


def test_all_forms_of_input_give_the_same_sites():
    rng = np.random.default_rng(5)
    sequences = ["".join(rng.choice(list("ACGTN"), p=[0.24] * 4 + [0.04], size=300))] * 2
    codes, motif = to_codes(sequences), random_motif(rng, 7)
    expected = scan(sequences, motif, p=0.01)
    assert len(expected) > 3
    for x in (codes, one_hot(codes), one_hot(codes).numpy()):
        assert scan(x, motif, p=0.01).equals(expected)


def test_strands_are_mirror_images():
    rng = np.random.default_rng(6)
    codes, motif = rng.integers(0, 4, (1, 2000)).astype(np.uint8), random_motif(rng, 9)
    here = scan(codes, motif, p=1e-3)
    there = scan(np.ascontiguousarray(3 - codes[:, ::-1]), motif, p=1e-3)
    flipped = {
        (2000 - e, 2000 - s, "-+"["+-".index(t)])
        for s, e, t in zip(there.start, there.end, there.strand, strict=True)
    }
    assert set(zip(here.start, here.end, here.strand, strict=True)) == flipped
    one = scan(codes, motif, p=1e-3, both_strands=False)
    assert set(one.start) == set(here.start[here.strand == "+"])


def test_q_values_are_those_of_all_windows_where_all_are_reported():
    rng = np.random.default_rng(7)
    codes, motif = rng.integers(0, 4, (1, 500)).astype(np.uint8), random_motif(rng, 6)
    found = scan(codes, motif, p=1.0)
    assert len(found) == 2 * 495
    p = np.sort(found.p)
    ranked = p * len(p) / np.arange(1, len(p) + 1)
    q = np.minimum.accumulate(ranked[::-1])[::-1]
    np.testing.assert_allclose(np.sort(found.q), q, rtol=1e-9)
    strict = scan(codes, motif, p=0.01)
    assert (strict.q.to_numpy() >= found[found.p <= 0.01].q.to_numpy() - 1e-12).all()


def test_a_motif_that_cannot_reach_p_is_named():
    short = Motif(np.eye(4), "short")
    found = scan(["ACGT" * 10], [short, Motif(np.tile(np.eye(4), 3), "long")])
    assert found.attrs["silent"] == ["short"]
    assert set(found.motif) == {"long"}
    assert scan(["ACGT"], short).empty


@pytest.mark.parametrize(
    ("x", "says"),
    [
        ("ACGT", "Wrap it"),
        (np.zeros((2, 7, 4)), "transpose"),
        (np.zeros((2, 4)), "uint8 codes"),
        (np.full((1, 4, 5), 0.25), "one-hot"),
        (np.full((1, 5), 9, np.uint8), "0 to 4"),
        ([1, 2], "strings"),
        (["ACGU!"], "nucleotides"),
    ],
)
def test_wrong_input_is_refused_with_the_remedy(x, says):
    with pytest.raises(InputError, match=says):
        scan(x, Motif(np.eye(4), "m"))


@pytest.mark.parametrize(
    "options", [{"p": 0}, {"p": 2}, {"background": (1, 0, 0, 0)}, {"pseudocount": 0}]
)
def test_impossible_options_are_refused(options):
    with pytest.raises(InputError):
        scan(["ACGT"], Motif(np.eye(4), "m"), **options)


def test_no_motif_is_refused():
    with pytest.raises(InputError, match="at least one"):
        scan(["ACGT"], [])


@pytest.mark.parity
@pytest.mark.data
def test_sites_agree_with_memelite(data_dir):
    memelite = pytest.importorskip("memelite")
    motifs = read_meme(data_dir / "motifs" / "tangermeme_test.meme")
    rng = np.random.default_rng(8)
    codes = rng.integers(0, 4, (20, 2000)).astype(np.uint8)
    ours = scan(codes, motifs, p=2e-4, pseudocount=4e-4)
    theirs = memelite.fimo({m.id: m.ppm for m in motifs}, one_hot(codes).numpy().astype(np.int8))
    want = {
        (r.motif_name, r.sequence_name, r.start, r.strand)
        for frame in theirs
        for r in frame.itertuples()
    }
    keys = list(zip(ours.motif_id, ours.sequence, ours.start, ours.strand, strict=True))
    assert len(want) > 50
    # theirs rounds a column to 0.1 bits, ours to 0.01: p near the threshold differs a little
    assert want <= {k for k, p in zip(keys, ours.p, strict=True) if p < 1.3e-4}
    assert {k for k, p in zip(keys, ours.p, strict=True) if p < 0.8e-4} <= want
