"""The layers of a network as rows of cells, one a neuron, marked by what was found in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cisgram.report.text import plural

NAMED, READ, DOUBTED, NONE = "named", "read", "doubted", "nothing"
SAID = {
    NAMED: "has a motif with a known match",
    READ: "is read; no motif has a known match",
    DOUBTED: "poorly explained, or a duplicate",
    NONE: "dead, or without a motif",
}
"""What the marks mean, from most to least found."""
_OF_KIND = {"poorly explained": DOUBTED, "duplicate": DOUBTED, "no motif": NONE, "dead": NONE}
MOST = 1024
"""Cells of a layer; of wider ones the first neurons are drawn and the rest is counted."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One neuron: its number, its mark, what is said of it, and the id of its details, if any."""

    neuron: int
    mark: str
    said: str
    anchor: str | None


def layer_map(
    found: Sequence[Mapping[str, Any]], *, is_known: Any, anchors: Mapping[tuple[str, int], str]
) -> list[dict[str, Any]]:
    """Rows of cells, layer by layer as given.

    Parameters
    ----------
    found
        Demixed neurons; only these have a cell, so gaps between their numbers are neurons that
        nobody has asked.
    is_known
        Whether a motif of a neuron has a known match.
    anchors
        Of layer and neuron: the id of the element with its details, where they are drawn.

    Returns
    -------
    list of dict
        ``layer``, ``cells``, ``counts`` (mark, number) and ``left_out``.
    """
    rows = []
    for layer in dict.fromkeys(str(d["layer"]) for d in found):
        own = sorted((d for d in found if d["layer"] == layer), key=lambda d: int(d["neuron"]))
        cells = [_cell(d, is_known, anchors) for d in own]
        counts = [(m, sum(c.mark == m for c in cells)) for m in SAID]
        rows.append({"layer": layer, "cells": cells[:MOST], "left_out": max(0, len(cells) - MOST),
                     "counts": [(m, n) for m, n in counts if n]})  # fmt: skip
    return rows


def _cell(d: Mapping[str, Any], is_known: Any, anchors: Mapping[tuple[str, int], str]) -> Cell:
    neuron = int(d["neuron"])
    names = list(dict.fromkeys(str(m["target_name"]) for m in d["motifs"] if is_known(m)))
    if names:
        mark, said = NAMED, ", ".join(names[:3])
        said += f" and {len(names) - 3} more" if len(names) > 3 else ""
    else:
        mark = _OF_KIND.get(str(d["kind"]), READ)
        said = f"{d['diagnosis']}, {plural(len(d['motifs']), 'motif')}"
    return Cell(neuron, mark, said, anchors.get((str(d["layer"]), neuron)))


def marks(rows: Collection[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Marks that occur, with what they mean."""
    seen = {c.mark for row in rows for c in row["cells"]}
    return [(mark, said) for mark, said in SAID.items() if mark in seen]
