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
    other = 1 if a == b else 0
    has = (hits.start[:, a, 0] != NOWHERE) & (hits.start[:, b, other] != NOWHERE)
    first = [v[has, a, 0] for v in (hits.start, hits.end, hits.strand)]
    second = [v[has, b, other] for v in (hits.start, hits.end, hits.strand)]
    weight = np.ones(int(has.sum()))
    return _geometry(first, second, weight, folded=folded, is_pair=a != b)


def chance(hits: Hits, a: int, b: int, *, folded: bool) -> Geometry:
    """The same when every site of the one is paired with every site of the other, exactly.

    Motifs then keep the places that they prefer in a sequence, and lose only each other. Sites
    that would overlap are left out, as they are in what is seen.
    """
    other = 1 if a == b else 0
    has = (hits.start[:, a, 0] != NOWHERE) & (hits.start[:, b, other] != NOWHERE)
    first = _distinct([v[has, a, 0] for v in (hits.start, hits.end, hits.strand)])
    second = _distinct([v[has, b, other] for v in (hits.start, hits.end, hits.strand)])
    left = [np.repeat(v, len(second[3])) for v in first]
    right = [np.tile(v, len(first[3])) for v in second]
    return _geometry(left[:3], right[:3], left[3] * right[3], folded=folded, is_pair=a != b)


def _distinct(sites: list[Ints]) -> list[Ints]:
    """Each start, end and strand once, and how often it came."""
    found, counts = np.unique(np.stack(sites), axis=1, return_counts=True)
    return [*found, counts]


def _geometry(
    first: list[Ints],
    second: list[Ints],
    weight: NDArray[np.float64] | Ints,
    *,
    folded: bool,
    is_pair: bool,
) -> Geometry:
    gap = np.maximum(second[0] - first[1], first[0] - second[1])
    apart = gap >= 0
    start_a, strand_a = first[0][apart], first[2][apart]
    start_b, strand_b = second[0][apart], second[2][apart]
    ahead = start_a < start_b
    has_a, has_b = (bool(len(s)) and bool((s != 0).all()) for s in (strand_a, strand_b))
    if folded:  # the other strand reads the pair backwards
        ahead = ahead == ((strand_a if has_a else strand_b) >= 0)
    kept = weight[apart].astype(np.float64)
    total = kept.sum()
    return Geometry(
        gap[apart],
        ahead,
        strand_a == strand_b,
        kept / total if total else kept,
        is_ordered=is_pair and (not folded or has_a or has_b),
        is_directed=has_a and has_b,
    )
