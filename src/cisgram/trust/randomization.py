"""Whether attributions change when the weights that were learned are drawn anew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.train import metrics

Array = NDArray[np.float64]


def likeness(first: Array, second: Array) -> Array:
    """(n,) rank correlation of the sizes of two attributions of each sequence.

    Sizes, because a network of random weights may prefer the other sign everywhere and show the
    same picture. NaN where one of them is constant.

    Parameters
    ----------
    first, second
        (n, length) attributions of the bases that are there.

    Raises
    ------
    InputError
        When the shapes differ.

    References
    ----------
    Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim 2018, NeurIPS, arXiv:1810.03292 (Spearman
    correlation of absolute values, section 3); here all layers are drawn anew at once.

    Examples
    --------
    >>> likeness(np.array([[1.0, 2, 3]]), np.array([[-10.0, -20, -30]])).tolist()
    [1.0]
    """
    return rank_agreement(np.abs(first), np.abs(second))


def rank_agreement(first: Array, second: Array) -> Array:
    """(n,) rank correlation of two attributions of each sequence, signs and all.

    Raises
    ------
    InputError
        When the shapes differ.
    """
    if first.shape != second.shape or first.ndim != 2:
        msg = f"attributions to compare must share (n, length); got {first.shape}, {second.shape}."
        raise InputError(msg)
    return np.array([metrics.spearman(a, b) for a, b in zip(first, second, strict=True)])
