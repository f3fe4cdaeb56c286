"""Scores without signal, and how many false findings they tell of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cisgram.core.seeds import generator

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ORDER = 6  # neighbors that a position's score may follow from
OUTLYING = 3.0  # robust standard deviations beyond which a score is no background
BURN_IN = 50  # positions until a track has forgotten that it began with zeros


@dataclass(frozen=True, eq=False)
class Scrambled:
    """Tracks whose positions changed places.

    Attributes
    ----------
    tracks
        (n * copies, length), the copies of a sequence side by side.
    order
        (n * copies, length): where each position's score (before the background's own correlation
        was put back) came from.
    """

    tracks: Floats
    order: Ints


def scrambled(
    tracks: Floats,
    keys: list[str],
    *,
    is_signal: NDArray[np.bool_] | None = None,
    copies: int,
    seed: int,
) -> Scrambled:
    r"""Tracks with the scores and the background's smoothness of the given ones, but no runs.

    The background's correlation between neighbors is taken out with an autoregression
    :math:`e_t = a_t - \sum_i \phi_i a_{t-i}`, the :math:`e_t` change places within their
    sequence, and the correlation is put back (a sieve bootstrap). The coefficients are of all
    sequences together, without the signal; where that is not known, of scores within three robust
    standard deviations alone, so that the runs that are looked for do not pass for background.

    Parameters
    ----------
    tracks
        (n, length) scores.
    keys
        n texts; what a sequence becomes depends on its key, the seed and the coefficients.
    is_signal
        (n, length) positions whose scores take no part; others of their sequence fill the places.
    copies
        Scrambled versions of each sequence.
    seed
        Of the order.
    """
    n, length = tracks.shape
    kept = np.ones((n, length), dtype=bool) if is_signal is None else ~is_signal
    kept[~kept.any(1)] = True
    tracks = np.where(kept, tracks, 0.0)
    usable = unremarkable(tracks) if is_signal is None else kept
    phi = background_correlation(tracks, usable)
    residuals = _filtered(tracks, phi)
    order = np.empty((n, copies, length), np.int64)
    for i, key in enumerate(keys):
        places = np.flatnonzero(kept[i])
        places = np.tile(np.resize(places, length), (copies, 1))
        order[i] = generator(seed, "scrambled", key).permuted(places, axis=1)
    drawn = np.take_along_axis(residuals[:, None], order, axis=2).reshape(n * copies, length)
    return Scrambled(_recolored(drawn, phi), order.reshape(n * copies, length))


def unremarkable(tracks: Floats) -> NDArray[np.bool_]:
    """(n, length) scores within three robust standard deviations of their sequence's median."""
    center = np.median(tracks, axis=1, keepdims=True)
    spread = 1.4826 * np.median(np.abs(tracks - center), axis=1, keepdims=True)
    return np.asarray((np.abs(tracks - center) <= OUTLYING * spread) & (spread > 0))


def background_correlation(tracks: Floats, usable: NDArray[np.bool_]) -> Floats:
    """(p,) coefficients of an autoregression of the usable scores; zeros for white noise.

    Examples
    --------
    >>> e = np.random.default_rng(0).normal(size=(200, 301))
    >>> smooth = e[:, 1:] + e[:, :-1] * 0.5
    >>> background_correlation(smooth, np.ones(smooth.shape, bool))[:2].round(1).tolist()
    [0.5, -0.2]
    """
    from scipy.linalg import solve_toeplitz

    plain = np.where(usable, tracks, 0.0)
    order = min(ORDER, tracks.shape[1] - 1)
    covariance = np.zeros(order + 1)
    for lag in range(order + 1):
        a, b = slice(lag, None), slice(None, tracks.shape[1] - lag)
        pairs = np.count_nonzero(usable[:, a] & usable[:, b])
        covariance[lag] = (plain[:, a] * plain[:, b]).sum() / max(pairs, 1)
    if order == 0 or covariance[0] <= 0:
        return np.zeros(order)
    covariance[0] *= 1.001  # where neighbors are nearly equal, the equations stay solvable
    phi = np.asarray(solve_toeplitz(covariance[:-1], covariance[1:]))
    roots = np.roots(np.r_[1.0, -phi])
    return phi if len(roots) == 0 or np.abs(roots).max() < 0.99 else np.zeros(order)


def _filtered(tracks: Floats, phi: Floats) -> Floats:
    from scipy.signal import lfilter

    return np.asarray(lfilter(np.r_[1.0, -phi], [1.0], tracks, axis=1))


def _recolored(residuals: Floats, phi: Floats) -> Floats:
    from scipy.signal import lfilter

    ahead = residuals[:, -BURN_IN:]
    whole = np.concatenate([ahead, residuals], axis=1)
    out = np.asarray(lfilter([1.0], np.r_[1.0, -phi], whole, axis=1))
    return out[:, ahead.shape[1] :]


def false_shares(found: Floats, null: Floats, *, times: float) -> tuple[Floats, Floats]:
    """P and estimated false discovery rate of every finding, by what a null gives.

    Of the findings that score at least t, (1 + null findings of at least t) / times are expected
    to be false; the rate at t is their share, and a finding's rate the least at which it is in.

    Parameters
    ----------
    found
        (n,) scores of the findings.
    null
        (m,) scores of what the same search finds without signal.
    times
        How many times as many positions were searched in the null.

    Returns
    -------
    p, fdr
        (n,) each, in the order of ``found``. p is the share of null findings that score as much.

    Examples
    --------
    >>> p, fdr = false_shares(np.array([9.0, 3.0, 1.0]), np.array([2.0, 1.5]), times=10)
    >>> p.round(2).tolist(), fdr.round(3).tolist()
    ([0.33, 0.33, 1.0], [0.05, 0.05, 0.1])
    """
    if len(found) == 0:
        return np.zeros(0), np.zeros(0)
    above = len(null) - np.searchsorted(np.sort(null), found, side="left")
    p = (1 + above) / (1 + len(null))
    order = np.argsort(-found, kind="stable")
    n_at_least = len(found) - np.searchsorted(np.sort(found), found, side="left")
    rate = np.minimum((1 + above) / times / n_at_least, 1.0)
    least = np.minimum.accumulate(rate[order][::-1])[::-1]
    fdr = np.empty_like(rate)
    fdr[order] = least
    return p, fdr
