"""What the methylation of a site's neighbors tells without a network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.trust.baselines import Array, Baseline

NEAR = 0.04  # share of the longest distance (1 kb of 25) at which a neighbor weighs 1 / e
STRENGTH = 0.1  # scikit-learn's C of the linear model


def neighbor_baselines(
    train: NDArray[np.float32], y: Array, test: NDArray[np.float32], *, cell: int
) -> list[Baseline]:
    """Means of the neighbors' states, the nearest state, and a linear model of all of them.

    Parameters
    ----------
    train, test
        (n, cells, 2, k) states and distances, as `cisgram.data.neighbors.Neighbors` gives them.
    y
        (n,) states of the training sites in the cell, 0 or 1, no NaN.
    cell
        Whose states are asked for.

    Raises
    ------
    InputError
        When the training sites are all of one state.
    """
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(y)) < 2:
        msg = "the training sites of this cell have one state; no baseline can be fitted to them."
        raise InputError(msg)
    n = test.shape[3]
    model = LogisticRegression(C=STRENGTH, max_iter=500).fit(train.reshape(len(train), -1), y)
    fitted = np.asarray(model.decision_function(test.reshape(len(test), -1)), dtype=np.float64)
    return [
        Baseline("neighbors", _mean(test[:, cell]), f"mean of {n} states of the same cell"),
        Baseline("neighbors of all cells", _mean(test), f"mean of {n} states in each cell"),
        Baseline("near neighbors", _near(test[:, cell]), "mean weighed by exp(-distance / 1 kb)"),
        Baseline("nearest neighbor", _nearest(test[:, cell]), "its state alone"),
        Baseline("linear model", fitted, f"of states and distances, fitted to {len(y):,} sites"),
    ]


def _mean(known: NDArray[np.float32]) -> Array:
    """(n,) mean state of (n, ..., 2, k) neighbors; 1/2 of one that is not there changes little."""
    states = np.take(known, 0, axis=-2).reshape(len(known), -1)
    return np.asarray(states.mean(1), dtype=np.float64)


def _near(known: NDArray[np.float32]) -> Array:
    weight = np.exp(-known[:, 1].astype(np.float64) / NEAR) + 1e-12
    return np.asarray((known[:, 0] * weight).sum(1) / weight.sum(1), dtype=np.float64)


def _nearest(known: NDArray[np.float32]) -> Array:
    first = known[:, 1].argmin(1)
    return np.asarray(known[np.arange(len(known)), 0, first], dtype=np.float64)
