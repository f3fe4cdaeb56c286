"""Which sequences have sites, and where, counted by hand."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, fisher_exact, mannwhitneyu
from torch import nn

from cisgram.core.errors import InputError
from cisgram.explain import Convention, filter_enrichment, filter_positions
from cisgram.models import BothStrands, create
from cisgram.seq import encode
from toys import Conv, Linear, Words, state_of

HALF = Convention(threshold=("absolute", 0.5))


def texts(n, *, at=None, word="ACG", seed=0, length=30):
    """T and C alone, in which no word can be, with a word at a place where one is given."""
    random = np.random.default_rng(seed)
    out = []
    for i in range(n):
        text = "".join(random.choice(list("TC"), length))
        if at is not None:
            a = at if isinstance(at, int) else at[i]
            text = text[:a] + word + text[a + len(word) :]
        out.append(text)
    return out


def test_shares_and_tests_are_those_of_the_four_counts():
    """12 of 20 positives and 3 of 30 negatives have the word; no one has the other."""
    x = encode([*texts(12, at=4), *texts(8), *texts(3, at=9), *texts(27)])
    labels = np.array([1] * 20 + [0] * 30)
    table = filter_enrichment(Words("ACG", "GGG"), x, labels, convention=HALF)
    found = table.iloc[0]
    assert [found[c] for c in ("in_positives", "in_negatives")] == [0.6, 0.1]
    assert found["odds_ratio"] == pytest.approx(12.5 * 27.5 / (8.5 * 3.5))
    p = fisher_exact([[12, 8], [3, 27]]).pvalue
    assert found["enrichment_p"] == pytest.approx(p)
    assert found["enrichment_q"] == pytest.approx(2 * p)  # of two filters
    assert found["auroc"] == pytest.approx((12 * 27 + 0.5 * (12 * 3 + 8 * 27)) / 600)
    assert table.iloc[1, 1:].tolist() == [0, 0, 0.5 * 30.5 / (0.5 * 20.5), 1, 1, 0.5]


def test_the_auroc_is_that_of_the_largest_activations():
    x, labels = encode(texts(40)), torch.arange(40) % 3 == 0
    table = filter_enrichment(Conv(), x, labels)
    a = torch.relu(nn.functional.gelu(Conv().net[0](x))).amax(2).detach().numpy()
    for k in range(8):
        u = mannwhitneyu(a[labels, k], a[~labels, k]).statistic
        assert table["auroc"][k] == pytest.approx(u / (labels.sum() * (~labels).sum()).item())


def test_positions_are_those_of_the_planted_words():
    """The middle of a word of three at 10 is 11; a quarter each lies at 4, 10, 10 and 20."""
    model = Words("ACG", "GGG")
    table = filter_positions(model, encode(texts(8, at=[4, 10, 10, 20] * 2)), convention=HALF)
    found = table.iloc[0]
    assert found["sequences"] == 8
    assert found[["position", "position_low", "position_high"]].tolist() == [11, 5, 11]
    shares = found.filter(like="at_").astype(float)
    assert shares.sum() == pytest.approx(1)
    # 28 places in ten stretches: 4 lies in the second, 10 in the fourth, 20 in the eighth
    assert shares.tolist() == [0, 0.25, 0, 0.5, 0, 0, 0, 0.25, 0, 0]
    sizes = np.array([3, 3, 2, 3, 3, 3, 3, 2, 3, 3])
    assert found["position_p"] == pytest.approx(chisquare(8 * shares, 8 * sizes / 28).pvalue)
    assert table.iloc[1]["sequences"] == 0
    assert table.iloc[1, 2:].isna().all()


def test_words_thrown_anywhere_have_no_place():
    random = np.random.default_rng(1)
    table = filter_positions(
        Words("ACG"), encode(texts(400, at=random.integers(0, 28, 400))), convention=HALF
    )
    assert table["position_p"][0] > 0.01
    middle = filter_positions(
        Words("ACG"), encode(texts(400, at=random.integers(8, 20, 400))), convention=HALF
    )
    assert middle["position_q"][0] < 1e-10


def test_equal_sites_share_their_sequence():
    x = encode(["ACGTTTTTTTTTTTTTTTTTTTTTTTTACG"])
    found = filter_positions(Words("ACG"), x, convention=HALF, bins=2).iloc[0]
    assert found["sequences"] == 1
    assert found.filter(like="at_").tolist() == [0.5, 0.5]


def test_deep_layers_and_padding_are_placed_on_the_letters():
    """The sum of three neighboring positions has its middle where the word has its own."""
    blur = nn.Conv1d(1, 1, 3, bias=False)
    with torch.no_grad():
        blur.weight.copy_(torch.tensor([[[0.5, 1.0, 0.5]]]))
    model = nn.Sequential(Words("ACG", pad=1).conv, nn.ReLU(), blur)
    x = encode(texts(4, at=12))
    for layer in (None, "2"):
        found = filter_positions(model, x, layer=layer, convention=HALF)
        assert found["position"][0] == 13


def test_a_network_that_reads_both_strands_is_placed_on_the_strand_as_given():
    model = create("deepbind", detectors=1, width=3, hidden=0)
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
        for j, letter in enumerate("ACG"):
            model.detect[0].weight[0, "ACGT".index(letter), j] = 1
        model.detect[0].bias.fill_(-2.0)
        model.head[0].weight[0, 0] = 1
    x = encode(["CCCCCACG" + 22 * "C"] * 3)
    found = filter_positions(model, x, convention=HALF)
    assert found["position"][0] == 6
    turned = filter_positions(model, x.flip(1, 2), convention=HALF)
    assert turned["position"][0] == 29 - 6


def test_neither_batch_size_nor_wrappers_change_anything():
    x, labels = encode(texts(12, at=[3, 5, 9] * 4)), [1, 0] * 6
    model = BothStrands(Conv()).train()
    before = state_of(model)
    for run in (
        lambda m, **o: filter_enrichment(m, x, np.array(labels), **o),
        lambda m, **o: filter_positions(m, x, **o),
    ):
        whole = run(Conv())
        assert run(Conv(), batch_size=5).equals(whole)
        assert run(model).equals(whole)
    assert state_of(model) == before


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.ones(4), "both classes are needed; got 4 positives"),
        (np.zeros(3), r"\(4,\) of 0 and 1; got \(3,\)"),
        (np.array([0, 1, 2, 0]), "of 0 and 1"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, message):
    with pytest.raises(InputError, match=message):
        filter_enrichment(Words("ACG"), encode(texts(4)), labels)


def test_what_cannot_be_honored_is_refused():
    x = encode(texts(4))
    with pytest.raises(InputError, match="bins"):
        filter_positions(Words("ACG"), x, bins=0)
    with pytest.raises(InputError, match="no convolution"):
        filter_positions(Linear(30), x)
    with pytest.raises(InputError, match="Did you mean 'basset'"):
        filter_enrichment(Words("ACG"), x, np.array([0, 1, 0, 1]), convention="baset")
