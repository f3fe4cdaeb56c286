"""Spacing, order, orientation and copies on models that are solved with a pencil."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cisgram import grammar
from cisgram.motifs import Motif
from pencil import FIRST, SECOND, Of, PwmSum, blank, count

DISTANCES = [0, 1, 5, 7, 12, 30]
PAIR = [FIRST, SECOND]


def test_an_additive_model_has_cooperativity_1_and_no_interaction_at_every_distance():
    x = grammar.random_backgrounds(30, 80, seed=4)
    e = grammar.spacing(PwmSum(), x, PAIR, distances=range(60), scale="linear")
    left = e.interactions()
    assert len(left) == 60
    assert (left["interaction"] == 0).all()
    assert (left["p"] == 1).all()
    table = grammar.cooperativity(e)
    assert ((table["low"] <= 1) & (table["high"] >= 1)).all()
    np.testing.assert_allclose(table["cooperativity"], 1, rtol=0, atol=1e-12)
    assert e.table()["effect"].abs().max() > 0.1  # the motifs do something


@pytest.mark.parametrize("center", ["mean", "median"])
def test_a_product_model_has_the_ratio_of_the_products(center):
    model = Of(lambda x: (1 + count(x, FIRST)) * (1 + 2 * count(x, SECOND)))
    e = grammar.spacing(model, blank(), PAIR, distances=DISTANCES, scale="linear")
    table = grammar.cooperativity(e, center=center)
    assert table["together"].tolist() == [6.0] * len(DISTANCES)  # 2 * 3
    assert table["twin"].tolist() == [4.0] * len(DISTANCES)  # 2 + 3 - 1
    assert table["cooperativity"].tolist() == [1.5] * len(DISTANCES)
    assert (table["q"] < 1e-3).all()
    assert e.interactions()["interaction"].tolist() == [2.0] * len(DISTANCES)


def test_without_either_motif_alone_a_pure_product_has_an_interaction_and_no_ratio():
    model = Of(lambda x: count(x, FIRST) * count(x, SECOND))
    e = grammar.spacing(model, blank(), PAIR, distances=[5], scale="linear")
    assert e.interactions()["interaction"].tolist() == [1.0]
    assert e.table().set_index("arm")["effect"].dropna().tolist() == [0.0, 0.0, 1.0]
    table = grammar.cooperativity(e)
    assert table[["cooperativity", "low", "high", "p", "q"]].isna().all().all()


def test_a_rule_for_one_distance_shows_in_that_cell_alone():
    rule = FIRST + "N" * 7 + SECOND
    model = Of(lambda x: 1 + count(x, FIRST) + count(x, SECOND) + 5 * count(x, rule))
    e = grammar.spacing(model, blank(), PAIR, distances=range(40), scale="linear")
    left = e.interactions().set_index("distance")
    assert left["interaction"].to_dict() == {d: 5.0 * (d == 7) for d in range(40)}
    assert left.index[left["q"] < 0.05].tolist() == [7]
    table = grammar.cooperativity(e).set_index("distance")
    assert table["cooperativity"].to_dict() == {d: 8 / 3 if d == 7 else 1.0 for d in range(40)}
    assert table.index[table["q"] < 0.05].tolist() == [7]


@pytest.mark.parametrize(
    ("scale", "output"),
    [
        ("log", torch.log),
        ("log2", torch.log2),
        ("log10", torch.log10),
        ("log1p", torch.log1p),
        ("logit", torch.log),
    ],
)
def test_an_output_in_logarithms_has_the_cooperativity_of_the_amounts_themselves(scale, output):
    rng = torch.Generator().manual_seed(1)
    w = torch.rand(4, 80, generator=rng) / 80
    w[:, 20:60] = 0  # where the motifs are written

    def amount(x):
        level = 0.1 + (x * w).sum((1, 2))  # no two backgrounds alike
        return level * (1 + count(x, FIRST)) * (1 + count(x, SECOND))

    ask = {"distances": DISTANCES}
    plain = grammar.spacing(Of(amount), blank(), PAIR, scale="linear", **ask)
    logs = grammar.spacing(Of(lambda x: output(amount(x))), blank(), PAIR, scale=scale, **ask)
    a, b = grammar.cooperativity(plain), grammar.cooperativity(logs)
    for column in ("together", "twin", "cooperativity", "low", "high", "together_low"):
        np.testing.assert_allclose(a[column], b[column], rtol=2e-5)
    assert (a["low"] < a["high"]).all()
    if scale == "log2":  # additive in logarithms, as a product is; ratios of them would be wrong
        assert logs.interactions()["interaction"].abs().max() == 0


def test_the_second_motif_moves_and_the_first_stays():
    seen = []
    model = Of(lambda x: seen.append(x.clone()) or x.sum((1, 2)))
    grammar.spacing(model, blank(2, 30), PAIR, distances=[0, 3], start=4, singles=False)
    from cisgram.seq import decode

    texts = {t for x in seen for t in decode(x)}
    for gap in (0, 3):
        at = 4 + len(FIRST) + gap
        assert any(t[4 : 4 + len(FIRST)] == FIRST and t[at : at + 4] == SECOND for t in texts)


def test_orientation_a_blind_model_minds_no_strand_and_a_strict_one_does():
    other = "CTTATC"  # the reverse complement of FIRST
    x = grammar.random_backgrounds(20, 80, composition=(0, 1, 0, 0))
    blind = Of(lambda x: count(x, FIRST) + count(x, other))
    e = grammar.orientation(blind, x, FIRST)
    assert e.compare(f"{FIRST} +", f"{FIRST} -") == {"effect": 0, "low": 0, "high": 0, "p": 1}
    assert e.table()["effect"].dropna().tolist() == [1.0, 1.0]
    e = grammar.orientation(Of(lambda x: count(x, FIRST)), x, FIRST)
    assert e.table()["effect"].dropna().tolist() == [1.0, 0.0]
    assert e.compare(f"{FIRST} +", f"{FIRST} -")["p"] < 1e-3


def test_orientation_of_a_pair_finds_the_one_pair_of_strands_that_counts():
    rule = FIRST + "N" * 10 + "TCCT"  # SECOND on the minus strand
    x = grammar.random_backgrounds(20, 80, composition=(0, 1, 0, 0))
    e = grammar.orientation(Of(lambda x: count(x, rule)), x, PAIR)
    left = e.interactions().set_index("strands")["interaction"].to_dict()
    assert left == {"++": 0.0, "+-": 1.0, "-+": 0.0, "--": 0.0}


def test_order_finds_the_order_that_counts_and_forgives_places():
    x = blank(20, 80)
    rule = FIRST + "N" * 10 + SECOND
    ramp = torch.arange(80.0) / 80

    def places(x):  # minds where A lies, not the order
        return (x[:, 0] * ramp).sum(1)

    e = grammar.order(Of(lambda x: places(x) + 3 * count(x, rule)), x, PAIR, scale="linear")
    left = e.interactions().set_index("order")["interaction"]
    np.testing.assert_allclose(left.to_list(), [3.0, 0.0], atol=1e-6)
    e = grammar.order(Of(places), x, PAIR)
    assert e.interactions()["interaction"].abs().max() == 0
    assert abs(e.compare(f"{FIRST}, {SECOND}", f"{SECOND}, {FIRST}")["effect"]) > 0.1


def test_copies_add_up_in_a_linear_model_and_saturate_in_a_clamped_one():
    e = grammar.copies(Of(lambda x: 1 + count(x, FIRST)), blank(), FIRST, most=4, scale="linear")
    assert e.table()["effect"].dropna().tolist() == [1.0] * 4 + [2.0, 3.0, 4.0]
    assert e.interactions()["interaction"].tolist() == [0.0] * 3
    assert grammar.cooperativity(e)["cooperativity"].tolist() == [1.0] * 3
    e = grammar.copies(
        Of(lambda x: 1 + count(x, FIRST).clamp(max=2)), blank(), FIRST, most=4, scale="linear"
    )
    assert e.interactions()["interaction"].tolist() == [0.0, -1.0, -2.0]
    ratio = grammar.cooperativity(e)["cooperativity"].tolist()
    assert ratio == [1.0, 3 / 4, 3 / 5]


def test_flanks_are_told_apart_and_what_they_do_alone_is_not_counted_twice():
    model = Of(lambda x: count(x, FIRST) + 2 * count(x, "G" + FIRST) + 4 * count(x, "AAC"))
    pairs = [("G", "C"), ("T", "AAC"), ("", "C")]
    e = grammar.flanks(model, blank(), FIRST, flanks=pairs)
    left = e.interactions()
    assert left[["left", "right"]].values.tolist() == [list(p) for p in pairs]
    assert left["interaction"].tolist() == [2.0, 0.0, 0.0]
    assert e.table().set_index("arm")["effect"]["T..AAC"] == 4.0


def test_random_flanks_are_different_and_follow_the_seed():
    model = Of(lambda x: count(x, FIRST))
    one = grammar.flanks(model, blank(), FIRST, flanks=16, width=1, seed=2)
    names = [arm.name for arm in one.arms]
    assert len(names) == 2 + 2 * 16  # all pairs of one letter there are
    again = grammar.flanks(model, blank(), FIRST, flanks=16, width=1, seed=2)
    assert names == [arm.name for arm in again.arms]


def test_insertion_gives_each_motif_its_gain_at_each_start():
    ramp = torch.arange(80.0)
    model = Of(lambda x: (x[:, 0] * ramp).sum(1))  # A counts where it lies
    e = grammar.insertion(model, blank(), ["A", "AA"], start=[3, 10])
    assert e.table()["effect"].dropna().tolist() == [3.0, 10.0, 7.0, 21.0]
    assert e.table()[["motif", "start"]].dropna().values.tolist() == [
        ["A", 3], ["A", 10], ["AA", 3], ["AA", 10]
    ]  # fmt: skip


def test_context_shows_the_part_of_an_effect_that_the_sequence_makes():
    x = blank(20, 80)
    x[:, 5:9] = [0, 2, 2, 0]  # SECOND, which shuffles lose
    model = Of(lambda x: count(x, FIRST) * (1 + count(x, SECOND)))
    e = grammar.context(model, x, FIRST, draws=3, k=1, scale="linear")
    found = e.interactions()
    lost = e["GATAAG in shuffled"].mean()
    assert 1 <= lost < 1.2  # in some shuffles SECOND stands by chance
    assert found["interaction"].tolist() == [pytest.approx(2 - lost)]
    blind = grammar.context(Of(lambda x: count(x, FIRST)), x, FIRST, draws=3)
    assert blind.interactions()["interaction"].tolist() == [0.0]


def test_words_are_drawn_from_the_motif_and_stay_the_same_in_all_arms():
    ppm = np.array([[0.5, 0, 0, 0], [0, 1, 0, 0.5], [0.5, 0, 1, 0], [0, 0, 0, 0.5]])
    motif = Motif(ppm, "half")
    codes = grammar.random_backgrounds(400, 20, composition=(0, 1, 0, 1))
    model = Of(lambda x: x[:, 0].sum(1))  # the number of A
    e = grammar.insertion(model, codes, motif, start=[2, 8], drawn=True)
    assert e["half at 2"].tolist() == e["half at 8"].tolist()
    assert 0.4 < e["half at 2"].mean() < 0.6
    fixed = grammar.insertion(model, codes, motif, start=[2])
    assert fixed["half"].tolist() == [1.0] * 400
