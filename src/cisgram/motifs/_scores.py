"""Whole-number scores of query columns against target columns, and their distributions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cisgram.motifs._alignment import Scores
from cisgram.motifs._columns import LEVELS, Distance

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

BINS = 60
"""Whole-number steps from a query's lowest to its highest column score (Tomtom's t is 100)."""

TILE = 1 << 16  # numbers that are worked on at once: they stay in the cache


@dataclass(frozen=True)
class Profiles:
    """How the distinct query columns score against all target columns.

    Attributes
    ----------
    query
        (m, K) features of the distinct query columns.
    target
        (u, K) features of the distinct target columns.
    distance
        The measure.
    histogram
        (m, LEVELS) number of target columns at each level of dissimilarity.
    median, low, high
        (m,) median, lowest and highest level among all target columns.
    """

    query: NDArray[np.float32]
    target: NDArray[np.float32]
    distance: Distance
    histogram: Floats
    median: Ints
    low: Ints
    high: Ints

    @classmethod
    def of(cls, query: Floats, target: Floats, counts: Floats, distance: Distance) -> Profiles:
        """Compare distinct query (m, 4) with target columns (u, 4) that occur ``counts`` times."""
        q, t = distance.query_features(query), distance.target_features(target)
        histogram, median = np.empty((len(q), LEVELS)), np.empty(len(q), dtype=np.int64)
        size = max(1, min(TILE // len(t), 256))  # float32 counts to 256 * LEVELS exactly
        repeated = np.repeat(counts, size)
        for a in range(0, len(q), size):
            some = q[a : a + size]
            if len(some) < size:
                repeated = np.repeat(counts, len(some))
            level = distance.levels(some, t)
            level += np.arange(len(some), dtype=np.float32) * LEVELS
            h = np.bincount(level.astype(np.intp).ravel(), repeated, len(some) * LEVELS)
            histogram[a : a + size] = h.reshape(-1, LEVELS)
            sums = np.cumsum(histogram[a : a + size], axis=1)
            median[a : a + size] = (sums < sums[:, -1:] / 2).sum(1)
        seen = histogram > 0
        low, high = seen.argmax(1), LEVELS - 1 - seen[:, ::-1].argmax(1)
        return cls(q, t, distance, histogram, median, low, high)


@dataclass(frozen=True)
class QueryScores:
    """Scores of some queries: above 0 is more alike than the median target column.

    Attributes
    ----------
    profiles
        What they are computed from.
    columns
        (g, w) number of each query column in the profiles.
    scale
        (g, w) float32 score steps a level; 0 beyond a query's own width.
    """

    profiles: Profiles
    columns: Ints
    scale: NDArray[np.float32]

    @classmethod
    def of(cls, profiles: Profiles, columns: Ints, inside: NDArray[np.bool_]) -> QueryScores:
        """Spread `BINS` steps over the range of each query; ``inside`` marks its columns."""
        p = profiles
        best = np.where(inside, (p.median - p.low)[columns], 0).max(1)
        worst = np.where(inside, (p.median - p.high)[columns], 0).min(1)
        scale = (BINS / np.maximum(best - worst, 1)).astype(np.float32)
        return cls(p, columns, scale[:, None] * inside)

    def tables(self) -> list[Scores]:
        """For each column (u + 1, g) scores against the distinct target columns, then 0."""
        g, w = self.columns.shape
        u = len(self.profiles.target)
        narrow = w * BINS < np.iinfo(np.int16).max
        median = self.profiles.median[self.columns].astype(np.float32)
        out: list[Scores] = []
        for i in range(w):
            table: Scores = (
                np.zeros((u + 1, g), np.int16) if narrow else np.zeros((u + 1, g), np.int32)
            )
            query = self.profiles.query[self.columns[:, i]]
            for a in range(0, u, TILE // g):
                b = min(a + TILE // g, u)
                d = self.profiles.distance.levels(query, self.profiles.target[a:b])
                table[a:b] = _scores(d, median[:, i], self.scale[:, i])
            out.append(table)
        return out

    def losses(self) -> tuple[Floats, Ints]:
        """Distribution of each column's score under a random target column.

        Returns
        -------
        tuple
            (g, w, k) probability of scoring j less than the highest score, j = 0 .. k - 1,
            and (g, w) the highest scores.
        """
        p = self.profiles
        g, w = self.columns.shape
        median = p.median[self.columns].astype(np.float32)
        levels = np.broadcast_to(np.arange(LEVELS, dtype=np.float32), (g, w, LEVELS)).copy()
        score = _scores(levels, median[..., None], self.scale[..., None]).astype(np.int64)
        first, last = (v[self.columns][..., None] for v in (p.low, p.high))
        top = np.take_along_axis(score, first, axis=2)
        k = int((top - np.take_along_axis(score, last, axis=2)).max()) + 1
        at = np.clip(top - score, 0, k - 1)  # levels that no target column has weigh nothing
        at += (np.arange(g * w) * k).reshape(g, w, 1)
        loss = np.bincount(at.ravel(), p.histogram[self.columns].ravel(), g * w * k)
        loss = loss.reshape(g, w, k)
        return loss / loss.sum(2, keepdims=True), top[..., 0]


def _scores(
    level: NDArray[np.float32], median: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Levels to whole-number scores, in place; one place for this, so that they always agree."""
    np.subtract(median, level, out=level)
    level *= scale
    return np.rint(level, out=level)
