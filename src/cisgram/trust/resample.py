"""Bootstrap of several statistics over the same resamples, so that they can be subtracted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cisgram.core.seeds import generator
from cisgram.train import metrics

Array = NDArray[np.float64]
Statistic = Callable[[NDArray[np.int64]], float]
NONE = (math.nan, math.nan)


def resampled(statistics: Sequence[Statistic], n: int, *, seed: int) -> Array:
    """(resamples, statistics): every statistic on the same draws of n rows with replacement.

    Rows on which a statistic is not defined are NaN. The number of resamples is that of the
    intervals of ``metrics.json``.
    """
    random = generator(seed, "bootstrap", n)
    draws = [random.integers(0, n, n) for _ in range(metrics.RESAMPLES)]
    return np.array([[s(rows) for s in statistics] for rows in draws], dtype=np.float64)


def ends(values: Array) -> tuple[float, float]:
    """95 % percentile interval of resampled values; NaN where fewer than half are defined.

    Examples
    --------
    >>> ends(np.arange(1001.0))
    (25.0, 975.0)
    """
    finite = values[np.isfinite(values)]
    if len(finite) < max(1, len(values) / 2):
        return NONE
    low, high = np.percentile(finite, [2.5, 97.5])
    return float(low), float(high)


def mean_ends(values: Array, *, seed: int) -> tuple[float, float, float]:
    """Mean of one number a sequence, and its 95 % bootstrap interval; NaN rows are left out."""
    known = values[np.isfinite(values)]
    if not len(known):
        return math.nan, *NONE
    draws = resampled([lambda rows: float(known[rows].mean())], len(known), seed=seed)
    return float(known.mean()), *ends(draws[:, 0])
