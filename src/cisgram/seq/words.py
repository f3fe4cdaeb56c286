"""Words with gaps, and one number for a word and its reverse complement."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError

Pattern = tuple[int, ...]


def gapped_patterns(k: int, width: int) -> list[Pattern]:
    """Where the k known letters of a word lie that is at most ``width`` long: offsets from 0.

    The first and the last letter of a word are known ones, so that none is counted twice; the
    shortest words come first.

    Raises
    ------
    InputError
        Unless 2 <= k <= width.

    Examples
    --------
    >>> gapped_patterns(2, 3), gapped_patterns(3, 4)
    ([(0, 1), (0, 2)], [(0, 1, 2), (0, 1, 3), (0, 2, 3)])
    """
    if not 2 <= k <= width:
        msg = f"words need k of 2 letters or more, and width of at least k; got {k} in {width}."
        raise InputError(msg)
    return [
        (0, *inside, span - 1)
        for span in range(k, width + 1)
        for inside in combinations(range(1, span - 1), k - 2)
    ]


def canonical_words(patterns: Sequence[Pattern]) -> tuple[NDArray[np.int64], int]:
    """Column of every word, which it shares with its reverse complement, and how many there are.

    A word of the i-th of P patterns of k letters has the number i 4^k + its letters in base 4, the
    first one most significant: the result is ((P 4^k,), columns). Its reverse complement lies in
    the mirrored pattern, which must be among them.

    Examples
    --------
    >>> canonical_words([(0,)])[0].tolist()  # A with T, C with G
    [0, 1, 1, 0]
    """
    k = len(patterns[0])
    index = {p: i for i, p in enumerate(patterns)}
    mirrored = [index[tuple(p[-1] - o for o in reversed(p))] for p in patterns]
    word = np.arange(4**k)
    turned, rest = np.zeros_like(word), word.copy()
    for _ in range(k):
        turned = turned * 4 + (3 - rest % 4)
        rest //= 4
    here = np.concatenate([i * 4**k + word for i in range(len(patterns))])
    there = np.concatenate([i * 4**k + turned for i in mirrored])
    smaller, column = np.unique(np.minimum(here, there), return_inverse=True)
    return column.ravel().astype(np.int64), len(smaller)
