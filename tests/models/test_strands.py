"""Filters tied to their reverse complements."""

import pytest
import torch
from torch import nn

from cisgram import explain, models
from cisgram.core.errors import InputError
from cisgram.models import MODELS, BothStrands, Card, create, tie_strands
from cisgram.seq import encode, reverse_complement
from networks import SMALL, fitting, small

TEXT = "GATTACATGCACGGTCATTGCACCTGATCCAG"


def even(name):
    """Options of a small network with an even number of first filters."""
    maps = SMALL.get(name, {}).get("maps")
    return {"maps": [8, *maps[1:]]} if isinstance(maps, list) else {}


def first(model):
    return next((m for m in model.modules() if isinstance(m, nn.Conv1d)), None)


def is_tieable(name):
    conv = first(small(name, **even(name)))
    return conv is not None and (conv.in_channels, conv.groups, conv.out_channels % 2) == (4, 1, 0)


CONVOLUTIONAL = sorted(name for name in MODELS if is_tieable(name))
WITHOUT = sorted(set(MODELS) - set(CONVOLUTIONAL))


def test_all_that_begin_with_a_convolution_can_be_tied():
    assert len(CONVOLUTIONAL) >= 13
    assert {"demo-rnn", "kmer-transformer"} <= set(WITHOUT)


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_half_of_the_first_filters_are_the_mirror_of_the_others(name):
    """Filter i + f / 2 finds on a sequence what filter i finds on its reverse complement."""
    torch.manual_seed(0)
    conv = first(small(name, **even(name), tied_strands=True))
    x = encode([TEXT, TEXT[::-1]])
    there, back = conv(x), conv(reverse_complement(x)).flip(2)
    half = conv.out_channels // 2
    torch.testing.assert_close(there[:, half:], back[:, :half])
    torch.testing.assert_close(there[:, :half], back[:, half:])
    assert not torch.allclose(there[:, :half], there[:, half:])


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_tying_halves_the_free_weights_of_the_first_convolution_and_of_nothing_else(name):
    plain, tied = (small(name, **even(name), **o) for o in ({}, {"tied_strands": True}))
    count = [sum(p.numel() for p in m.parameters()) for m in (plain, tied)]
    own = sum(p.numel() for p in first(plain).parameters())
    assert count[0] - count[1] == own / 2
    assert first(tied).weight.shape == first(plain).weight.shape


def test_tied_filters_stay_tied_in_training():
    torch.manual_seed(0)
    model = small("basset", maps=[8, 7, 6], tied_strands=True).train()
    conv, x = first(model), encode([(TEXT * 6)[:168]] * 4)
    before = conv.weight.detach().clone()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    (model(x + 0.1 * torch.randn_like(x)) ** 2).sum().backward()
    optimizer.step()
    after = conv.weight.detach()
    assert (after != before).all()
    assert torch.equal(after[4:], after[:4].flip(1, 2))
    assert torch.equal(conv.bias[4:], conv.bias[:4])


def test_the_motif_of_a_mirrored_filter_is_the_reverse_complement():
    torch.manual_seed(0)
    model = create("demo-cnn-rnn", tied_strands=True).eval()
    codes = torch.randint(0, 4, (40, 101))
    x = torch.eye(4)[codes].transpose(1, 2)
    found = explain.filter_motifs(model, torch.cat([x, reverse_complement(x)]))
    by_number = {int(m.name.removeprefix("filter_")): m for m in found}
    pairs = [(by_number[i], by_number[i + 64]) for i in by_number if i + 64 in by_number]
    assert len(pairs) > 30
    for a, b in pairs:
        assert a.n_sites == b.n_sites
        torch.testing.assert_close(
            torch.tensor(b.reverse_complement().ppm), torch.tensor(a.ppm), atol=1e-6, rtol=1e-5
        )


def test_filters_that_are_put_in_keep_their_first_half_and_its_mirror():
    conv = first(create("deepbind", tied_strands=True))
    new = torch.randn(16, 4, 24)
    conv.weight = new
    assert torch.equal(conv.weight[:8], new[:8])
    assert torch.equal(conv.weight[8:], new[:8].flip(1, 2))


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_a_tied_network_is_saved_and_loaded_and_scores_both_strands_alike(name, tmp_path):
    torch.manual_seed(0)
    options = {**SMALL.get(name, {}), **even(name), "tied_strands": True}
    model = create(name, **options).eval()
    length = fitting(name, 32)
    outputs = MODELS[name].facts.get("outputs", ("a",))
    card = Card(name, options, length=length, outputs=outputs, task="regression", strands="both")
    models.save(tmp_path, model, card)
    again, x = models.load(tmp_path), encode([(TEXT * 6)[:length]])
    with torch.no_grad():
        assert torch.equal(again(x), BothStrands(model)(x))
        torch.testing.assert_close(again(reverse_complement(x)), again(x), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", WITHOUT)
def test_networks_without_a_convolution_of_letters_cannot_be_tied(name):
    with pytest.raises(InputError, match="reverse complements"):
        small(name, tied_strands=True)


def test_what_cannot_be_tied_is_refused():
    with pytest.raises(InputError, match="must be even; the first convolution has 7"):
        tie_strands(nn.Sequential(nn.Conv1d(4, 7, 3)))
    with pytest.raises(InputError, match="no convolution that reads the letters"):
        tie_strands(nn.Conv1d(8, 8, 3))
    with pytest.raises(InputError, match="tied already"):
        tie_strands(create("deepbind", tied_strands=True))
    with pytest.raises(InputError, match="tied_strands must be true or false; got 1"):
        create("deepbind", tied_strands=1)


def test_a_convolution_without_biases_is_tied_too():
    model = tie_strands(nn.Conv1d(4, 6, 3, bias=False))
    assert model.bias is None
    assert torch.equal(model.weight[3:], model.weight[:3].flip(1, 2))
