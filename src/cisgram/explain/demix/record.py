"""A demixed neuron as plain values, for files that anyone can open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core.grammar_tree import to_json, to_text
from cisgram.explain.demix.asking import Edge, Profile
from cisgram.explain.demix.demix import DemixedNeuron
from cisgram.explain.demix.leaves import Leaf
from cisgram.explain.demix.split import Node
from cisgram.explain.demix.syntax import Combination, Syntax

DIGITS = 6  # significant digits of a number in a file
LARGEST = 64  # leaves whose profile is written in full


def plain(found: DemixedNeuron, grammar: Syntax | None, names: Sequence[str]) -> dict[str, Any]:
    """The neuron as dictionaries, lists, strings and numbers (None for what is not finite).

    Keys are the attributes of `DemixedNeuron`, `Leaf`, `Word` and `Syntax`; probabilities are
    in thousandths, rows A C G T; the profiles of the 64 largest leaves are written, and of the
    tail the 64 most frequent consensi.
    """
    f = found.fidelity
    tree = grammar.tree if grammar is not None else None
    return {
        "layer": found.layer,
        "neuron": found.neuron,
        "width": found.width,
        "n_kept": found.n_kept,
        "is_complete": found.sample.is_complete,
        "rounds": found.sample.rounds,
        "scored": found.sample.scored,
        "max_activation": number(found.max_activation),
        "ratio": number(found.ratio),
        "control_ratio": number(found.control_ratio),
        "parts": found.parts,
        "fidelity": None
        if f is None
        else {k: number(getattr(f, k)) for k in ("r2", "auroc", "control_r2", "control_auroc")},
        "motifs": [
            {
                "name": name,
                "n": word.n,
                "share": number(word.share),
                "offsets": list(word.offsets),
                "ppm": _thousandths(word.ppm),
                "blocks": [[b.leaf, b.start, b.strand] for b in word.blocks],
            }
            for name, word in zip(names, found.motifs, strict=True)
        ],
        "tail": [
            {
                "n": word.n,
                "share": number(word.share),
                "consensus": "".join("ACGT"[b] for b in word.ppm.argmax(0)),
            }
            for word in found.tail[:LARGEST]
        ],
        "n_tail": len(found.tail),
        "grammar": None
        if tree is None or grammar is None
        else {
            "text": to_text(tree),
            "tree": to_json(tree),
            "combinations": [_combination(c, names) for c in grammar.combinations],
        },
        "leaves": [_leaf(leaf, i < LARGEST) for i, leaf in enumerate(found.leaves)],
        "tree": _node(found.tree),
    }


def number(value: float) -> float | None:
    """Six significant digits; None where it is not finite."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def _leaf(leaf: Leaf, in_full: bool) -> dict[str, Any]:
    out: dict[str, Any] = {
        "n": leaf.n,
        "activation": number(leaf.activation),
        "consensus_activation": number(leaf.consensus_activation),
        "information": number(leaf.information),
        "consensus": "".join("ACGT"[b] for b in leaf.ppm.argmax(0)),
    }
    if in_full:
        out["ppm"] = _thousandths(leaf.ppm)
    return out


def _node(node: Node) -> dict[str, Any]:
    if not node.children:
        return {"n": len(node.rows)}
    return {
        "n": len(node.rows),
        "level": node.level,
        "gain": number(node.gain),
        "children": [_node(child) for child in node.children],
    }


def _combination(c: Combination, names: Sequence[str]) -> dict[str, Any]:
    return {
        "slots": [[names[m], strand] for m, strand in c.slots],
        "n": c.n,
        "present": dict(c.present),
        "starts": [[[k, v] for k, v in starts.items()] for starts in c.starts],
        "text": to_text(c.tree),
        "edges": [_edge(e) for e in c.edges],
        "single": None if c.single is None else _profile(c.single),
    }


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "left": edge.left,
        "right": edge.right,
        "holds": edge.holds,
        "gaps": [[k, v] for k, v in edge.gaps.items()],
        "profile": _profile(edge.profile),
    }


def _profile(p: Profile) -> dict[str, Any]:
    return {
        "at": [int(v) for v in p.at],
        **{k: [number(v) for v in getattr(p, k)] for k in ("mean", "low", "high", "output")},
        **{k: number(getattr(p, k)) for k in ("left", "right", "none")},
    }


def _thousandths(ppm: NDArray[np.float64]) -> list[list[int]]:
    out: list[list[int]] = np.rint(ppm * 1000).astype(int).tolist()
    return out
