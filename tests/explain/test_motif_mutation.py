import numpy as np
import pytest
import torch
from torch import nn

from cisgram.core.errors import InputError, UnknownName
from cisgram.explain import motif_mutation, site_effects
from cisgram.models import BothStrands
from cisgram.motifs import Motif, scan
from cisgram.seq import encode
from toys import Broken, Conv, Words, hooks_left, state_of

SITE, OTHER = "GGTCACGTTG", "TTGATTAACC"
SIDE = "CTCTTCTCCTCT"  # with T and C alone no window beside a site can become one
ONE, TWO = SIDE + SITE + SIDE + SIDE[:10], SIDE + SITE + SIDE + SITE


def word(text, name=None):
    return Motif(np.array([[0.97 if b == c else 0.01 for c in text] for b in "ACGT"]), name or text)


class Any(nn.Module):
    """1 where a sequence has the word at all, however often."""

    def __init__(self):
        super().__init__()
        self.words = Words(SITE)

    def forward(self, x):
        return self.words(x).clamp(max=1)


@pytest.fixture
def x():
    return encode([TWO, ONE, SIDE * 3 + SIDE[:8]])


def test_each_site_gives_what_the_model_gives_it(x):
    table = motif_mutation(Words(SITE, gains=(5.0,)), x, word(SITE), p=1e-5)
    assert table[["sequence", "start", "end"]].to_numpy().tolist() == [
        [0, 12, 22],
        [0, 34, 44],
        [1, 12, 22],
    ]
    assert table["strand"].eq("+").all()
    assert table["motif"].eq(SITE).all()
    assert table["output"].tolist() == [10, 10, 5]
    assert table["effect"].tolist() == [5, 5, 5]
    assert table["effect_sd"].tolist() == [0, 0, 0]
    assert table["p"].lt(1e-5).all()


def test_one_site_that_stands_in_for_another_shows_by_sequence(x):
    alone = motif_mutation(Any(), x, word(SITE), p=1e-5)
    assert alone["effect"].tolist() == [0, 0, 1]
    together = motif_mutation(Any(), x, word(SITE), p=1e-5, by="sequence")
    assert together[["sequence", "sites", "output", "effect"]].to_numpy().tolist() == [
        [0, 2, 1, 1],
        [1, 1, 1, 1],
    ]


def test_the_other_strand_counts(x):
    model = BothStrands(Words(SITE, gains=(2.0,)))
    table = motif_mutation(model, x.flip(1, 2), word(SITE), p=1e-5)
    assert table["strand"].eq("-").all()
    assert table["effect"].tolist() == [1, 1, 1]


def test_motifs_come_one_after_the_other_and_may_have_no_sites(x):
    motifs = [word(OTHER), word(SITE)]
    table = motif_mutation(Words(SITE), x, motifs, p=1e-5)
    assert table["motif"].tolist() == [SITE] * 3
    none = motif_mutation(Words(SITE), x, motifs[:1], p=1e-5)
    assert len(none) == 0
    assert none.columns.tolist() == table.columns.tolist()
    assert len(motif_mutation(Words(SITE), x, motifs[:1], p=1e-5, by="sequence")) == 0


def test_what_is_put_in_place_does_not_match():
    """Seen by the model itself: no copy holds a site, and nothing but the site has changed."""
    seen = []

    class Sees(nn.Module):
        def forward(self, x):
            seen.append(x.clone())
            return x.sum((1, 2))[:, None]

    motif_mutation(Sees(), encode([ONE]), word(SITE), p=1e-5, replacements=50)
    copies = torch.cat(seen)[-50:]
    assert len(scan(copies, word(SITE), p=1e-4)) == 0
    here = encode([ONE])[0]
    changed = (copies != here).any(1).any(0)
    assert changed[12:22].all()
    assert not changed[:12].any()
    assert not changed[22:].any()


def test_a_short_word_is_never_put_back_by_chance():
    """One word in 256 is GTCA; of 400 some would be."""
    x = encode([SIDE + "GTCA" + SIDE])
    table = motif_mutation(Words("GTCA"), x, word("GTCA"), replacements=400)
    assert table[["effect", "effect_sd"]].to_numpy().tolist() == [[1, 0]]


def test_agrees_with_the_summary_over_sequences():
    random = np.random.default_rng(0)
    x = encode(["".join(random.choice(list("ACGT"), 30)) + SITE for _ in range(40)])
    table = motif_mutation(Conv(), x, word(SITE), target=0, by="sequence", replacements=60)
    mean = site_effects(Conv(), x, [word(SITE)], target=0, p=1e-4, copies=60)
    standard = table["effect"].std() / 40**0.5
    assert mean.loc[0, "sequences"] == len(table)
    assert abs(table["effect"].mean() - mean.loc[0, "effect"]) < standard


def test_seed_company_order_and_batches(x):
    motifs = [word(SITE), word(OTHER)]
    whole = motif_mutation(Conv(), x, motifs, target=0, p=1e-3)
    for options in ({}, {"batch_size": 3}):
        again = motif_mutation(Conv(), x, motifs, target=0, p=1e-3, **options)
        np.testing.assert_allclose(again["effect"], whole["effect"], atol=1e-6)
    turned = motif_mutation(Conv(), x.flip(0), motifs[:1], target=0, p=1e-3)
    one = turned[turned["sequence"] == 1]["effect"].to_numpy()
    own = whole[(whole["sequence"] == 1) & (whole["motif"] == SITE)]["effect"].to_numpy()
    np.testing.assert_allclose(one, own, atol=1e-6)
    other = motif_mutation(Conv(), x, motifs, target=0, p=1e-3, seed=1)
    assert not np.allclose(other["effect"], whole["effect"])


def test_one_replacement_has_no_spread(x):
    table = motif_mutation(Conv(), x, word(SITE), target=0, replacements=1)
    assert table["effect_sd"].isna().all()


def test_the_model_is_left_as_it_was_also_when_it_fails(x):
    for model in (Conv().train(), Broken().train()):
        before = state_of(model)
        if isinstance(model, Broken):
            with pytest.raises(RuntimeError, match="broken on purpose"):
                motif_mutation(model, x, word(SITE), target=0)
        else:
            motif_mutation(model, x.to(torch.int8), word(SITE), target=0)
        assert state_of(model) == before
        assert hooks_left(model) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "sites"}, "Did you mean 'site'"),
        ({"replacements": 0}, "replacements"),
        ({"batch_size": 0}, "batch_size"),
        ({"target": None}, "2 outputs; say which"),
        ({"motifs": []}, "No motif to mutate"),
    ],
)
def test_options_that_do_not_fit_are_refused(x, options, message):
    given = {"motifs": [word(SITE)], "target": 0, **options}
    with pytest.raises(InputError, match=message) as caught:
        motif_mutation(Conv(), x, given.pop("motifs"), **given)
    assert isinstance(caught.value, UnknownName) == ("Did you mean" in message)
