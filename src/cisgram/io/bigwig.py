"""BigWig tracks: scores of windows written, coverage read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.extras import require
from cisgram.io.genome import no_contig
from cisgram.io.text import check_file

Floats = NDArray[np.float64]
PANIC = "PanicException"  # of pyo3, which gives the class no name to import


def write_bigwig(
    path: Path,
    values: ArrayLike,
    contigs: Sequence[str],
    starts: ArrayLike,
    *,
    sizes: Mapping[str, int],
) -> None:
    """Write one score a position of windows; where windows overlap, their mean.

    Parameters
    ----------
    path
        The file, written whole or not at all.
    values
        (n, length) scores, forward strand.
    contigs
        n names.
    starts
        (n,) first positions, 0-based.
    sizes
        bp of every contig of the genome.

    Raises
    ------
    InputError
        When shapes do not fit, a score is not finite, or a window lies off its contig.
    MissingExtra
        Without pybigtools, which the extra ``bigwig`` brings.
    """
    scores, first = np.asarray(values, dtype=np.float64), np.asarray(starts, dtype=np.int64)
    if scores.ndim != 2 or scores.size == 0 or first.shape != (len(scores),):
        msg = f"scores must be (n, length) with n starts; got {scores.shape} and {first.shape}."
        raise InputError(msg)
    if len(contigs) != len(scores) or not np.isfinite(scores).all():
        msg = f"{len(scores)} windows need as many contigs ({len(contigs)}) and finite scores."
        raise InputError(msg)
    for contig, start in zip(contigs, first.tolist(), strict=True):
        if contig not in sizes or start < 0 or start + scores.shape[1] > sizes[contig]:
            msg = (
                f"window {contig}:{start}-{start + scores.shape[1]} lies off the genome's contigs."
            )
            raise InputError(msg)
    writer = require("pybigtools", extra="bigwig")
    named = np.array(contigs, dtype=object)
    with files.replacing(path) as temporary:
        # the writer looks at the ending of the name
        inner = temporary.with_name(f"{temporary.name}.bw")
        try:
            # pybigtools wants the contigs in the order of their names
            used = sorted(set(contigs))
            rows = (r for c in used for r in _rows(c, scores[named == c], first[named == c]))
            out = writer.open(str(inner), "w")
            out.write({c: int(sizes[c]) for c in used}, rows)  # and closes the file
            inner.replace(temporary)
        finally:
            inner.unlink(missing_ok=True)


def _rows(
    contig: str, scores: Floats, starts: NDArray[np.int64]
) -> Iterator[tuple[str, int, int, float]]:
    """One row a covered position of a contig, in order."""
    at = (starts[:, None] + np.arange(scores.shape[1])).ravel()
    places, row = np.unique(at, return_inverse=True)
    mean = np.bincount(row, weights=scores.ravel()) / np.bincount(row)
    for place, value in zip(places.tolist(), mean.tolist(), strict=True):
        yield contig, place, place + 1, value


class BigWig:
    """Coverage along a genome, read window by window from a bigWig file.

    Positions without a value are 0, as in a pile-up of reads.

    Attributes
    ----------
    path
        The file.
    contigs
        bp of each contig by name.

    Raises
    ------
    InputError
        When the file is no bigWig.
    MissingExtra
        Without pybigtools, which the extra ``bigwig`` brings.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        check_file(self.path)
        reader = require("pybigtools", extra="bigwig")
        # ValueError is what it makes of an ending that is neither bigWig's nor bigBed's
        self._broken: tuple[type[Exception], ...] = (reader.BBIReadError, ValueError)
        with self._reading():
            self._file = reader.open(str(self.path))
            self.contigs: dict[str, int] = dict(self._file.chroms())

    def values(self, contig: str, start: int, end: int) -> Floats:
        """(end - start,) values of one interval.

        Raises
        ------
        InputError
            When the contig is unknown or the interval does not lie on it.
        """
        size = self._size(contig)
        if not 0 <= start < end <= size:
            msg = f"{contig}:{start}-{end} does not lie on {contig} of {self.path} ({size} bp)."
            raise InputError(msg)
        with self._reading():  # a file that is damaged further in opens all the same
            found: Floats = self._file.values(contig, start, end, fillna=0.0)
        return found

    def means(self, contigs: Sequence[str], starts: NDArray[np.int64], length: int) -> Floats:
        """(n,) mean value of n windows of one length; refuses as `values`."""
        places = zip(contigs, starts.tolist(), strict=True)
        each = (self.values(contig, start, start + length).mean() for contig, start in places)
        return np.fromiter(each, dtype=np.float64, count=len(starts))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Refuses a damaged file; of some damage the library panics, which is no `Exception`."""
        try:
            yield
        except BaseException as error:
            if not isinstance(error, self._broken) and type(error).__name__ != PANIC:
                raise
            msg = f"{self.path} cannot be read as bigWig ({error}); is it complete?"
            raise InputError(msg) from error

    def _size(self, contig: str) -> int:
        if contig not in self.contigs:
            raise no_contig(contig, self.contigs, self.path)
        return self.contigs[contig]
