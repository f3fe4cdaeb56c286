"""Scores of many bootstrap resamples of one set of predictions at once.

Each function takes the labels (n,) and predictions (n,) and gives one that takes resamples, rows
(b, m), to their scores (b,): NaN where a resample does not hold two different labels. A label that
is missing (NaN) takes no part.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Resampled = Callable[[Rows], Array]


def auroc_of(y: Array, score: Array) -> Resampled:
    r"""Area under the ROC curve of resamples.

    Predictions are ranked once; a resample is how often each of them is drawn. With p_g and q_g
    positives and negatives drawn of the g-th distinct prediction from below, the area is

    .. math:: \frac{1}{P Q} \sum_g p_g \left( \frac{q_g}{2} + \sum_{h < g} q_h \right)

    Examples
    --------
    >>> area = auroc_of(np.array([0.0, 1, 1]), np.array([0.1, 0.1, 0.9]))
    >>> area(np.array([[0, 1, 2], [0, 0, 2], [1, 2, 2]])).tolist()
    [0.75, 1.0, nan]
    """
    drawn = _drawn(y, score)

    def area(rows: Rows) -> Array:
        positive, negative = drawn(rows)
        below = np.cumsum(negative, axis=1) - negative / 2
        return _ratio((positive * below).sum(1), positive.sum(1) * negative.sum(1))

    return area


def auprc_of(y: Array, score: Array) -> Resampled:
    r"""Average precision of resamples.

    .. math:: \frac{1}{P} \sum_g p_g \frac{p_{\ge g}}{p_{\ge g} + q_{\ge g}}

    Examples
    --------
    >>> precision = auprc_of(np.array([0.0, 1, 1]), np.array([0.5, 0.1, 0.9]))
    >>> precision(np.array([[0, 1, 2]])).round(4).tolist()
    [0.8333]
    """
    drawn = _drawn(y, score)

    def precision(rows: Rows) -> Array:
        positive, negative = (part[:, ::-1] for part in drawn(rows))
        found = np.cumsum(positive, axis=1)
        called = found + np.cumsum(negative, axis=1)
        total = (positive * _ratio(found, called, empty=0.0)).sum(1)
        both = (found[:, -1] > 0) & (called[:, -1] > found[:, -1])
        return np.where(both, _ratio(total, found[:, -1]), np.nan)

    return precision


def any_of(score: Callable[[Array, Array], float], y: Array, prediction: Array) -> Resampled:
    """Any score of resamples, one after the other."""
    known = ~np.isnan(y)

    def scored(rows: Rows) -> Array:
        mine = [r[known[r]] for r in rows]
        is_defined = [len(r) > 0 and np.ptp(y[r]) > 0 for r in mine]
        pairs = zip(mine, is_defined, strict=True)
        return np.array([score(y[r], prediction[r]) if d else np.nan for r, d in pairs])

    return scored


def _drawn(y: Array, score: Array) -> Callable[[Rows], tuple[Array, Array]]:
    """Of rows (b, m), the positives and negatives (b, groups) of each distinct score, ascending."""
    distinct, group = np.unique(score, return_inverse=True)
    is_positive, is_negative, groups = y > 0.5, y <= 0.5, len(distinct)

    def counted(rows: Rows, chosen: NDArray[np.bool_]) -> Array:
        place = group[rows] + groups * np.arange(len(rows))[:, None]
        counts = np.bincount(place[chosen[rows]], minlength=groups * len(rows))
        return counts.reshape(len(rows), groups).astype(np.float64)

    return lambda rows: (counted(rows, is_positive), counted(rows, is_negative))


def _ratio(over: Array, under: Array, *, empty: float = np.nan) -> Array:
    found: Array = np.full(under.shape, empty)
    np.divide(over, under, out=found, where=under > 0)
    return found
