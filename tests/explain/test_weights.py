import numpy as np
import pytest
import torch
from torch import nn

from cisgram.core.errors import InputError
from cisgram.explain import weight_consensus, weight_motifs
from cisgram.models import BothStrands, create
from cisgram.motifs import Motif
from cisgram.seq import encode
from cisgram.seq.alphabet import one_hot
from toys import Linear, Words, state_of

PPM = np.array(
    [
        [0.7, 0.1, 0.25, 0.01],
        [0.1, 0.1, 0.25, 0.01],
        [0.1, 0.1, 0.25, 0.97],
        [0.1, 0.7, 0.25, 0.01],
    ]
)


def log_odds(ppm, *, scale=1.0, shift=0.0, background=0.25):
    """A convolution whose filter is the log-odds of a motif, over ``scale``."""
    conv = nn.Conv1d(4, 1, ppm.shape[1])
    with torch.no_grad():
        conv.weight[0] = torch.tensor(np.log(ppm / background) / scale + shift)
        conv.bias.zero_()
    return conv


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_log_odds_give_their_motif_back(scale):
    """The mean of a column takes no part: it is the same for every word."""
    found = weight_motifs(log_odds(PPM, scale=scale, shift=2.0), scale=scale)
    np.testing.assert_allclose(found[0].ppm, PPM, atol=1e-6)


def test_log_odds_against_a_background_give_their_motif_back():
    q = np.array([0.3, 0.2, 0.2, 0.3])
    conv = log_odds(PPM, background=q[:, None])
    found = weight_motifs(conv, background=tuple(q))[0]
    np.testing.assert_allclose(found.ppm, PPM, atol=1e-6)
    assert found.background == pytest.approx(tuple(q))


def test_the_scale_is_fitted_to_the_sites():
    """The sites are words drawn from the motif, so the fit finds the scale of the log-odds."""
    random = np.random.default_rng(0)
    words = np.stack([random.choice(4, 4000, p=PPM[:, j]) for j in range(4)], 1).astype(np.uint8)
    conv = log_odds(PPM, scale=2.5)
    with torch.no_grad():
        conv.bias.fill_(100.0)  # every word is above half of the largest
    found = weight_motifs(conv, one_hot(words), scale="fitted")[0]
    counted = np.stack([(words == b).mean(0) for b in range(4)])
    np.testing.assert_allclose(found.ppm, PPM, atol=0.02)
    likelihood = lambda ppm: float((counted * np.log(ppm)).sum())  # noqa: E731
    for scale in (2.2, 2.4, 2.6, 2.8):
        other = weight_motifs(conv, scale=scale)[0].ppm
        assert likelihood(other) < likelihood(found.ppm)


def test_the_fit_does_not_depend_on_the_size_of_the_weights():
    ppm = np.random.default_rng(0).dirichlet(np.ones(4), 8).T
    small, large = (log_odds(ppm, scale=s) for s in (10.0, 0.1))
    a, b = (weight_motifs(conv, scale="fitted")[0] for conv in (small, large))
    np.testing.assert_allclose(a.ppm, b.ppm, atol=1e-4)
    assert a.consensus.upper() == Motif(ppm, "planted").consensus.upper()
    assert np.array_equal(a.ppm, weight_motifs(small, scale="fitted")[0].ppm)
    assert not np.array_equal(a.ppm, weight_motifs(small, scale="fitted", seed=1)[0].ppm)


def test_consensus_takes_the_largest_weight_and_n_where_none_is_above_zero():
    conv = nn.Conv1d(4, 2, 3)
    with torch.no_grad():
        conv.weight.fill_(-1.0)
        conv.weight[0, 1, 0], conv.weight[0, 3, 2], conv.weight[1, 2, 1] = 2.0, 0.1, 1e-3
    assert weight_consensus(conv) == ["CNT", "NGN"]


def test_wrappers_are_looked_through_and_the_model_is_left_as_it_was():
    model = BothStrands(Words("ACG", "GTT")).train()
    before = state_of(model)
    assert weight_consensus(model) == ["ACG", "GTT"]
    assert [m.consensus for m in weight_motifs(model)] == ["acg", "gtt"]
    assert [m.consensus for m in weight_motifs(model, scale=5)] == ["ACG", "GTT"]
    assert [m.consensus for m in weight_motifs(model, encode(["AACGGTT"]), scale="fitted")] == [
        "ACG",
        "GTT",
    ]
    assert state_of(model) == before


def test_filters_without_weights_or_sites_are_skipped():
    model = Words("ACG", "GTT")
    with torch.no_grad():
        model.conv.weight[0] = 0.5
    found = weight_motifs(model)
    assert (found.names, found.skipped) == (
        ["filter_1"],
        ("filter_0: all weights of a column are equal",),
    )
    fitted = weight_motifs(model, encode(["AAAAA"]), scale="fitted")
    assert fitted.skipped[1] == "filter_1: no sites to fit its scale to"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 0}, "positive number or 'fitted'"),
        ({"scale": "fit"}, "positive number or 'fitted'"),
        ({"scale": True}, "positive number or 'fitted'"),
        ({"scale": float("nan")}, "positive number or 'fitted'"),
        ({"x": encode(["ACGT"])}, "leave it out"),
        ({"background": (0.5, 0.5, 0.0, 0.0)}, "four positive shares"),
    ],
)
def test_what_cannot_be_honored_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        weight_motifs(Words("ACG"), **options)


@pytest.mark.parametrize("model", [Linear(), create("demo-rnn")])
def test_a_model_without_filters_is_refused(model):
    for read in (weight_motifs, weight_consensus):
        with pytest.raises(InputError, match="no convolution over the four bases"):
            read(model)
