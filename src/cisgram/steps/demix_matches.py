"""Demixed motifs beside known ones, and beside themselves with their columns shuffled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cisgram import motifs
from cisgram.core.seeds import generator
from cisgram.explain.demix import KINDS, DemixedNeuron
from cisgram.explain.demix.record import number
from cisgram.motifs import Motif


@dataclass(frozen=True, slots=True)
class Match:
    """The best match of a motif, and that of its columns in random order.

    Attributes
    ----------
    target, name
        Accession and name of the known motif.
    q, control_q
        Benjamini-Hochberg over all known motifs, of the motif and of its shuffled columns.
    is_specific
        Whether the motif says enough to be named (`Motif.is_specific`).
    """

    target: str
    name: str
    q: float
    control_q: float
    is_specific: bool

    def plain(self) -> dict[str, Any]:
        """As a motif's entries in a neuron's file."""
        return {
            "target": self.target,
            "target_name": self.name,
            "q": number(self.q),
            "control_q": number(self.control_q),
            "is_specific": self.is_specific,
        }


def matched(found: DemixedNeuron, targets: Sequence[Motif], *, seed: int = 0) -> list[Match]:
    """The best match of each motif of a neuron.

    The control has the same columns in random order, so the same composition, information and
    width; what it matches, it matches by chance.
    """
    own = [word.motif(f"m{i}") for i, word in enumerate(found.motifs, 1)]
    if not own:
        return []
    rng = generator(seed, f"columns of {found.layer} {found.neuron}")
    shuffled = [Motif(m.ppm[:, rng.permutation(m.width)], f"{m.name}-shuffled") for m in own]
    best = motifs.tomtom([*own, *shuffled], targets, best=1)
    by_name = {row["motif"]: row for row in best.to_dict("records")}
    out = []
    for m, control in zip(own, shuffled, strict=True):
        row, q = by_name[m.name], float(by_name[control.name]["q"])
        match = Match(row["target_id"], row["target_name"], float(row["q"]), q, m.is_specific)
        out.append(match)
    return out


def named(found: Sequence[Match], max_q: float) -> list[str]:
    """Each motif by its best match where that is sure, numbered where two have the same.

    Examples
    --------
    >>> named([Match("MA1", "A (var.2)", 1e-9, 1, True)] * 2 + [Match("", "B", 0.5, 1, True)], 0.05)
    ['A__var.2_', 'A__var.2_.2', 'm3']
    """
    out: list[str] = []
    for i, match in enumerate(found, 1):
        sure = match.is_specific and match.q < max_q
        name = "".join(
            "_" if c.isspace() or c in "()[]{}|;" else c for c in (match.name if sure else f"m{i}")
        )
        twins = sum(o == name or o.startswith(f"{name}.") for o in out)
        out.append(f"{name}.{twins + 1}" if twins else name)
    return out


def summary(found: Sequence[dict[str, Any]], *, database: str, max_q: float) -> dict[str, Any]:
    """What became of the neurons of each layer, and how many motifs are known.

    Returns
    -------
    dict
        ``database``, ``max_q``, and ``layers``: for each its ``neurons``, the share of every
        kind of diagnosis in ``kinds``, the median ``r2`` and ``control_r2`` of those that have
        one, and of ``motifs`` and of ``neurons_with_motifs`` (those with at least one) the number
        ``n``, the ``matched`` share with q below ``max_q``, and the ``control`` share of the same
        motifs with their columns shuffled.
    """
    layers = dict.fromkeys(d["layer"] for d in found)
    return {
        "database": database,
        "max_q": max_q,
        "layers": {k: _layer([d for d in found if d["layer"] == k], max_q) for k in layers},
    }


def _layer(found: Sequence[dict[str, Any]], max_q: float) -> dict[str, Any]:
    scored = [d["fidelity"] for d in found if d["fidelity"]]
    own = [[known(m, max_q) for m in d["motifs"]] for d in found if d["motifs"]]
    each = [one for neuron in own for one in neuron]
    any_ = [(any(a for a, _ in neuron), any(b for _, b in neuron)) for neuron in own]
    return {
        "neurons": len(found),
        "kinds": {k: number(float(np.mean([d["kind"] == k for d in found]))) for k in KINDS},
        **{k: _median([f[k] for f in scored]) for k in ("r2", "control_r2")},
        "motifs": _shares(each),
        "neurons_with_motifs": _shares(any_),
    }


def known(motif: Mapping[str, Any], max_q: float) -> tuple[bool, bool]:
    """Whether a motif, and its shuffled copy, have a match: both only where it says enough."""
    sure = bool(motif["is_specific"])
    return sure and motif["q"] < max_q, sure and motif["control_q"] < max_q


def _shares(known: Sequence[tuple[bool, bool]]) -> dict[str, Any]:
    if not known:
        return {"n": 0, "matched": None, "control": None}
    matched, control = np.mean(np.array(known, dtype=np.float64), axis=0).tolist()
    return {"n": len(known), "matched": number(matched), "control": number(control)}


def _median(values: Sequence[float | None]) -> float | None:
    there = [v for v in values if v is not None]
    return number(float(np.median(there))) if there else None
