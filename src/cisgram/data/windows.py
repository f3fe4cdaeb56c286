"""Genomic negatives: windows that match the positives in length and GC and avoid the peaks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.seeds import generator
from cisgram.data.dataset import Dataset
from cisgram.io import Genome, GenomeCodes, Intervals, blocks

DRAWS = 30  # candidates a wanted window and round
ROUNDS = 4


class Taken:
    """Which bases of a genome lie under a peak, or in a window that was taken before.

    Parameters
    ----------
    genome
        Where windows are taken from.
    peaks
        Everything to avoid: whole peaks, and the windows that positives were read from.
    """

    def __init__(self, genome: Genome, peaks: Iterable[Intervals] = ()) -> None:
        self.genome = genome
        self._spans: dict[str, list[tuple[int, int]]] = {}
        for given in peaks:
            rows = zip(given.contig, given.start.tolist(), given.end.tolist(), strict=True)
            for contig, start, end in rows:
                self._spans.setdefault(contig, []).append((max(start, 0), end))

    def mask(self, contig: str) -> NDArray[np.bool_]:
        """(bp of the contig,) True where a base is taken; a new array."""
        taken = np.zeros(self.genome.contigs[contig], dtype=bool)
        for start, end in self._spans.get(contig, ()):
            taken[start:end] = True
        return taken

    def add(self, contig: str, starts: Sequence[int], length: int) -> None:
        """Take windows of one length."""
        spans = self._spans.setdefault(contig, [])
        spans += [(start, start + length) for start in starts]


def genomic_negatives(
    positives: Dataset, *, taken: Taken, per_positive: int = 1, seed: int = 0
) -> tuple[Dataset, int]:
    """Windows of the same contigs that overlap no peak, one GC match after the other.

    Every positive gets ``per_positive`` windows from its own contig whose number of G and C is
    its own or the nearest one to be had, at most 2 % of the length (and at least 1) away. Where
    no such window is found, there is none: those are counted. A window with N is never taken,
    and no window overlaps another one or a peak.

    Parameters
    ----------
    positives
        With ``groups`` (contigs).
    taken
        What to avoid, over all sets of a run; the windows found are added to it.
    per_positive
        Windows wanted for each positive.
    seed
        Of the candidates.

    Returns
    -------
    tuple
        The negatives, named ``contig:start-end``, and the number that could not be found.

    Raises
    ------
    InputError
        When the positives have no contigs or no window is free.
    """
    if positives.groups is None:
        msg = "genomic negatives need positives with contigs: give them as BED with a genome."
        raise InputError(msg)
    genome, length = taken.genome, positives.length
    wanted_gc = np.concatenate([_gc(part) for _, part in blocks(positives.codes)])
    contigs = np.array(positives.groups)
    found_contig: list[str] = []
    found_start: list[int] = []
    for contig in dict.fromkeys(positives.groups):
        genome.codes(contig, 0, 0)  # says when it is unknown
        wanted = np.repeat(wanted_gc[contigs == contig], per_positive)
        random = generator(seed, "windows", contig)
        starts = _matched(genome, contig, length, wanted, taken.mask(contig), random)
        taken.add(contig, starts, length)
        found_contig += [contig] * len(starts)
        found_start += starts
    if not found_start:
        msg = f"no window of {length} bp is free of peaks on {', '.join(set(positives.groups))}."
        raise InputError(msg)
    names = [f"{c}:{s}-{s + length}" for c, s in zip(found_contig, found_start, strict=True)]
    negatives = Dataset(
        names=names,
        codes=GenomeCodes(genome, found_contig, np.array(found_start), length=length),
        y=np.zeros((len(names), len(positives.outputs)), dtype=np.float32),
        outputs=positives.outputs,
        groups=found_contig,
    )
    return negatives, len(positives) * per_positive - len(names)


def _gc(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.asarray(((codes == 1) | (codes == 2)).sum(1), dtype=np.int64)


def _matched(
    genome: Genome,
    contig: str,
    length: int,
    wanted: NDArray[np.int64],
    taken: NDArray[np.bool_],
    random: np.random.Generator,
) -> list[int]:
    """Starts of free windows, one for each wanted GC count as far as they can be found."""
    found: list[int] = []
    last = len(taken) - length
    if last < 0:
        return found
    left = wanted.copy()
    for _ in range(ROUNDS):
        if not len(left):
            break
        starts = random.integers(0, last + 1, DRAWS * len(left))
        candidates = _by_gc(*_readable(genome, contig, starts, length))
        missed = []
        for count in random.permutation(left).tolist():
            start = _nearest_free(candidates, count, taken, length)
            if start is None:
                missed.append(count)
                continue
            taken[start : start + length] = True
            found.append(start)
        left = np.array(missed, dtype=np.int64)
    return found


def _readable(
    genome: Genome, contig: str, starts: NDArray[np.int64], length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts of the windows without N, and their GC counts."""
    codes = GenomeCodes(genome, [contig] * len(starts), starts, length=length)
    known, gc = [], []
    for _, part in blocks(codes):
        known.append(~(part == 4).any(1))
        gc.append(_gc(part))
    keep = np.concatenate(known)
    return starts[keep], np.concatenate(gc)[keep]


def _by_gc(starts: NDArray[np.int64], gc: NDArray[np.int64]) -> dict[int, list[int]]:
    """Starts by their GC count; the first of each drawn stands last."""
    found: dict[int, list[int]] = {}
    for start, count in zip(starts[::-1].tolist(), gc[::-1].tolist(), strict=True):
        found.setdefault(count, []).append(start)
    return found


def _nearest_free(
    candidates: dict[int, list[int]], count: int, taken: NDArray[np.bool_], length: int
) -> int | None:
    """The free candidate whose GC count is nearest, within 2 % of the length and at least 1.

    Every candidate looked at leaves the list: what is taken once stays taken.
    """
    most = max(1, round(0.02 * length))
    for away in range(most + 1):
        for value in (count - away, count + away):
            left = candidates.get(value, [])
            while left:
                start = left.pop()
                if not taken[start : start + length].any():
                    return start
    return None
