import numpy as np
import pytest
import torch
from torch import nn

from cisgram.core.errors import InputError
from cisgram.explain import site_effects
from cisgram.models import BothStrands
from cisgram.motifs import Motif
from cisgram.seq import encode
from toys import Conv, Words, hooks_left, state_of


def interval(values):
    half = 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))
    return [np.mean(values), np.mean(values) - half, np.mean(values) + half]


def word(text, name=None):
    return Motif(np.array([[0.97 if b == c else 0.01 for c in text] for b in "ACGT"]), name or text)


SITE, DECOY = "GGTCACGTG", "TTGATTAAC"


def planted(n, *, second=0, seed=0):
    """Random text with a decoy at 5 and a site at 40; the first ``second`` have one at 25 too."""
    random = np.random.default_rng(seed)
    found = []
    for i in range(n):
        text = "".join(random.choice(list("ACGT"), 70))
        places = [(5, DECOY), (40, SITE)] + ([(25, SITE)] if i < second else [])
        for at, what in places:
            text = text[:at] + what + text[at + len(what) :]
        found.append(text)
    return encode(found)


@pytest.fixture(scope="module")
def effects():
    model = Words(SITE, gains=(5.0,))
    motifs = [word(SITE), word(DECOY), word("CCCCCCCCCCCC", "absent")]
    table = site_effects(model, planted(40, second=10), motifs, p=1e-5, copies=20)
    return table.set_index("motif")


def test_overwriting_the_sites_costs_what_they_give(effects):
    """Each full match gives 5, so ten sequences lose 10 and thirty lose 5, and no copy less."""
    expected = interval(np.array([10.0] * 10 + [5.0] * 30))
    found = effects.loc[SITE]
    assert found["sequences"] == 40
    assert [found[c] for c in ("effect", "effect_low", "effect_high")] == pytest.approx(expected)


def test_overwriting_elsewhere_costs_nothing_when_all_sites_are_spared(effects):
    assert effects.loc[SITE, "control"] == 0


def test_a_decoy_costs_nothing_and_its_control_what_it_hits_by_chance(effects):
    """48 of the 62 starts spare the decoy; 17 touch the site at 40, 17 the one at 25."""
    found = effects.loc[DECOY]
    assert found["effect_low"] <= 0 <= found["effect_high"]
    assert abs(found["effect"]) < 0.01
    expected = 5 * (17 + 0.25 * 17) / 48  # the second one is there in a quarter
    assert found["control"] == pytest.approx(expected, rel=0.2)


def test_a_motif_without_sites_has_no_effect_to_tell(effects):
    found = effects.loc["absent"]
    assert found["sequences"] == 0
    assert found[["effect", "effect_low", "effect_high", "control"]].isna().all()


def test_sites_of_the_other_strand_are_overwritten_too():
    """CAGTCTGAC is read on both strands by the model, so its reverse counts as much."""
    model = BothStrands(Words("CAGTCTGAC", gains=(2.0,)))
    x = encode(["A" * 20 + "CAGTCTGAC" + "A" * 20, "A" * 20 + "GTCAGACTG" + "A" * 20] * 2)
    table = site_effects(model, x, [word("CAGTCTGAC")], p=1e-5)
    assert table.loc[0, ["sequences", "effect", "control"]].tolist() == [4, 1.0, 0.0]


@pytest.fixture(scope="module")
def small():
    return Conv(), planted(12), [word(SITE), word(DECOY)]


def test_one_seed_gives_one_result(small):
    model, x, motifs = small
    a, b = (site_effects(model, x, motifs, target=0, seed=3, copies=4) for _ in range(2))
    assert a.equals(b)
    assert not a.equals(site_effects(model, x, motifs, target=0, seed=4, copies=4))


def test_batch_size_changes_nothing(small):
    model, x, motifs = small
    a = site_effects(model, x, motifs, target=0, copies=4)
    b = site_effects(model, x, motifs, target=0, copies=4, batch_size=5)
    np.testing.assert_allclose(a.iloc[:, 1:], b.iloc[:, 1:], atol=1e-6)


def test_order_of_the_sequences_and_of_the_motifs_changes_nothing(small):
    model, x, motifs = small
    a = site_effects(model, x, motifs, target=0, copies=4)
    b = site_effects(model, x.flip(0), motifs[::-1], target=0, copies=4)[::-1]
    np.testing.assert_allclose(a.iloc[:, 1:], b.iloc[:, 1:], atol=1e-6)


def test_a_sequence_is_overwritten_alike_in_any_company(small):
    model, x, motifs = small
    a = site_effects(model, x[:4], motifs[:1], target=0, copies=4)["effect"][0]
    b = site_effects(model, x[4:], motifs[:1], target=0, copies=4)["effect"][0]
    both = site_effects(model, x, motifs[:1], target=0, copies=4)["effect"][0]
    assert both == pytest.approx((4 * a + 8 * b) / 12, abs=1e-6)


def test_an_overwritten_site_never_matches_by_chance():
    """One word in 256 is GTCA; between T and C no window beside the site can become one."""
    random = np.random.default_rng(0)
    flanks = ["".join(random.choice(["T", "C"], 12)) for _ in range(80)]
    x = encode([a + "GTCA" + b for a, b in zip(flanks[::2], flanks[1::2], strict=True)])
    table = site_effects(Words("GTCA"), x, [word("GTCA")], copies=50)
    assert table.loc[0, ["sequences", "effect"]].tolist() == [40, 1.0]


def test_unknown_bases_stay_unknown():
    """Every copy has its N where they were, or this model would see letters there."""

    class Unknown(nn.Module):
        def forward(self, x):
            return (1 - x.sum(1)).sum(1, keepdim=True)

    x = encode(["NNNN" + SITE + "TATANNAANNNNN"] * 3)
    table = site_effects(Unknown(), x, [word(SITE)], p=1e-3)
    assert table.loc[0, ["sequences", "effect", "control"]].tolist() == [3, 0.0, 0.0]


def test_effects_leave_the_model_as_it_was(small):
    model, x, motifs = small
    model.train()
    before = state_of(model)
    site_effects(model, x.to(torch.int8), motifs, target=0, copies=2)
    assert state_of(model) == before
    assert hooks_left(model) == 0


@pytest.mark.parametrize("name", ["batch_size", "copies"])
def test_counts_must_be_positive(small, name):
    model, x, motifs = small
    with pytest.raises(InputError, match=name):
        site_effects(model, x, motifs, target=0, **{name: 0})
