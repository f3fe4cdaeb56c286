"""Names are given to motifs only."""

import numpy as np
import pandas as pd
import torch

from cisgram import explain, models, motifs, seq
from cisgram.steps import named_motifs


def test_an_untrained_network_names_next_to_nothing():
    named, n = 0, 0
    for seed in range(3):
        torch.manual_seed(seed)
        codes = np.random.default_rng(seed).integers(0, 4, (1000, 101)).astype(np.uint8)
        model = models.create("deepbind")
        found = [m.trimmed() for m in explain.filter_motifs(model, seq.one_hot(codes))]
        facts = pd.DataFrame(
            {"motif": [m.name for m in found], "is_specific": [int(m.is_specific) for m in found]}
        )
        matches = motifs.tomtom(found, motifs.jaspar("vertebrates"), best=1)
        named += len(named_motifs(matches, facts, max_q=0.05))
        n += len(found)
    assert n > 30
    assert named <= 1


def test_the_surest_match_comes_first_and_flat_motifs_are_left_out():
    facts = pd.DataFrame({"motif": ["a", "b", "c"], "is_specific": [1, 0, 1]})
    matches = pd.DataFrame(
        {
            "motif": ["a", "a", "b", "c"],
            "target_name": ["A1", "A2", "B", "C"],
            "p": [1e-6, 1e-5, 1e-9, 1e-8],
            "q": [1e-3, 1e-2, 1e-6, 1e-5],
        }
    )
    assert named_motifs(matches, facts, max_q=0.05)["target_name"].tolist() == ["C", "A1"]
