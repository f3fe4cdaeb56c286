"""Hits of motifs as a search for rules needs them: one a site, the best two of each sequence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.explain.features import NAMES

if TYPE_CHECKING:
    import pandas as pd

Codes: TypeAlias = NDArray[np.uint8]
Ints: TypeAlias = NDArray[np.int64]
NOWHERE = -1
PALINDROME = 0.5  # share of a motif's sites that match on both strands
SAME = 0.5  # share of the rarer motif's sites that lie over sites of the other: one family
OVER = 0.25  # share of the narrower of two hits from which on they are one site
FEWEST = 5  # sites, below which nothing is merged or called a palindrome
BEST_OF = ("p", "similarity", "score", "contribution")  # what ranks two hits at one place


@dataclass(frozen=True, eq=False)
class Hits:
    """Sites of motifs in sequences of one length.

    Attributes
    ----------
    names
        Of the motifs, in the order in which they came; of a family the first.
    start, end
        (n, motifs, 2) of the best site of each motif in each sequence, and of its second; -1
        where there is none.
    strand
        (n, motifs, 2) 1, -1, or 0 for a palindrome.
    counts
        (n, motifs) sites.
    length
        Of a sequence, bp.
    same
        Motifs that were left out, and whose sites theirs are.
    palindromes
        Motifs without a strand.
    """

    names: tuple[str, ...]
    start: Ints
    end: Ints
    strand: Ints
    counts: Ints
    length: int
    same: dict[str, str]
    palindromes: tuple[str, ...]

    def at(self, name: str) -> int:
        """Number of a motif, or of that which stands for it."""
        return self.names.index(self.same.get(name, name))

    def rows(self, kept: NDArray[np.bool_]) -> Hits:
        """The same for some of the sequences."""
        return Hits(
            self.names,
            self.start[kept],
            self.end[kept],
            self.strand[kept],
            self.counts[kept],
            self.length,
            self.same,
            self.palindromes,
        )


def hits_of(
    table: pd.DataFrame,
    *,
    n: int,
    length: int,
    names: Sequence[str] | None = None,
    merged: bool = True,
) -> Hits:
    """The sites of a table, as `motifs.scan` and `explain.hits` give it.

    Of hits of one motif that overlap, on either strand, the best is kept. A motif most of whose
    sites match on both strands has no strand. Motifs whose sites mostly are those of another are
    one family: the one that came first stands for all. Of hits of different motifs that share more
    than a quarter of the narrower, the best is the site, by p-value where there is one.

    Parameters
    ----------
    table
        ``sequence`` (row), ``start``, ``end``, ``motif`` (or ``name``, or ``pattern``), and perhaps
        ``strand`` and ``score``.
    n, length
        Of the sequences.
    names
        Motifs in the order that counts; by default as they come in the table.
    merged
        Whether one motif stands for a family, and one hit for those over it.

    Raises
    ------
    InputError
        When a column is missing, or a site lies outside of the sequences.

    Examples
    --------
    >>> import pandas as pd
    >>> sites = pd.DataFrame({"sequence": [0, 0, 1], "start": [3, 4, 9], "end": [9, 10, 15],
    ...                       "strand": ["+", "-", "-"], "motif": "A", "score": [8.0, 9.0, 7.0]})
    >>> found = hits_of(sites, n=2, length=20)
    >>> found.counts.tolist(), found.start[:, 0, 0].tolist(), found.strand[:, 0, 0].tolist()
    ([[1], [1]], [4, 9], [-1, -1])
    """
    row, start, end, strand, motif, score = _columns(table, n, length)
    order = list(dict.fromkeys(motif.tolist() if names is None else names))
    number = np.array([order.index(m) if m in order else NOWHERE for m in motif], dtype=np.int64)
    kept: list[Ints] = []
    both: list[bool] = []
    for m in range(len(order)):
        own = np.flatnonzero(number == m)
        kept.append(_best(own, row, start, end, score))
        both.append(_is_palindrome(own, len(kept[m]), row, start, strand))
    same = _families(order, kept, row, start, end) if merged else {}
    chosen = [m for m, name in enumerate(order) if name not in same]
    if merged:
        kept = _won(kept, chosen, row, start, end, score)
    shape = (n, len(chosen), 2)
    starts, ends = np.full(shape, NOWHERE), np.full(shape, NOWHERE)
    strands, counts = np.zeros(shape, np.int64), np.zeros(shape[:2], np.int64)
    for j, m in enumerate(chosen):
        for i in kept[m]:  # the best of a sequence come first
            which = counts[row[i], j]
            counts[row[i], j] += 1
            if which < 2:
                starts[row[i], j, which], ends[row[i], j, which] = start[i], end[i]
                strands[row[i], j, which] = 0 if both[m] else strand[i]
    turned = tuple(order[m] for m in chosen if both[m])
    return Hits(
        tuple(order[m] for m in chosen), starts, ends, strands, counts, length, same, turned
    )


def _columns(
    table: pd.DataFrame, n: int, length: int
) -> tuple[Ints, Ints, Ints, Ints, NDArray[np.object_], NDArray[np.float64]]:
    name = next((c for c in NAMES if c in table.columns), None)
    missing = [c for c in ("sequence", "start", "end") if c not in table.columns]
    if missing or name is None:
        msg = (
            "A table of hits needs the columns sequence, start, end and motif (or name, or "
            f"pattern); got {', '.join(map(str, table.columns))}."
        )
        raise InputError(msg)
    row, start, end = (table[c].to_numpy(dtype=np.int64) for c in ("sequence", "start", "end"))
    outside = (row < 0) | (row >= n) | (start < 0) | (end > length) | (start >= end)
    if outside.any():
        i = int(np.flatnonzero(outside)[0])
        msg = (
            f"Hit {i} has sequence {row[i]}, start {start[i]}, end {end[i]}, but there are {n} "
            f"sequences of {length} bp, counted from 0."
        )
        raise InputError(msg)
    ranked = next((c for c in BEST_OF if c in table.columns), None)
    score = np.zeros(len(table)) if ranked is None else table[ranked].abs().to_numpy(np.float64)
    if ranked == "p":
        score = -np.log10(np.maximum(score, 1e-300))
    strand: Ints = np.zeros(len(table), dtype=np.int64)
    if "strand" in table.columns:
        letters = table["strand"].to_numpy(dtype=object)
        strand = (letters == "+").astype(np.int64) - (letters == "-").astype(np.int64)
    return row, start, end, strand, table[name].to_numpy(dtype=object), score


def _best(own: Ints, row: Ints, start: Ints, end: Ints, score: NDArray[np.float64]) -> Ints:
    """Hits of one motif of which none lies over a better one, the best of a sequence first."""
    kept: list[int] = []
    taken: dict[int, list[int]] = {}
    for i in own[np.lexsort((start[own], -score[own], row[own]))].tolist():
        others = taken.setdefault(int(row[i]), [])
        if all(end[i] <= start[j] or end[j] <= start[i] for j in others):
            others.append(i)
            kept.append(i)
    return np.array(kept, dtype=np.int64)


def _won(
    kept: Sequence[Ints],
    chosen: Sequence[int],
    row: Ints,
    start: Ints,
    end: Ints,
    score: NDArray[np.float64],
) -> list[Ints]:
    """The hits of each motif without those that lie over a better one of another motif."""
    hits = np.concatenate([kept[m] for m in chosen]) if chosen else np.zeros(0, np.int64)
    number = np.repeat(np.array(chosen, dtype=np.int64), [len(kept[m]) for m in chosen])
    is_site = np.ones(len(hits), dtype=bool)
    taken: dict[int, list[int]] = {}
    for k in np.lexsort((number, start[hits], -score[hits], row[hits])).tolist():
        i, others = hits[k], taken.setdefault(int(row[hits[k]]), [])
        shared = [min(end[i], end[j]) - max(start[i], start[j]) for j in others]
        narrow = [min(end[i] - start[i], end[j] - start[j]) for j in others]
        is_site[k] = all(s <= OVER * w for s, w in zip(shared, narrow, strict=True))
        if is_site[k]:
            others.append(int(i))
    found = list(kept)
    for m in chosen:
        found[m] = hits[(number == m) & is_site]
    return found


def _is_palindrome(own: Ints, n_sites: int, row: Ints, start: Ints, strand: Ints) -> bool:
    on: dict[int, set[tuple[int, int]]] = {1: set(), -1: set(), 0: set()}
    for i in own:
        on[int(strand[i])].add((int(row[i]), int(start[i])))
    near = {(r, s + d) for r, s in on[-1] for d in (-1, 0, 1)}
    twice = len(on[1] & near)
    return n_sites >= FEWEST and twice >= PALINDROME * n_sites


def _families(
    order: Sequence[str], kept: Sequence[Ints], row: Ints, start: Ints, end: Ints
) -> dict[str, str]:
    """Motifs whose sites are mostly those of one that came before, and that one."""
    same: dict[str, str] = {}
    places = [_by_sequence(k, row, start, end) for k in kept]
    for m, name in enumerate(order):
        for earlier in range(m):
            if order[earlier] in same:
                continue
            fewer = min(len(kept[m]), len(kept[earlier]))
            if fewer >= FEWEST and _shared(places[m], places[earlier]) >= SAME * fewer:
                same[name] = order[earlier]
                break
    return same


def _by_sequence(
    kept: Iterable[np.int64], row: Ints, start: Ints, end: Ints
) -> dict[int, list[tuple[int, int]]]:
    found: dict[int, list[tuple[int, int]]] = {}
    for i in kept:
        found.setdefault(int(row[i]), []).append((int(start[i]), int(end[i])))
    return found


def _shared(
    some: dict[int, list[tuple[int, int]]], others: dict[int, list[tuple[int, int]]]
) -> int:
    """Sites that share half of the narrower with a site of the other motif."""
    return sum(
        any(2 * (min(b, d) - max(a, c)) >= min(b - a, d - c) for c, d in others.get(sequence, ()))
        for sequence, sites in some.items()
        for a, b in sites
    )
