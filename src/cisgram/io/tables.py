"""Tables with a sequence in every row: the DeepBind form, and TSV or CSV with named columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.io.letters import clean
from cisgram.io.sequences import Sequences
from cisgram.io.text import Problems, Text, at_line, fail, open_text, shown, unique_names

DEEPBIND = ("FoldID", "EventID", "seq", "Bound")
RANK = re.compile(r"seq_(\d{1,9})_\w+", re.ASCII)
MISSING = {"", "na", "nan", "n/a", "null", "none", "."}


def read_deepbind(path: Path | str) -> Sequences:
    """Sequences of a DeepBind table: TSV with the header ``FoldID EventID seq Bound``.

    The label is ``Bound``, 0 or 1. Names are the EventIDs. Ranks are the numbers in EventIDs
    of the form ``seq_00001_peak`` (1 = strongest; a shuffled row has the rank of its peak).

    Raises
    ------
    InputError
        With file and line, when the header, the number of columns, a label or a letter is
        wrong, or the file holds no row.

    References
    ----------
    Alipanahi et al. (2015), Nature Biotechnology 33:831: the form of the released data.
    """
    text = open_text(path)
    rows = text.filled()
    number, header = next(rows, (1, ""))
    if tuple(header.split("\t")) != DEEPBIND:
        want = " ".join(DEEPBIND)
        fail(text.path, number, f"the header must be {want}, tabs between; got {shown(header)}.")
    problems, cells, lines = Problems(text.path), [], []
    for number, line in rows:
        row = line.split("\t")
        if len(row) != 4:
            problems.add(number, f"4 columns with tabs between are needed; got {len(row)}.")
        elif row[3] not in ("0", "1"):
            problems.add(number, f"Bound must be 0 or 1; got {shown(row[3])}.")
        elif not row[2]:
            problems.add(number, "the sequence is empty.")
        else:
            cells.append(row)
            lines.append(number)
    problems.speak()
    if not cells:
        msg = f"{text.path} holds a header and no row."
        raise InputError(msg)
    _, events, letters, bound = (list(column) for column in zip(*cells, strict=True))
    matches = [RANK.fullmatch(event) for event in events]
    ranks = [int(m[1]) for m in matches if m]
    cleaned = clean(letters, text.counts, text.path, lines)
    return Sequences(
        unique_names(events, text.counts),
        cleaned,
        np.array(bound, dtype=np.float64)[:, None],
        ("Bound",),
        ranks=np.array(ranks, dtype=np.int64) if len(ranks) == len(events) else None,
        counts=+text.counts,
        source=str(text.path),
    )


def read_table(
    path: Path | str,
    *,
    sequence: str = "sequence",
    labels: Sequence[str] | None = None,
    name: str | None = None,
    chromosome: str | None = None,
    batch: str | None = None,
    separator: str | None = None,
) -> Sequences:
    """Sequences of a table whose first line names the columns.

    Parameters
    ----------
    path
        TSV or CSV, plain or gzip; cells may be quoted.
    sequence
        Column of the sequences.
    labels
        Columns of the labels, numbers; an empty cell or ``NA`` becomes NaN. ``None``: no labels.
    name
        Column of the names; ``None`` calls the rows ``sequence_1``, ``sequence_2``, ...
    chromosome
        Column of the contig names.
    batch
        Column of the names of batches or donors; none may be missing.
    separator
        Between the cells; ``None`` takes the tab where the first line has one, else the comma.

    Raises
    ------
    InputError
        With file and line, or naming the column that is not there and the nearest one.
    """
    text = open_text(path)
    rows = rows_of(text, separator)
    number, header = next(rows, (1, []))
    header = [cell.strip() for cell in header]
    place = {
        column: _column(header, column, text.path, number)
        for column in (sequence, *(labels or ()), name, chromosome, batch)
        if column is not None
    }
    problems, cells, lines = Problems(text.path), [], []
    for number, row in rows:
        if len(row) != len(header):
            problems.add(number, f"{len(row)} cells, {len(header)} in the header.")
        elif not row[place[sequence]].strip():
            problems.add(number, f"column {sequence!r} is empty.")
        elif batch and row[place[batch]].strip().lower() in MISSING:
            problems.add(number, f"column {batch!r} must name the batch; it is missing.")
        else:
            cells.append(row)
            lines.append(number)
    problems.speak()
    if not cells:
        msg = f"{text.path} holds a header and no row."
        raise InputError(msg)
    columns = list(zip(*cells, strict=True))
    letters = [cell.strip() for cell in columns[place[sequence]]]
    values = [numbers_of(columns[place[c]], lines, c, problems, text.counts) for c in labels or ()]
    problems.speak()
    if name is None:
        names = [f"sequence_{i}" for i in range(1, len(cells) + 1)]
    else:
        names = [cell.strip() or f"sequence_{i}" for i, cell in enumerate(columns[place[name]], 1)]
    cleaned = clean(letters, text.counts, text.path, lines)
    return Sequences(
        unique_names(names, text.counts),
        cleaned,
        np.stack(values, axis=1) if values else None,
        tuple(labels or ()),
        [c.strip() for c in columns[place[chromosome]]] if chromosome else None,
        batches=[c.strip() for c in columns[place[batch]]] if batch else None,
        counts=+text.counts,
        source=str(text.path),
    )


def numeric_columns(path: Path | str) -> list[str]:
    """Columns of a table that hold numbers (or nothing) in each of the first 200 rows.

    What may be a label, in a table whose labels were not named.
    """
    rows = [cells for _, cells in islice(rows_of(open_text(path), None), 201)]
    header, body = rows[0], [r for r in rows[1:] if len(r) == len(rows[0])]
    return [
        name.strip()
        for i, name in enumerate(header)
        if any(row[i].strip().lower() not in MISSING for row in body)
        and all(_is_number(row[i]) for row in body)
    ]


def _is_number(cell: str) -> bool:
    if cell.strip().lower() in MISSING:
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return True


def separator_of(line: str) -> str:
    """The tab where a header line has one, else the comma."""
    return "\t" if "\t" in line else ","


def rows_of(text: Text, separator: str | None) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of their first line; quotes are read only where there are any."""
    between = separator or separator_of(next((line for _, line in text if line.strip()), ""))
    if len(between) != 1:
        msg = f"separator must be one character; got {between!r}."
        raise InputError(msg)
    if not any('"' in line for line in text.lines):
        for number, line in text.filled():
            yield number, line.split(between)
        return
    cell = re.compile(rf' *"([^"]*(?:""[^"]*)*)" *|([^"{re.escape(between)}]*)')
    for number, line in text.filled():
        yield number, _unquoted(line, between, cell) or _bad_quotes(text.path, number)


def _unquoted(line: str, between: str, cell: re.Pattern[str]) -> list[str] | None:
    """Cells of a line with quotes, ``""`` inside them for one; ``None`` when they do not close."""
    # Not the csv module: its limit on the size of a cell is a setting of the whole process.
    cells, at = [], 0
    while True:
        found = cell.match(line, at)
        if found is None or line[found.end() : found.end() + 1] not in ("", between):
            return None
        cells.append(found[2] if found[1] is None else found[1].replace('""', '"'))
        at = found.end() + 1
        if at > len(line):
            return cells


def _bad_quotes(path: Path, line: int) -> NoReturn:
    fail(path, line, "a quote is not closed, or stands inside a cell. Correct the line.")


def _column(header: list[str], name: str, path: Path, line: int) -> int:
    if name not in header:
        error = unknown("column", name, [column for column in header if column])
        msg = at_line(path, line) + str(error)
        raise InputError(msg) from error
    if header.count(name) > 1:
        fail(path, line, f"{header.count(name)} columns are named {name!r}. Rename them.")
    return header.index(name)


def numbers_of(
    column: Sequence[str], lines: list[int], name: str, problems: Problems, counts: Counter[str]
) -> NDArray[np.float64]:
    """(n,) numbers of a column's cells, NaN where one is missing; what is none goes to problems."""
    out = np.full(len(column), np.nan)
    for i, cell in enumerate(column):
        value = cell.strip()
        if value.lower() in MISSING:
            counts["missing_labels"] += 1
            continue
        try:
            out[i] = float(value)
        except ValueError:
            problems.add(lines[i], f"column {name!r} must hold numbers; got {shown(cell)}.")
            continue
        if not np.isfinite(out[i]):
            problems.add(lines[i], f"column {name!r} must hold finite numbers; got {value}.")
    return out
