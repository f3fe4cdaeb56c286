"""The order in which sequences are shown, when kinds of sequences are to take turns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError


def even_order(kinds: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """(n,) rows such that the kinds take turns: every K rows in a row hold each of K kinds once.

    A kind's rows come in a random order and begin again when all of them were shown; a kind with
    more rows than turns shows some of them. Rows of a kind below 0 are never shown, and there are
    as many turns as rows that are.

    Examples
    --------
    >>> even_order(np.array([0, 0, 0, 0, 0, 1]), np.random.default_rng(0))[1::2].tolist()
    [5, 5, 5]
    """
    names, sizes = np.unique(kinds[kinds >= 0], return_counts=True)
    n = int(sizes.sum())
    order = np.empty(n, dtype=np.int64)
    for turn, (kind, size) in enumerate(zip(names.tolist(), sizes.tolist(), strict=True)):
        places = np.arange(turn, n, len(names))
        rows = np.flatnonzero(kinds == kind)
        rounds = -(-len(places) // size)
        drawn = [rows[random.permutation(size)] for _ in range(rounds)]
        order[places] = np.concatenate(drawn)[: len(places)] if drawn else places
    return order


def kinds_of(
    y: NDArray[np.float32], origins: Sequence[str] | None, *, classes: bool, blocked: bool
) -> NDArray[np.int64]:
    """(n,) kind of each row, -1 without a label: positive of any output or not, or its class.

    Parameters
    ----------
    y
        (n, t) labels 0 and 1, NaN where one is missing.
    origins
        Batch or donor of each row, where known.
    classes
        The outputs are the classes of one label.
    blocked
        Kinds are those of every origin.

    Raises
    ------
    InputError
        When ``blocked`` and an origin has not every kind of label: nothing within it says what
        is the label's and what the origin's.
    """
    known = ~np.isnan(y).all(1)
    kind = (y == 1).argmax(1) if classes else (y == 1).any(1).astype(np.int64)
    if blocked:
        if origins is None:
            msg = "sampling by batch needs a batch label of every sequence (data.batch_column)."
            raise InputError(msg)
        names, origin = np.unique(np.array(origins), return_inverse=True)
        _check_crossed(kind[known], origin[known], names.tolist())
        kind = origin * (int(kind.max(initial=0)) + 1) + kind
    return np.where(known, kind, -1)


def _check_crossed(
    kind: NDArray[np.int64], origin: NDArray[np.int64], names: Sequence[str]
) -> None:
    there = set(zip(origin.tolist(), kind.tolist(), strict=True))
    for o, k in product(range(len(names)), np.unique(kind).tolist()):
        if (o, k) not in there:
            msg = (
                f"batch {names[o]!r} has no training sequence with label {k}, so that within it "
                "nothing tells the label from the batch, and train.sampling=blocked cannot help. "
                "Leave this batch out, or measure both labels in it."
            )
            raise InputError(msg)
