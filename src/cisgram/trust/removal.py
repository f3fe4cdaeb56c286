"""Curves of the output as bases are taken out, or put in, in the order of an attribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.seeds import generator
from cisgram.seq.shuffle import shuffle_codes

Array = NDArray[np.float64]
Codes = NDArray[np.uint8]
Output: TypeAlias = Callable[[Codes], Array]
"""The model and its target as one function: codes (n, length) -> (n,)."""

BACKGROUNDS = 5  # shuffles of a sequence that lend the letters
STEPS = 20
ORDERS = 5  # random orders that a curve is compared with


def backgrounds(codes: Codes, *, n: int = BACKGROUNDS, seed: int = 0) -> Codes:
    """(n_seq, n, length) dinucleotide shuffles of each sequence, which lend it their letters."""
    return shuffle_codes(codes, k=2, n=n, seed=seed)


def deletion(
    output: Output, codes: Codes, ranking: Array, lent: Codes, *, steps: int = STEPS, seed: int = 0
) -> Array:
    """(n, steps + 1) output as the positions ranked highest take background letters.

    Entry s is the mean over backgrounds of the output when the round(s length / steps) positions
    with the highest ranking hold the letters of the background: the first is the sequence as it
    is, the last the mean of its backgrounds.

    Parameters
    ----------
    output
        Model and target.
    codes
        (n, length).
    ranking
        (n, length); equal values are put into random order.
    lent
        (n, b, length) backgrounds.
    steps
        Number of steps.
    seed
        Of the order among equal values; it depends on this and on the letters alone.

    Raises
    ------
    InputError
        When the shapes do not fit.

    References
    ----------
    Samek, Binder, Montavon, Lapuschkin and Mueller 2017, IEEE TNNLS 28:2660 (removal in order of
    relevance); Petsiuk, Das and Saenko 2018, arXiv:1806.07421 (deletion and insertion). Here
    letters of dinucleotide shuffles stand in, so that no copy is unlike DNA.
    """
    _check(codes, ranking, lent)
    check_positive(steps, name="steps")
    n, b, length = lent.shape
    place = _places(codes, ranking, seed)
    removed = np.rint(np.arange(steps + 1) * length / steps)
    out = np.zeros((n, steps + 1))
    for s, count in enumerate(removed):
        copies = np.where((place < count)[:, None], lent, codes[:, None])
        out[:, s] = output(copies.reshape(n * b, length)).reshape(n, b).mean(1)
    return out


def insertion(
    output: Output, codes: Codes, ranking: Array, lent: Codes, *, steps: int = STEPS, seed: int = 0
) -> Array:
    """(n, steps + 1) output as the positions ranked highest return to their backgrounds.

    The first entry is the mean of the backgrounds, the last the sequence: `deletion` from the
    other end, of the lowest ranks first, read backwards.
    """
    return deletion(output, codes, -ranking, lent, steps=steps, seed=seed)[:, ::-1]


def random_deletion(
    output: Output,
    codes: Codes,
    lent: Codes,
    *,
    orders: int = ORDERS,
    steps: int = STEPS,
    seed: int = 0,
) -> Array:
    """(n, steps + 1) mean `deletion` curve of random orders: what any order does."""
    curves = [
        deletion(output, codes, _random_like(codes, seed, i), lent, steps=steps, seed=seed)
        for i in range(orders)
    ]
    return np.asarray(np.mean(curves, 0))


def area(curve: Array) -> Array:
    """(n,) mean height of each curve, by the trapezoid rule.

    Examples
    --------
    >>> area(np.array([[1.0, 0.0, 0.0]])).tolist()
    [0.25]
    """
    inner = curve[:, 1:-1].sum(1) + (curve[:, 0] + curve[:, -1]) / 2
    return np.asarray(inner / (curve.shape[1] - 1))


def _places(codes: Codes, ranking: Array, seed: int) -> NDArray[np.int64]:
    """(n, length) 0 for the position ranked highest, 1 for the next, and so on."""
    tie = _random_like(codes, seed, -1)
    order = np.lexsort((tie, -ranking), axis=1)
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(codes.shape[1])[None], axis=1)
    return place


def _random_like(codes: Codes, seed: int, number: int) -> Array:
    """(n, length) random numbers that depend on the seed, the number and each row's letters."""
    return np.stack(
        [generator(seed, "removal", number, row.tobytes().hex()).random(len(row)) for row in codes]
    )


def _check(codes: Codes, ranking: Array, lent: Codes) -> None:
    n, length = codes.shape
    if ranking.shape != (n, length) or lent.ndim != 3 or lent[:, 0].shape != (n, length):
        msg = (
            f"codes {codes.shape} need a ranking ({n}, {length}) and backgrounds ({n}, b, "
            f"{length}); got {ranking.shape} and {lent.shape}."
        )
        raise InputError(msg)
    if not np.isfinite(ranking).all():
        msg = "The ranking holds values that are not finite; positions cannot be ordered by it."
        raise InputError(msg)
