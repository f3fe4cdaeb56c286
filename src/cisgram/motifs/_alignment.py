"""The best ungapped alignment of each query with every target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Scores = NDArray[np.int16] | NDArray[np.int32]
CHUNK = 4096  # alignments whose sums stay in the cache while the columns are added


@dataclass(frozen=True)
class Targets:
    """Targets side by side, sorted by width, every strand a row of column numbers.

    Attributes
    ----------
    widths
        (n,) widths in the order given.
    order
        (n,) the targets sorted by width.
    blocks
        For each width in turn (strands, targets, width) numbers of columns.
    n_columns
        Number of distinct columns; this number itself stands for "no column here".
    """

    widths: Ints
    order: Ints
    blocks: tuple[Ints, ...]
    n_columns: int

    @classmethod
    def of(cls, strands: Sequence[Ints], widths: Ints, n_columns: int) -> Targets:
        """Sort targets whose column numbers lie end to end, one array a strand."""
        order = np.argsort(widths, kind="stable")
        starts = np.cumsum(widths) - widths
        blocks = []
        for width in np.unique(widths):
            at = starts[order[widths[order] == width]][:, None] + np.arange(width)
            blocks.append(np.stack([s[at] for s in strands]))
        return cls(widths, order, tuple(blocks), n_columns)

    def spaced(self, gap: int) -> Ints:
        """All column numbers in one row with ``gap`` empty places around every target."""
        row = [np.full(gap, self.n_columns)]
        for block in self.blocks:
            wider = np.full((*block.shape[:2], block.shape[2] + gap), self.n_columns)
            wider[:, :, : block.shape[2]] = block
            row.append(wider.ravel())
        return np.concatenate(row)


def overlaps(query: int, target: int) -> Ints:
    """(target + query - 1,) aligned columns at offsets 1 - query .. target - 1.

    Examples
    --------
    >>> overlaps(3, 4).tolist()
    [1, 2, 3, 3, 2, 1]
    """
    a = np.arange(target + query - 1)
    return np.minimum(np.minimum(a + 1, a[::-1] + 1), min(query, target))


@lru_cache(maxsize=4096)
def preferences(query: int, target: int, min_overlap: int) -> Ints:
    """(target + query - 1,) rank of each offset among equal scores; 0 where it is too short.

    Larger overlaps first, then smaller offsets; ranks are distinct and begin at 1.

    Examples
    --------
    >>> preferences(2, 2, 1).tolist(), preferences(2, 2, 2).tolist()
    ([2, 3, 1], [0, 1, 0])
    """
    aligned = overlaps(query, target)
    enough = np.flatnonzero(aligned >= min(min_overlap, query, target))
    rank = np.zeros(len(aligned), dtype=np.int64)
    rank[enough[np.lexsort((-enough, aligned[enough]))]] = np.arange(1, len(enough) + 1)
    return rank


def best_alignments(
    scores: Sequence[Scores], queries: Ints, targets: Targets, *, min_overlap: int
) -> tuple[Ints, Ints, Ints, NDArray[np.bool_]]:
    """Score, offset, overlap and strand of the best alignment of each query and target.

    The score of an alignment is the sum of its column scores; a query column without a
    partner counts 0. Among equal scores the + strand is kept, then the largest overlap,
    then the smallest offset.

    Parameters
    ----------
    scores
        For each column of the widest query (n_columns + 1, g) scores against every distinct
        target column for the g queries; 0 in the last row and beyond a query's own width.
    queries
        (g,) widths of the queries, ascending.
    targets
        What they are aligned with.
    min_overlap
        Aligned columns that an alignment needs (the shorter motif's width when that is less).

    Returns
    -------
    tuple
        Four (g, n) arrays in the order the targets were given; True means the - strand.
    """
    sums = _sums(scores, targets)
    w, g, n = len(scores), len(queries), len(targets.widths)
    score, offset, overlap = (np.empty((n, g), dtype=np.int64) for _ in range(3))
    minus = np.zeros((n, g), dtype=bool)
    widths, group = np.unique(queries, return_inverse=True)
    first = np.searchsorted(group, np.arange(len(widths) + 1))
    lowest = np.iinfo(sums.dtype).min
    at = row = 0
    for block in targets.blocks:
        strands, m, t = block.shape
        here = sums[at : at + strands * m * (t + w - 1)].reshape(strands, m, t + w - 1, g)
        rank = np.zeros((t + w - 1, len(widths)), dtype=np.uint8 if t + w < 256 else np.int32)
        for i, width in enumerate(widths):  # a narrower query has offsets on the left for nothing
            rank[w - width :, i] = preferences(int(width), t, min_overlap)
            enough = np.flatnonzero(rank[:, i])
            here[:, :, : enough[0], first[i] : first[i + 1]] = lowest
            here[:, :, enough[-1] + 1 :, first[i] : first[i + 1]] = lowest
        place_of = np.argsort(rank, axis=0)  # the ranks r of every width end in place r - max
        rank_of = rank[:, group]
        best = here.max(2)  # (strands, m, g)
        equal = (here == best[:, :, None]).view(np.uint8)
        chosen = (equal * rank_of).max(2)
        rows = targets.order[row : row + m]
        turned = best[-1] > best[0]
        minus[rows] = turned
        score[rows] = np.where(turned, best[-1], best[0])
        order = np.where(turned, chosen[-1], chosen[0]).astype(np.int64) - rank_of.max(0)
        place = place_of[order + t + w - 2, group]
        offset[rows] = place - (w - 1)
        begin = np.maximum(offset[rows], 0)
        overlap[rows] = np.minimum(offset[rows] + queries, t) - begin
        at, row = at + strands * m * (t + w - 1), row + m
    return score.T, offset.T, overlap.T, minus.T


def _sums(scores: Sequence[Scores], targets: Targets) -> Scores:
    """(alignments, g) sums of column scores: width by width, strand, target, offset."""
    w, g = len(scores), scores[0].shape[1]
    row = targets.spaced(w - 1)
    n = len(row) - (w - 1)
    total = np.empty((n, g), dtype=scores[0].dtype)
    part = np.empty((min(n, CHUNK), g), dtype=scores[0].dtype)
    for start in range(0, n, CHUNK):
        here = total[start : start + CHUNK]
        more = part[: len(here)]
        np.take(scores[0], row[start : start + len(here)], axis=0, out=here, mode="clip")
        for i in range(1, w):
            columns = row[start + i : start + i + len(here)]
            np.take(scores[i], columns, axis=0, out=more, mode="clip")
            here += more
    return total
