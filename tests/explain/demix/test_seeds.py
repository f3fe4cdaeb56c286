"""Searches that start from what the layer below has learned."""

import numpy as np
import pytest
import torch
from torch import nn

from cisgram.core.errors import InputError
from cisgram.explain.demix import (
    Facet,
    SampleOptions,
    demix_layer,
    facets,
    layer_below,
    layers,
    seeds,
)
from cisgram.explain.demix.search import sample
from cisgram.explain.demix.seeds import _level
from explain.demix.wired import FULL, A, B, detector, joined, network

SURE = 0.97 * np.eye(4) + 0.01


def pair(bias=-2 * (FULL - 0.5)):
    """A, and B 7 positions of the pool (14 bp) further on; C has a negative weight."""
    model = network(
        detector(A, B, "TTTTTT"), nn.ReLU(), nn.MaxPool1d(2),
        joined((0, 0), (1, 7), (2, 3), inputs=3, width=8, bias=bias),
    )  # fmt: skip
    with torch.no_grad():
        for conv in (m for m in model.modules() if isinstance(m, nn.Conv1d)):
            if conv.in_channels == 3:
                conv.weight[0, 2] *= -1
    return model


def known(*words):
    """One facet a detector, with a core over the whole word."""
    codes = [np.array(["ACGT".index(b) for b in w]) for w in words]
    return [Facet.of(k, SURE[c].T, FULL, FULL) for k, c in enumerate(codes)]


def text(row):
    return "".join("ACGT"[b] for b in row)


def test_each_window_holds_the_words_where_the_neuron_has_weight_for_them():
    lower, upper = layers(pair(), length=60)[:2]
    assert layer_below(layers(pair(), length=60), upper).name == lower.name == "conv1"
    found = seeds(upper, 0, lower, known(A, B, "TTTTTT"), n=50)
    assert found.shape == (50, upper.width)
    for row in map(text, found):
        assert row.find(A) in (0, 1)
        assert row.find(B) in (14, 15)
    assert len({(row.find(A), row.find(B)) for row in map(text, found)}) == 4
    np.testing.assert_array_equal(found, seeds(upper, 0, lower, known(A, B, "TTTTTT"), n=50))


def test_seeds_are_nearer_to_the_maximum_than_random_windows():
    lower, upper = layers(pair(), length=60)[:2]
    for start, rounds in ((seeds(upper, 0, lower, known(A, B, "TTTTTT"), n=50), 1), (None, 1)):
        how = SampleOptions(population=50, rounds=rounds)
        (s,) = sample(upper.window, [0], options=how, start=start)
        reached = len(s.value) and s.value.max() == pytest.approx(1.0)
        assert bool(reached) == (start is not None)


def test_what_a_demixed_layer_has_learned_is_where_the_next_one_starts():
    model = pair()
    lower, upper = layers(model, length=60)[:2]
    learned = facets(demix_layer(model, lower, [0, 1]))
    found = seeds(upper, 0, lower, learned, n=20)
    (d,) = demix_layer(
        model, upper, [0], start=found, options=SampleOptions(population=100, rounds=4)
    )
    assert d.max_activation == pytest.approx(1.0, abs=1e-4)


def test_a_norm_that_turns_the_neuron_round_turns_its_weights_round():
    norm = nn.BatchNorm1d(1).eval()
    with torch.no_grad():
        norm.weight.fill_(-1)
    model = network(
        detector(A, B), nn.ReLU(), nn.MaxPool1d(2),
        nn.Sequential(joined((0, 0), inputs=2, width=2), norm),
    )  # fmt: skip
    lower, upper = layers(model.eval(), length=60)[:2]
    assert seeds(upper, 0, lower, known(A, B), n=5).shape == (0, upper.width)


def test_patterns_whose_cores_meet_are_not_written_over_each_other():
    """Both words at one place: there is room for the first that is drawn."""
    model = network(
        detector(A, B), nn.ReLU(), nn.MaxPool1d(2), joined((0, 0), (1, 0), inputs=2, width=1)
    )
    lower, upper = layers(model, length=60)[:2]
    for row in map(text, seeds(upper, 0, lower, known(A, B), n=30)):
        assert (A in row) != (B in row)


def test_a_pattern_without_information_has_no_core():
    assert Facet.of(0, np.full((4, 9), 0.25), 1.0, 0.5).core is None
    ppm = np.full((4, 9), 0.25)
    ppm[:, 2:7] = SURE[[0, 1, 2, 3, 0]].T
    assert Facet.of(0, ppm, 1.0, 0.5).core == (2, 7)
    assert Facet.of(0, ppm, 1.0, -0.5).core is None, "its consensus does not activate it"


def test_steps_of_weight_are_drawn_alike_and_empty_ones_hand_theirs_up():
    share = _level(np.array([1.0, 10.0, 10.0, 20.0]))
    assert share.sum() == pytest.approx(1)
    np.testing.assert_allclose(share, [1 / 20, 9 / 40, 9 / 40, 10 / 20])


def test_what_has_no_layer_below_is_refused():
    found = layers(pair(), length=60)
    with pytest.raises(InputError, match="reads the letters"):
        layer_below(found, found[0])
    with pytest.raises(InputError, match="no convolution"):
        layer_below(found, found[-1])
