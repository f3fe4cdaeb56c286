"""DFIM: pencil truths, the mask, the null, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import kstest

from cisgram import explain
from cisgram.core.errors import InputError, UnknownName
from cisgram.explain import METHODS
from cisgram.motifs import Motif
from cisgram.seq import encode, one_hot
from toys import Conv, Curved, Linear, Product, Words, state_of

X = ["GATTACATGCAC", "TTACGGCCATCA", "AGCANNNCTCGT"]
SCORES = [n for n, e in METHODS.items() if e.facts["gives"] == "attribution"]


def sites(*rows):
    return pd.DataFrame(rows, columns=["sequence", "start", "end", "motif"])


def cells(table):
    """Nonzero interactions by their pair."""
    some = table[table["interaction"].abs() > 1e-6]
    return dict(zip(zip(some["a"], some["b"], strict=True), some["interaction"], strict=True))


@pytest.mark.parametrize("score", ["deep_lift", "gradient_x_input", "ism", "integrated_gradients"])
@pytest.mark.parametrize("sources", [1, 5])
def test_an_additive_model_has_no_interaction(score, sources):
    found = explain.dfim(Linear(), encode(X), sources, target=1, score=score, nulls=2)
    assert found["interaction"].abs().max() < 1e-5
    assert found["null"].max() < 1e-5


def test_a_product_has_its_one_cell_of_its_exact_value():
    """f = (A at 2) (C at 7): each letter's gradient is the other, 1 with it and 0 without."""
    x = encode(["GGAGGGGCGGGG", "GGGGGGGGGGGG"])
    found = explain.dfim(Product(), x, 1, score="gradient_x_input", nulls=0)
    assert cells(found[found["sequence"] == 0]) == {("2", "7"): 1.0, ("7", "2"): 1.0}
    assert cells(found[found["sequence"] == 1]) == {}


def test_ism_as_the_score_sees_what_the_pair_does():
    """Importance by ISM of A at 2 is 1 with C at 7 and 0 without it (others score 0 or -1/3)."""
    found = explain.dfim(Product(), encode(["GGAGGGGCGGGG"]), 1, score="ism", nulls=0)
    assert cells(found)["2", "7"] == pytest.approx(1.0)


@pytest.mark.parametrize("score", SCORES)
def test_any_attribution_is_a_score(score):
    found = explain.dfim(Conv(), encode(X), 4, target=0, score=score, nulls=1, copies=2)
    assert np.isfinite(found["interaction"]).all()
    assert found["interaction"].abs().sum() > 0
    assert found["p"].between(0, 1).all()


def test_windows_at_both_ends_are_masked_by_where_they_lie():
    """Every position reads every other, so that only the mask makes the source's own 0."""

    class All(torch.nn.Module):
        def forward(self, x):
            return x[:, 0].sum(1, keepdim=True) ** 2

    x = encode(["AAAAAAAAAAAA"])
    found = explain.dfim_map(All(), x, width=3, score="gradient_x_input", fill="N").values[0]
    for i, row in enumerate(found):
        inside = torch.zeros(12, dtype=torch.bool)
        inside[3 * i : 3 * i + 3] = True
        assert (row[inside] == 0).all()
        assert (row[~inside] == 6.0).all()  # the gradient is 2 * 12, and 2 * 9 without three


def test_a_target_that_reaches_into_the_source_is_read_outside_of_it():
    class All(torch.nn.Module):
        def forward(self, x):
            return x[:, 0].sum(1, keepdim=True) ** 2

    over = sites((0, 0, 4, "A"), (0, 2, 6, "B"), (0, 3, 4, "inner"))
    found = explain.dfim(
        All(),
        encode(["AAAAAAAA"]),
        over,
        score="gradient_x_input",
        fill="N",
        reduce="sum",
        nulls=0,
    )
    got = {(a, b): v for a, b, v in found[["a", "b", "interaction"]].values}
    assert got["A", "B"] == 2 * 4 * 2  # two positions of B lie outside of A
    assert ("A", "inner") not in got  # nothing of it does
    assert got["inner", "A"] == 2 * 1 * 3


def test_all_sites_of_a_motif_go_together_unless_asked_otherwise():
    table = sites((0, 0, 2, "A"), (0, 4, 6, "A"), (0, 8, 10, "B"))
    x = encode(["ACGTACGTACGT"])
    one = explain.dfim(Conv(), x, table, target=0, nulls=0)
    assert one[["a", "b", "a_sites", "distance"]].values.tolist() == [
        ["A", "B", 2, 2],
        ["B", "A", 1, 2],
    ]
    assert one["a_start"].tolist() == [4, 8]
    each = explain.dfim(Conv(), x, table, target=0, nulls=0, by="site")
    assert len(each) == 6
    assert sorted(each["distance"]) == [2, 2, 2, 2, 6, 6]


def test_motifs_are_looked_for():
    gat = Motif.from_counts(100 * encode(["GATTACA"])[0].numpy(), name="GAT")
    tgc = Motif.from_counts(100 * encode(["TGCACCC"])[0].numpy(), name="TGC")
    x = encode(["CCGATTACACCTGCACCCGG", "CCCCCCCCCCCCCCCCCCCC"])
    found = explain.dfim(Conv(), x, [gat, tgc], target=0, nulls=0)
    assert found[["sequence", "a", "b"]].values.tolist() == [[0, "GAT", "TGC"], [0, "TGC", "GAT"]]
    assert found[["a_start", "a_end"]].values.tolist() == [[2, 9], [11, 18]]


def test_copies_are_compared_with_the_reference_of_their_sequence():
    """Were references shuffled anew from a copy's letters, an additive model would interact."""
    options = {"reference": "shuffles", "n_references": 3}
    found = explain.dfim(Linear(), encode(X), 4, target=1, options=options, nulls=0)
    assert found["interaction"].abs().max() < 1e-5


def test_sequences_like_their_shuffles_have_uniform_p():
    """What is shuffled at random to begin with is no different from its null."""
    random = np.random.default_rng(0)
    x = one_hot(random.integers(0, 4, (150, 30)).astype(np.uint8))
    table = sites(*((i, *span) for i in range(150) for span in ((2, 8, "A"), (15, 22, "B"))))
    found = explain.dfim(Curved(30), x, table, score="gradient_x_input", nulls=8)
    for _, own in found.groupby("a"):
        assert kstest(own["p"], "uniform").pvalue > 0.01
    assert (found["q"] < 0.05).sum() == 0
    summed = explain.interacting(found)
    assert (summed["q"] > 0.05).all()


def test_a_planted_pair_is_found_and_a_bystander_is_not():
    """A model that needs both words, asked about sequences that hold these and a third."""

    class Both(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.words = Words("GATTACA", "TGCACCC", "CTCTGAG")

        def forward(self, x):
            a = self.words.relu(self.words.conv(x)).amax(2)
            return (4 * torch.relu(a[:, 0] + a[:, 1] - 1) + a[:, 2])[:, None]

    random = np.random.default_rng(1)
    codes = random.integers(0, 4, (30, 60)).astype(np.uint8)
    rows = []
    for i in range(30):
        for word, at in (("GATTACA", 5), ("TGCACCC", 25), ("CTCTGAG", 45)):
            codes[i, at : at + 7] = ["ACGT".index(b) for b in word]
            rows.append((i, at, at + 7, word))
    x = one_hot(codes)
    for score in ("deep_lift", "ism"):
        found = explain.dfim(Both(), x, sites(*rows), score=score, copies=2, nulls=4)
        found = explain.interacting(found)
        sure = found[found["q"] <= 0.05]
        assert {frozenset(p) for p in sure[["a", "b"]].values} == {
            frozenset(("GATTACA", "TGCACCC"))
        }
        assert (sure["distance"] == 13).all()
    lost = explain.interacting(explain.epistasis(Both(), x, sites(*rows)))
    assert lost.loc[lost["q"] <= 0.05, ["a", "b"]].values.tolist() == [["GATTACA", "TGCACCC"]]
    assert lost["mean"][0] == pytest.approx(4.0)
    assert lost["mean"][1:].abs().max() < 0.05  # words that arise by chance


def test_neither_order_nor_company_nor_batches_change_anything():
    x, table = (
        encode(X),
        sites(*((i, s, s + 3, n) for i in range(3) for s, n in ((1, "A"), (8, "B")))),
    )

    def asked(x, table, **options):
        return explain.dfim(Curved(), x, table, nulls=2, **options).drop(columns=["p", "q"])

    whole = asked(x, table)
    turned = asked(x.flip(0), table.assign(sequence=2 - table["sequence"]))
    turned = turned.assign(sequence=2 - turned["sequence"]).sort_values(["sequence", "a"])
    pd.testing.assert_frame_equal(turned.reset_index(drop=True), whole, atol=1e-6)
    pd.testing.assert_frame_equal(asked(x, table, batch_size=1), whole, atol=1e-6)
    alone = asked(x[1:2], sites((0, 1, 4, "A"), (0, 8, 11, "B")))
    mine = whole[whole["sequence"] == 1].assign(sequence=0).reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, mine, atol=1e-6)
    other = asked(x, table, seed=1)
    assert not np.allclose(other["interaction"], whole["interaction"])


def test_unknown_bases_are_allowed_everywhere():
    x = encode(["NNNNNNNNNNNN", "ACNNACGTNACG"])
    for fill in ("words", "shuffles", "N"):
        found = explain.dfim(Conv(), x, 3, target=0, fill=fill)
        assert np.isfinite(found[["interaction", "p", "q"]]).all(axis=None)
        assert (found.loc[found["sequence"] == 0, "interaction"] == 0).all()


def test_the_model_is_left_as_it_was():
    model = Conv().train()
    before = state_of(model)
    explain.dfim(model, encode(X), 6, target=0)
    assert state_of(model) == before


def test_without_features_the_table_is_empty_and_so_is_the_summary():
    found = explain.dfim(Conv(), encode(X), sites((0, 1, 3, "A")), target=0)
    assert len(found) == 0
    assert len(explain.interacting(found)) == 0


def test_without_null_there_is_no_p():
    found = explain.dfim(Conv(), encode(X), 6, target=0, nulls=0)
    assert found[["null", "p", "q"]].isna().all(axis=None)
    assert explain.interacting(found)["p"].isna().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"score": "attention"}, "gives an attribution; attention gives another thing"),
        ({"score": "deep_lfit"}, "Did you mean 'deep_lift'"),
        ({"options": {"n_reference": 2}}, "Did you mean 'n_references'"),
        ({"options": {"target": 1}}, "No option of deep_lift named 'target'"),
        ({"fill": "word"}, "Did you mean 'words'"),
        ({"reduce": "mean"}, "No reduction named 'mean'"),
        ({"by": "sites"}, "Did you mean 'site'"),
        ({"copies": 0}, "copies must be"),
        ({"nulls": -1}, "nulls must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"options": {"reference": torch.zeros(2, 1, 4, 12)}}, "2 sequences for 3"),
    ],
)
def test_an_option_that_cannot_be_honored_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        explain.dfim(Conv(), encode(X), 4, target=0, **options)


GAT = Motif.from_counts(100 * encode(["GATTACA"])[0].numpy(), name="GAT")


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (0, "the width of windows"),
        (13, "at most as wide as the sequences, 12 bp; got 13"),
        (["GATA"], r"a width in bp, motifs, or a table .* got str"),
        ([], "No motif was given"),
        ([GAT, GAT], "Two motifs are named 'GAT'"),
        (sites((0, 3, 3, "A")), "Row 0 of the table of sites has sequence 0, start 3, end 3"),
        (sites((0, 1, 3, "A"), (3, 1, 3, "B")), "Row 1 .* within 3 sequences of 12 bp"),
        (sites((0, 10, 13, "A")), "end 13"),
        (sites((0, 1.5, 3, "A")), "whole numbers"),
        (sites((0, 1, 3, "A")).drop(columns="motif"), "got sequence, start, end"),
    ],
)
def test_sources_that_are_none_are_refused(sources, message):
    for method in (explain.dfim, explain.epistasis, explain.shapley):
        with pytest.raises(InputError, match=message):
            method(Conv(), encode(X), sources, target=0)


def test_asks_which_output():
    with pytest.raises(InputError, match="2 outputs; say which"):
        explain.dfim(Conv(), encode(X), 4)


def test_the_table_of_hits_is_a_table_of_sites():
    """`explain.hits` calls its motifs ``pattern`` and, better, ``name``."""
    table = sites((0, 1, 3, "x"), (0, 6, 8, "y")).rename(columns={"motif": "pattern"})
    found = explain.dfim(Conv(), encode(X), table.assign(name=["N1", "N2"]), target=0, nulls=0)
    assert found["a"].tolist() == ["N1", "N2"]
    with pytest.raises(UnknownName):
        explain.epistasis(Conv(), encode(X), table, target=0, pairs=[("N1", "N2")])
