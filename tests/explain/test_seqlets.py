import warnings

import numpy as np
import pytest
import torch

from cisgram.core.errors import InputError
from cisgram.core.results import Attribution
from cisgram.explain import seqlets
from cisgram.explain.nulls import background_correlation, false_shares, scrambled
from cisgram.explain.seqlets import best_spans
from cisgram.seq import encode
from explain.tracks import false_share, found_share, laplace, plant, smooth


def planted(noise, height, *, n=100, length=200, seed=1):
    rng = np.random.default_rng(seed)
    tracks = noise(n, length, rng)
    truth = plant(tracks, height, rng)
    return torch.tensor(tracks), truth, torch.tensor(noise(5 * n, length, rng))


@pytest.mark.parametrize(("noise", "height"), [(laplace, 3), (smooth, 5)])
@pytest.mark.parametrize("given", [True, False])
def test_planted_blocks_of_both_signs_are_found_and_little_else(noise, height, given):
    tracks, truth, null = planted(noise, height)
    table = seqlets(tracks, null=null if given else None)
    for sign in "+-":
        assert found_share(table, truth, sign) >= 0.95
        assert false_share(table, truth, sign) <= 0.08  # 5 % and two standard errors of 100


def test_a_block_without_noise_is_found_to_the_base():
    rng = np.random.default_rng(0)
    tracks = torch.tensor(0.01 * rng.normal(size=(30, 120)))
    tracks[:, 40:47] += 2.0
    tracks[:, 80:95] -= 1.0
    table = seqlets(tracks)
    strong = table[table["score"] > 10]
    up, down = (strong[strong["sign"] == s] for s in "+-")
    assert (up["start"] == 40).all()
    assert (up["end"] == 47).all()
    assert len(up) == len(down) == 30
    assert (down["start"] == 80).all()
    assert (down["end"] == 95).all()
    np.testing.assert_allclose(up["contribution"], tracks[:, 40:47].sum(1))


def test_of_noise_alone_hardly_anything_is_found():
    wrong = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        table = seqlets(torch.tensor(smooth(20, 100, rng)), seed=seed)
        wrong += len(table) > 0
    assert wrong <= 3


def test_opposite_scores_have_opposite_seqlets():
    tracks, _, null = planted(laplace, 3, n=30)
    here, there = seqlets(tracks, null=null), seqlets(-tracks, null=-null)
    assert set(here["sign"]) == {"+", "-"}
    assert (here["sign"].map({"+": "-", "-": "+"}) == there["sign"]).all()
    for column in ("sequence", "start", "end", "fdr"):
        assert (here[column] == there[column]).all()
    np.testing.assert_allclose(here["contribution"], -there["contribution"])


def test_the_order_of_sequences_changes_nothing():
    tracks, _, _ = planted(laplace, 4, n=30)
    here, there = seqlets(tracks), seqlets(tracks.flip(0))
    there = there.assign(sequence=29 - there["sequence"])
    there = there.sort_values(["sequence", "start"], ignore_index=True)
    assert len(here) >= 50
    assert here[["sequence", "start", "end", "sign"]].equals(
        there[["sequence", "start", "end", "sign"]]
    )


def test_the_scale_of_the_scores_changes_nothing():
    tracks, _, null = planted(laplace, 3, n=30)
    here, there = seqlets(tracks, null=null), seqlets(1000 * tracks, null=1000 * null)
    assert here[["start", "end"]].equals(there[["start", "end"]])
    np.testing.assert_allclose(here["score"], there["score"], rtol=1e-5)


def test_seqlets_of_a_sequence_do_not_overlap():
    tracks, _, null = planted(smooth, 4, n=20)
    table = seqlets(tracks, null=null, fdr=1.0)
    for (_, _), own in table.groupby(["sequence", "sign"]):
        assert (own["start"].to_numpy()[1:] >= own["end"].to_numpy()[:-1]).all()
    widths = table["end"] - table["start"]
    assert widths.min() >= 4
    assert widths.max() <= 25


def test_spans_are_those_of_a_search_by_hand():
    tracks = np.random.default_rng(3).normal(size=(5, 40)) + 0.3
    widths, sigma = np.arange(3, 7), np.sqrt(np.arange(3.0, 7.0))
    found = best_spans(tracks, widths, sigma)
    for i, row in enumerate(tracks):
        spans = [
            (row[s : s + w].sum() / sigma[j], s, s + w)
            for j, w in enumerate(widths)
            for s in range(40 - w + 1)
        ]
        wanted = []
        while spans and max(spans)[0] > 1.5:
            z, start, end = max(spans)
            wanted.append((round(z, 4), start, end))
            spans = [t for t in spans if t[2] <= start or t[1] >= end]
        own = found.sequence == i
        got = zip(found.score[own].round(4), found.start[own], found.end[own], strict=True)
        assert [(float(z), int(a), int(b)) for z, a, b in got] == wanted


def test_rates_are_null_findings_over_findings():
    p, fdr = false_shares(np.array([5.0, 4, 3, 1]), np.array([3.5, 2, 2, 0.5]), times=2)
    # at least 5: (0 + 1) / 2 / 1, cut to that of 4: 1 / 2 / 2; of 3: 2 / 2 / 3; of 1: 4 / 2 / 4
    np.testing.assert_allclose(fdr, [0.25, 0.25, 1 / 3, 0.5])
    np.testing.assert_allclose(p, [0.2, 0.2, 0.4, 0.8])


def test_scrambled_tracks_are_as_smooth_and_as_wide_as_the_background():
    rng = np.random.default_rng(0)
    tracks = smooth(200, 300, rng)
    nowhere = np.zeros(tracks.shape, dtype=bool)
    keys = [str(i) for i in range(200)]
    mixed = scrambled(tracks, keys, is_signal=nowhere, copies=2, seed=0).tracks
    own = background_correlation(tracks, ~nowhere)
    again = background_correlation(mixed, np.ones(mixed.shape, dtype=bool))
    np.testing.assert_allclose(own, again, atol=0.1)
    assert own[0] > 0.4
    assert 0.9 < mixed.std() / tracks.std() < 1.1


def test_signal_takes_no_part_in_scrambled_tracks():
    tracks = np.random.default_rng(0).normal(size=(10, 60))
    signal = np.zeros(tracks.shape, dtype=bool)
    signal[:, 20:30] = True
    tracks[signal] += 1000
    mixed = scrambled(tracks, ["a"] * 10, is_signal=signal, copies=5, seed=0)
    assert not np.isin(mixed.order, np.arange(20, 30)).any()
    assert np.abs(mixed.tracks).max() < 50


def test_scores_that_are_zero_but_for_the_signal_have_their_seqlets():
    tracks = torch.zeros(30, 80)
    for i in range(30):
        tracks[i, 5 + 2 * i : 12 + 2 * i] = 1.0
    table = seqlets(tracks)
    assert table["start"].tolist() == [5 + 2 * i for i in range(30)]
    assert table["end"].tolist() == [12 + 2 * i for i in range(30)]


def test_a_site_with_a_weak_middle_is_one_seqlet():
    rng = np.random.default_rng(0)
    tracks, null = (torch.tensor(0.1 * laplace(60, 100, rng)) for _ in range(2))
    tracks[:, 40:54] += torch.tensor([9, 8, 9, 1, 0.5, 0.5, 1, 9, 9, 1, 0.5, 8, 9, 9.0])
    table = seqlets(tracks, null=null)
    assert (table["score"] > 10).sum() == 60
    strong = table[table["score"] > 10]
    assert (strong["start"] == 40).all()
    assert (strong["end"] == 54).all()


def test_silent_scores_have_no_seqlets():
    table = seqlets(torch.zeros(3, 50))
    assert len(table) == 0
    assert list(table.columns)[:4] == ["sequence", "start", "end", "sign"]


def test_sequences_shorter_than_the_widest_seqlet_go_through():
    tracks = torch.tensor(np.random.default_rng(0).normal(size=(50, 12)) * 0.1)
    tracks[:, 3:9] += 3
    table = seqlets(tracks, null=torch.tensor(np.random.default_rng(1).normal(size=(50, 12))))
    assert (table["end"] <= 12).all()
    assert len(table) == 50


def test_an_attribution_is_read_by_the_bases_that_are_there():
    x = encode(["ACGT" * 20] * 40)
    values = torch.zeros(40, 4, 80)
    values[:, :, 30:40] = 1.0
    values[:, :, 60:70] = 9.0 - 9.0 * x[:, :, 60:70]  # what other bases would do
    noise = torch.tensor(np.random.default_rng(0).normal(size=(40, 4, 80))).float() * 0.1
    table = seqlets(Attribution(values + noise, x, "made"), null=Attribution(noise, x, "made"))
    assert table.loc[table["score"] > 5, "start"].tolist() == [30] * 40


@pytest.mark.parametrize(
    ("wrong", "options", "message"),
    [
        (lambda: torch.zeros(3, 4, 5), {}, r"tensor \(n, length\)"),
        (lambda: torch.full((3, 30), torch.nan), {}, "not finite"),
        (lambda: torch.zeros(0, 30), {}, "tensor"),
        (lambda: [1.0], {}, "list"),
        (lambda: torch.zeros(3, 30), {"fdr": 0.0}, "fdr"),
        (lambda: torch.zeros(3, 30), {"min_width": 0}, "min_width"),
        (lambda: torch.zeros(3, 30), {"min_width": 9, "max_width": 8}, "max_width"),
        (lambda: torch.zeros(3, 3), {}, "shorter"),
    ],
)
def test_refuses_what_cannot_be_read(wrong, options, message):
    with pytest.raises(InputError, match=message):
        seqlets(wrong(), **options)


@pytest.mark.parity
@pytest.mark.parametrize(("noise", "height"), [(laplace, 2), (smooth, 4)])
def test_finds_more_than_the_peers_at_the_same_rate(noise, height):
    """tangermeme calls positive seqlets alone; with its control, and on negated scores, both."""
    from tangermeme.seqlet import recursive_seqlets

    tracks, truth, null = planted(noise, height)
    ours = seqlets(tracks, null=null)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = recursive_seqlets(tracks.numpy(), X_control=null.numpy(), target_fdr=0.05)
        plain = recursive_seqlets(tracks.numpy())
    theirs = theirs.rename(columns={"example_idx": "sequence"}).assign(sign="+")
    assert found_share(ours, truth, "+") >= found_share(theirs, truth, "+")
    assert (plain["attribution"] > 0).all()  # none of the negative blocks
    assert found_share(ours, truth, "-") >= 0.9
