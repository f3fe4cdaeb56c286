"""How unlike two motif columns are, as small integers: the measures behind Tomtom."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.registry import unknown

PARTS = 64
"""Columns are compared after rounding to 1/64: equal ones are then scored once, and squared
Euclidean distances are whole numbers, so that no result depends on the order of anything."""

LEVELS = 512
"""Steps between the most alike and the least alike pair of columns (0.0033 for Euclid)."""

Floats = NDArray[np.float32]
Features = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Distance:
    """A dissimilarity written as a product of features, so that all pairs are one product.

    Attributes
    ----------
    query, target
        (m, 4) in 1/64 -> (m, K); the dissimilarity is the dot product of a row of each.
    largest
        No dissimilarity exceeds it.
    root
        Whether to take the square root of the product.
    about
        One line for help texts.
    """

    query: Features
    target: Features
    largest: float
    root: bool
    about: str

    def query_features(self, columns: NDArray[np.float64]) -> Floats:
        """(m, K) features of query columns (m, 4), scaled so that `levels` are whole steps."""
        # A whole number of levels for each part keeps Euclid's products whole, and so exact.
        step = (LEVELS - 1) / self.largest
        step = np.floor(step) if step > 1 else step
        return (self.query(columns) * (step**2 if self.root else step)).astype(np.float32)

    def target_features(self, columns: NDArray[np.float64]) -> Floats:
        """(u, K) features of target columns (u, 4)."""
        return self.target(columns).astype(np.float32)

    def levels(self, query: Floats, target: Floats) -> Floats:
        """(u, m) whole numbers 0 .. LEVELS - 1 of target features (u, K) and query (m, K)."""
        d: Floats = target @ query.T
        if self.root:
            np.sqrt(d, out=d)
        np.rint(d, out=d)
        return d


def unique_columns(
    ppms: Iterable[NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distinct columns (u, 4) in 1/64, sorted, and for every column in turn its number."""
    x = np.rint(np.concatenate(list(ppms), axis=1) * PARTS).astype(np.int64)
    base = PARTS + 1
    key = ((x[0] * base + x[1]) * base + x[2]) * base + x[3]
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    return x[:, first].T.astype(np.float64), number


def named_distance(name: str) -> Distance:
    """The measure of this name.

    Raises
    ------
    UnknownName
        When there is none; the message lists them.
    """
    if not isinstance(name, str):
        msg = f"distance must be one of {', '.join(DISTANCES)}; got {name!r}."
        raise InputError(msg)
    if name not in DISTANCES:
        error = unknown("distance", name, DISTANCES)
        raise error
    return DISTANCES[name]


def _squares(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.square(p).sum(1, keepdims=True))


def _ones(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ones((len(p), 1))


def _euclid_query(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.hstack([-2 * p, _squares(p), _ones(p)])


def _euclid_target(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.hstack([p, _ones(p), _squares(p)])


def _standard(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centered columns of length 1; a uniform column, which has no correlation, stays 0."""
    z = p - p.mean(1, keepdims=True)
    norm = np.sqrt(_squares(z))
    return np.asarray(z / np.where(norm > 0, norm, 1))


def _pearson_query(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.hstack([-_standard(p), _ones(p)])


def _pearson_target(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.hstack([_standard(p), _ones(p)])


def _smooth(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities with 1/64 added to each base: logarithms stay finite."""
    return np.asarray((p + 1) / (p.sum(1, keepdims=True) + 4))


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((p * np.log(p)).sum(1, keepdims=True))


def _kl_query(p: NDArray[np.float64]) -> NDArray[np.float64]:
    s = _smooth(p)
    return np.hstack([-s, -np.log(s), _entropy(s), _ones(s)]) / 2


def _kl_target(p: NDArray[np.float64]) -> NDArray[np.float64]:
    s = _smooth(p)
    return np.hstack([np.log(s), s, _ones(s), _entropy(s)])


def _allr_query(p: NDArray[np.float64]) -> NDArray[np.float64]:
    s = _smooth(p)
    best = _smooth(np.eye(4)[:1] * PARTS)
    top = float(_entropy(best)[0, 0]) + np.log(4)
    return np.hstack([-s / 2, -np.log(4 * s) / 2, top * _ones(s)])


def _allr_target(p: NDArray[np.float64]) -> NDArray[np.float64]:
    s = _smooth(p)
    return np.hstack([np.log(4 * s), s, _ones(s)])


def _farthest(query: Features, target: Features) -> float:
    """Dissimilarity of two different bases, with a margin for sums that are rounded up."""
    a, c = np.eye(4)[:2] * PARTS
    return 1.03 * float((query(a[None]) @ target(c[None]).T)[0, 0])


DISTANCES = {
    "euclidean": Distance(
        _euclid_query,
        _euclid_target,
        _farthest(_euclid_query, _euclid_target) ** 0.5,
        root=True,
        about="square root of sum (p - q)^2",
    ),
    "pearson": Distance(
        _pearson_query, _pearson_target, 2.001, root=False, about="1 - correlation of p and q"
    ),
    "sandelin_wasserman": Distance(
        _euclid_query,
        _euclid_target,
        _farthest(_euclid_query, _euclid_target),
        root=False,
        about="sum (p - q)^2, that is 2 - similarity",
    ),
    "kullback_leibler": Distance(
        _kl_query,
        _kl_target,
        _farthest(_kl_query, _kl_target),
        root=False,
        about="mean of KL(p, q) and KL(q, p)",
    ),
    "allr": Distance(
        _allr_query,
        _allr_target,
        _farthest(_allr_query, _allr_target),
        root=False,
        about="minus the average log-likelihood ratio",
    ),
}
