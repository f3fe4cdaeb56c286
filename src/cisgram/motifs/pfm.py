"""JASPAR position frequency matrices, in their three forms, in and out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.motifs.lines import (
    Lines,
    clip,
    counts_of,
    in_digits,
    one_word,
    read_lines,
    write_lines,
)
from cisgram.motifs.motif import Motif, MotifSet

_LABELLED = re.compile(r"([ACGTacgt])\s*[|:]?\s*\[?([^\[\]]*)\]?\s*")


@dataclass
class _Entry:
    row: int
    title: str
    rows: list[int] = field(default_factory=list)


def read_jaspar(path: str | os.PathLike[str]) -> MotifSet:
    r"""Motifs of a file of frequency matrices, plain or gz.

    Every motif begins with ``>ID NAME``. Three forms of matrix are read: rows ``A [ 4 19 ]``
    (JASPAR), four bare rows in the order A C G T (JASPAR raw), and one row of four numbers
    A C G T for each position (gimmemotifs). Where every motif of the file is a bare 4 by 4
    square, rows are bases. Columns that sum to one are taken as probabilities (``n_sites``
    unknown), all others as counts.

    Raises
    ------
    InputError
        When the file is absent, cut or malformed; the message names the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> f = pathlib.Path(tempfile.mkdtemp()) / "arnt.jaspar"
    >>> _ = f.write_text(">MA0004.1 Arnt\nA [ 4 19]\nC [16 0]\nG [ 0 1]\nT [ 0 0]\n")
    >>> m = read_jaspar(f)["Arnt"]
    >>> m.id, m.n_sites, m.ppm[0].tolist()
    ('MA0004.1', 20.0, [0.2, 0.95])
    """
    lines = read_lines(path)
    entries = _entries(lines)
    upright = _has_positions_as_rows(lines, entries)
    return MotifSet((_motif(lines, e, upright) for e in entries), origin=str(lines.path))


def write_jaspar(path: str | os.PathLike[str], motifs: Iterable[Motif]) -> None:
    """Write motifs in the JASPAR form, whole or not at all; gz when the name ends so.

    Counts (probabilities times ``n_sites``) where the number of sites is known, probabilities
    where it is not; six decimals, trailing zeros left out. Blanks in names become ``_``.
    """
    out = []
    for i, m in enumerate(motifs):
        key = one_word(m.id, f"motif_{i + 1}")
        out.append(f">{key}\t{one_word(m.name, key)}")
        values = in_digits(m.ppm, 6, total=m.n_sites or 1.0)
        cells = [[f"{v:.6f}".rstrip("0").rstrip(".") for v in row] for row in values.tolist()]
        width = max(len(c) for row in cells for c in row)
        out += [
            f"{base}  [{' '.join(c.rjust(width) for c in row)} ]"
            for base, row in zip("ACGT", cells, strict=True)
        ]
    write_lines(path, out)


def _entries(lines: Lines) -> list[_Entry]:
    """Title and matrix rows of every motif."""
    entries = list[_Entry]()
    for i, line in enumerate(lines.rows):
        text = line.strip()
        if text.startswith(">"):
            entries.append(_Entry(i, text[1:].strip()))
        elif text and not text.startswith("#"):
            if not entries:
                msg = f"expected a motif title '>ID NAME'; got {clip(text)}."
                raise lines.error(i, msg)
            entries[-1].rows.append(i)
    if not entries:
        msg = f"{lines.path} holds no motif; every motif begins with a line '>ID NAME'."
        raise InputError(msg)
    return entries


def _has_positions_as_rows(lines: Lines, entries: list[_Entry]) -> bool:
    """True for the form with one row a position; decided by the whole file."""
    for entry in entries:
        if not entry.rows:
            continue
        n_columns = len(lines.rows[entry.rows[0]].split())
        if not lines.rows[entry.rows[0]].strip()[0].isdigit():
            continue
        if (len(entry.rows), n_columns) != (4, 4):
            return n_columns == 4
    return False


def _motif(lines: Lines, entry: _Entry, upright: bool) -> Motif:
    words = entry.title.split()
    if not words:
        msg = "a motif without a name; write '>ID NAME'."
        raise lines.error(entry.row, msg)
    key, name = words[0], words[1] if len(words) > 1 else words[0]
    if not entry.rows:
        msg = f"motif {clip(key)} has no matrix; is the file cut? Complete it or take it out."
        raise lines.error(entry.row, msg)
    if _LABELLED.fullmatch(lines.rows[entry.rows[0]].strip()):
        values = _bases_as_rows(lines, entry, labelled=True)
    elif upright:
        values = _positions_as_rows(lines, entry)
    else:
        values = _bases_as_rows(lines, entry, labelled=False)
    counts = counts_of(lines, entry.row, values.T.tolist())
    origin = str(lines.path)
    if (np.abs(counts.sum(0) - 1) <= 0.02).all():
        return Motif(counts, name, key, origin=origin)
    return Motif.from_counts(counts, name=name, id=key, origin=origin)


def _positions_as_rows(lines: Lines, entry: _Entry) -> NDArray[np.float64]:
    out = []
    for row in entry.rows:
        tokens = lines.rows[row].split()
        if len(tokens) != 4:
            msg = f"expected four numbers A C G T; got {clip(lines.rows[row])}."
            raise lines.error(row, msg)
        out.append(lines.numbers(row, tokens))
    return np.array(out).T


def _bases_as_rows(lines: Lines, entry: _Entry, *, labelled: bool) -> NDArray[np.float64]:
    if len(entry.rows) != 4:
        msg = f"expected four rows A C G T; got {len(entry.rows)}. Is the file cut?"
        raise lines.error(entry.row, msg)
    out: dict[str, list[float]] = {}
    for base, row in zip("ACGT", entry.rows, strict=True):
        text = lines.rows[row].strip()
        if labelled:
            form = _LABELLED.fullmatch(text)
            if form is None or form[1].upper() in out:
                msg = f"expected a row 'A [ 4 19 0 ]', each base once; got {clip(text)}."
                raise lines.error(row, msg)
            out[form[1].upper()] = lines.numbers(row, form[2].split())
        else:
            out[base] = lines.numbers(row, text.split())
    widths = {len(v) for v in out.values()}
    if len(widths) != 1:
        msg = f"the four rows have {sorted(widths)} columns; they must agree. Is the file cut?"
        raise lines.error(entry.row, msg)
    return np.array([out[b] for b in "ACGT"], dtype=np.float64)
