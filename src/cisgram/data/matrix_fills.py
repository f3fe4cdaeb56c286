"""What stands in for the missing numbers of a matrix without a network: means, components, kin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError

Array = NDArray[np.float64]
ENOUGH = 1e-6  # share of the sum of squares that still moves
TURNS = 200
RANKS = (1, 2, 3, 5, 8, 12, 16, 24)
SHRINKAGES = (0.3, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005)
NEIGHBORS = (10,)


def check_matrix(values: Array) -> None:
    """Raise `InputError` unless every row and column of a matrix has a known number.

    A row of which nothing is known can only be filled with something that says nothing of it.
    """
    known = ~np.isnan(values)
    if values.ndim != 2 or min(values.shape) < 2:
        msg = f"a matrix of at least 2 x 2 numbers is needed; got {values.shape}."
        raise InputError(msg)
    for axis, what in ((1, "row"), (0, "column")):
        empty = np.flatnonzero(~known.any(axis))
        if len(empty):
            msg = (
                f"{len(empty)} {what}s hold no number, the first is {what} {int(empty[0]) + 1}. "
                "Leave them out: nothing is known of them."
            )
            raise InputError(msg)


def column_means(values: Array) -> Array:
    """(n, d) the mean of each column's known numbers.

    Examples
    --------
    >>> column_means(np.array([[1.0, np.nan], [3.0, 5.0]])).tolist()
    [[2.0, 5.0], [2.0, 5.0]]
    """
    return np.array(np.broadcast_to(np.nanmean(values, 0), values.shape))


def both_means(values: Array) -> Array:
    """(n, d) the mean of the column plus the mean of what the row has beyond its columns' means.

    Examples
    --------
    >>> both_means(np.array([[1.0, 2.0], [3.0, np.nan], [2.0, 3.0]])).tolist()
    [[1.25, 1.75], [3.0, 3.5], [2.25, 2.75]]
    """
    columns = np.nanmean(values, 0)
    return np.asarray(columns + np.nanmean(values - columns, 1, keepdims=True))


def components(values: Array, rank: int) -> Array:
    """(n, d) principal components fitted to known numbers: fill, decompose, fill again.

    Starts from `both_means` and ends when what is filled in no longer moves; that is the least
    squares fit of ``rank`` components (and column means) to the known numbers alone.
    """
    known = ~np.isnan(values)
    filled = np.where(known, values, both_means(values))
    for _ in range(TURNS):
        center = filled.mean(0)
        u, s, v = np.linalg.svd(filled - center, full_matrices=False)
        fit = (u[:, :rank] * s[:rank]) @ v[:rank] + center
        filled, moved = _refilled(values, known, fit, filled, center)
        if moved < ENOUGH:
            break
    return np.asarray(fit)


def shrunken(values: Array, shrinkage: float) -> Array:
    """(n, d) components whose singular values lose ``shrinkage`` times the largest.

    References
    ----------
    Mazumder R, Hastie T, Tibshirani R (2010). Spectral regularization algorithms for learning large
    incomplete matrices. JMLR 11:2287-2322, algorithm 1 (Soft-Impute).
    """
    known = ~np.isnan(values)
    center = np.nanmean(values, 0)
    filled = np.where(known, values, center)
    lost = shrinkage * np.linalg.svd(filled - center, compute_uv=False)[0]
    for _ in range(TURNS):
        u, s, v = np.linalg.svd(filled - center, full_matrices=False)
        fit = (u * np.maximum(s - lost, 0)) @ v + center
        filled, moved = _refilled(values, known, fit, filled, center)
        if moved < ENOUGH:
            break
    return np.asarray(fit)


def _refilled(
    values: Array, known: NDArray[np.bool_], fit: Array, filled: Array, center: Array
) -> tuple[Array, float]:
    """The matrix with the fit where numbers are missing, and how much of it moved."""
    newer = np.where(known, values, fit)
    size = max(float(((filled - center) ** 2).sum()), 1e-300)
    return newer, float(((newer - filled) ** 2).sum()) / size


def neighbors(values: Array, k: int) -> Array:
    """(n, d) means over the k nearest rows that know the number, on what both rows know."""
    from sklearn.impute import KNNImputer

    found = KNNImputer(n_neighbors=min(k, len(values)), weights="distance").fit_transform(values)
    return np.asarray(found, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Fill:
    """A way to fill, and the sizes among which the validation numbers choose.

    Attributes
    ----------
    fn
        (values, size) to filled values; of a way without a size (values,).
    sizes
        Empty: it has none.
    """

    fn: Callable[..., Array]
    sizes: Sequence[float] = ()


FILLS: Mapping[str, Fill] = {
    "column mean": Fill(column_means),
    "row and column mean": Fill(both_means),
    "PCA": Fill(components, RANKS),
    "PCA, shrunken": Fill(shrunken, SHRINKAGES),
    "nearest rows": Fill(neighbors, NEIGHBORS),
}
"""What an autoencoder has to beat."""


def best_fill(name: str, values: Array, valid: NDArray[np.bool_]) -> tuple[Array, float | None]:
    """A filled matrix, with the size that fills the validation numbers best, and that size.

    Sizes are compared without the numbers ``valid``; the best one then sees them, too.
    """
    fill = FILLS[name]
    if not fill.sizes:
        return fill.fn(values), None
    sizes = [s for s in fill.sizes if s < min(values.shape)] or fill.sizes[:1]
    if len(sizes) == 1:
        return fill.fn(values, sizes[0]), sizes[0]
    hidden = np.where(valid, np.nan, values)
    errors = [float(((fill.fn(hidden, s) - values)[valid] ** 2).mean()) for s in sizes]
    best = sizes[int(np.argmin(errors))]
    return fill.fn(values, best), best
