"""Weighted k-means of maps, on a part of them where they are many."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

FITTED = 100_000  # maps that make the centers; all are then assigned
PASSES = 50  # at most
STILL = 1e-5  # centers that move by less than this share of the variance have arrived


def means(
    maps: Floats,
    weight: Floats,
    k: int,
    rng: np.random.Generator,
    *,
    start: Floats | None = None,
    draws: int = 4,
) -> Floats:
    """(k, d) centers of weighted k-means.

    Minimizes sum_i w_i min_c |x_i - center_c|^2 by Lloyd's passes, from given centers or from the
    best of several greedy k-means++ draws. Centers to which nothing comes stay where they are.

    Parameters
    ----------
    maps
        (n, d); of more than 100,000, so many random ones are used.
    weight
        (n,) not negative.
    k
        Number of centers.
    rng
        For the draws.
    start
        (k, d) centers to go on from.
    draws
        Starts tried where none is given.

    References
    ----------
    Arthur D, Vassilvitskii S (2007). k-means++: the advantages of careful seeding. SODA.

    Examples
    --------
    >>> x = np.float32([[0], [1], [10], [11]])
    >>> sorted(means(x, np.ones(4, np.float32), 2, np.random.default_rng(0)).ravel().tolist())
    [0.5, 10.5]
    """
    if len(maps) > FITTED:
        some = rng.choice(len(maps), FITTED, replace=False)
        maps, weight = maps[some], weight[some]
    size = (maps**2).sum(1)
    begun = [start] if start is not None else []
    begun += [_seeds(maps, size, weight, k, rng) for _ in range(draws if start is None else 0)]
    found = [_settled(maps, size, weight, centers) for centers in begun]
    return min(found, key=lambda f: f[1])[0]


def nearest(maps: Floats, centers: Floats) -> Rows:
    """(n,) the center that each map lies nearest to."""
    label: Rows = (maps @ centers.T - (centers**2).sum(1) / 2).argmax(1)
    return label


def _seeds(maps: Floats, size: Floats, weight: Floats, k: int, rng: np.random.Generator) -> Floats:
    """Centers far from each other: each the best of a few drawn by distance to those before."""
    tried = 2 + int(np.log(k))
    total = np.cumsum(weight, dtype=np.float64)
    chosen = [_drawn(total, rng, 1)[0]]
    far = _distance(maps, size, chosen)[:, 0]
    for _ in range(k - 1):
        total = np.cumsum(weight * far, dtype=np.float64)
        if total[-1] <= 0:  # fewer distinct maps than centers
            chosen.append(int(rng.integers(len(maps))))
            continue
        candidates = _drawn(total, rng, tried)
        left = np.minimum(far[:, None], _distance(maps, size, candidates))
        best = int((weight @ left).argmin())
        chosen.append(candidates[best])
        far = left[:, best]
    return maps[chosen]


def _drawn(total: NDArray[np.float64], rng: np.random.Generator, n: int) -> list[int]:
    at = np.searchsorted(total, rng.random(n) * total[-1], side="right")
    out: list[int] = np.minimum(at, len(total) - 1).tolist()
    return out


def _distance(maps: Floats, size: Floats, rows: list[int]) -> Floats:
    """(n, len(rows)) squared distances to some of the maps."""
    out: Floats = size[:, None] + size[rows] - 2 * (maps @ maps[rows].T)
    np.maximum(out, 0, out=out)
    out[rows, np.arange(len(rows))] = 0
    return out


def _settled(maps: Floats, size: Floats, weight: Floats, centers: Floats) -> tuple[Floats, float]:
    """Centers after Lloyd's passes, and the weighted sum of squares around them."""
    every, clusters = np.arange(len(maps)), np.arange(len(centers))
    still = STILL * float(maps.var(0).mean())
    for _ in range(PASSES):
        label = nearest(maps, centers)
        share = (label == clusters[:, None]) * weight  # (k, n)
        mass = share.sum(1)
        moved = np.where(
            mass[:, None] > 0, share @ maps / np.where(mass > 0, mass, 1)[:, None], centers
        )
        shift = float(((moved - centers) ** 2).sum())
        centers = moved
        if shift <= still:
            break
    near = maps @ centers.T - (centers**2).sum(1) / 2
    apart = float((weight * (size - 2 * near[every, near.argmax(1)])).sum())
    return centers, apart
