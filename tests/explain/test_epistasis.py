"""Knock-out epistasis and Shapley values: pencil truths, controls, refusals."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import kstest

from cisgram import explain
from cisgram.core.errors import InputError, UnknownName
from cisgram.explain.features import Feature, features_of
from cisgram.explain.fills import filled
from cisgram.explain.knockouts import elsewhere
from cisgram.explain.overwrite import likeness
from cisgram.motifs import Motif
from cisgram.seq import codes_of, encode, one_hot, to_codes
from toys import Conv, Curved, Linear, Product, Words, state_of

X = ["GATTACATGCAC", "TTACGGCCATCA", "AGCANNNCTCGT"]


def sites(*rows):
    return pd.DataFrame(rows, columns=["sequence", "start", "end", "motif"])


AB = sites(*((i, s, s + 3, n) for i in range(3) for s, n in ((0, "A"), (9, "B"))))


@pytest.mark.parametrize("fill", ["words", "shuffles", "N"])
def test_an_additive_model_has_no_epistasis(fill):
    found = explain.epistasis(Linear(), encode(X), AB, target=1, fill=fill)
    assert found["interaction"].abs().max() < 1e-5
    assert found["effect_a"].abs().min() > 0
    assert np.allclose(found["effect_both"], found["effect_a"] + found["effect_b"], atol=1e-5)
    assert found["null"].max() < 1e-5


def test_a_product_has_its_one_cell_of_its_exact_value():
    """f = (A at 2) (C at 7): 1 together, 0 with one or none."""
    found = explain.epistasis(Product(), encode(["GGAGGGGCGGGG"]), 1)
    some = found[found["interaction"] != 0]
    assert some[["a", "b", "interaction", "effect_a", "effect_both"]].values.tolist() == [
        ["2", "7", 1.0, 1.0, 1.0]
    ]
    assert len(found) == 66
    table = sites((0, 2, 3, "two"), (0, 7, 8, "seven"), (0, 10, 11, "other"))
    found = explain.epistasis(Product(), encode(["GGAGGGGCGGGG"]), table)
    assert {(a, b): v for a, b, v in found[["a", "b", "interaction"]].values} == {
        ("seven", "two"): 1.0,
        ("other", "two"): 0.0,
        ("other", "seven"): 0.0,
    }


def test_sites_that_stand_in_for_each_other_have_a_negative_one_and_go_together_by_default():
    def satisfied(y):
        return y[:, 0].clamp(max=1)

    x, model = encode(["GATTACACCCGATTACACCCTGCACCC"]), Words("GATTACA", "TGCACCC")
    table = sites((0, 0, 7, "GAT"), (0, 10, 17, "GAT"), (0, 20, 27, "TGC"))
    each = explain.epistasis(model, x, table, target=satisfied, by="site", controls=0)
    assert each["interaction"].tolist() == [0.0, 0.0, 0.0]  # any two may go
    both = explain.epistasis(model, x, table, target=satisfied, controls=0)
    assert both[["a", "b", "a_sites", "interaction"]].values.tolist() == [["GAT", "TGC", 2, -1.0]]


def test_pairs_that_share_a_position_are_left_out():
    """What belongs to both would pass for an interaction of an additive model."""
    table = sites((0, 0, 4, "A"), (0, 3, 6, "B"), (0, 8, 10, "C"))
    found = explain.epistasis(Linear(), encode(X), table, target=0, controls=0)
    assert found[["a", "b"]].values.tolist() == [["A", "C"], ["B", "C"]]


def test_only_the_pairs_that_are_asked_for_are_asked():
    table = sites((0, 0, 2, "A"), (0, 4, 6, "B"), (0, 8, 10, "C"))
    found = explain.epistasis(Conv(), encode(X), table, target=0, pairs=[("C", "A")])
    assert found[["a", "b"]].values.tolist() == [["A", "C"]]
    with pytest.raises(UnknownName, match="No feature named 'D'"):
        explain.epistasis(Conv(), encode(X), table, target=0, pairs=[("C", "D")])
    with pytest.raises(InputError, match="two names each"):
        explain.epistasis(Conv(), encode(X), table, target=0, pairs=["CA"])


def test_features_like_their_controls_have_no_small_p():
    """Windows that hold nothing are like windows elsewhere: p is no smaller than uniform."""
    random = np.random.default_rng(0)
    x = one_hot(random.integers(0, 4, (150, 60)).astype(np.uint8))
    starts = random.integers([0, 30], [27, 57], (150, 2))
    table = sites(
        *((i, s, s + 3, n) for i in range(150) for s, n in zip(starts[i], "AB", strict=True))
    )
    found = explain.epistasis(Curved(60), x, table)
    assert found["interaction"].abs().min() > 0
    assert kstest(found["p"], "uniform", alternative="greater").pvalue > 0.01
    assert (found["q"] > 0.05).all()
    assert found["p"].min() < 0.2


def test_intervals_hold_over_the_versions_and_close_with_more_of_them():
    x = encode(["GATTACATGCAC"])
    table = sites((0, 0, 3, "A"), (0, 5, 8, "B"))
    few, many = (explain.epistasis(Curved(), x, table, copies=c).iloc[0] for c in (10, 1000))
    assert many["low"] < many["interaction"] < many["high"]
    assert many["high"] - many["low"] < 0.3 * (few["high"] - few["low"])
    assert few["low"] < many["interaction"] < few["high"]
    assert np.isnan(explain.epistasis(Curved(), x, table, copies=1)["low"][0])


def test_neither_order_nor_company_nor_batches_change_anything():
    def asked(x, table, **options):
        found = explain.epistasis(Curved(), x, table, **options)
        return found.drop(columns=["p", "q"])

    x = encode(X)
    whole = asked(x, AB)
    turned = asked(x.flip(0), AB.assign(sequence=2 - AB["sequence"]))
    turned = turned.assign(sequence=2 - turned["sequence"]).sort_values("sequence")
    pd.testing.assert_frame_equal(turned.reset_index(drop=True), whole, atol=1e-6)
    pd.testing.assert_frame_equal(asked(x, AB, batch_size=1), whole, atol=1e-6)
    alone = asked(x[1:2], AB[:2])
    mine = whole[whole["sequence"] == 1].assign(sequence=0).reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, mine, atol=1e-6)
    assert not np.allclose(asked(x, AB, seed=1)["interaction"], whole["interaction"])


def test_unknown_bases_are_allowed_and_stay_unknown():
    x = encode(["NNNNNNNNNNNN", "ACNNACGTNACG"])
    for fill in ("words", "shuffles", "N"):
        found = explain.epistasis(Conv(), x, 4, target=0, fill=fill)
        assert np.isfinite(found["interaction"]).all()
        assert found.loc[found["sequence"] == 0, "interaction"].abs().max() == 0
    feature = Feature(0, "A", ((0, 4),))
    for fill in ("words", "shuffles"):
        words = filled(to_codes(["ANGT"])[0], feature, fill=fill, copies=20, seed=0)
        assert (words[:, 1] == 4).all()
        assert (words[:, [0, 2, 3]] < 4).all()


def test_words_no_longer_match_the_motif():
    codes = to_codes(["CCGATTACACCTGTAATCCC"])[0]
    gat = Motif.from_counts(100 * encode(["GATTACA"])[0].numpy(), name="GAT")
    feature = Feature(0, "GAT", ((2, 9),), gat)
    words = filled(codes, feature, fill="words", copies=200, seed=0)
    assert len({w.tobytes() for w in words}) > 150
    assert max(likeness(gat, w) for w in words) <= 0.5 * likeness(gat, codes[2:9])
    plain = filled(codes, Feature(0, "GAT", ((2, 9),)), fill="words", copies=2000, seed=0)
    assert max(likeness(gat, w) for w in plain) > 0.5 * likeness(gat, codes[2:9])


def test_a_control_lies_where_no_feature_does():
    codes = to_codes(["ACGTACGTACGTACGTACGT"])[0]
    own = [Feature(0, "A", ((0, 4), (16, 20))), Feature(0, "B", ((6, 9),))]
    seen = set()
    for number in range(40):
        found = elsewhere(codes, own[1], own, number=number, seed=0)
        assert not any(found.overlaps(f) for f in own)
        seen.add(found.spans)
    assert seen == {((s, s + 3),) for s in (9, 10, 11, 12, 13)}
    assert elsewhere(codes, own[0], own, number=0, seed=0) is None  # two of 4 bp: no room


def test_where_there_is_no_room_for_a_control_there_is_no_p():
    found = explain.epistasis(Conv(), encode(["ACGTACGTAC"]), 5, target=0)
    assert found[["null", "p", "q"]].isna().all(axis=None)
    assert found["interaction"].notna().all()


def test_the_model_is_left_as_it_was():
    model = Conv().train()
    before = state_of(model)
    explain.epistasis(model, encode(X), AB, target=0)
    explain.shapley(model, encode(X), AB, target=0)
    assert state_of(model) == before


def test_shapley_values_of_an_additive_model_are_what_each_feature_loses():
    table = sites((0, 0, 3, "A"), (0, 4, 6, "B"), (0, 8, 12, "C"))
    found = explain.shapley(Linear(), encode(X), table, target=1, fill="N")
    weight = (Linear().weight[1].detach() * encode(X)[0]).sum(0)
    wanted = [weight[0:3].sum(), weight[4:6].sum(), weight[8:12].sum()]
    torch.testing.assert_close(torch.tensor(found["value"].tolist()), torch.stack(wanted))
    pairs = explain.shapley(Linear(), encode(X), table, target=1, order=2)
    assert pairs["interaction"].abs().max() < 1e-5


def test_shapley_values_add_up_to_what_all_features_give():
    table = sites(
        *((i, s, s + 2, n) for i in range(3) for s, n in zip((0, 3, 6, 9), "ABCD", strict=True))
    )
    found = explain.shapley(Conv(), encode(X), table, target=0)
    for _, own in found.groupby("sequence"):
        given = own["output"].iloc[0] - own["empty"].iloc[0]
        assert own["value"].sum() == pytest.approx(given, abs=1e-6)
    assert (found["low"] < found["value"]).all()


def test_three_that_are_needed_together_share_alike():
    """f = product of three: 1/3 each; each two together half of it."""

    class Three(torch.nn.Module):
        def forward(self, x):
            return (6 * x[:, 0, 0] * x[:, 1, 2] * x[:, 2, 4])[:, None]

    table = sites((0, 0, 1, "A"), (0, 2, 3, "B"), (0, 4, 5, "C"), (0, 6, 7, "D"))
    x = encode(["ATCTGTCT"])
    values = explain.shapley(Three(), x, table)
    assert values["value"].tolist() == pytest.approx([2, 2, 2, 0])
    pairs = explain.shapley(Three(), x, table, order=2)
    assert dict(zip(pairs.a + pairs.b, pairs.interaction.round(6), strict=True)) == {
        "AB": 3,
        "AC": 3,
        "BC": 3,
        "AD": 0,
        "BD": 0,
        "CD": 0,
    }


def test_the_index_of_two_features_is_their_epistasis():
    index = explain.shapley(Curved(), encode(X), AB, order=2)
    lost = explain.epistasis(Curved(), encode(X), AB, controls=0)
    assert lost["interaction"].abs().min() > 1e-3
    assert np.allclose(index["interaction"], lost["interaction"], atol=1e-6)
    assert np.allclose(index[["low", "high"]], lost[["low", "high"]], atol=1e-6)


def test_too_many_features_are_refused_before_anything_is_asked():
    with pytest.raises(InputError, match=r"3 sequences have more than most=6 .* with 12"):
        explain.shapley(Conv(), encode(X), 1, target=0)
    with pytest.raises(InputError, match="order must be 1"):
        explain.shapley(Conv(), encode(X), AB, target=0, order=3)


def test_features_are_told_by_sequence_and_place():
    found = features_of(codes_of(encode(X)), AB[::-1], by="sequence", p=1e-4)
    assert [(f.sequence, f.name) for f in found] == [(i, n) for i in range(3) for n in "AB"]
    over = sites((0, 0, 4, "A"), (0, 2, 6, "A"))
    (one,) = features_of(codes_of(encode(X)), over, by="sequence", p=1e-4)
    assert one.spans == ((0, 6),)
