"""Planted motifs that come back as patterns, and those that must not."""

import numpy as np
import pandas as pd
import pytest
import torch

from cisgram import motifs
from cisgram.core.results import Attribution
from cisgram.grammar import Rule
from cisgram.seq.alphabet import one_hot
from cisgram.steps.planted import (
    ELEMENTS,
    WORDS,
    Size,
    planted_motifs,
    read_truth,
    write_grammar,
)
from cisgram.steps.planted_rules import held_against, planted_rules
from cisgram.steps.recovery import recovery

NAMES = ("CEBPB", "GATA4")
MOTIFS = {name: motifs.jaspar("vertebrates")[name] for name in NAMES}


@pytest.fixture(scope="module")
def sequences():
    """40 sequences with both motifs, drawn from their probabilities, and where they stand."""
    g = np.random.default_rng(3)
    codes, rows = g.integers(0, 4, (40, 120)).astype(np.uint8), []
    for i in range(len(codes)):
        for name, low in zip(NAMES, (10, 70), strict=True):
            start = low + int(g.integers(0, 20))
            ppm = MOTIFS[name].ppm
            letters = [g.choice(4, p=column) for column in ppm.T]
            codes[i, start : start + len(letters)] = letters
            rows.append((i, start, start + len(letters), name))
    return one_hot(codes), pd.DataFrame(rows, columns=["sequence", "start", "end", "motif"])


def scored(x, sites, scores):
    """Noise everywhere, and on each motif's sites its score."""
    g = torch.Generator().manual_seed(0)
    track = 0.05 * torch.randn(x.shape[0], 1, x.shape[2], generator=g)
    for row in sites.itertuples(index=False):
        track[row.sequence, 0, row.start : row.end] += scores.get(row.motif, 0)
    return Attribution(x * track, x, "made")


def test_what_is_scored_comes_back_and_what_is_not_does_not(sequences):
    both = recovery(scored(*sequences, {"CEBPB": 1.0, "GATA4": 1.0}), sequences[1], MOTIFS)
    assert both["recovered"] == ["CEBPB", "GATA4"]
    assert both["n_planted"] == 2
    assert both["others"] == 0
    assert both["sites"] > 0.9
    one = recovery(scored(*sequences, {"CEBPB": 1.0}), sequences[1], MOTIFS)
    assert one["recovered"] == ["CEBPB"]
    assert 0.45 < one["sites"] <= 0.5


def test_a_motif_that_lowers_the_output_is_another_pattern(sequences):
    found = recovery(scored(*sequences, {"CEBPB": 1.0, "GATA4": -1.0}), sequences[1], MOTIFS)
    assert found["recovered"] == ["CEBPB"]
    assert found["others"] == 1


def test_a_pattern_of_an_unplanted_motif_is_another_one(sequences):
    x, sites = sequences
    planted = {"CEBPB": MOTIFS["CEBPB"], "REST": motifs.jaspar("vertebrates")["REST"]}
    found = recovery(scored(x, sites, {"CEBPB": 1.0, "GATA4": 1.0}), sites, planted)
    assert found["recovered"] == ["CEBPB"]
    assert found["others"] == 1


def test_noise_gives_no_motif_back(sequences):
    found = recovery(scored(*sequences, {}), sequences[1], MOTIFS)
    assert (found["recovered"], found["sites"]) == ([], 0.0)


def test_the_sites_of_the_first_positives_keep_their_sequences(tmp_path):
    write_grammar(tmp_path, Size(train=20, test=30, epochs=1, explained=6))
    truth = read_truth(tmp_path, most=10)
    assert sorted(set(truth.sites["motif"])) == sorted(ELEMENTS)
    for row in truth.sites.itertuples(index=False):
        assert truth.planted[row.sequence, row.start : row.end].all()
    few = truth.first(4)
    assert len(few.codes) == len(few.planted) == 4
    assert few.sites["sequence"].max() == 3
    assert len(few.sites) == 4 * len(ELEMENTS)


def test_a_pair_comes_back_by_any_rule_that_is_true_of_it():
    near = Rule("spacing", ("CEBPB", "ELF1"), "++", 2, 18)
    wide = Rule("spacing", ("GATA4", "ELF1"), "++", 0, 45)
    far = Rule("spacing", ("GATA4", "CEBPB"), "++", 60, 80)
    turned = Rule("orientation", ("GATA4", "CEBPB"), "+-", 0, 10)
    decoy = Rule("synergy", ("GATA4", "REST"), "++", 0, 10)
    found = held_against([near, wide, far, turned, decoy], ELEMENTS)
    assert found["pairs"] == ["CEBPB ELF1", "ELF1 GATA4"]
    assert (found["n_pairs"], found["n_rules"], found["untrue"]) == (3, 5, 3)


def test_rules_are_looked_for_in_the_model_that_is_given():
    """A network that needs both words together has their pair; one that adds them has none."""
    motifs_of = planted_motifs("interaction-sim")
    g = np.random.default_rng(1)
    codes = g.integers(0, 4, (400, 100)).astype(np.uint8)
    both = np.arange(400) % 2 == 0
    for i in range(400):
        names = list(WORDS) if both[i] else [list(WORDS)[i // 2 % 2]]
        for name, low in zip(names, (5, 50), strict=False):
            start = low + int(g.integers(0, 20))
            codes[i, start : start + len(WORDS[name])] = motifs_of[name].ppm.argmax(0)
    labels = both.astype(np.float32)
    found = planted_rules("interaction-sim", Words(product=True), codes, labels)
    assert found["pairs"] == ["ELF1 SIX5"]
    assert found["untrue"] == 0
    added = planted_rules("interaction-sim", Words(product=False), codes, labels)
    assert (added["pairs"], added["n_rules"]) == ([], 0)


class Words(torch.nn.Module):
    """Whether each word is there, added or multiplied."""

    def __init__(self, *, product):
        super().__init__()
        self.words = [torch.tensor(m.ppm).float() for m in planted_motifs("").values()]
        self.product = product

    def forward(self, x):
        one, two = (
            (torch.nn.functional.conv1d(x, w[None]).amax((1, 2)) - w.shape[1] + 1).clamp(0)
            for w in self.words
        )
        return (one * two if self.product else one + two)[:, None]


def test_the_words_of_the_published_set_are_motifs_of_their_letters():
    assert {n: m.consensus for n, m in planted_motifs("interaction-sim").items()} == WORDS
    assert set(planted_motifs("grammar")) == set(ELEMENTS)
