"""The quick way to read neurons gives what their window gives."""

import sys

import numpy as np
import pytest
import torch
from torch import nn

from cisgram.core.seeds import generator
from cisgram.explain.demix import SampleOptions, demix_layer, layers
from cisgram.explain.demix.chain import chain_of
from cisgram.explain.demix.reader import Plain, Quick, reader
from cisgram.explain.demix.search import sample
from cisgram.models.layers import Conv1d, Exponential, MaxPool1d


def normed(channels):
    """A batch norm that does something, with one channel turned round."""
    norm = nn.BatchNorm1d(channels)
    with torch.no_grad():
        norm.weight.uniform_(0.5, 2)
        norm.weight[0] = -1
        norm.bias.uniform_(-0.5, 0.5)
        norm.running_mean.uniform_(-0.5, 0.5)
        norm.running_var.uniform_(0.5, 2)
    return norm


CHAINS = {
    "norms and maxima": lambda: [
        nn.Conv1d(4, 4, 7, padding=3), normed(4), nn.ReLU(), nn.MaxPool1d(3),
        nn.Conv1d(4, 5, 4), normed(5), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(5, 3, 3), normed(3),
    ],
    "one layer": lambda: [nn.Conv1d(4, 3, 9), normed(3)],
    "a stride, a dilation, no bias": lambda: [
        nn.Conv1d(4, 6, 5, stride=2, bias=False), nn.ELU(), nn.Conv1d(6, 3, 3, dilation=2),
    ],
    "means": lambda: [
        nn.Conv1d(4, 6, 6), nn.GELU(), nn.AvgPool1d(2), nn.Conv1d(6, 3, 4), nn.ReLU(),
    ],
    "poolings that overlap": lambda: [
        nn.Conv1d(4, 6, 6, dilation=2), nn.ReLU(), nn.MaxPool1d(3, 2), nn.Conv1d(6, 3, 4),
    ],
    "channels last, as the zoo has them": lambda: [
        Conv1d(4, 4, 7), normed(4), Exponential(), MaxPool1d(3, 3),
        Conv1d(4, 5, 4), normed(5), nn.ReLU(), MaxPool1d(2, 2), Conv1d(5, 3, 3), normed(3),
    ],
}  # fmt: skip


def chain_layer(name):
    torch.manual_seed(0)
    model = nn.Sequential(*CHAINS[name](), nn.Flatten(), nn.LazyLinear(1)).eval()
    with torch.no_grad():
        model(torch.zeros(1, 4, 61))
    return model, layers(model, length=61)[-2]


def windows(layer, n=300):
    return generator(1).integers(0, 4, (n, layer.width), dtype=np.uint8)


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_gives_the_values_slopes_and_maps_of_its_window(name):
    _, layer = chain_layer(name)
    quick, plain = reader(layer.window), Plain(layer.window, 4096)
    assert isinstance(quick, Quick)
    codes = windows(layer)
    np.testing.assert_allclose(
        quick.values(codes, [2, 0]), plain.values(codes, [2, 0]), rtol=0, atol=1e-5
    )
    for ours, theirs in zip(quick.slopes(codes, 1)[:2], plain.slopes(codes, 1)[:2], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    wanted = [v for level in layer.levels for v in (level.entering, level.raw)]
    ours, theirs = (r.maps(codes, wanted, seed=0) if wanted else [] for r in (quick, plain))
    for a, b in zip(ours, theirs, strict=True):
        # the same numbers, in an order of their own
        np.testing.assert_allclose(np.sort(a), np.sort(b), rtol=0, atol=1e-4)
    for read in (quick, plain):
        again = read.slopes(codes, 1, wanted)[2]
        for a, b in zip(again, read.maps(codes, wanted, seed=0) if wanted else [], strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


@pytest.mark.parametrize("most", [100_000, 300])
def test_maps_kept_on_the_way_are_those_of_the_windows_kept(most):
    _, layer = chain_layer("norms and maxima")
    wanted = [level.entering for level in layer.levels]
    read = reader(layer.window)
    how = SampleOptions(population=150, rounds=11, most=most, inherited=True)
    (s,) = sample(layer.window, [0], options=how, read=read, wanted=wanted)
    assert len(s.value) > 100
    for kept, made in zip(s.maps, read.maps(s.codes, wanted, seed=0), strict=True):
        np.testing.assert_allclose(kept, made, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", CHAINS)
def test_values_do_not_depend_on_what_is_read_together(name):
    _, layer = chain_layer(name)
    codes = windows(layer)
    whole = reader(layer.window).values(codes, [0])
    pieces = [reader(layer.window, batch_size=7).values(codes[i : i + 50], [0]) for i in (0, 50)]
    np.testing.assert_allclose(np.concatenate(pieces), whole[:100], rtol=0, atol=1e-6)


def test_a_chain_that_differs_is_not_believed(monkeypatch):
    _, layer = chain_layer("norms and maxima")
    wrong = chain_of(layer.window)
    wrong.last.bias += 1e-2
    monkeypatch.setattr(sys.modules[reader.__module__], "chain_of", lambda _: wrong)
    assert isinstance(reader(layer.window), Plain)


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 4, 3, padding=1)

    def forward(self, x):
        return x + torch.relu(self.conv(x))


def test_branches_are_read_through_their_window():
    torch.manual_seed(0)
    model = nn.Sequential(Branches(), nn.Conv1d(4, 2, 5), nn.Flatten(), nn.Linear(2 * 26, 1)).eval()
    assert isinstance(reader(layers(model, length=30)[1].window), Plain)


def test_a_neuron_found_in_company_is_the_one_found_alone():
    """The same letters in the same order, and values that agree to the last bit."""
    model, layer = chain_layer("norms and maxima")
    how = SampleOptions(population=200, rounds=8, most=1000)
    together = demix_layer(model, layer, [0, 1, 2], options=how)
    for k in (2, 0):
        (alone,) = demix_layer(model, layer, [k], options=how)
        np.testing.assert_array_equal(alone.sample.codes, together[k].sample.codes)
        np.testing.assert_array_equal(alone.sample.value, together[k].sample.value)
        assert alone.fidelity == together[k].fidelity
