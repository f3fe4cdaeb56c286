"""Filters that start as motifs, and those that stay so."""

import numpy as np
import pytest
import torch
from torch import nn

import planted
from cisgram import models
from cisgram.core.errors import InputError, NoFiltersError
from cisgram.data import TrainingData
from cisgram.models import MODELS, create, put_motifs, release_motifs
from cisgram.models.probe import convolution_over_bases
from cisgram.motifs import Motif, scan
from cisgram.motifs.pvalues import log_odds
from cisgram.seq.alphabet import one_hot
from cisgram.train import TrainOptions, fit
from networks import small

GATA = Motif([[0.1, 0.9, 0.0, 1.0], [0.1, 0.0, 0.2, 0], [0.7, 0.1, 0, 0], [0.1, 0, 0.8, 0]], "GATA")
EBOX = Motif(np.eye(4)[:, [1, 0, 1, 2, 3, 2]], "CACGTG")
ASYMMETRIC = Motif(np.eye(4)[:, [0, 1, 1, 3]], "ACCT")


def deepbind(width=10, detectors=5):
    torch.manual_seed(0)
    return models.create("deepbind", width=width, detectors=detectors, hidden=0)


def weight(model):
    return convolution_over_bases(model.modules()).weight.detach().clone()


def test_a_motif_lies_in_the_middle_less_a_quarter_and_the_rest_of_its_filter_is_0():
    model = deepbind()
    before = weight(model)
    placed = put_motifs(model, [GATA, EBOX])
    after = weight(model)
    assert [(p.filter, p.name, p.offset) for p in placed] == [(0, "GATA", 3), (1, "CACGTG", 2)]
    np.testing.assert_allclose(after[0, :, 3:7], GATA.ppm - 0.25, atol=1e-7)
    assert not after[0, :, :3].any()
    assert not after[0, :, 7:].any()
    assert torch.equal(after[2:], before[2:])


def test_a_wide_motif_loses_the_end_whose_column_is_the_flatter():
    """From 6 columns to 3: by hand, their maxima are .4 .9 1 .8 .7 .5."""
    top = [0.4, 0.9, 1.0, 0.8, 0.7, 0.5]
    motif = Motif(np.array([top, *[[(1 - t) / 3 for t in top]] * 3]), "wide")
    model = deepbind(width=3)
    placed = put_motifs(model, [motif])
    np.testing.assert_allclose(weight(model)[0], motif.ppm[:, 1:4] - 0.25, atol=1e-7)
    assert placed[0].offset == -1


def test_danq_writes_into_a_random_filter_at_a_random_place_with_room_on_both_sides():
    offsets = set()
    for seed in range(40):
        model = deepbind(width=12)
        before = weight(model)
        placed = put_motifs(model, [GATA], form="danq", seed=seed)
        at = placed[0].offset
        after = weight(model)
        np.testing.assert_allclose(after[0, :, at : at + 4], GATA.ppm - 0.25, atol=1e-7)
        assert torch.equal(after[0, :, :at], before[0, :, :at])
        assert torch.equal(after[0, :, at + 4 :], before[0, :, at + 4 :])
        assert -1 < model.detect[0].bias[0] < 0
        offsets.add(at)
    assert offsets == {3, 4, 5}  # 3 to 12 - 4 - 3


def test_danq_puts_a_motif_of_the_filters_width_where_it_fits():
    placed = put_motifs(deepbind(width=4), [GATA], form="danq")
    assert placed[0].offset == 0


def test_log_odds_score_sites_as_a_scan_does():
    model = models.create("explainn", units=2, width=8, layers=0, length=40).eval()
    put_motifs(model, [EBOX], form="log-odds")
    x = one_hot(planted.codes(20, 40))
    said = model.features[0](x)[:, 0]
    best = said.max(1).values
    found = scan(x, [EBOX], p=1e-3)
    forward = found[(found["strand"] == "+") & found["start"].between(1, 33)]
    assert len(forward)
    for row in forward.itertuples():
        at = said[row.sequence, row.start - 1].item()  # it lies on column 1 of its filter
        assert at == pytest.approx(row.score, abs=0.05)
    assert best.max().item() == pytest.approx(log_odds(EBOX).max(0).sum(), rel=1e-5)


def test_both_strands_take_two_filters():
    placed = put_motifs(model := deepbind(width=4, detectors=5), [ASYMMETRIC], both_strands=True)
    assert [(p.filter, p.strand) for p in placed] == [(0, "+"), (1, "-")]
    w = weight(model)
    assert torch.equal(w[1], w[0].flip(0, 1))


def test_more_motifs_than_filters_are_chosen_from():
    many = [GATA, GATA.reverse_complement(), EBOX, EBOX, ASYMMETRIC]
    placed = put_motifs(deepbind(detectors=3), many)
    assert [p.name for p in placed] == ["GATA", "CACGTG", "ACCT"]
    placed = put_motifs(deepbind(detectors=5), many, both_strands=True, choice="first")
    assert [p.name for p in placed] == ["GATA"] * 4


@pytest.mark.parametrize("name", sorted(MODELS))
def test_motifs_go_into_every_network_that_reads_letters_by_convolution(name):
    model = small(name)
    if convolution_over_bases(model.modules()) is None:
        with pytest.raises(NoFiltersError, match="start as a motif"):
            put_motifs(model, [GATA])
        return
    conv = convolution_over_bases(model.modules())
    placed = put_motifs(model, [EBOX])
    cut = -min(placed[0].offset, 0)
    columns = min(conv.kernel_size[0], 6)
    expected = torch.from_numpy(EBOX.ppm[:, cut : cut + columns] - 0.25).float()
    at = max(placed[0].offset, 0)
    torch.testing.assert_close(conv.weight[0, :, at : at + columns].detach(), expected)


def trained(model, **options):
    data = TrainingData(planted.dataset(96, 40))
    options = {"epochs": 3, "batch_size": 16, "min_rows": 1, "weight_decay": 0.5} | options
    valid = planted.dataset(40, 40, seed=1)
    fit(model, data, TrainOptions(**options), valid=valid, device="cpu")
    return model


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
@pytest.mark.parametrize("detectors", [2, 5])
def test_frozen_motifs_survive_training_with_weight_decay(optimizer, detectors):
    model = deepbind(detectors=detectors)
    put_motifs(model, [GATA, EBOX], frozen=True)
    before, bias = weight(model), model.detect[0].bias.detach().clone()
    trained(model, optimizer=optimizer)
    assert torch.equal(weight(model)[:2], before[:2])
    assert not torch.equal(model.detect[0].bias, bias)
    if detectors > 2:
        assert not torch.equal(weight(model)[2:], before[2:])


def test_motifs_that_are_not_frozen_learn():
    model = deepbind(detectors=2)
    put_motifs(model, [GATA, EBOX])
    before = weight(model)
    assert not torch.equal(weight(trained(model)), before)


def test_a_zero_gradient_alone_would_not_have_kept_them():
    """Why held filters are held in the forward pass: their parameter decays, they do not."""
    model = deepbind(detectors=5)
    put_motifs(model, [GATA, EBOX], frozen=True)
    conv = model.detect[0]
    before = conv.parametrizations.weight.original.detach().clone()
    trained(model)
    assert not torch.equal(conv.parametrizations.weight.original[:2], before[:2])


def test_released_filters_are_plain_weights_of_the_same_values():
    plain, held = deepbind(), deepbind()
    put_motifs(held, [GATA], frozen=True)
    trained(held)
    x = one_hot(planted.codes(4, 40))
    before = held(x)
    release_motifs(held)
    assert held.state_dict().keys() == plain.state_dict().keys()
    plain.load_state_dict(held.state_dict())
    assert torch.equal(plain.eval()(x), before)
    release_motifs(plain)  # nothing to release


def test_parametrizations_of_others_are_left_alone():
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 2, 3)))
    release_motifs(model)
    assert "0.parametrizations.weight.original0" in model.state_dict()


@pytest.mark.parametrize(
    ("motifs", "options", "message"),
    [
        ([], {}, "at least one"),
        ([GATA], {"form": "explain"}, "Did you mean 'explainn'"),
        ([GATA] * 9, {"choice": "randm"}, "Did you mean 'random'"),
    ],
)
def test_what_cannot_be_done_is_refused(motifs, options, message):
    with pytest.raises(InputError, match=message):
        put_motifs(deepbind(), motifs, **options)


def test_one_filter_has_no_room_for_two_strands():
    with pytest.raises(InputError, match="filters for motifs"):
        put_motifs(deepbind(detectors=1), [GATA], both_strands=True)


def test_tied_filters_cannot_start_as_motifs():
    """Writing into a tied filter would be lost: what is read is made from the free half."""
    model = models.tie_strands(create("demo-cnn", size="small"))
    with pytest.raises(InputError, match="tied to their reverse complements"):
        put_motifs(model, [GATA])
