"""TRANSFAC matrix files."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from cisgram.core.errors import InputError
from cisgram.motifs.lines import Lines, clip, counts_of, read_lines
from cisgram.motifs.motif import Motif, MotifSet


@dataclass
class _Record:
    row: int
    facts: dict[str, str] = field(default_factory=dict)
    order: list[int] | None = None  # where A, C, G and T stand in a row
    values: list[list[float]] = field(default_factory=list)
    last: int = -1


def read_transfac(path: str | os.PathLike[str]) -> MotifSet:
    r"""Motifs of a TRANSFAC file, plain or gz.

    ``AC`` (else ``ID``) becomes the id, ``NA`` (else ``ID``, else ``AC``) the name, the rows
    behind ``P0`` the counts; a consensus letter at a row's end is ignored. Records without a
    matrix are named in ``skipped``.

    Raises
    ------
    InputError
        When the file is absent, cut (no ``//`` at its end) or malformed; the message names
        the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> f = pathlib.Path(tempfile.mkdtemp()) / "arnt.transfac"
    >>> _ = f.write_text("AC MA0004.1\nID Arnt\nP0 A C G T\n01 4 16 0 0\n//\n")
    >>> read_transfac(f)["Arnt"].ppm[:, 0].tolist()
    [0.2, 0.8, 0.0, 0.0]
    """
    lines = read_lines(path)
    motifs, skipped = list[Motif](), list[str]()
    record: _Record | None = None
    for i, line in enumerate(lines.rows):
        tag, _, value = line.strip().partition("\t" if "\t" in line.strip()[:4] else " ")
        if tag == "//":
            if record is not None:
                _close(lines, record, motifs, skipped)
            record = None
        elif tag and tag != "XX":
            record = record or _Record(i)
            _take(lines, record, i, tag, value.strip())
    if record is not None:
        msg = "this record has no closing '//'; the file is cut. Complete it or take it out."
        raise lines.error(record.row, msg)
    if not motifs:
        msg = f"{lines.path} holds no TRANSFAC record with a matrix (a line 'P0 A C G T')."
        raise InputError(msg)
    return MotifSet(motifs, origin=str(lines.path), skipped=skipped)


def _take(lines: Lines, record: _Record, row: int, tag: str, value: str) -> None:
    """One line of a record."""
    if tag in ("P0", "PO"):
        letters = value.upper().split()
        if sorted(letters[:4]) != list("ACGT"):
            msg = f"expected the heading 'P0 A C G T'; got {clip(lines.rows[row])}."
            raise lines.error(row, msg)
        record.order = [letters.index(b) for b in "ACGT"]
    elif re.fullmatch(r"\d{1,4}", tag):
        if record.order is None:
            msg = "a matrix row before the heading 'P0 A C G T'."
            raise lines.error(row, msg)
        tokens = value.split()
        number = int(tag)
        is_row = len(tokens) == 4 or (len(tokens) == 5 and tokens[4].isalpha())
        if not is_row or (record.values and number != record.last + 1):
            after = f" after row {record.last}" if record.values else ""
            msg = f"expected a matrix row '01 4 16 0 0'{after}; got {clip(lines.rows[row])}."
            raise lines.error(row, msg)
        numbers = lines.numbers(row, tokens[:4])
        record.values.append([numbers[j] for j in record.order])
        record.last = number
    elif re.fullmatch(r"[A-Z][A-Z0-9]", tag):
        record.facts.setdefault(tag, value)
    else:
        msg = f"expected a two-letter tag, a matrix row or '//'; got {clip(lines.rows[row])}."
        raise lines.error(row, msg)


def _close(lines: Lines, record: _Record, motifs: list[Motif], skipped: list[str]) -> None:
    facts = {k: v.split()[0] for k, v in record.facts.items() if v.split()}
    key = facts.get("AC") or facts.get("ID") or facts.get("NA")
    if record.order is None:
        if key:
            skipped.append(f"Record {key} (line {record.row + 1}) has no matrix.")
        return
    key = key or f"motif_{len(motifs) + 1}"
    name = facts.get("NA") or facts.get("ID") or key
    counts = counts_of(lines, record.row, record.values)
    origin = str(lines.path)
    if (abs(counts.sum(0) - 1) <= 0.02).all():
        motifs.append(Motif(counts, name, key, origin=origin))
    else:
        motifs.append(Motif.from_counts(counts, name=name, id=key, origin=origin))
