"""Knock-out, swap, necessity and sufficiency on planted sequences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cisgram import grammar
from cisgram.core.errors import InputError
from cisgram.motifs import Motif
from cisgram.seq import encode, to_codes
from pencil import FIRST, SECOND, Of, blank, count

A = Motif.from_counts(100 * encode([FIRST])[0].numpy(), name="A", pseudocount=1)
B = Motif.from_counts(100 * encode(["CAGTGA"])[0].numpy(), name="B", pseudocount=1)


def planted(n=12, *, second=None):
    """Blank sequences with FIRST at 10 and another word at 40."""
    codes = blank(n)
    codes[:, 10:16] = to_codes([FIRST])
    if second:
        codes[:, 40 : 40 + len(second)] = to_codes([second])
    return codes


def effects(e):
    return e.table().set_index("arm")["effect"].to_dict()


def test_a_knock_out_loses_the_site_and_its_control_loses_nothing():
    e = grammar.knock_out(Of(lambda x: count(x, FIRST)), planted(), A)
    found = effects(e)
    assert found["without A"] == -1.0
    assert found["without control A"] == 0.0
    table = e.table().set_index("arm")
    assert table.loc["without A", "p"] < 1e-3
    assert table.loc["without control A", "p"] == 1.0


def test_knocking_out_two_motifs_tells_a_sum_from_a_product():
    x = planted(second="CAGTGA")
    both = [A, B]
    e = grammar.knock_out(Of(lambda x: count(x, FIRST) + count(x, "CAGTGA")), x, both)
    assert effects(e)["without A, B"] == -2.0
    assert e.interactions()["interaction"].tolist() == [0.0]
    model = Of(lambda x: (1 + count(x, FIRST)) * (1 + count(x, "CAGTGA")))
    e = grammar.knock_out(model, x, both, scale="linear")
    assert e.interactions()["interaction"].tolist() == [1.0]  # 4 - 2 - 2 + 1
    assert grammar.cooperativity(e)["cooperativity"].tolist() == [4 / 3]


def test_sequences_without_a_site_are_left_out_and_those_that_were_asked_are_named():
    x = blank(6)
    x[[1, 4], 10:16] = to_codes([FIRST])
    e = grammar.knock_out(Of(lambda x: count(x, FIRST)), x, A)
    assert e.options["rows"] == [1, 4]
    assert e.sequences.tolist() == x[[1, 4]].tolist()


def test_sequences_whose_two_sites_overlap_are_left_out():
    x = planted(second="CAGTGA")
    e = grammar.knock_out(
        Of(lambda x: count(x, FIRST)),
        x,
        [pd.DataFrame({"sequence": [0, 1, 2], "start": 10, "end": 16}),
         pd.DataFrame({"sequence": [0, 1, 2], "start": [15, 16, 40], "end": 46})],
    )  # fmt: skip
    assert e.options["rows"] == [1, 2]


def test_a_swap_puts_the_new_motif_in_the_middle_of_the_site_on_its_strand():
    x = planted()
    x[:6, 10:16] = to_codes(["CTTATC"])  # the reverse complement: half lie on the other strand
    both = Of(lambda x: count(x, "CAGTGA") + 10 * count(x, "TCACTG"))
    e = grammar.swap(both, x, A, [B, A])
    assert e["B"].tolist() == [10.0] * 6 + [1.0] * 6
    assert e["random"].tolist() == [0.0] * 12
    back = grammar.swap(Of(lambda x: count(x, FIRST)), planted(), A, [B, A])
    assert effects(back)["A"] == 0.0
    assert effects(back)["B"] == -1.0


def test_a_wider_motif_is_kept_inside_the_sequence():
    wide = "GAGAGAGAGG"
    e = grammar.swap(Of(lambda x: count(x, wide)), planted(), (0, 4), wide)
    assert e[wide].tolist() == [1.0] * 12


def test_a_site_that_carries_all_is_necessary_and_sufficient_and_its_control_is_neither():
    x, model = planted(), Of(lambda x: 1 + 3 * count(x, FIRST).clamp(max=1))
    lost = grammar.share(grammar.necessity(model, x, A, scale="linear")).set_index("arm")
    assert lost.loc["without A", "share"] == pytest.approx(1.0)
    assert lost.loc["without control A", "share"] == 0.0
    alone = grammar.share(grammar.sufficiency(model, x, A, scale="linear")).set_index("arm")
    assert alone.loc["only A", "share"] == 1.0
    assert abs(alone.loc["only control A", "share"]) < 0.05
    assert alone.loc["only A", ["low", "high"]].tolist() == [1.0, 1.0]


def test_one_of_two_sites_that_are_both_needed_is_necessary_and_not_sufficient():
    x = planted(second="CAGTGA")
    model = Of(lambda x: count(x, FIRST) * count(x, "CAGTGA"))
    lost = grammar.share(grammar.necessity(model, x, A, scale="linear"))
    alone = grammar.share(grammar.sufficiency(model, x, A, scale="linear"))
    assert lost["share"].tolist()[0] == pytest.approx(1.0, abs=0.05)
    assert alone["share"].tolist()[0] == pytest.approx(0.0, abs=0.05)


def test_one_of_two_sites_of_which_either_is_enough_is_sufficient_and_not_necessary():
    x = planted(second="CAGTGA")
    model = Of(lambda x: (count(x, FIRST) + count(x, "CAGTGA")).clamp(max=1))
    lost = grammar.share(grammar.necessity(model, x, A, scale="linear"))
    alone = grammar.share(grammar.sufficiency(model, x, A, scale="linear"))
    assert lost["share"].tolist()[0] == 0.0
    assert alone["share"].tolist()[0] == 1.0


def test_a_share_of_a_way_that_is_not_surely_there_has_no_ends():
    x = planted()
    rng = np.random.default_rng(0).normal(size=(12, 4))
    e = grammar.necessity(Of(lambda x: count(x, FIRST)), x, A, scale="linear")
    noise = grammar.Experiment("necessity", e.arms, rng, e.sequences, scale="linear")
    found = grammar.share(noise)
    assert np.isinf(found[["low", "high"]].to_numpy()).all()


def test_neither_the_order_of_sequences_nor_their_company_changes_what_is_drawn():
    x, model = planted(), Of(lambda x: (x[:, 1, :20]).sum(1))
    for run in (
        lambda x: grammar.knock_out(model, x, A, seed=3),
        lambda x: grammar.necessity(model, x, (8, 14), seed=3),
        lambda x: grammar.sufficiency(model, x, (8, 14), seed=3),
        lambda x: grammar.swap(model, x, A, B, drawn=True, seed=3),
    ):
        whole = run(x).values
        assert len(np.unique(whole[:, 1])) > 2
        np.testing.assert_array_equal(run(x[::-1].copy()).values, whole[::-1])
        np.testing.assert_array_equal(run(x[:5]).values, whole[:5])


def test_the_control_lies_off_the_sites_of_both_motifs():
    x = planted(second="CAGTGA")
    model = Of(lambda x: count(x, FIRST) + count(x, "CAGTGA"))
    found = effects(grammar.knock_out(model, x, [A, B]))
    assert found["without control A"] == found["without control B"] == 0.0


@pytest.mark.parametrize(
    ("sites", "said"),
    [
        ((5, 5), r"window \(start, end\) inside"),
        ((70, 90), "0 to 80"),
        ([A, B, (1, 2)], "got 3 kinds"),
        ([A, A], "Both kinds of sites are called A"),
        (pd.DataFrame({"sequence": [99], "start": [1], "end": [4]}), "there are 12"),
        (pd.DataFrame({"start": [1]}), "without sequence, end"),
        ("GATAAG", "sites must be a Motif"),
        (B, "0 of 12 sequences have sites of B"),
    ],
)
def test_sites_that_cannot_be_are_refused(sites, said):
    with pytest.raises(InputError, match=said):
        grammar.knock_out(Of(lambda x: count(x, SECOND)), planted(), sites, p=1e-9)
