"""Finding a motif's sites without looking at every position: an index of k-mers.

A motif is cut into pieces of at most k columns, and every piece gets a cut. If the cuts, each
less one unit, sum to less than the threshold, then a site that reaches the threshold reaches
the cut of at least one piece. So it is enough to list the k-mers that reach a cut, to look
up where they occur, and to score only those places in full. Scores are integers: nothing is
missed and nothing is rounded. Where a motif is 10 columns wide or less, the places that are
looked up are the sites themselves; in JASPAR one place in 500 is scored on average.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_WORD = 8  # letters of a stored word: 16 bits
_TAILS = np.geomspace(1e-6, 1, 97)  # shares of k-mers that a cut may let through
_DRAWS = 4096
_LETTERS = np.random.Generator(np.random.PCG64(0)).integers(0, 4, (10, _DRAWS))


class KmerIndex:
    """Where every k-mer of a text of codes occurs.

    Parameters
    ----------
    codes
        (n,) uint8 codes 0-3; 4 for an unknown base or the gap between two sequences.
    margin
        The widest motif that will be looked for.
    """

    def __init__(self, codes: NDArray[np.uint8], *, margin: int) -> None:
        n = len(codes)
        # about eight places a k-mer: fewer, and the list of k-mers costs more than the places
        self.k = int(np.clip(np.log2(max(n, 1) / 8) // 2, 4, 10))
        self.margin = margin
        padded = np.full(n + 2 * margin + _WORD, 4, dtype=np.uint8)
        padded[margin : margin + n] = codes
        self.reach = reach_of(padded, margin)
        self.words = _words(padded)
        self.order, self.first = self._sorted(padded)

    def _sorted(self, padded: NDArray[np.uint8]) -> tuple[Ints, Ints]:
        """Places by k-mer, and where each k-mer's places begin."""
        from scipy import sparse

        # no piece of a site begins at an unknown base, and blocks of N would all count as AAAA
        known = np.flatnonzero(padded < 4).astype(np.int32)
        # a compressed matrix of k-mers by places, transposed: SciPy's counting sort
        by_place = sparse.csc_array(
            (
                np.ones(len(known), np.int8),
                self._kmers()[known],
                np.arange(len(known) + 1, dtype=np.int32),
            ),
            shape=(4**self.k, len(known)),
        )
        by_word = by_place.tocsr()
        return known.take(by_word.indices), by_word.indptr

    def _kmers(self) -> NDArray[np.int32]:
        """Numbers of the k letters from every position on, out of the stored words."""
        more = self.k - _WORD
        if more <= 0:
            return (self.words >> np.uint16(-2 * more)).astype(np.int32)
        behind = np.zeros_like(self.words)
        behind[:-_WORD] = self.words[_WORD:]
        tail = (behind >> np.uint16(2 * (_WORD - more))).astype(np.int32)
        return (self.words.astype(np.int32) << (2 * more)) | tail

    def find(self, words: Ints, scores: Ints, letters: int) -> tuple[Ints, Ints]:
        """Places of some words of ``letters`` <= k letters, each with its word's score."""
        rest = 2 * (self.k - letters)
        begins = self.first[words << rest]
        counts = self.first[(words + 1) << rest] - begins
        ends = np.cumsum(counts)
        total = int(ends[-1]) if len(ends) else 0
        at = np.arange(total) + np.repeat(begins - (ends - counts), counts)
        return self.order.take(at), np.repeat(scores, counts)


def reach_of(codes: NDArray[np.uint8], most: int) -> NDArray[np.uint16]:
    """Bases from every position to the next unknown one, at most ``most``.

    A site of width w is whole where the reach is at least w.
    """
    at = np.arange(len(codes), dtype=np.int32)
    stops = np.where(codes > 3, at, np.int32(len(codes)))
    reach = np.minimum.accumulate(stops[::-1])[::-1] - at
    return np.minimum(reach, most).astype(np.uint16)


def _words(codes: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Numbers 0 to 65,535 of the eight letters from every position on; unknown counts as A."""
    words = np.where(codes > 3, 0, codes).astype(np.uint16)
    for have in (1, 2, 4):
        longer = words << np.uint16(2 * have)
        longer[:-have] |= words[have:]
        words = longer
    return words


def word_scores(scores: NDArray[np.int32]) -> NDArray[np.int32]:
    """(4**w,) score of every word under the w columns of ``scores`` (4, w)."""
    width = scores.shape[1]
    if width == 0:
        return np.zeros(1, dtype=np.int32)
    if width <= 2:
        return scores[:, 0] if width == 1 else np.add.outer(scores[:, 0], scores[:, 1]).ravel()
    half = width // 2
    left, right = word_scores(scores[:, :half]), word_scores(scores[:, half:])
    return np.asarray(np.add.outer(left, right).ravel())


def words_above(scores: NDArray[np.int32], cut: int) -> tuple[Ints, Ints]:
    """Words that score at least ``cut`` under ``scores`` (4, w), with their scores.

    Only the words that are listed cost time: for every left half, the right halves that reach
    what is missing are a prefix of the right halves sorted by score.
    """
    half = scores.shape[1] // 2
    left, right = word_scores(scores[:, :half]), word_scores(scores[:, half:])
    by_score = np.argsort(-right, kind="stable")
    ranked = right[by_score]
    counts = np.searchsorted(-ranked, left - cut, side="right")
    starts = np.cumsum(counts) - counts
    a = np.repeat(np.arange(len(left)), counts)
    b = np.arange(len(a)) - np.repeat(starts, counts)
    return a * len(right) + by_score[b], left[a] + ranked[b]


@dataclass(frozen=True)
class Plan:
    """Pieces (first column, one past the last) of a motif, and the cut of each."""

    pieces: tuple[tuple[int, int], ...]
    cuts: tuple[int, ...]

    def mirrored(self, width: int) -> Plan:
        """The plan of the reverse complement: the same pieces seen from the other end."""
        return Plan(tuple((width - b, width - a) for a, b in self.pieces), self.cuts)


def plan(scores: NDArray[np.int32], threshold: int, k: int) -> Plan:
    """A plan that looks few places up: the most telling k columns stay together."""
    width = scores.shape[1]
    if width <= k:
        return Plan(((0, width),), (threshold,))
    telling = np.cumsum(np.concatenate([[0], scores.max(0) - scores.mean(0)]))
    s = int(np.argmax(telling[k:] - telling[:-k]))
    edges = sorted({0, *range(s, 0, -k), *range(s + k, width, k), width})
    pieces = tuple(pairwise(edges))
    return Plan(pieces, _cuts([scores[:, a:b] for a, b in pieces], threshold))


def _cuts(pieces: list[NDArray[np.int32]], threshold: int) -> tuple[int, ...]:
    """Cuts at one tail share for the best set of pieces; the others get one nothing reaches.

    Tail shares come from a fixed sample of words; any cuts within the budget are right.
    """
    n = len(pieces)
    columns = [[p[:, i].take(_LETTERS[i]) for i in range(p.shape[1])] for p in pieces]
    ranked = np.sort([sum(c[1:], start=c[0]) for c in columns], axis=1)[:, ::-1]
    by_tail = ranked[:, np.minimum((_TAILS * _DRAWS).astype(int), _DRAWS - 1)]
    lowest = np.array([p.min(0).sum() for p in pieces])
    by_tail[:, -1] = lowest
    never = np.array([p.max(0).sum() for p in pieces]) + 1
    budget = threshold + n - 1
    best, best_cost = lowest, np.inf
    for chosen in range(1, 2 ** min(n, 6)):
        used = np.array([c >= 6 or bool(chosen >> c & 1) for c in range(n)])
        fits = np.flatnonzero(by_tail[used].sum(0) + never[~used].sum() <= budget)
        cost = _TAILS[fits[0]] * used.sum() if len(fits) else np.inf
        if cost < best_cost:
            best, best_cost = np.where(used, by_tail[:, fits[0]], never), cost
    return tuple(int(c) for c in best)


def sites(
    index: KmerIndex, scores: NDArray[np.int32], threshold: int, how: Plan
) -> tuple[Ints, Ints]:
    """First positions (in the codes) and scores of all the sites of one strand, in order.

    Parameters
    ----------
    scores
        (4, k) integers of the motif on that strand.
    threshold
        The least score of a site.
    how
        A plan for these scores and this threshold.
    """
    width = scores.shape[1]
    starts, totals = list[Ints](), list[Ints]()
    for (a, b), cut in zip(how.pieces, how.cuts, strict=True):
        words, found = words_above(scores[:, a:b], cut)
        at, total = index.find(words, found, b - a)
        at = at - np.int32(a)
        for c, d in _rest(a, b, width):
            columns = word_scores(scores[:, c:d])
            inside = (at >= 0) & (at < len(index.words) - width)
            at, total = at[inside], total[inside]
            there = index.words.take(at + np.int32(c)) >> np.uint16(2 * (_WORD - (d - c)))
            total = total + columns.take(there)
        kept = total >= threshold
        starts.append(at[kept])
        totals.append(total[kept])
    at, total = np.concatenate(starts), np.concatenate(totals)
    at, once = np.unique(at, return_index=True)
    total = total[once]
    whole = (at >= index.margin) & (index.reach.take(at, mode="clip") >= width)
    return at[whole] - index.margin, total[whole]


def _rest(a: int, b: int, width: int) -> list[tuple[int, int]]:
    """The columns outside a piece, in runs that a stored word covers."""
    left = [(max(0, i - _WORD), i) for i in range(a, 0, -_WORD)]
    return left + [(i, min(width, i + _WORD)) for i in range(b, width, _WORD)]


def sites_plain(
    codes: NDArray[np.integer], scores: NDArray[np.int32], threshold: int
) -> tuple[Ints, Ints]:
    """What `sites` gives, by adding up every column at every position: the plain way."""
    width = scores.shape[1]
    n = len(codes) - width + 1
    if n <= 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    # an unknown base costs more than any site can gain
    loss = np.int32(-(np.abs(scores).max(0).sum() + abs(threshold) + 1))
    padded = np.vstack([scores, np.full(width, loss, dtype=np.int32)])
    total = np.zeros(n, dtype=np.int32)
    for i in range(width):
        total += padded[:, i].take(codes[i : i + n])
    at = np.flatnonzero(total >= threshold)
    return at, total[at]
