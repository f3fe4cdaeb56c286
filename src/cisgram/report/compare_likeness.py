"""Which motifs of one set are those of another: Tomtom both ways, one to one, with a control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cisgram import motifs
from cisgram.core.seeds import generator
from cisgram.motifs import Motif

MAX_Q = 0.05
"""A motif of one run is taken for one of the other below this q-value."""


@dataclass(frozen=True, slots=True)
class Match:
    """A motif of the first set that is one of the second, as `matches.aligned` wants it."""

    first: int
    second: int
    q: float
    offset: int
    strand: str


@dataclass(frozen=True, slots=True)
class Likeness:
    """What two sets of motifs share.

    Attributes
    ----------
    pairs
        One to one, the surest first.
    further
        Motifs of the first and of the second set that are like one of a pair, but were not
        paired themselves.
    private
        Motifs of the first and of the second set that are like none of the other.
    control
        Motifs of the first set that are like one of the second after their columns were shuffled.
    """

    pairs: list[Match]
    further: tuple[list[int], list[int]]
    private: tuple[list[int], list[int]]
    control: int


def likeness(
    first: Sequence[Motif], second: Sequence[Motif], known: Sequence[Motif] = (), *, seed: int = 0
) -> Likeness:
    """Match two sets of motifs to each other.

    p-values are Tomtom's, with the columns of the second set and of known motifs as its null
    model, so that a small second set does not make them loose; q is Benjamini and Hochberg's over
    all pairs of a motif of the first and one of the second set.

    Parameters
    ----------
    first, second
        Motifs that say enough to be told apart.
    known
        Motifs of a database, for their columns alone.
    seed
        Of the shuffled columns.

    Examples
    --------
    >>> from cisgram.motifs import Motif
    >>> word = lambda w: Motif(np.eye(4)[["ACGT".index(c) for c in w]].T, w)
    >>> base = [word(w) for w in ("GGGCGGGGCC", "TTGACATTCA", "AATTCGCGTA")]
    >>> found = likeness([word("CCGGAAGTGA"), base[1]], [base[1]], base)
    >>> [(m.first, m.second) for m in found.pairs], found.private
    ([(1, 0)], ([0], []))
    """
    if not first or not second:
        return Likeness([], ([], []), (list(range(len(first))), list(range(len(second)))), 0)
    targets = [*second, *known]
    found = motifs.match_motifs(first, targets)
    q = _adjusted(found.p[:, : len(second)])
    like = q < MAX_Q
    pairs = [
        Match(i, j, float(q[i, j]), int(found.offset[i, j]), "-" if found.minus[i, j] else "+")
        for i, j in _one_to_one(q, like)
    ]
    paired = {m.first for m in pairs}, {m.second for m in pairs}
    some = like.any(1), like.any(0)
    further = tuple([int(k) for k in np.flatnonzero(some[s]) if k not in paired[s]] for s in (0, 1))
    private = tuple([int(k) for k in np.flatnonzero(~some[s])] for s in (0, 1))
    shuffled = [_shuffled(m, i, seed) for i, m in enumerate(first)]
    control = _adjusted(motifs.match_motifs(shuffled, targets).p[:, : len(second)]) < MAX_Q
    return Likeness(
        pairs, (further[0], further[1]), (private[0], private[1]), int(control.any(1).sum())
    )


def _adjusted(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Benjamini and Hochberg's q over all entries."""
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(np.clip(p, 0, 1).ravel())).reshape(p.shape)


def _one_to_one(q: NDArray[np.float64], like: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The surest pair, then the surest of the rest, and so on."""
    rows, columns = np.nonzero(like)
    taken: list[tuple[int, int]] = []
    left, right = set(), set()
    for k in np.argsort(q[rows, columns], kind="stable").tolist():
        i, j = int(rows[k]), int(columns[k])
        if i in left or j in right:
            continue
        left.add(i)
        right.add(j)
        taken.append((i, j))
    return taken


def _shuffled(motif: Motif, number: int, seed: int) -> Motif:
    order = generator(seed, "columns", number).permutation(motif.width)
    return replace(motif, ppm=motif.ppm[:, order])
