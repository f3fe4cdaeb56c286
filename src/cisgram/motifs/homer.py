"""HOMER motif files."""

from __future__ import annotations

import os

import numpy as np

from cisgram.core.errors import InputError
from cisgram.motifs.lines import Lines, clip, read_lines
from cisgram.motifs.motif import Motif, MotifSet


def read_homer(path: str | os.PathLike[str]) -> MotifSet:
    r"""Motifs of a HOMER file, plain or gz.

    A motif is a line ``>consensus<TAB>name<TAB>log-odds threshold ...`` and one row of four
    probabilities A C G T for each position. The second field becomes name and id.

    Raises
    ------
    InputError
        When the file is absent, cut or malformed; the message names the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> f = pathlib.Path(tempfile.mkdtemp()) / "e.motif"
    >>> _ = f.write_text(">CA\tE-box\t6.5\n0.1 0.7 0.1 0.1\n0.97 0.01 0.01 0.01\n")
    >>> read_homer(f)["E-box"].consensus
    'CA'
    """
    lines = read_lines(path)
    titles = [i for i, r in enumerate(lines.rows) if r.startswith(">")]
    for i, line in enumerate(lines.rows[: titles[0] if titles else None]):
        if line.strip() and not line.startswith("#"):
            msg = f"expected a HOMER title '>consensus<TAB>name<TAB>threshold'; got {clip(line)}."
            raise lines.error(i, msg)
    if not titles:
        msg = f"{lines.path} holds no HOMER motif (a line '>consensus<TAB>name<TAB>threshold')."
        raise InputError(msg)
    ends = [*titles[1:], len(lines.rows)]
    motifs = (_motif(lines, a, b) for a, b in zip(titles, ends, strict=True))
    return MotifSet(motifs, origin=str(lines.path))


def _motif(lines: Lines, title: int, end: int) -> Motif:
    fields = lines.rows[title][1:].split("\t")
    if len(fields) < 2 or not fields[1].strip():
        msg = (
            "expected a HOMER title '>consensus<TAB>name<TAB>threshold'; got "
            f"{clip(lines.rows[title])}."
        )
        raise lines.error(title, msg)
    name, values = fields[1].strip(), []
    for row in range(title + 1, end):
        tokens = lines.rows[row].split()
        if not tokens or tokens[0].startswith("#"):
            continue
        if len(tokens) != 4:
            msg = f"expected four probabilities A C G T; got {clip(lines.rows[row])}."
            raise lines.error(row, msg)
        values.append(lines.numbers(row, tokens))
        if abs(sum(values[-1]) - 1) > 0.02:
            msg = f"the four probabilities sum to {sum(values[-1]):g}, not 1. Repair the row."
            raise lines.error(row, msg)
    consensus = fields[0].strip()
    letters = set(consensus.upper()) <= set("ACGTRYSWKMBDHVN")
    if not values or (letters and consensus and len(consensus) != len(values)):
        msg = (
            f"motif {clip(name)}: expected a row for each of the {len(consensus)} letters of its "
            f"consensus; got {len(values)}. Is the file cut?"
        )
        raise lines.error(title, msg)
    return Motif(np.array(values).T, name, origin=str(lines.path))
