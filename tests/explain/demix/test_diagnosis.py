"""What became of a neuron, for neurons whose figures are given."""

import math

import numpy as np
import pytest

from cisgram.explain.demix import (
    KINDS,
    DemixedNeuron,
    Fidelity,
    Leaf,
    Node,
    Sample,
    Word,
    diagnose,
    layers,
    twins,
)
from toys import Words

PPM = np.full((4, 8), 0.25)


def neuron(*, consensus=0.9, control=0.1, r2=0.8, control_r2=0.1, n=10, words=1):
    """One leaf whose highest value is 1."""
    rows = np.arange(n)
    codes, value = np.zeros((n, 8), np.uint8), np.ones(n, np.float32)
    leaves = (Leaf(PPM, rows, 1.0, consensus),) if n else ()
    fidelity = None if r2 is None else Fidelity(r2, 0.9, control_r2, 0.6, n)
    word = Word(ppm=PPM, flanked=PPM, offsets=(0,), n=n, blocks=())
    return DemixedNeuron(
        "conv1", 0, 8, leaves, (word,) * words, Node(rows), 1, control,
        fidelity, Sample(codes, value, 0.0, is_complete=True),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "figures"),
    [
        ("read", {}),
        ("read", {"r2": 0.6, "control_r2": 0.6}),  # one profile is enough
        ("read", {"r2": 0.3, "control_r2": 0.2}),
        ("read", {"consensus": 0.3, "control": 0.1}),  # low, but above its control
        ("read", {"consensus": 0.6, "control": 0.9}),  # not above its control, but high
        ("poorly explained", {"r2": 0.2, "control_r2": 0.0}),
        ("poorly explained", {"r2": 0.4, "control_r2": 0.38}),
        ("poorly explained", {"r2": math.nan}),
        ("poorly explained", {"r2": None}),
        ("no motif", {"consensus": 0.3, "control": 0.3}),
        ("no motif", {"words": 0}),
        ("dead", {"n": 0}),
    ],
)
def test_figures_decide(kind, figures):
    assert diagnose(neuron(**figures)).kind == kind


def test_a_dead_neuron_is_dead_whatever_its_twin():
    assert diagnose(neuron(n=0), 3).text == "dead"
    assert diagnose(neuron(words=0), 3).text == "duplicate of 3"


def test_the_kinds_are_five():
    assert KINDS == ("read", "poorly explained", "no motif", "duplicate", "dead")


def test_a_twin_has_the_same_values_up_to_scale():
    model = Words("ACGTA", "TTTTT", "ACGTA")
    layer = layers(model, length=20)[0]
    assert twins(layer).tolist() == [-1, -1, 0]
