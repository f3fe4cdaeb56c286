"""Where the methods agree on a sequence, and where they contradict each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cisgram.report.explained import Explained
from cisgram.report.pack import is_relative

if TYPE_CHECKING:
    import pandas as pd

TOP = 0.1
"""Share of the positions of a sequence, those with the largest scores, that a method names."""
BLOCK = 250  # sequences read at once
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """What the methods that score bases say of the same sequences.

    Attributes
    ----------
    methods
        Places of the m methods in the list of all.
    pairs
        The p pairs of them, places in ``methods``.
    correlation
        (n, p) Spearman correlation of the scores of the bases that are there, along each
        sequence; of their sizes where one of the two has no sign. NaN where one of them did not
        explain the sequence, or is constant on it.
    conflicts
        Of each sequence, the positions that two signed methods have among their top tenth with
        opposite signs.
    contested
        (m,) Share of a method's top positions at which it is in such a conflict; NaN for one
        without a sign.
    """

    methods: list[int]
    pairs: list[tuple[int, int]]
    correlation: Array
    conflicts: list[list[int]]
    contested: Array

    def matrix(self) -> list[list[tuple[float, float, float] | None]]:
        """(m, m): median and middle half over the sequences; None on the diagonal."""
        m = len(self.methods)
        cells: list[list[tuple[float, float, float] | None]] = [[None] * m for _ in range(m)]
        for p, (i, j) in enumerate(self.pairs):
            there = self.correlation[:, p]
            there = there[np.isfinite(there)]
            if len(there):
                low, middle, high = np.quantile(there, [0.25, 0.5, 0.75]).tolist()
                cells[i][j] = cells[j][i] = (middle, low, high)
        return cells


def agreement(table: pd.DataFrame, methods: Sequence[Explained]) -> Agreement | None:
    """Agreement on the rows of `explained.joined`; ``None`` with fewer than two methods."""
    chosen = [i for i, m in enumerate(methods) if not m.tracks]
    pairs = list(combinations(range(len(chosen)), 2))
    if not pairs:
        return None
    correlation = np.full((len(table), len(pairs)), np.nan)
    conflicts: list[list[int]] = []
    named, disputed = np.zeros(len(chosen)), np.zeros(len(chosen))
    signed = np.array([_is_signed(methods[i]) for i in chosen])
    for start in range(0, len(table), BLOCK):
        part = table.iloc[start : start + BLOCK]
        scores = [_scores(methods[i], part[f"row:{i}"].to_numpy()) for i in chosen]
        for row in range(len(part)):
            there = [i for i, s in enumerate(scores) if row in s]
            found = np.stack([scores[i][row] for i in there])
            known = np.isfinite(found).all(0)
            for a, b, r in _correlations(found[:, known], signed[there]):
                correlation[start + row, pairs.index((there[a], there[b]))] = r
            signs = top_signs(np.where(known, found, 0.0))[signed[there]]
            against = contradictions(signs)
            conflicts.append(np.flatnonzero(against.any(0)).tolist())
            who = np.array(there)[signed[there]]
            named[who] += (signs != 0).sum(1)
            disputed[who] += against.sum(1)
    contested = np.divide(disputed, named, out=np.full(len(chosen), np.nan), where=named > 0)
    return Agreement(chosen, pairs, correlation, conflicts, contested)


def top_signs(scores: Array) -> NDArray[np.int8]:
    """Sign of each score (m, length) that is among the `TOP` largest of its row, else 0.

    Examples
    --------
    >>> top_signs(np.array([[0, 5, -4, 3, 0, 0, 0, 0, 0, 0, 0.0]])).tolist()
    [[0, 1, -1, 0, 0, 0, 0, 0, 0, 0, 0]]
    """
    length = scores.shape[1]
    signs = np.zeros(scores.shape, dtype=np.int8)
    if length == 0:
        return signs
    order = np.argsort(-np.abs(scores), axis=1, kind="stable")[:, : int(np.ceil(TOP * length))]
    np.put_along_axis(signs, order, np.sign(np.take_along_axis(scores, order, 1)), axis=1)
    return signs


def contradictions(signs: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Where another row has the opposite sign: (m, length) of 1, 0, -1.

    Examples
    --------
    >>> contradictions(np.array([[1, 1, 0], [-1, 0, 1], [0, 1, 1]], dtype=np.int8)).tolist()
    [[True, False, False], [True, False, False], [False, False, False]]
    """
    up, down = (signs > 0).any(0), (signs < 0).any(0)
    both: NDArray[np.bool_] = (signs != 0) & (up & down)
    return both


def _is_signed(method: Explained) -> bool:
    """As the method says; else as its first scores say."""
    if "signed" in method.options:
        return bool(method.options["signed"])
    values, _ = method.arrays(range(min(len(method.names), BLOCK)))
    return bool((values < 0).any())


def _scores(method: Explained, rows: NDArray[np.int64]) -> dict[int, Array]:
    """Scores (length,) of the bases that are there, NaN at N, by place in ``rows``."""
    at = np.flatnonzero(rows >= 0)
    if len(at) == 0:
        return {}
    values, codes = method.arrays(rows[at].tolist())
    relative = bool(method.options.get("substitutions", is_relative(values, codes)))
    found = observed(values.astype(np.float64), codes, relative=relative)
    return dict(zip(at.tolist(), found, strict=True))


def observed(values: Array, codes: NDArray[np.uint8], *, relative: bool) -> Array:
    """Scores (n, length) of the bases that are there, NaN at N; see `Attribution.observed`.

    Examples
    --------
    >>> v, codes = np.array([[[0.0, 1], [-3, 2], [-3, 3], [0, 4]]]), np.array([[0, 4]], np.uint8)
    >>> observed(v, codes, relative=True).tolist(), observed(v, codes, relative=False).tolist()
    ([[2.0, nan]], [[0.0, nan]])
    """
    own = np.take_along_axis(values, np.minimum(codes, 3)[:, None], axis=1)[:, 0]
    found = -values.sum(1) / 3 if relative else own
    return np.where(codes < 4, found, np.nan)


def _correlations(scores: Array, signed: NDArray[np.bool_]) -> list[tuple[int, int, float]]:
    """Spearman correlations of the rows of (m, length), with the pair of rows."""
    m, length = scores.shape
    if m < 2 or length < 3:
        return []
    plain, sizes = _rank_correlation(scores), _rank_correlation(np.abs(scores))
    return [
        (a, b, float((plain if signed[a] and signed[b] else sizes)[a, b]))
        for a, b in combinations(range(m), 2)
    ]


def _rank_correlation(scores: Array) -> Array:
    from scipy.stats import rankdata

    ranks = rankdata(scores, axis=1)
    ranks -= ranks.mean(1, keepdims=True)
    norm = np.sqrt((ranks**2).sum(1, keepdims=True))
    unit = np.divide(ranks, norm, out=np.full(ranks.shape, np.nan), where=norm > 0)
    products: Array = unit @ unit.T
    return products
