"""Genomic negatives: windows that match the positives in length and GC and avoid the peaks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.seeds import generator
from cisgram.data.dataset import Dataset
from cisgram.io import Genome, Intervals

DRAWS = 30  # candidates a wanted window and round
ROUNDS = 4


def genomic_negatives(
    positives: Dataset,
    *,
    peaks: Intervals,
    genome: Genome,
    per_positive: int = 1,
    seed: int = 0,
) -> tuple[Dataset, int]:
    """Windows of the same contigs that overlap no peak, one GC match after the other.

    Every positive gets ``per_positive`` windows from its own contig whose number of G and C is
    its own or, where none is left, the nearest one. A window with N is never taken, and no window
    overlaps another one that was taken or a peak.

    Parameters
    ----------
    positives
        With ``groups`` (contigs).
    peaks
        All intervals to avoid, those of other sets included.
    genome
        Where the windows come from.
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
    length = positives.length
    wanted_gc = _gc(positives.codes)
    contigs = np.array(positives.groups)
    found_contig: list[str] = []
    found_start: list[int] = []
    for contig in dict.fromkeys(positives.groups):
        taken = _taken(peaks, contig, genome.contigs[contig])
        wanted = np.repeat(wanted_gc[contigs == contig], per_positive)
        random = generator(seed, "windows", contig)
        starts = _matched(genome, contig, length, wanted, taken, random)
        found_contig += [contig] * len(starts)
        found_start += starts
    if not found_start:
        msg = f"no window of {length} bp is free of peaks on {', '.join(set(positives.groups))}."
        raise InputError(msg)
    names = [f"{c}:{s}-{s + length}" for c, s in zip(found_contig, found_start, strict=True)]
    negatives = Dataset(
        names=names,
        codes=genome.windows(found_contig, found_start, length),
        y=np.zeros((len(names), len(positives.outputs)), dtype=np.float32),
        outputs=positives.outputs,
        groups=found_contig,
    )
    return negatives, len(positives) * per_positive - len(names)


def _gc(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.asarray(((codes == 1) | (codes == 2)).sum(1), dtype=np.int64)


def _taken(peaks: Intervals, contig: str, size: int) -> NDArray[np.bool_]:
    """(size,) True under a peak."""
    taken = np.zeros(size, dtype=bool)
    for i in (i for i, name in enumerate(peaks.contig) if name == contig):
        taken[max(peaks.start[i], 0) : peaks.end[i]] = True
    return taken


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
        codes = genome.windows([contig] * len(starts), starts, length)
        keep = ~(codes == 4).any(1)
        starts, gc = starts[keep], _gc(codes[keep])
        order = np.argsort(gc, kind="stable")
        starts, gc = starts[order], gc[order]
        missed = []
        for count in random.permutation(left):
            start = _nearest_free(starts, gc, int(count), taken, length)
            if start is None:
                missed.append(count)
                continue
            taken[start : start + length] = True
            found.append(start)
        left = np.array(missed, dtype=np.int64)
    return found


def _nearest_free(
    starts: NDArray[np.int64],
    gc: NDArray[np.int64],
    count: int,
    taken: NDArray[np.bool_],
    length: int,
) -> int | None:
    """The free candidate whose GC count is nearest, within 2 % of the length and at least 1."""
    most = max(1, round(0.02 * length))
    for away in range(most + 1):
        for value in {count - away, count + away}:
            low, high = np.searchsorted(gc, [value, value + 1])
            for start in starts[low:high].tolist():
                if not taken[start : start + length].any():
                    return int(start)
    return None
