"""Tables of numbers, items by features: expression, counts, signals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.extras import require
from cisgram.io.tables import numbers_of, rows_of
from cisgram.io.text import Problems, open_text, unique_names

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

Array = NDArray[np.float64]
HDF5 = b"\x89HDF"


@dataclass(frozen=True, eq=False)
class Matrix:
    """Numbers with names on both sides.

    Attributes
    ----------
    values
        (n, d) float64, NaN where one is missing.
    rows
        n names.
    columns
        d names.
    """

    values: Array
    rows: tuple[str, ...]
    columns: tuple[str, ...]

    def turned(self) -> Matrix:
        """The same with rows and columns exchanged."""
        return Matrix(np.ascontiguousarray(self.values.T), self.columns, self.rows)


def read_matrix(path: Path | str) -> Matrix:
    """The matrix of a TSV or CSV file, plain or gzip, or of an h5ad file.

    The first line of a table names its columns, the first cell of every other line its row; an
    empty cell or ``NA`` is a missing number. Of an h5ad file the matrix ``X`` is read, dense or in
    compressed rows or columns; its zeros are zeros.

    Raises
    ------
    InputError
        With file and line, when a cell is no number, a row is too short or too long, or nothing is
        there.
    MissingExtra
        For h5ad without h5py, which the extra ``h5ad`` brings.
    """
    path = Path(path)
    if path.is_file():
        with path.open("rb") as handle:
            if handle.read(len(HDF5)) == HDF5:
                return _of_h5ad(path)
    return _of_table(path)


def _of_table(path: Path) -> Matrix:
    text = open_text(path)
    rows = rows_of(text, None)
    _, header = next(rows, (1, []))
    problems, cells, lines = Problems(path), list[list[str]](), list[int]()
    for line, row in rows:
        if not cells and len(row) == len(header) + 1:
            header = ["", *header]  # as R writes it: no cell above the names of the rows
        if len(row) != len(header):
            problems.add(line, f"{len(row)} cells, {len(header)} in the header.")
            continue
        cells.append(row)
        lines.append(line)
    problems.speak()
    if not cells or len(header) < 2:
        msg = f"{path} holds no matrix: a header, names in the first column, numbers beside them."
        raise InputError(msg)
    names, *columns = zip(*cells, strict=True)
    found = [
        numbers_of(column, lines, name.strip(), problems, text.counts)
        for column, name in zip(columns, header[1:], strict=True)
    ]
    problems.speak()
    return Matrix(
        np.stack(found, axis=1),
        tuple(unique_names([name.strip() for name in names], text.counts)),
        tuple(unique_names([name.strip() for name in header[1:]], text.counts)),
    )


def _of_h5ad(path: Path) -> Matrix:
    h5py = require("h5py", extra="h5ad")
    try:
        with h5py.File(path, "r") as handle:
            values = _dense(handle["X"], h5py)
            rows, columns = (_names(handle[side]) for side in ("obs", "var"))
    except (OSError, KeyError, ValueError, IndexError) as error:
        reason = str(error).rstrip(".")
        msg = f"{path} is no h5ad file with a matrix X: {reason}. Write it anew, or give a table."
        raise InputError(msg) from error
    if values.shape != (len(rows), len(columns)) or not np.isfinite(values).all():
        msg = (
            f"{path}: X is {values.shape} for {len(rows)} rows and {len(columns)} columns; it must "
            "have that shape and hold finite numbers."
        )
        raise InputError(msg)
    return Matrix(values, rows, columns)


def _dense(x: Any, h5py: ModuleType) -> Array:
    """X of an h5ad file as an array; compressed rows or columns are filled with zeros."""
    if isinstance(x, h5py.Dataset):
        return np.asarray(x[:], dtype=np.float64)
    from scipy import sparse

    n, d = (int(size) for size in x.attrs["shape"])
    kind = str(x.attrs["encoding-type"])
    form = sparse.csr_array if kind == "csr_matrix" else sparse.csc_array
    stored = form((x["data"][:], x["indices"][:], x["indptr"][:]), shape=(n, d))
    return np.asarray(stored.toarray(), dtype=np.float64)


def _names(side: Any) -> tuple[str, ...]:
    """Names of the rows or the columns: the column that is the index."""
    key = side.attrs.get("_index", "_index")
    column = side[key if key in side else "index"]
    return tuple(v.decode() if isinstance(v, bytes) else str(v) for v in column[:])
