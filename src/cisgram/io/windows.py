"""Sequences of intervals: whole, or windows of one length about the summits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.io.genome import Genome
from cisgram.io.genome_codes import GenomeCodes, blocks
from cisgram.io.intervals import Intervals
from cisgram.io.sequences import Sequences
from cisgram.seq.alphabet import complement_codes, from_codes


def sequences_of(
    intervals: Intervals,
    genome: Genome,
    *,
    length: int | None = None,
    center: str = "summit",
    stranded: bool = True,
) -> Sequences:
    """The letters of each interval, read along its strand.

    With a length, the base at the center stands at index ``length // 2`` of the sequence as
    it is read, on both strands. A window that leaves its contig is dropped with a reason.

    Parameters
    ----------
    intervals, genome
        Where to read, and what.
    length
        bp of every window; ``None`` gives the intervals as they are, of differing lengths.
    center
        ``summit`` (the midpoint where the file gave none) or ``midpoint``; needs a length.
    stranded
        Reverse-complement what lies on ``-``; else everything is read from the forward strand.

    Raises
    ------
    InputError
        When an interval is not on the genome, or no window fits on its contig.
    """
    centers = {"summit": intervals.summit, "midpoint": intervals.midpoint}
    if center not in centers:
        what = "center"
        raise unknown(what, center, centers)
    minus = np.array([stranded and strand == "-" for strand in intervals.strand], dtype=bool)
    dropped: tuple[tuple[str, str], ...] = ()
    if length is None:
        kept = intervals
        rows = zip(kept.contig, kept.start.tolist(), kept.end.tolist(), minus, strict=True)
        letters = [_read(genome, contig, start, end, back) for contig, start, end, back in rows]
    else:
        check_positive(length, name="length")
        # Read backwards, index length // 2 is length - 1 - length // 2 from the left.
        left = np.where(minus, length - 1 - length // 2, length // 2)
        start = centers[center] - left
        kept, inside, dropped = _that_fit(intervals, genome, start, length)
        codes = genome.windows(kept.contig, kept.start, length)
        back = minus[inside]
        codes[back] = complement_codes(codes[back, ::-1])
        letters = from_codes(codes)
    counts = Counter(intervals.counts) + Counter(windows_off_contig=len(dropped))
    counts["sequences_with_n"] = sum("N" in text for text in letters)
    return Sequences(
        kept.name,
        letters,
        chromosomes=kept.contig,
        intervals=kept,
        ranks=kept.ranks,
        dropped=intervals.dropped + dropped,
        counts=+counts,
        source=intervals.source,
    )


@dataclass(frozen=True, eq=False)
class GenomeWindows:
    """Windows of one length, on disk until they are indexed.

    Attributes
    ----------
    intervals
        The windows that lie on their contigs.
    codes
        What stands there, read from the forward strand.
    dropped, counts
        As `sequences_of` gives them.
    """

    intervals: Intervals
    codes: GenomeCodes
    dropped: tuple[tuple[str, str], ...]
    counts: Counter[str]


def windows_of(intervals: Intervals, genome: Genome, *, length: int) -> GenomeWindows:
    """Windows about the summits as `sequences_of` gives them, unstranded, without their letters.

    Parameters
    ----------
    intervals, genome
        Where to read, and what.
    length
        bp of every window.

    Raises
    ------
    InputError
        As `sequences_of`.
    """
    check_positive(length, name="length")
    kept, _, dropped = _that_fit(intervals, genome, intervals.summit - length // 2, length)
    codes = GenomeCodes(genome, kept.contig, kept.start, length=length)
    counts = Counter(intervals.counts) + Counter(windows_off_contig=len(dropped))
    counts["sequences_with_n"] = sum(int((part == 4).any(1).sum()) for _, part in blocks(codes))
    return GenomeWindows(kept, codes, intervals.dropped + dropped, +counts)


def _read(genome: Genome, contig: str, start: int, end: int, back: bool) -> str:
    codes = genome.codes(contig, start, end)
    return from_codes((complement_codes(codes[::-1]) if back else codes)[None])[0]


def _that_fit(
    intervals: Intervals, genome: Genome, start: NDArray[np.int64], length: int
) -> tuple[Intervals, NDArray[np.bool_], tuple[tuple[str, str], ...]]:
    """Windows on their contigs as intervals, which rows they are, and the others' reasons."""
    for contig in dict.fromkeys(intervals.contig):
        genome.codes(contig, 0, 0)  # says when it is unknown
    sizes = np.array([genome.contigs[contig] for contig in intervals.contig], dtype=np.int64)
    inside = (start >= 0) & (start <= sizes - length)
    dropped = tuple(
        (
            intervals.name[i],
            f"window {intervals.contig[i]}:{start[i]}-{start[i] + length} leaves the contig "
            f"({sizes[i]} bp)",
        )
        for i in np.flatnonzero(~inside).tolist()
    )
    if not inside.any():
        msg = (
            f"{intervals.source or 'The intervals'}: none of {len(intervals)} windows of {length} "
            f"bp fits on its contig of {genome.path}. Give a smaller length."
        )
        raise InputError(msg)
    kept = replace(intervals.take(inside), start=start[inside], end=start[inside] + length)
    return kept, inside, dropped
