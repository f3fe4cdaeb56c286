"""Scores of windows as a bigWig track."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.extras import require

Floats = NDArray[np.float64]


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
