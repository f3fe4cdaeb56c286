"""Numbered lines of a motif file, and the numbers on them: what the readers share."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.files import write_bytes


@dataclass(frozen=True)
class Lines:
    """The text lines of a file, and errors that name a file and a line.

    Attributes
    ----------
    path
        The file.
    rows
        Its lines without line ends; row ``i`` is line ``i + 1`` of the file.
    """

    path: Path
    rows: tuple[str, ...]

    def error(self, row: int, text: str) -> InputError:
        """The error for row ``row`` (0-based); the message counts lines from 1."""
        return InputError(f"{self.path}, line {row + 1}: {text}")

    def numbers(self, row: int, tokens: Sequence[str]) -> list[float]:
        """The tokens of row ``row`` as numbers.

        Raises
        ------
        InputError
            When one is no number, not finite, or negative.
        """
        try:
            values = [float(t) for t in tokens]
        except ValueError:
            values = [float("nan")]
        # float() also reads 1_000, nan and 1e999: no motif file means any of them
        if not all(0 <= v < float("inf") for v in values) or "_" in self.rows[row]:
            msg = (
                f"expected numbers that are not negative; got {clip(self.rows[row])}. "
                "Repair the line or take the motif out."
            )
            raise self.error(row, msg)
        return values


def read_lines(path: str | os.PathLike[str]) -> Lines:
    """Lines of a text file, plain or gz; LF, CRLF and CR line ends, with or without BOM.

    Raises
    ------
    InputError
        When the file is absent, empty, not text, or its gz stream is damaged.
    """
    p = Path(path)
    try:
        content = p.read_bytes()
    except OSError as error:
        msg = f"Cannot read motifs from {p}: {error.strerror or error}. Check the path."
        raise InputError(msg) from error
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            msg = f"{p} is a damaged or cut gz file ({error}). Download or compress it again."
            raise InputError(msg) from error
    if not content.strip():
        msg = f"{p} is empty; expected motifs (MEME, JASPAR PFM, TRANSFAC or HOMER)."
        raise InputError(msg)
    nul = content.find(b"\0")
    if nul >= 0:
        line = content.count(b"\n", 0, nul) + 1
        msg = f"{p}, line {line}: a NUL byte, so this is not text. Give a motif file as plain text."
        raise InputError(msg)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return Lines(p, tuple(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")))


def write_lines(path: str | os.PathLike[str], lines: Sequence[str]) -> None:
    """Write a whole file or leave the older one; compressed when the name ends in .gz."""
    content = ("\n".join(lines) + "\n").encode()
    p = Path(path)
    # mtime 0: the same motifs give the same bytes
    write_bytes(p, gzip.compress(content, mtime=0) if p.suffix == ".gz" else content)


def clip(text: str, width: int = 60) -> str:
    """A quoted line, cut to a length that suits a message."""
    return repr(text if len(text) <= width else text[: width - 3] + "...")


def counts_of(lines: Lines, first: int, values: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Counts (4, k) of a list of positions; refuses an empty motif and an empty column.

    Parameters
    ----------
    lines, first
        The file and the row where the motif begins, for the message.
    values
        k positions of four counts A C G T.
    """
    counts = np.array(values, dtype=np.float64).reshape(-1, 4).T
    if counts.shape[1] == 0:
        msg = "a motif without a matrix; is the file cut? Take the motif out or complete it."
        raise lines.error(first, msg)
    empty = np.flatnonzero(counts.sum(0) <= 0)
    if len(empty):
        msg = (
            f"the motif that begins here has no count at position {int(empty[0])} (0-based). "
            "Repair the matrix or take the motif out."
        )
        raise lines.error(first, msg)
    return counts


def one_word(text: str, fallback: str) -> str:
    """A name as one printable word: names come from files, and formats split at blanks."""
    word = "_".join("".join(c if c.isprintable() else " " for c in text).split())
    return word or fallback


def in_digits(ppm: NDArray[np.float64], digits: int, *, total: float = 1.0) -> NDArray[np.float64]:
    """``total * ppm`` in decimals of ``digits`` places, every column still summing to the total.

    What is missing after cutting goes to the largest remainders, one unit each: the matrix that
    is read back is the one that was printed.
    """
    unit = 10**digits
    scaled = ppm * total * unit
    whole = np.floor(scaled + 1e-6)  # 1e-6: 0.9 * 10**6 must not become 899,999
    missing = round(total * unit) - whole.sum(0)
    rank = np.argsort(np.argsort(whole - scaled, axis=0, kind="stable"), axis=0)
    return np.asarray((whole + (rank < missing)) / unit)
