"""Paired statistics over sequences: intervals, tests, ratios, each invariant to their order."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.core.seeds import generator

Array: TypeAlias = NDArray[np.float64]
LEVEL = 0.95
RESAMPLES = 2000
_AT_ONCE = 2**22  # numbers of resampled columns held at once


class Interval(NamedTuple):
    """An estimate for each column with the ends of its 95 % interval."""

    center: Array
    low: Array
    high: Array


def t_interval(differences: Array) -> Interval:
    """Mean of each column (n, k) over sequences, with Student's 95 % interval.

    For differences, which are sums of many small things and have both signs, and because it
    needs no random numbers; ratios are resampled (`ratios`).

    Examples
    --------
    >>> low, high = t_interval(np.array([[1.0], [3.0]]))[1:]
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([-10.706], [14.706])
    """
    from scipy.stats import t

    n = len(differences)
    mean = differences.mean(0)
    half = t.ppf((1 + LEVEL) / 2, n - 1) * differences.std(0, ddof=1) / np.sqrt(n)
    return Interval(mean, mean - half, mean + half)


def signed_rank(differences: Array) -> Array:
    """(k,) two-sided p-values of Wilcoxon's signed-rank test for each column (n, k).

    Exact for up to 50 sequences without ties; zeros are left out, and 1 where nothing is left.

    Examples
    --------
    >>> signed_rank(np.array([[1.0, 0], [2, 0], [3, 0], [4, 0], [5, 0]])).tolist()
    [0.0625, 1.0]
    """
    from scipy.stats import wilcoxon

    out = np.ones(differences.shape[1])
    for j, column in enumerate(differences.T):
        moved = column[column != 0]
        if len(moved):
            is_exact = len(moved) <= 50 and len(np.unique(np.abs(moved))) == len(moved)
            out[j] = wilcoxon(moved, method="exact" if is_exact else "asymptotic").pvalue
    return out


def adjusted(p: Array) -> Array:
    """q-values of Benjamini and Hochberg; NaN stays NaN and counts as no test.

    Examples
    --------
    >>> adjusted(np.array([0.01, np.nan, 0.5])).tolist()
    [0.02, nan, 0.5]
    """
    from scipy.stats import false_discovery_control

    out = np.full(len(p), np.nan)
    tested = ~np.isnan(p)
    if tested.any():
        out[tested] = false_discovery_control(p[tested])
    return out


def resamples(codes: NDArray[np.uint8], *, seed: int) -> NDArray[np.int64]:
    """(2000, n) rows of each resample of the sequences, with replacement.

    They are drawn from the sequences in the order of their letters, so that the order in which
    they came changes nothing.
    """
    order = np.lexsort(codes.T[::-1])
    rng = generator(seed, "resamples", len(codes))
    return order[rng.integers(len(codes), size=(RESAMPLES, len(codes)))]


def means(values: Array, picks: NDArray[np.int64]) -> Interval:
    """Mean of each column (n, k), with the bootstrap's 95 % interval (percentiles)."""
    low, high = _ends(_weights(picks) @ values)
    return Interval(values.mean(0), low, high)


def medians(values: Array, picks: NDArray[np.int64]) -> Interval:
    """Median of each column (n, k), with the bootstrap's 95 % interval (percentiles)."""
    low, high = _ends(_resampled_medians(values, picks))
    return Interval(np.median(values, axis=0), low, high)


def ratios(top: Array, bottom: Array, picks: NDArray[np.int64]) -> Interval:
    """Mean of each top column over the mean of its bottom column, all (n, k).

    Both are resampled together. Where a resample turns the sign of the bottom, the ratio has no
    bounds; where the bottom's mean is 0 there is no ratio (NaN).
    """
    weights, below = _weights(picks), bottom.mean(0)
    drawn = weights @ bottom
    with np.errstate(divide="ignore", invalid="ignore"):
        center = np.where(below != 0, top.mean(0) / below, np.nan)
        low, high = _ends(np.where(drawn != 0, weights @ top / drawn, 0.0))
    is_open = (drawn * np.sign(below) <= 0).any(0)
    low, high = np.where(is_open, -np.inf, low), np.where(is_open, np.inf, high)
    is_there = ~np.isnan(center)
    return Interval(center, np.where(is_there, low, np.nan), np.where(is_there, high, np.nan))


def _weights(picks: NDArray[np.int64]) -> Array:
    """(resamples, n) share of each sequence in each resample."""
    n = picks.shape[1]
    flat = picks + n * np.arange(len(picks))[:, None]
    counts = np.bincount(flat.ravel(), minlength=picks.size).reshape(len(picks), n)
    return np.asarray(counts / n)


def _resampled_medians(values: Array, picks: NDArray[np.int64]) -> Array:
    """(resamples, k)."""
    size = max(1, _AT_ONCE // picks.size)
    parts = [
        np.median(values[:, at : at + size][picks], axis=1)
        for at in range(0, values.shape[1], size)
    ]
    return np.concatenate(parts, axis=1)


def _ends(drawn: Array) -> tuple[Array, Array]:
    at = [50 * (1 - LEVEL), 50 * (1 + LEVEL)]
    low, high = np.percentile(
        drawn, at, axis=0, method="inverted_cdf"
    )  # infinite ones may be there
    return low, high
