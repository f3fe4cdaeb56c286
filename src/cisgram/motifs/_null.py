"""How high the best alignment of a query scores against columns drawn at random: exactly."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SPLIT = 2
"""Pieces that one column's distribution is cut in: more of them multiply fewer zeros."""


def best_score_p(
    loss: Floats, top: Ints, scores: Ints, widths: Ints, *, min_overlap: int
) -> Floats:
    r"""P-values of best scores over all offsets on one strand.

    .. math:: p = 1 - \prod_{alignments} (1 - P(S_{first..last} \ge s))

    where :math:`S_{first..last}` sums one random score for each aligned query column. Its
    distribution is the convolution of the columns' distributions; the product runs over all
    offsets of a target of that width, taken as independent.

    Parameters
    ----------
    loss
        (g, w, k) probability that a random column scores ``top - j`` against a query column,
        j = 0 .. k - 1.
    top
        (g, w) highest score of each query column, at least 0.
    scores
        (g, n) best scores.
    widths
        (n,) widths of the targets.
    min_overlap
        Aligned columns that an alignment needs (the shorter motif's width when that is less).

    Returns
    -------
    ndarray
        (g, n) float64 in (0, 1]; summed from the tail, so that small values keep their digits.
    """
    g, w, _ = loss.shape
    below = top.sum(1)[:, None] - scores  # how far under the highest possible total
    depth = int(below.max()) + 1
    by_width = {int(t): np.flatnonzero(widths == t) for t in np.unique(widths)}
    places = {t: below[:, at] for t, at in by_width.items() if t < w}
    places[w] = np.broadcast_to(np.arange(depth), (g, depth))
    edges, inner = _spans(loss, top, depth, places, min_overlap)
    p = np.empty(scores.shape)
    edge = np.zeros((g, depth))
    done = 0
    for t, at in by_width.items():
        for m in range(max(done, min_overlap), min(t, w)):
            for span in edges.get(m, ()):
                _either(edge, span)
        done = max(done, min_overlap, min(t, w))
        a = np.take_along_axis(edge, below[:, at], axis=1)
        b = inner[t] if t < w else np.take_along_axis(inner[w], below[:, at], axis=1)
        with np.errstate(divide="ignore"):  # log 0 where p is 1
            log_none = np.log1p(-a) + max(t - w + 1, 1) * np.log1p(-b)
        p[:, at] = -np.expm1(log_none)
    return np.clip(p, np.finfo(np.float64).tiny, 1)


def _either(p: Floats, q: Floats) -> None:
    """Probability of either of two independent events, in place; exact for tiny ones."""
    p += q - p * q


def _spans(
    loss: Floats, top: Ints, depth: int, places: dict[int, Ints], min_overlap: int
) -> tuple[dict[int, list[Floats]], dict[int, Floats]]:
    """Tails of the spans of query columns that alignments need.

    Element u of a tail is the probability that the span's score reaches sum(top) - u.

    Parameters
    ----------
    loss, top, min_overlap
        As for `best_score_p`.
    depth
        Elements wanted.
    places
        For each length m of spans that lie inside longer targets' reach, that is of targets
        narrower than the query and of the query itself, (g, n) elements wanted.

    Returns
    -------
    tuple
        By length: the spans at the query's two ends, (g, depth) each; and the probability
        that any span of that length reaches so far, at the places.
    """
    g, w, k = loss.shape
    size = -(-k // SPLIT)
    loss = np.pad(loss, ((0, 0), (0, 0), (0, SPLIT * size - k)))
    reached = np.concatenate([np.zeros((g, 1), dtype=np.int64), np.cumsum(top, axis=1)], axis=1)
    # Spans that begin at column i miss the columns before it, so that only this many losses
    # can matter; each row is cut in pieces, all rows end to end.
    pieces = np.maximum(-((reached[:, :w].min(0) - depth) // size), 0)
    ends = np.cumsum(pieces)
    tails = np.zeros((g, int(ends[-1]), size))
    edges: dict[int, list[Floats]] = {}
    inner = {m: np.zeros(at.shape) for m, at in places.items()}
    everywhere = np.arange(depth)
    for j in range(w):
        if j:
            _convolve(tails[:, : ends[j - 1]], loss[:, j], ends[:j])
        row = tails[:, ends[j] - pieces[j] : ends[j]]
        row[:, SPLIT:] = 1
        one = np.minimum(np.cumsum(loss[:, j], axis=1), 1).reshape(g, SPLIT, size)
        row[:, :SPLIT] = one[:, : row.shape[1]]
        for i in range(j + 1):
            m = j - i + 1
            unaligned = reached[:, -1:] - (reached[:, j + 1] - reached[:, i])[:, None]
            if unaligned.min() >= depth:
                continue
            row = tails[:, ends[i] - pieces[i] : ends[i]].reshape(g, -1)
            if m < w and (i == 0 or j == w - 1) and m >= min_overlap:
                edges.setdefault(m, []).append(_tail(row, everywhere - unaligned))
            if m in places:
                _either(inner[m], _tail(row, places[m] - unaligned))
    return edges, inner


def _tail(row: Floats, at: Ints) -> Floats:
    """(g, n) elements of each row of (g, l); 0 at negative places."""
    start = np.arange(len(row))[:, None] * row.shape[1]
    found: Floats = row.ravel()[np.maximum(at, 0) + start]
    found[at < 0] = 0
    return found


def _convolve(x: Floats, f: Floats, ends: Ints) -> None:
    """Convolve rows cut in pieces, (g, pieces, size), with f (g, SPLIT * size), in place.

    Each piece times the matrix whose rows are f moved on by one place each; what lies beyond
    the piece spills into the row's next ones. One matrix product instead of a pass a place.

    Parameters
    ----------
    x
        All rows end to end; row i ends before piece ``ends[i]``.
    f
        What to convolve with.
    ends
        See x.
    """
    g, _, size = x.shape
    wide = (SPLIT + 1) * size
    padded = np.zeros((g, size + wide))
    padded[:, size:wide] = f
    s0, s1 = padded.strides
    moved = as_strided(padded[:, size:], (g, size, wide), (s0, -s1, s1))
    y = x @ np.ascontiguousarray(moved)
    x[:] = y[:, :, :size]
    for q in range(1, SPLIT + 1):
        # Nothing spills over the end of a row: the last q pieces reach that far.
        y[:, ends - q, q * size :] = 0
        x[:, q:] += y[:, :-q, q * size : (q + 1) * size]
