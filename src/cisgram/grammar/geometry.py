"""How two motifs lie to each other: as seen, and when the partners come from other sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.grammar.hits import NOWHERE, Hits

Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Geometry:
    """Pairs of sites that do not overlap.

    Attributes
    ----------
    gap
        bp between the two.
    ahead
        Whether the first comes first: from left to right, or, folded, as the first of the two
        that has a strand reads it.
    same
        Whether both lie on one strand.
    weight
        Share of each pair; they add up to 1.
    is_ordered, is_directed
        Whether ``ahead``, and ``same``, mean anything for these motifs.
    """

    gap: Ints
    ahead: NDArray[np.bool_]
    same: NDArray[np.bool_]
    weight: NDArray[np.float64]
    is_ordered: bool
    is_directed: bool


def observed(hits: Hits, a: int, b: int, *, folded: bool) -> Geometry:
    """The best sites of two motifs in each sequence that holds both; of one motif its best two.

    One pair a sequence, so that pairs are independent.
    """
    first, second = _sites(hits, a, b)
    readers = _readers(first, second)
    gap, ahead, same = _lie(first, second, folded=folded, readers=readers)
    apart = gap >= 0
    n = int(apart.sum())
    weight = np.full(n, 1 / max(n, 1))
    return Geometry(
        gap[apart], ahead[apart], same[apart], weight, **_means(a != b, readers, folded=folded)
    )


def chance(hits: Hits, a: int, b: int, *, folded: bool) -> Geometry:
    """The same when every site of the one is paired with every site of the other, exactly.

    Motifs then keep the places that they prefer in a sequence, and lose only each other. Sites
    that would overlap are left out, as they are in what is seen. Each way to lie comes once.
    """
    first, second = _sites(hits, a, b)
    readers = _readers(first, second)
    ours, n_ours = np.unique(first, axis=1, return_counts=True)
    others, n_others = np.unique(second, axis=1, return_counts=True)
    total = np.zeros(4 * (hits.length + 1))
    for site, n in zip(ours.T, n_ours, strict=True):
        gap, ahead, same = _lie(site[:, None], others, folded=folded, readers=readers)
        apart = gap >= 0
        way = 4 * gap[apart] + 2 * ahead[apart] + same[apart]
        total += n * np.bincount(way, weights=n_others[apart], minlength=len(total))
    ways = np.flatnonzero(total)
    weight = total[ways] / max(total.sum(), 1)
    return Geometry(
        ways // 4,
        (ways // 2) % 2 == 1,
        ways % 2 == 1,
        weight,
        **_means(a != b, readers, folded=folded),
    )


def _sites(hits: Hits, a: int, b: int) -> tuple[Ints, Ints]:
    """(3, n) start, end and strand of the two sites, of the sequences that hold both."""
    other = 1 if a == b else 0
    has = (hits.start[:, a, 0] != NOWHERE) & (hits.start[:, b, other] != NOWHERE)
    fields = (hits.start, hits.end, hits.strand)
    return np.stack([v[has, a, 0] for v in fields]), np.stack([v[has, b, other] for v in fields])


def _readers(first: Ints, second: Ints) -> tuple[bool, bool]:
    """Which of the two motifs has a strand."""
    has_a, has_b = (sites.shape[1] > 0 and bool((sites[2] != 0).all()) for sites in (first, second))
    return has_a, has_b


def _lie(
    first: Ints, second: Ints, *, folded: bool, readers: tuple[bool, bool]
) -> tuple[Ints, NDArray[np.bool_], NDArray[np.bool_]]:
    """Gap of each pair (negative where they overlap), whether the first is ahead, same strand."""
    gap = np.maximum(second[0] - first[1], first[0] - second[1])
    ahead = first[0] < second[0]
    if folded:  # the other strand reads the pair backwards
        ahead = ahead == ((first[2] if readers[0] else second[2]) >= 0)
    return gap, ahead, first[2] == second[2]


def _means(is_pair: bool, readers: tuple[bool, bool], *, folded: bool) -> dict[str, bool]:
    """Whether an order and an orientation mean anything."""
    return {
        "is_ordered": is_pair and (not folded or any(readers)),
        "is_directed": all(readers),
    }
