"""The guided search finds the strongest windows, and all ways to be one."""

import numpy as np
import pytest
import torch
from torch import nn

from cisgram.explain.demix import layers
from cisgram.explain.demix.sample import SampleOptions
from cisgram.explain.demix.search import sample
from explain.demix.wired import A, detector, joined, network

PLACES = 12


@pytest.fixture(scope="module")
def anywhere():
    """A neuron that is active where its word is at any of twelve places of its window."""
    model = network(detector(A), nn.ReLU(), nn.MaxPool1d(PLACES), joined((0, 0), inputs=1, width=1))
    return layers(model, length=17)[-1]


def ways_of(s):
    """As how many equally frequent places those that occur are (inverse of Simpson's index)."""
    word = np.array(["ACGT".index(letter) for letter in A])
    views = np.lib.stride_tricks.sliding_window_view(s.codes, len(A), axis=1)
    share = (views == word).all(2).mean(0)
    return share.sum() ** 2 / (share**2).sum()


def drawn(layer, seed, **options):
    how = SampleOptions(population=400, rounds=40, patience=99, climb=0, **options)
    (s,) = sample(layer.window, [0], options=how, seed=seed)
    return s


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_place_of_a_word_crowds_out_the_others(anywhere, seed):
    assert ways_of(drawn(anywhere, seed)) > 0.85 * PLACES
    assert ways_of(drawn(anywhere, seed, rarity=0.0)) < 0.7 * PLACES


def test_windows_climb_to_the_best_that_there_is():
    torch.manual_seed(0)
    conv = nn.Conv1d(4, 1, 14)
    layer = layers(network(conv), length=14)[0]
    best = float((conv.weight.max(1).values.sum() + conv.bias).detach())
    how = {"population": 50, "rounds": 1}
    (start,) = sample(layer.window, [0], options=SampleOptions(**how, climb=0))
    (end,) = sample(layer.window, [0], options=SampleOptions(**how, climb=14))
    assert start.value.max() < best - 0.1
    assert end.value.max() == pytest.approx(best, abs=1e-5)
    assert start.scored < end.scored <= start.scored + 14 * 2 * 50


def test_a_step_with_few_windows_leaves_its_room_to_the_others(anywhere):
    s = drawn(anywhere, 0, most=1000, bins=20)
    assert 1000 - 20 < len(s.value) <= 1000
    assert len(np.unique(s.codes, axis=0)) == len(s.value)
