"""What a score says when GC content says nothing."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
WIDTH = 0.02  # share of GC: two sequences of 200 bp in one stratum differ in less than 4 bases


def stratified_auroc(y: Array, score: Array, stratum: NDArray[np.int64]) -> float:
    """Share of pairs in which the positive scores higher, over pairs within one stratum alone.

    Every pair of a positive and a negative of the same stratum counts once, ties one half; with
    a single stratum this is the AUROC. NaN where no stratum holds both classes.

    Parameters
    ----------
    y
        (n,) labels, 0 or 1.
    score
        (n,).
    stratum
        (n,) whole numbers.

    References
    ----------
    Janes and Pepe 2008, Biometrics 64:1 (covariate-adjusted ROC), here with each pair of equal
    weight.

    Examples
    --------
    >>> y, group = np.array([0.0, 1, 0, 1]), np.array([0, 0, 1, 1])
    >>> stratified_auroc(y, np.array([1.0, 2, 4, 3]), group)  # one pair right, one wrong
    0.5
    """
    from scipy.stats import rankdata

    _, group = np.unique(stratum, return_inverse=True)
    group = group.ravel()
    order = np.unique(score, return_inverse=True)[1].ravel()
    rank = rankdata(group * (len(score) + 1.0) + order)  # strata one after the other
    n = np.bincount(group)
    positive = y > 0.5
    n_positive = np.bincount(group, weights=positive)
    own = rank - np.r_[0, np.cumsum(n)[:-1]][group]  # rank within the stratum
    wins = np.bincount(group, weights=own * positive) - n_positive * (n_positive + 1) / 2
    pairs = n_positive * (n - n_positive)
    return float(wins.sum() / pairs.sum()) if pairs.sum() else math.nan


def n_pairs(y: Array, stratum: NDArray[np.int64]) -> int:
    """Pairs of a positive and a negative in one stratum."""
    group = np.unique(stratum, return_inverse=True)[1].ravel()
    positive = np.bincount(group, weights=y > 0.5)
    return int((positive * (np.bincount(group) - positive)).sum())


def gc_strata(share: Array) -> NDArray[np.int64]:
    """(n,) number of the stratum of each GC share: bins of 2 %, rounded to the nearest."""
    return np.rint(share / WIDTH).astype(np.int64)


def partial_pearson(y: Array, score: Array, covariate: Array) -> float:
    """Correlation of what is left of both when a quadratic of the covariate is taken out.

    NaN where nothing is left of one of them.

    Examples
    --------
    >>> gc = np.array([0.0, 1, 2, 3, 4])
    >>> bump = np.array([0.0, 1, 0, 1, 0])
    >>> round(partial_pearson(gc + bump, 5 * gc**2 + bump, gc), 6)
    1.0
    """
    design = np.stack([np.ones_like(covariate), covariate, covariate**2], 1)
    left = [v - design @ np.linalg.lstsq(design, v, rcond=None)[0] for v in (y, score)]
    sizes = [float(np.linalg.norm(v)) for v in left]
    wholes = [float(np.linalg.norm(v - v.mean())) for v in (y, score)]
    if any(s <= 1e-9 * max(w, 1e-300) for s, w in zip(sizes, wholes, strict=True)):
        return math.nan
    return float(left[0] @ left[1] / (sizes[0] * sizes[1]))
