"""Planted rules that come back from a network of the table of methods."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cisgram import motifs
from cisgram.grammar import Rule, rules
from cisgram.motifs import Motif
from cisgram.steps.grammar_plants import Planted
from cisgram.steps.grammar_truth import is_planted
from cisgram.steps.planted import DECOYS, NEAR, planted_motifs

WIDEST = 50  # bp between two motifs with the third between them, or wherever the words may stand


def planted_rules(
    name: str, model: nn.Module, codes: NDArray[np.uint8], labels: NDArray[np.float32]
) -> dict[str, Any]:
    """Pairs of planted motifs that a search for rules gives back, and rules of anything else.

    The search is given the planted motifs and two more, which are as frequent in both classes, or
    absent.

    Parameters
    ----------
    name
        Of the set: ``grammar`` or ``interaction-sim``.
    model
        Trained on it.
    codes, labels
        (n, length) and (n,) of its training set.

    Returns
    -------
    dict
        ``pairs`` (such as ``["CEBPB ELF1"]``) with a rule that is true of what was planted,
        ``n_pairs``, ``n_rules`` reported of the model, ``untrue`` among them, ``rule_seconds``.
    """
    planted = planted_motifs(name)
    database = motifs.jaspar("vertebrates")
    others = [Motif(database[d].ppm, d) for d in DECOYS]
    panel = [*(Motif(m.ppm, n) for n, m in planted.items()), *others]
    began = time.perf_counter()
    found = rules(model, codes, panel, labels=labels, both_strands=False)
    seconds = time.perf_counter() - began
    return held_against(found.known, tuple(planted)) | {"rule_seconds": round(seconds, 1)}


def held_against(found: Sequence[Rule], names: Sequence[str]) -> dict[str, Any]:
    """What of the rules is true of motifs that were planted together, near, on one strand.

    Examples
    --------
    >>> pair = Rule("synergy", ("B", "A"), "++", 0, 10)
    >>> held_against([pair, Rule("copies", ("A",), copies=2)], ["A", "B"])
    {'pairs': ['A B'], 'n_pairs': 1, 'n_rules': 2, 'untrue': 1}
    """
    pairs = list(combinations(sorted(names), 2))
    true = [is_planted(rule, _truth(pairs)) for rule in found]
    back = {
        tuple(sorted(rule.motifs)) for rule, is_true in zip(found, true, strict=True) if is_true
    }
    return {
        "pairs": [" ".join(pair) for pair in pairs if pair in back],
        "n_pairs": len(pairs),
        "n_rules": len(found),
        "untrue": sum(not t for t in true),
    }


def _truth(pairs: Sequence[tuple[str, str]]) -> list[Planted]:
    """All that is true of motifs planted in any order and a few bp apart, on one strand."""
    truth = []
    for pair in pairs:
        truth += [
            Planted("synergy", pair),
            Planted("spacing", pair, low=NEAR[0], high=NEAR[1]),
            Planted("spacing", pair, low=NEAR[0], high=WIDEST),
            Planted("orientation", pair, strands="same"),
        ]
    return truth
