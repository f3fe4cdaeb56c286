"""Where a neuron's motifs may stand: sequences written from its syntax, and such as break it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.explain.demix.leaves import Word
from cisgram.explain.demix.reader import Codes
from cisgram.explain.demix.syntax import Combination, Syntax
from cisgram.seq.alphabet import complement_codes

Starts: TypeAlias = NDArray[np.int64]
Slots: TypeAlias = tuple[tuple[int, str], ...]

CHAINS = 10_000  # tries at places that no single leaf shows


@dataclass(frozen=True, slots=True, eq=False)
class Blueprint:
    """Motifs at the places where a neuron's combination has them.

    Attributes
    ----------
    slots
        (motif number, strand) from left to right; neighbors are joined by edges that hold.
    letters
        The consensus of each slot, codes 0-3.
    starts
        (p, slots) positions in the window, one row a way to place all of them, none over another;
        a motif may hang over an end of the window, as in the leaf that it is from.
    weight
        (p,) sequences of the sample that have them there.
    seen
        For a single slot its starts, else for each edge the distances from start to start that
        any sequence of the combination has.
    width
        Of the window in bp.
    """

    slots: Slots
    letters: tuple[Codes, ...]
    starts: Starts
    weight: NDArray[np.int64]
    seen: tuple[frozenset[int], ...]
    width: int

    def drawn(self, n: int, rng: np.random.Generator) -> Starts:
        """(n, slots) places, each way as often as the sample has it."""
        share = np.cumsum(self.weight) / self.weight.sum()
        rows = np.searchsorted(share, rng.random(n), side="right")
        out: Starts = self.starts[np.minimum(rows, len(share) - 1)]
        return out

    def forbidden(self, n: int, rng: np.random.Generator) -> Starts | None:
        """(n, slots) places in the same order at distances that no sequence has.

        The left motif stands where it may, wherever this leaves room. A single motif stands at a
        start that no sequence has. None where the window has no such place.
        """
        lengths = np.array([len(one) for one in self.letters])
        room = self.width - int(lengths.sum())
        free = np.sort(rng.integers(0, room + 1, (CHAINS, len(lengths))), axis=1)
        tried = free + np.r_[0, np.cumsum(lengths)[:-1]]
        what = tried if len(lengths) == 1 else np.diff(tried, axis=1)
        is_seen = [np.isin(what[:, j], list(seen)) for j, seen in enumerate(self.seen)]
        found = tried[~np.any(is_seen, axis=0)]
        if not len(found):
            return None
        kept = found[np.isin(found[:, 0], self.starts[:, 0])] if len(lengths) > 1 else found
        kept = kept if len(kept) else found
        out: Starts = kept[np.arange(n) % len(kept)]
        return out

    def reordered(self) -> tuple[int, ...] | None:
        """Another order of the slots: the reverse, or one that differs; None where none does."""
        k = len(self.slots)
        orders = [tuple(range(k))[::-1], *permutations(range(k))]
        for order in orders:
            if tuple(self.slots[j] for j in order) != self.slots:
                return order
        return None

    def turned(self) -> tuple[Codes, ...] | None:
        """Each motif's letters on the other strand; None where they are the same."""
        other = tuple(complement_codes(one)[::-1] for one in self.letters)
        same = all(np.array_equal(a, b) for a, b in zip(other, self.letters, strict=True))
        return None if same else other


def written(base: Codes, starts: Starts, letters: Sequence[Codes]) -> Codes:
    """Sequences (n, length) with each motif's letters at its starts (n, slots), as far as they go.

    Letters before the first base and after the last one are left out.
    """
    out = base.copy()
    for j, own in enumerate(letters):
        at = starts[:, j : j + 1] + np.arange(len(own))
        row, column = np.nonzero((at >= 0) & (at < base.shape[1]))
        out[row, at[row, column]] = own[column]
    return out


def shifted(plan: Blueprint, starts: Starts, order: Sequence[int]) -> Starts:
    """Starts of the slots in another order, with the same bases between neighbors."""
    lengths = np.array([len(one) for one in plan.letters])
    between = starts[:, 1:] - starts[:, :-1] - lengths[:-1]
    new = lengths[list(order)]
    out = np.empty_like(starts)
    out[:, 0] = starts[:, 0]
    for j in range(1, len(new)):
        out[:, j] = out[:, j - 1] + new[j - 1] + between[:, j - 1]
    return out


def blueprints(
    grammar: Syntax, words: Sequence[Word], width: int, rng: np.random.Generator
) -> list[Blueprint]:
    """One for each run of slots that edges which hold join, of every combination.

    Starts are those that leaves have together; where no leaf has all slots of a run, chains of
    the starts of its first slot and the distances of its edges, drawn from ``rng``. A run that
    has no place without overlap is divided.
    """
    out = []
    for c in grammar.combinations:
        runs: list[range] = []
        k = len(c.slots)
        for size in range(k, 0, -1):
            for a in range(k - size + 1):
                run = range(a, a + size)
                inside = any(run.start >= r.start and run.stop <= r.stop for r in runs)
                if inside or not all(e.holds for e in c.edges if e.left in run and e.right in run):
                    continue
                plan = _blueprint(c, run, words, width, rng)
                if plan is not None:
                    runs.append(run)
                    out.append(plan)
    return out


def consensus_of(word: Word, strand: str) -> Codes:
    """The most probable letters of a motif on a strand."""
    ppm = word.ppm if strand == "+" else word.ppm[::-1, ::-1]
    out: Codes = ppm.argmax(0).astype(np.uint8)
    return out


def _blueprint(
    c: Combination, run: range, words: Sequence[Word], width: int, rng: np.random.Generator
) -> Blueprint | None:
    slots = tuple(c.slots[j] for j in run)
    letters = tuple(consensus_of(words[m], strand) for m, strand in slots)
    lengths = np.array([len(one) for one in letters])

    def is_apart(row: tuple[int, ...]) -> bool:
        return all(row[j] + lengths[j] <= row[j + 1] for j in range(len(row) - 1))

    places: Counter[tuple[int, ...]] = Counter()
    for row, n in c.places.items():
        own = [row[j] for j in run]
        known = tuple(s for s in own if s is not None)
        if len(known) == len(own) and is_apart(known):
            places[known] += n
    if not places:
        chains = _chains(c, run, rng)
        inside = (chains[:, 0] >= 0) & (chains[:, -1] + lengths[-1] <= width)
        places = Counter(row for row in map(tuple, chains[inside].tolist()) if is_apart(row))
    if not places:
        return None
    rows = sorted(places)
    seen = (
        (frozenset(c.starts[run.start]),)
        if len(run) == 1
        else tuple(frozenset(c.edges[j].gaps) for j in run[:-1])
    )
    weight = np.array([places[row] for row in rows], dtype=np.int64)
    return Blueprint(slots, letters, np.array(rows, dtype=np.int64), weight, seen, width)


def _chains(c: Combination, run: range, rng: np.random.Generator) -> Starts:
    """(m, slots) starts put together from the first slot's and the distances of each edge."""
    counts = [c.starts[run.start], *(c.edges[j].gaps for j in run[:-1])]
    if not all(counts):
        return np.empty((0, len(run)), dtype=np.int64)
    parts = []
    for own in counts:
        share = np.array(list(own.values()), dtype=np.float64)
        parts.append(rng.choice(np.array(list(own)), CHAINS, p=share / share.sum()))
    out: Starts = np.cumsum(np.array(parts).T, axis=1)
    return out
