"""Scores of sequences that are none of the run's, packed as the page's script reads sequences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cisgram.core.run import Run
from cisgram.report.explained import explained_in
from cisgram.report.pack import MAX_ROWS, payload
from cisgram.report.sites import named_motifs, packed_sites, sites_of

MOST_LETTERS = 1_000_000
"""Bases that are packed at most; one sequence is in any case."""


def given(run: Run, folder: Path) -> dict[str, Any]:
    """A folder of ``explain-given``, in the order of its sequences.

    Parameters
    ----------
    run
        The run, whose named motifs are looked for on the sequences.
    folder
        What ``cisgram explain --sequences`` wrote.

    Returns
    -------
    dict
        ``payload`` as `pack.payload` gives it, of the first sequences that there is room for, with
        their ``sites``; ``total``, how many there are; and ``told``, a line on what of the file was
        left out, cut or padded.

    Raises
    ------
    InputError
        When tables and arrays do not belong together.
    """
    method = explained_in(folder)
    length = len(method.codes([0])[0]) if len(method.names) else 1
    n = min(len(method.names), MAX_ROWS, max(1, MOST_LETTERS // max(1, length)))
    table = method.names.head(n).drop(columns=["delta"], errors="ignore")
    table["row:0"] = np.arange(n)
    packed = payload(table, [method])
    sites = sites_of(named_motifs(run), method.codes(range(n)))
    packed |= {"sites": packed_sites(sites), "hits": None, "agreement": None}
    told = str(method.options.get("told", ""))
    return {"payload": packed, "total": len(method.names), "told": told}
