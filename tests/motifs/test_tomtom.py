import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cisgram.core.errors import InputError
from cisgram.motifs import Motif, match_motifs, read_meme, tomtom
from cisgram.motifs._alignment import Targets, best_alignments
from cisgram.motifs._columns import DISTANCES, unique_columns
from cisgram.motifs._null import best_score_p
from cisgram.motifs._scores import BINS, Profiles, QueryScores

every_distance = pytest.mark.parametrize("distance", list(DISTANCES))


def exact(word):
    return Motif(np.eye(4)[["ACGT".index(c) for c in word]].T, word)


def random_motifs(n, seed=0, widths=(4, 12), concentration=0.3):
    rng = np.random.default_rng(seed)
    return [
        Motif(rng.dirichlet(np.full(4, concentration), size=int(w)).T, f"m{i}")
        for i, w in enumerate(rng.integers(*widths, size=n))
    ]


# Exact truths


def test_p_of_two_bases_is_what_counting_all_random_targets_gives():
    """Exact columns either match (one step of 60) or score the median, 0."""
    targets = [exact("AG"), exact("TT"), exact("CG"), exact("GT")]
    columns = "AGTTCGGT"
    share = {b: columns.count(b) / 8 for b in "ACGT"}

    def p_of(matches):
        def at_least(span):
            return sum(
                np.prod([share[c] for c in drawn])
                for drawn in itertools.product("ACGT", repeat=len(span))
                if sum(a == b for a, b in zip(span, drawn, strict=True)) >= matches
            )

        return 1 - (1 - at_least("A")) * (1 - at_least("C")) * (1 - at_least("AC"))

    found = match_motifs([exact("AC")], targets, both_strands=False)
    expected = [p_of(1), 1.0, p_of(1), 1.0]  # AG holds an A, CG a C; TT and GT neither
    np.testing.assert_allclose(found.p[0], expected, rtol=1e-12)
    assert found.offset[0, [0, 2]].tolist() == [0, -1]
    assert found.overlap[0, [0, 2]].tolist() == [2, 1]


def test_tails_equal_the_enumeration_of_every_outcome():
    rng = np.random.default_rng(1)
    g, w, k = 3, 4, 5
    loss = rng.dirichlet(np.ones(k), size=(g, w))
    loss[0, 1] = [0, 0, 1, 0, 0]
    top = rng.integers(2, 4, size=(g, w))
    widths = np.array([1, 2, 3, 4, 6, 6])
    scores = np.stack([rng.integers(-4, top[q].sum() + 1, size=6) for q in range(g)])
    scores[:, -1] = top.sum(1)  # the best there can be
    for min_overlap in (1, 3):
        p = best_score_p(loss, top, scores, widths, min_overlap=min_overlap)
        for q, (s, t) in itertools.product(range(g), enumerate(widths)):
            none = 1.0
            for offset in range(1 - w, t):
                span = range(max(0, -offset), min(w, t - offset))
                if len(span) < min(min_overlap, w, t):
                    continue
                reach = 0.0
                for drawn in itertools.product(range(k), repeat=len(span)):
                    total = sum(top[q, i] - j for i, j in zip(span, drawn, strict=True))
                    if total >= scores[q, s]:
                        reach += np.prod([loss[q, i, j] for i, j in zip(span, drawn, strict=True)])
                none *= 1 - reach
            assert p[q, s] == pytest.approx(1 - none, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("min_overlap", [1, 3, 100])
def test_best_alignment_is_the_best_of_all_tried_one_by_one(min_overlap):
    rng = np.random.default_rng(2)
    widths, queries = np.array([3, 1, 6, 3, 5]), np.array([2, 4, 4])
    tables = [np.zeros((6, 3), dtype=np.int16) for _ in range(4)]
    for i, table in enumerate(tables):
        table[:5] = rng.integers(-3, 4, size=(5, 3)) * (i < queries)
    strands = [rng.integers(0, 5, size=widths.sum()) for _ in range(2)]
    got = best_alignments(tables, queries, Targets.of(strands, widths, 5), min_overlap=min_overlap)
    starts = np.cumsum(widths) - widths
    for q, n in itertools.product(range(3), range(5)):
        w, t = queries[q], widths[n]
        tried = []
        for minus, strand in enumerate(strands):
            columns = strand[starts[n] : starts[n] + t]
            for offset in range(1 - w, t):
                span = range(max(0, -offset), min(w, t - offset))
                score = sum(int(tables[i][columns[i + offset], q]) for i in span)
                if len(span) >= min(min_overlap, w, t):
                    tried.append((-score, minus, -len(span), offset))
        score, minus, overlap, offset = min(tried)
        assert [v[q, n] for v in got] == [-score, offset, -overlap, bool(minus)]


@every_distance
def test_null_of_a_column_is_how_it_scores_against_the_targets(distance):
    columns, number = unique_columns([m.ppm for m in random_motifs(20)])
    counts = np.bincount(number).astype(float)
    profiles = Profiles.of(columns[:6], columns, counts, DISTANCES[distance])
    used = np.array([[0, 1, 2], [3, 4, 0]])
    inside = np.array([[True, True, True], [True, True, False]])
    scores = QueryScores.of(profiles, used, inside)
    loss, top = scores.losses()
    for i, table in enumerate(scores.tables()):
        for q in range(2):
            expected = np.bincount(top[q, i] - table[:-1, q], counts, loss.shape[2])
            np.testing.assert_allclose(loss[q, i], expected / counts.sum(), atol=1e-12)
            assert table[-1, q] == 0
            for side in (table[:-1, q] >= 0, table[:-1, q] <= 0):  # the median column scores 0
                assert counts[side].sum() >= counts.sum() / 2
            assert inside[q, i] or not table.any(0)[q]
    assert max(np.ptp(t[:, 0]) for t in scores.tables()) <= BINS + 1


def test_distances_equal_their_formulas():
    columns = np.array([[64, 0, 0, 0], [16, 16, 16, 16], [32, 16, 16, 0], [0, 0, 8, 56.0]])
    p = columns / 64
    s = (columns + 1) / 68
    kl = (s[:, None] * np.log(s[:, None] / s)).sum(-1)
    squares = ((p[:, None] - p) ** 2).sum(-1)
    allr = (s[:, None] * np.log(4 * s) + s * np.log(4 * s[:, None])).sum(-1) / 2
    with np.errstate(invalid="ignore"):
        r = np.nan_to_num(np.array([[np.corrcoef(a, b)[0, 1] for b in p] for a in p]))
    expected = {
        "euclidean": np.sqrt(squares) * 64,
        "pearson": 1 - r,
        "sandelin_wasserman": squares * 64**2,
        "kullback_leibler": (kl + kl.T) / 2,
        "allr": allr[0, 0] - allr,
    }
    for name, distance in DISTANCES.items():
        d = distance.query(columns) @ distance.target(columns).T
        d = np.sqrt(d) if distance.root else d
        np.testing.assert_allclose(d, expected[name], atol=1e-9, err_msg=name)
        assert d.max() <= distance.largest, name


# What a user relies on


@every_distance
def test_every_motif_resembles_itself_most(distance):
    database = random_motifs(60, widths=(7, 14))
    found = match_motifs(database, database, distance=distance)
    assert (found.p.argmin(1) == np.arange(60)).all()
    diagonal = np.arange(60), np.arange(60)
    assert (found.offset[diagonal] == 0).all()
    assert (found.overlap[diagonal] == [m.width for m in database]).all()
    assert not found.minus[diagonal].any()


def test_turned_round_query_is_found_on_the_other_strand_with_the_same_p():
    database = random_motifs(50, seed=3)
    turned = [m.reverse_complement() for m in database]
    a, b = match_motifs(database, database), match_motifs(turned, database)
    np.testing.assert_allclose(a.p, b.p, rtol=1e-9)
    assert b.minus[np.arange(50), np.arange(50)].all()


def test_offset_says_where_the_query_begins_in_the_target():
    database = [*random_motifs(40, seed=4), exact("TTGACGTCCA")]
    found = tomtom([exact("GACG"), exact("CCTTGACG")], database, both_strands=False, best=1)
    assert found.target_id.tolist() == ["TTGACGTCCA"] * 2
    assert found.offset.tolist() == [2, -2]
    assert found.overlap.tolist() == [4, 6]


def test_long_query_finds_the_short_target_inside():
    database = [*random_motifs(40, seed=4), exact("GACG")]
    row = tomtom(exact("TTGACGTCCATTTTT"), database, best=1).iloc[0]
    assert (row.target_id, row.offset, row.overlap, row.strand) == ("GACG", -2, 4, "+")


def test_order_of_targets_and_company_of_queries_change_nothing():
    database, queries = random_motifs(70, seed=5), random_motifs(50, seed=6, widths=(3, 20))
    whole = match_motifs(queries, database)
    order = np.random.default_rng(0).permutation(70)
    other = match_motifs(queries, [database[i] for i in order], workers=2)
    for a, b in zip(whole, other, strict=True):
        np.testing.assert_array_equal(a[:, order], b)
    for i in (0, 17):
        for a, b in zip(whole, match_motifs([queries[i]], database), strict=True):
            np.testing.assert_allclose(a[i], b[0], rtol=1e-9)


def test_min_overlap_is_kept_up_to_the_shorter_motif():
    found = match_motifs(random_motifs(30, seed=7), random_motifs(40), min_overlap=6)
    widths = [[min(a.width, b.width, 6) for b in random_motifs(40)] for a in random_motifs(30, 7)]
    assert (found.overlap >= widths).all()


def test_motif_without_information_gets_honest_p():
    flat = Motif(np.full((4, 8), 0.25), "flat")
    with_flat = match_motifs([flat], random_motifs(100, seed=8))
    assert np.isfinite(with_flat.p).all()
    assert (with_flat.p < 0.01).mean() < 0.05
    assert (match_motifs([flat], [flat, flat]).p == 1).all()


def test_very_long_exact_match_has_a_p_above_zero():
    word = "".join(np.random.default_rng(0).choice(list("ACGT"), 60))
    p = match_motifs([exact(word)], [exact(word), *random_motifs(50)]).p[0, 0]
    assert 0 < p < 1e-40


def test_column_resampled_queries_are_calibrated():
    database = random_motifs(300, seed=9, widths=(6, 14))
    pool = np.concatenate([m.ppm for m in database], axis=1)
    pool = np.concatenate([pool, pool[::-1]], axis=1)
    rng = np.random.default_rng(10)
    queries = [Motif(pool[:, rng.integers(pool.shape[1], size=9)], "") for _ in range(300)]
    p = match_motifs(queries, database).p
    assert 0.007 < (p < 0.01).mean() < 0.013
    assert 0.08 < (p < 0.1).mean() < 0.11


@given(seed=st.integers(0, 10**6), distance=st.sampled_from(list(DISTANCES)))
@settings(max_examples=25, deadline=None)
def test_values_stay_in_their_ranges(seed, distance):
    queries = random_motifs(4, seed=seed, widths=(1, 9), concentration=0.05)
    targets = random_motifs(7, seed=seed + 1, widths=(1, 9), concentration=0.05)
    found = match_motifs(queries, targets, distance=distance)
    widths = np.array([[q.width, t.width] for q in queries for t in targets]).reshape(4, 7, 2)
    begin = np.maximum(found.offset, 0)
    end = np.minimum(found.offset + widths[..., 0], widths[..., 1])
    assert ((found.p > 0) & (found.p <= 1)).all()
    assert (found.overlap == end - begin).all()
    assert (found.overlap >= 1).all()


def test_table_has_the_columns_that_others_script_against():
    database = random_motifs(30, seed=11)
    table = tomtom(database[:3], database)
    assert list(table) == [
        *("motif", "target_id", "target_name"),
        *("p", "e", "q", "offset", "overlap", "strand"),
    ]
    assert len(table) == 90
    assert table.motif.tolist() == ["m0"] * 30 + ["m1"] * 30 + ["m2"] * 30
    np.testing.assert_allclose(table.e, table.p * 30)
    for _, one in table.groupby("motif"):
        p = one.p.to_numpy()
        assert (np.diff(p) >= 0).all()
        adjusted = np.minimum.accumulate((p * 30 / np.arange(1, 31))[::-1])[::-1]
        np.testing.assert_allclose(one.q, np.minimum(adjusted, 1))


def test_limits_only_leave_rows_out():
    database = random_motifs(30, seed=11)
    whole = tomtom(database[:5], database)
    kept = tomtom(database[:5], database, max_p=0.2, max_q=0.5, best=4)
    expected = whole[(whole.p <= 0.2) & (whole.q <= 0.5)].groupby("motif", sort=False).head(4)
    assert kept.to_dict("list") == expected.to_dict("list")
    assert 0 < len(kept) < len(whole)


def test_no_query_gives_an_empty_table():
    assert tomtom([], random_motifs(3)).shape == (0, 9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"distance": "euclidian"}, "Did you mean 'euclidean'"),
        ({"min_overlap": 0}, "min_overlap must be an integer of at least 1"),
        ({"max_q": 2}, "max_q must lie between 0 and 1"),
        ({"best": 0}, "best must be an integer"),
        ({"targets": []}, "targets holds no motif"),
        ({"targets": [np.eye(4)]}, "number 0 is a ndarray"),
    ],
)
def test_wrong_arguments_are_named(options, message):
    arguments = {"queries": [exact("ACG")], "targets": [exact("ACG")], **options}
    with pytest.raises(InputError, match=message):
        tomtom(**arguments)


# Real motifs


@pytest.fixture(scope="module")
def vertebrates(data_dir):
    return read_meme(data_dir / "motifs/JASPAR2024_CORE_vertebrates_non-redundant.meme")


@pytest.mark.data
@pytest.mark.slow
@every_distance
def test_resampled_columns_of_jaspar_are_calibrated(vertebrates, distance):
    pool = np.concatenate([m.ppm for m in vertebrates], axis=1)
    rng = np.random.default_rng(0)
    widths = rng.choice([m.width for m in vertebrates], size=1000)
    queries = [Motif(pool[:, rng.integers(pool.shape[1], size=w)], "") for w in widths]
    share = (match_motifs(queries, vertebrates, distance=distance).p < 0.01).mean()
    assert 0.007 <= share <= 0.013


@pytest.mark.data
@pytest.mark.parity
@pytest.mark.slow
def test_agrees_with_memelite_on_the_first_hundred_vertebrate_motifs(vertebrates):
    memelite = pytest.importorskip("memelite")
    ppms = [np.array(m.ppm) for m in vertebrates]
    p, _, offset, overlap, minus = memelite.tomtom(ppms[:100], ppms, n_jobs=1)
    ours = match_motifs(vertebrates[:100], vertebrates)
    assert (ours.p.argmin(1) == p.argmin(1)).mean() >= 0.98
    usual = (p > 1e-9) & (p < 1e-2)
    difference = np.log10(ours.p[usual] / p[usual])
    assert abs(difference.mean()) < 0.05
    assert difference.std() < 0.12
    # Leaving out the motif itself, near ties remain: memelite's best is as good as ours.
    diagonal = np.arange(100), np.arange(100)
    p[diagonal] = ours.p[diagonal] = 2
    theirs, best = ours.p[np.arange(100), p.argmin(1)], ours.p.min(1)
    assert (np.log10(theirs / best) < 0.5).mean() >= 0.98
    clear = (p < 1e-4) & (minus == ours.minus)
    assert ((offset == ours.offset) & (overlap == ours.overlap))[clear].mean() > 0.95
