"""Odds ratios over strata (Mantel and Haenszel): what composition explains is taken out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cisgram.grammar.paired import LEVEL


def log_odds(table: NDArray[np.int64]) -> tuple[float, float]:
    """Logarithm of the common odds ratio of several two-by-two tables, and its variance.

    Parameters
    ----------
    table
        (4, strata) counts a, b, c, d of each: the odds ratio of one is a d / (b c). Where a d or
        b c is 0 in all strata, half a count is added to each cell.

    References
    ----------
    .. [1] Mantel N, Haenszel W (1959). Statistical aspects of the analysis of data from
       retrospective studies of disease. J Natl Cancer Inst 22:719-748.
    .. [2] Robins J, Breslow N, Greenland S (1986). Estimators of the Mantel-Haenszel variance
       consistent in both sparse data and large-strata limiting models. Biometrics 42:311-323.

    Examples
    --------
    >>> center, variance = log_odds(np.array([[20], [10], [10], [20]]))
    >>> np.exp(center).round(6).item(), round(variance, 6)  # 1/20 + 1/10 + 1/10 + 1/20
    (4.0, 0.3)
    """
    counts = table[:, table.sum(0) > 0].astype(np.float64)
    if not (counts[0] * counts[3]).any() or not (counts[1] * counts[2]).any():
        counts += 0.5
    a, b, c, d = counts
    n = counts.sum(0)
    r, s, p, q = a * d / n, b * c / n, (a + d) / n, (b + c) / n
    up, down = r.sum(), s.sum()
    variance = (
        (p * r).sum() / (2 * up**2)
        + (p * s + q * r).sum() / (2 * up * down)
        + (q * s).sum() / (2 * down**2)
    )
    return float(np.log(up / down)), float(variance)


def odds_test(center: float, variance: float) -> tuple[float, float, float, float]:
    """Odds ratio, its 95 % interval, and the two-sided p-value against 1, of a logarithm.

    Examples
    --------
    >>> [round(v, 3) for v in odds_test(float(np.log(4)), 0.3)]
    [4.0, 1.367, 11.703, 0.011]
    """
    from scipy.stats import norm

    half = norm.ppf((1 + LEVEL) / 2) * np.sqrt(variance)
    p = float(2 * norm.sf(abs(center) / np.sqrt(variance)))
    return float(np.exp(center)), float(np.exp(center - half)), float(np.exp(center + half)), p
