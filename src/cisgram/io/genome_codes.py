"""Windows of a genome as codes that stay on disk until they are indexed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cisgram.core.errors import InputError
from cisgram.io.genome import Genome

BLOCK = 1 << 22  # bases that are read at once where all are looked through


class GenomeCodes:
    """(n, length) codes of windows of one genome; eight bytes a window at rest.

    Indexing reads: an integer gives one window (length,), a slice, a mask or rows give
    (m, length) uint8, all as `Genome.windows` does. `take` gives windows that are not read yet.
    `numpy.asarray` reads all.

    Parameters
    ----------
    genome
        Where the windows lie.
    contigs
        n names.
    starts
        (n,) first positions.
    length
        bp of every window.

    Raises
    ------
    InputError
        When a contig is unknown or a window does not lie on its contig.
    """

    dtype = np.dtype(np.uint8)
    ndim = 2

    def __init__(
        self,
        genome: Genome,
        contigs: Sequence[str],
        starts: NDArray[np.int64],
        *,
        length: int,
    ) -> None:
        self.genome, self.length = genome, length
        self._places = genome.places(contigs, starts, length)

    def __repr__(self) -> str:
        return f"GenomeCodes({len(self)} windows of {self.length} bp of {self.genome!r})"

    @property
    def shape(self) -> tuple[int, int]:
        """(n, length)."""
        return len(self._places), self.length

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        if isinstance(rows, tuple):
            msg = "windows of a genome are indexed by rows alone: read these first, x[rows][...]."
            raise InputError(msg)
        places = self._places[rows]
        if np.ndim(places) == 0:
            one: NDArray[np.uint8] = self.genome.at(np.array([places]), self.length)[0]
            return one
        return self.genome.at(places, self.length)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            msg = "windows of a genome are read anew each time; they cannot be had without a copy."
            raise ValueError(msg)
        return self[:].astype(dtype or np.uint8, copy=False)

    def take(self, rows: NDArray[Any]) -> GenomeCodes:
        """Some of the windows, by rows or by a mask, without reading them."""
        return self._with(self._places[rows])

    def joined(self, others: Sequence[GenomeCodes]) -> GenomeCodes:
        """These windows, then others of the same genome and length."""
        return self._with(np.concatenate([self._places, *(o._places for o in others)]))

    def where(self) -> tuple[list[str], NDArray[np.int64]]:
        """Contig and first position of each window."""
        return self.genome.where(self._places)

    def _with(self, places: NDArray[np.int64]) -> GenomeCodes:
        other = object.__new__(GenomeCodes)
        other.genome, other.length, other._places = self.genome, self.length, places
        return other


Codes: TypeAlias = "NDArray[np.uint8] | GenomeCodes"


def take(codes: Codes, rows: NDArray[Any]) -> Codes:
    """Some of the rows, by numbers or a mask; windows of a genome stay on disk."""
    return codes.take(rows) if isinstance(codes, GenomeCodes) else codes[rows]


def joined(parts: Sequence[Codes]) -> Codes:
    """One after the other; windows of one genome stay on disk, anything else is read."""
    first, *others = parts
    lazy = [p for p in others if isinstance(p, GenomeCodes)]
    if isinstance(first, GenomeCodes) and len(lazy) == len(others):
        alike = (p.genome is first.genome and p.length == first.length for p in lazy)
        if all(alike):
            return first.joined(lazy)
    return np.concatenate([np.asarray(p) for p in parts])


def blocks(codes: Codes, *, bases: int = BLOCK) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """First row and codes of stretches of rows that hold about so many bases.

    Examples
    --------
    >>> [(first, part.shape) for first, part in blocks(np.zeros((5, 10), np.uint8), bases=20)]
    [(0, (2, 10)), (2, (2, 10)), (4, (1, 10))]
    """
    step = max(1, bases // max(codes.shape[1], 1))
    for first in range(0, len(codes), step):
        yield first, codes[first : first + step]
