"""The motifs of a run that a reader can put into a sequence."""

from __future__ import annotations

from typing import Any

from cisgram.core.run import Run
from cisgram.report.matches import Learned, sources

MOST = 60


def palette(run: Run) -> dict[str, Any]:
    """Motifs of all sources, those with a known name first, the surest first.

    Each has ``name``, ``source``, ``letters`` (the most frequent base of each column: what is put
    into the sequence), ``consensus`` (IUPAC), ``target`` and ``q`` of its best match. A motif that
    goes by the name of its known one reads as that one does, whichever way round it was learned.

    Raises
    ------
    InputError
        When a motif file of the run is broken.
    """
    found = [(source.name, learned) for source in sources(run) for learned in source.motifs]
    found.sort(key=lambda f: (not f[1].is_match, f[1].best_q if f[1].best_q is not None else 1.0))
    kept = found[:MOST]
    return {"motifs": [_said(*f) for f in kept], "left_out": len(found) - len(kept)}


def _said(source: str, learned: Learned) -> dict[str, Any]:
    motif = learned.motif
    if learned.is_match and learned.matches[0]["strand"] == "-":
        motif = motif.reverse_complement()
    return {
        "name": learned.motif.name,
        "source": source,
        "letters": "".join("ACGT"[i] for i in motif.ppm.argmax(0)),
        "consensus": motif.consensus,
        "target": learned.target_name if learned.is_match else "",
        "q": learned.best_q,
    }
