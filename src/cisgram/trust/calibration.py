"""Whether probabilities mean what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.seeds import generator
from cisgram.train import metrics
from cisgram.trust.resample import ends, resampled

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
BINS = 10
Z = 1.959963984540054  # of a 95 % interval


def wilson(successes: float, n: int) -> tuple[float, float]:
    """95 % interval of a share by Wilson's score; it stays within 0 and 1.

    References
    ----------
    Wilson 1927, JASA 22:209.

    Examples
    --------
    >>> [round(v, 3) for v in wilson(5, 10)]
    [0.237, 0.763]
    """
    p, square = successes / n, Z**2 / n
    middle = (p + square / 2) / (1 + square)
    half = Z / (1 + square) * math.sqrt(p * (1 - p) / n + square / (4 * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def reliability(y: Array, probability: Array) -> pd.DataFrame:
    """Predicted probability and observed share of positives in ten bins of equal width.

    Returns
    -------
    DataFrame
        ``bin_low``, ``bin_high``, ``n``, ``predicted`` (mean), ``observed``, ``low``, ``high``
        (Wilson's 95 % interval of the observed share); empty bins are left out.

    Raises
    ------
    InputError
        When labels are not 0 or 1, or probabilities not within 0 and 1.
    """
    import pandas as pd

    _check(y, probability)
    which = _bins(probability)
    rows = []
    for b in np.unique(which).tolist():
        mine = which == b
        n = int(mine.sum())
        low, high = wilson(float(y[mine].sum()), n)
        rows.append(
            (b / BINS, (b + 1) / BINS, n, probability[mine].mean(), y[mine].mean(), low, high)
        )
    columns = ["bin_low", "bin_high", "n", "predicted", "observed", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def expected_error(y: Array, probability: Array) -> float:
    """Expected calibration error: mean over bins of |predicted - observed|, weighted by size.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger 2017, ICML, arXiv:1706.04599, equation 3; here of the
    probability of a positive instead of the winning class.

    Examples
    --------
    >>> expected_error(np.array([0.0, 1]), np.array([0.5, 0.5]))
    0.0
    """
    which = _bins(probability)
    gap = np.bincount(which, weights=probability - y, minlength=BINS)
    return float(np.abs(gap).sum() / len(y))


def brier_parts(y: Array, probability: Array) -> dict[str, float]:
    """The Brier score taken apart, so that the parts add up to it exactly.

    ``brier`` = ``reliability`` - ``resolution`` + ``uncertainty`` + ``within_bins``: what
    miscalibration costs, what telling sequences apart gains, what guessing the share of positives
    would have, and what binning hides.

    References
    ----------
    Murphy 1973, J Appl Meteorol 12:595; Stephenson, Coelho and Jolliffe 2008, Weather and
    Forecasting 23:752 (within-bin variance less covariance).
    """
    which = _bins(probability)
    n = np.maximum(np.bincount(which, minlength=BINS), 1)
    said = np.bincount(which, weights=probability, minlength=BINS) / n
    seen = np.bincount(which, weights=y, minlength=BINS) / n
    share = float(y.mean())
    inner = (probability - said[which]) ** 2 - 2 * (probability - said[which]) * (y - seen[which])
    return {
        "brier": metrics.brier(y, probability),
        "reliability": float(np.mean((said - seen)[which] ** 2)),
        "resolution": float(np.mean((seen[which] - share) ** 2)),
        "uncertainty": share * (1 - share),
        "within_bins": float(np.mean(inner)),
    }


def calibration_error(y: Array, probability: Array, *, seed: int = 0) -> dict[str, float]:
    """`expected_error` with its interval, and what a perfectly calibrated model would have.

    A finite test set has an error above 0 even when every probability is right. ``by_chance`` is
    its 97.5 % quantile when the labels are drawn from the probabilities themselves.

    Returns
    -------
    dict
        ``error``, ``low``, ``high`` (bootstrap), ``by_chance``.

    Raises
    ------
    InputError
        As `reliability`.
    """
    _check(y, probability)
    draws = resampled([lambda rows: expected_error(y[rows], probability[rows])], len(y), seed=seed)
    low, high = ends(draws[:, 0])
    random = generator(seed, "calibrated", len(y))
    null = [
        expected_error((random.random(len(y)) < probability).astype(np.float64), probability)
        for _ in range(metrics.RESAMPLES)
    ]
    return {
        "error": expected_error(y, probability),
        "low": low,
        "high": high,
        "by_chance": float(np.quantile(null, 0.975)),
    }


def _bins(probability: Array) -> NDArray[np.int64]:
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)


def _check(y: Array, probability: Array) -> None:
    if y.shape != probability.shape or y.ndim != 1 or not len(y):
        msg = f"labels and probabilities must share (n,); got {y.shape} and {probability.shape}."
        raise InputError(msg)
    if not np.isin(y, (0, 1)).all():
        msg = "Calibration needs labels 0 and 1; a regression has intervals (conformal) instead."
        raise InputError(msg)
    if not ((probability >= 0) & (probability <= 1)).all():
        msg = "probabilities must lie within 0 and 1; apply the sigmoid to logits first."
        raise InputError(msg)
