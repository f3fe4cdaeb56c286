import dataclasses

import numpy as np
import pytest
import torch

from cisgram.core.errors import InputError
from cisgram.core.results import Attribution
from cisgram.explain import hits, patterns, seqlets
from cisgram.seq import one_hot
from explain.tracks import written

WORDS = {"TGACGTCATC": 1, "CCATATTAGGA": -1}


@pytest.fixture(scope="module")
def made():
    attribution, truth = written(WORDS, n=100)
    return attribution, truth, patterns(attribution, seqlets(attribution))


def test_every_planted_site_is_a_hit_and_hardly_anything_else(made):
    attribution, truth, found = made
    table = hits(attribution, found)
    sites = {(i, start) for i, (_, start, _) in enumerate(truth)}
    got = set(zip(table["sequence"], table["start"], strict=True))
    assert len(sites & got) >= 98
    assert len(got - sites) <= 8
    assert list(table.columns) == [
        "sequence", "start", "end", "strand", "pattern", "name", "score", "contribution",
        "similarity", "fdr",
    ]  # fmt: skip


def test_strands_are_those_of_the_words(made):
    attribution, truth, found = made
    for p in found:
        members = p.members.iloc[0]
        is_turned = members["strand"] != truth[members["sequence"]][2]
        table = hits(attribution, [p])
        own = table[(table["similarity"] > 0.9)]
        assert set(own["strand"]) == {"+", "-"}
        for row in own.itertuples():
            assert (row.strand != truth[row.sequence][2]) == is_turned


def test_scores_are_shares_of_a_mean_site(made):
    attribution, _, found = made
    table = hits(attribution, found)
    for p in found:
        own = table[(table["pattern"] == p.name) & (table["similarity"] > 0.9)]
        assert own["score"].median() == pytest.approx(1, abs=0.05)
        sign = 1 if p.sign == "+" else -1
        assert own["contribution"].median() == pytest.approx(sign * p.width, rel=0.05)
        row = own.iloc[0]
        site = attribution.observed[row["sequence"], :, row["start"] : row["end"]].numpy()
        site = site if row["strand"] == "+" else site[::-1, ::-1]
        w = p.contributions
        assert row["score"] == pytest.approx((site * w).sum() / (w**2).sum(), rel=1e-4)
        cosine = (site * w).sum() / np.sqrt((site**2).sum() * (w**2).sum())
        assert row["similarity"] == pytest.approx(cosine, rel=1e-4)


def test_sites_in_other_sequences_are_found(made):
    _, _, found = made
    other, truth = written(WORDS, n=60, seed=7)
    table = hits(other, found)
    sites = {(i, start) for i, (_, start, _) in enumerate(truth)}
    assert len(sites & set(zip(table["sequence"], table["start"], strict=True))) >= 58


def test_names_are_attached(made):
    attribution, _, found = made
    table = hits(attribution, found, names={"positive_0": "CREB1"})
    assert set(zip(table["pattern"], table["name"], strict=True)) == {
        ("positive_0", "CREB1"),
        ("negative_0", "negative_0"),
    }


def test_of_two_patterns_on_one_site_the_larger_is_kept(made):
    attribution, truth, found = made
    (positive,) = [p for p in found if p.sign == "+"]
    half = dataclasses.replace(
        positive, name="half", contributions=positive.contributions[:, :5], motif=positive.motif
    )
    both = hits(attribution, [half, positive])
    planted = {i for i, (word, _, _) in enumerate(truth) if word == "TGACGTCATC"}
    own = both[both["sequence"].isin(planted) & (both["similarity"] > 0.9)]
    assert (own["pattern"] == positive.name).mean() > 0.95


def test_a_given_null_sets_the_bar(made):
    attribution, _, found = made
    quiet = Attribution(0.01 * attribution.values, attribution.sequences, "planted")
    as_loud = hits(attribution, found, null=attribution)
    assert len(hits(attribution, found, null=quiet)) >= 98
    assert len(as_loud) == 0  # as many in the null as in the sequences


def test_the_order_of_sequences_changes_no_hit(made):
    attribution, _, found = made
    turned = Attribution(attribution.values.flip(0), attribution.sequences.flip(0), "planted")
    here, there = hits(attribution, found), hits(turned, found)
    there = there.assign(sequence=99 - there["sequence"])
    there = there.sort_values(["sequence", "start"], ignore_index=True)
    assert here[["sequence", "start", "strand", "pattern"]].equals(
        there[["sequence", "start", "strand", "pattern"]]
    )


def test_without_patterns_or_hits_the_table_is_empty(made):
    attribution, _, found = made
    assert len(hits(attribution, ())) == 0
    silent = Attribution(torch.zeros_like(attribution.values), attribution.sequences, "planted")
    table = hits(silent, found)
    assert len(table) == 0
    assert table["start"].dtype == np.int64


@pytest.mark.parametrize("options", [{"fdr": 0}, {"similarity": -1}, {"copies": 0}])
def test_refuses_options_out_of_range(made, options):
    attribution, _, found = made
    with pytest.raises(InputError, match=next(iter(options))):
        hits(attribution, found, **options)


def test_a_null_without_room_for_a_pattern_is_refused(made):
    attribution, _, found = made
    short = Attribution(attribution.values[:, :, :5], attribution.sequences[:, :, :5], "planted")
    with pytest.raises(InputError, match=r"null holds sequences of 5 bp, shorter than positive_0"):
        hits(attribution, found, null=short)
    with pytest.raises(InputError, match=r"null holds sequences of 5 bp, shorter than a seqlet"):
        seqlets(attribution, null=short)
    assert len(hits(short, found)) == 0


def test_scores_that_are_not_finite_are_refused(made):
    attribution, _, found = made
    values = attribution.values.clone()
    values[3, 1, 7] = torch.nan
    broken = Attribution(values, attribution.sequences, "planted")
    table = seqlets(attribution)
    with pytest.raises(InputError, match="not finite"):
        hits(broken, found, null=attribution)
    with pytest.raises(InputError, match="not finite"):
        patterns(broken, table)


@pytest.mark.parametrize("start", [0, 1, 52, 53])
def test_sites_at_the_ends_of_their_sequences_are_hits(made, start):
    """Words of 7 in sequences of 60: the last place is 53; every second one turned round."""
    random = np.random.default_rng(start)
    codes = random.integers(0, 4, (40, 60)).astype(np.uint8)
    word = np.array([1, 0, 1, 2, 3, 2, 0], np.uint8)
    codes[::2, start : start + 7] = word
    codes[1::2, start : start + 7] = 3 - word[::-1]
    on = torch.zeros(1, 1, 60)
    on[:, :, start : start + 7] = 1.0
    a = Attribution(one_hot(codes) * on, one_hot(codes), "planted")
    (found,) = patterns(a, seqlets(a))
    assert found.motif.consensus in {"CACGTGA", "TCACGTG"}
    table = hits(a, [found])
    assert table["start"].tolist() == [start] * 40
    assert table["strand"].nunique() == 2
    assert (table["strand"][::2] == table["strand"][0]).all()
