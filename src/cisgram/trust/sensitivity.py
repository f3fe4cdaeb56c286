"""Sensitivity-n: whether attributions follow what the output loses with a set of bases."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.seeds import generator
from cisgram.train import metrics
from cisgram.trust.removal import Array, Codes, Output

SUBSETS = 30  # random sets of one size a sequence


def subsets(codes: Codes, size: int, *, n: int = SUBSETS, seed: int = 0) -> NDArray[np.bool_]:
    """(n_seq, n, length) random sets of ``size`` positions; they depend on seed and letters alone.

    Raises
    ------
    InputError
        When the size is not from 1 to the length.
    """
    length = codes.shape[1]
    if not 1 <= size <= length:
        msg = f"size must be 1 to {length}, the length of the sequences; got {size}."
        raise InputError(msg)
    out = np.zeros((len(codes), n, length), dtype=bool)
    for i, row in enumerate(codes):
        keys = generator(seed, "subsets", size, row.tobytes().hex()).random((n, length))
        np.put_along_axis(out[i], keys.argsort(1)[:, :size], values=True, axis=1)
    return out


def losses(output: Output, codes: Codes, chosen: NDArray[np.bool_], lent: Codes) -> Array:
    """(n_seq, n) output of the sequence minus that with the chosen positions from backgrounds.

    Parameters
    ----------
    output
        Model and target.
    codes
        (n_seq, length).
    chosen
        (n_seq, n, length) sets of positions.
    lent
        (n_seq, b, length) backgrounds; the loss is the mean over them.
    """
    n_seq, n, length = chosen.shape
    before = output(codes)
    out = np.zeros((n_seq, n))
    for i in range(n):
        copies = np.where(chosen[:, i, None], lent, codes[:, None])
        after = output(copies.reshape(-1, length)).reshape(n_seq, -1).mean(1)
        out[:, i] = before - after
    return out


def sensitivity(attribution: Array, chosen: NDArray[np.bool_], lost: Array) -> Array:
    """(n_seq,) correlation, over sets, of summed attribution and of what the output lost.

    NaN for a sequence where one of them does not vary.

    Parameters
    ----------
    attribution
        (n_seq, length) score of the base that is there.
    chosen, lost
        Of `subsets` and `losses`.

    References
    ----------
    Ancona, Ceolini, Oztireli and Gross 2018, ICLR, arXiv:1711.06104, section 3.2. There a base is
    set to zero; here it takes the letters of shuffles.
    """
    total = (chosen * attribution[:, None]).sum(2)
    return np.array([metrics.pearson(a, b) for a, b in zip(lost, total, strict=True)])


def sizes(length: int) -> list[int]:
    """Sizes of the sets: powers of two up to half the length.

    Examples
    --------
    >>> sizes(40)
    [1, 2, 4, 8, 16]
    """
    return [2**i for i in range(length.bit_length()) if 2**i <= length / 2] or [1]
