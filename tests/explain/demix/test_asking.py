"""What is asked back of a neuron: each placement once, the commonest pairs first."""

import math
import sys

import numpy as np
import pytest
import torch
from torch import nn

from cisgram.explain.demix import SampleOptions, demix_layer, layers, syntax
from cisgram.explain.demix.asking import Asker, Effort
from cisgram.explain.demix.leaves import Word
from cisgram.explain.demix.reader import reader
from cisgram.seq.alphabet import to_codes
from explain.demix.wired import FULL, A, B, detector, joined, network

NEAR = FULL - 0.5


def word(letters):
    ppm = np.eye(4)[to_codes([letters])[0]].T
    return Word(ppm, ppm, (0,), 10, ())


class Counted:
    """A reader that counts the windows it is asked for."""

    def __init__(self, layer):
        self.inner, self.windows = reader(layer.window), 0

    def values(self, codes, neurons):
        self.windows += len(codes)
        return self.inner.values(codes, neurons)


def asker(*, questions=1000, output=None):
    model = network(
        detector(A, B), nn.ReLU(), joined((0, 0), (1, 14), inputs=2, width=15, bias=-2 * NEAR)
    )
    layer = layers(model, length=60)[-2]
    how = Effort(backgrounds=20, outputs=5, starts=2, places=4, questions=questions)
    read = Counted(layer)
    return Asker(layer, 0, [word(A), word(B)], ["A", "B"], output, how, 0, read), model


def asked(one):
    return one.edge(0, ((0, "+"), (1, "+")), {14: 9}, ({0: 9}, {14: 9}))


def test_a_pair_asked_twice_costs_its_distances_and_nothing_else():
    one, _ = asker()
    first = asked(one)
    spent = one.read.windows
    again = asked(one)
    # alone, the other alone and neither: 20 backgrounds each, known by now
    assert spent - (one.read.windows - spent) == 3 * 20
    np.testing.assert_array_equal(first.profile.mean, again.profile.mean)
    assert first.profile.left == again.profile.left
    assert first.holds is True
    assert again.holds is True


def test_beyond_the_questions_nothing_is_asked_and_nothing_is_said():
    one, _ = asker(questions=1)
    assert asked(one).holds
    spent = one.read.windows
    silent = asked(one)
    assert silent.holds is None
    assert len(silent.profile.at) == 0
    assert math.isnan(silent.profile.none)
    assert silent.gaps == {14: 9}  # what was seen is kept
    assert one.single((0, "+"), {0: 3}) is None
    assert one.read.windows == spent


def test_outputs_are_means_over_the_first_backgrounds():
    one, model = asker()
    one.output = lambda x: model(x)[:, 0].detach()
    found = one.single((0, "+"), {0: 3})
    base = one._backgrounds()[:5]
    for at, mean in zip(found.at.tolist(), found.output.tolist(), strict=True):
        codes = base.copy()
        start = one.layer.window.start + at
        codes[:, start : start + len(A)] = to_codes([A])[0]
        x = torch.eye(4)[torch.from_numpy(codes).long()].transpose(1, 2)
        assert mean == pytest.approx(float(one.output(x).double().mean()), abs=1e-6)


def test_the_commonest_combination_is_asked_first(monkeypatch):
    """Of two alternatives, one question goes to the more frequent one."""
    model = network(
        detector(A, B), nn.ReLU(), nn.MaxPool1d(6), joined((0, 0), (1, 0), inputs=2, width=1)
    )
    layer = layers(model, length=66)[-2]
    how = SampleOptions(population=1000, rounds=60, most=20_000)
    (d,) = demix_layer(model, layer, [0], options=how)
    one_question = Effort(backgrounds=20, outputs=20, starts=2, places=4, questions=1)
    monkeypatch.setattr(sys.modules[syntax.__module__], "effort", lambda *_, **__: one_question)
    found = syntax(layer, 0, d.leaves, d.motifs).combinations
    assert len(found) > 1
    was_asked = [c.single is not None or any(len(e.profile.at) for e in c.edges) for c in found]
    assert was_asked == [True] + [False] * (len(found) - 1)
