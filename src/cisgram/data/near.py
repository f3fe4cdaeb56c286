"""Sequences that are alike: pairs that share many of their words, in flat memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.io import Codes, blocks

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Words: TypeAlias = NDArray[np.uint64]
WORD = 16  # bp; two unrelated 1-kb sequences share a 16-mer once in 4,000 pairs
COMMON = 50  # a word in more sequences than this is a repeat and says nothing about a pair
AT_ONCE = 1 << 23  # words that are sorted at once: 64 MB, and about three times that on the way
SPREAD = np.uint64(2_654_435_761)  # odd, so that the high bits of a product depend on all


def near_pairs(
    sets: Sequence[Codes], kind: NDArray[np.int64], *, least: float, at_once: int = AT_ONCE
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """Rows of different kinds that share words.

    Each word of 16 letters is taken as the smaller of itself and its reverse complement, and
    counts once a sequence. Of many sequences the words are taken in several turns, each time
    those that hash alike, so that no more than ``at_once`` are held.

    Parameters
    ----------
    sets
        Codes (n, length) of each set; rows count through all of them.
    kind
        (rows,): pairs of one kind are left out.
    least
        Share of its words that the shorter one must share.
    at_once
        Words that are sorted at once; changes nothing but memory and time.

    Returns
    -------
    tuple
        (m, 2) rows, the first the smaller one; (m,) shares; and the number of sequences all of
        whose words are in more than 50 sequences.
    """
    n = sum(len(codes) for codes in sets)
    total = sum(len(codes) * max(0, codes.shape[1] - WORD + 1) for codes in sets)
    bits = max(0, (max(total, 1) - 1) // at_once).bit_length()
    size, n_common = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    shared: csr_array | None = None
    for turn in range(1 << bits):
        row, column, count = _sorted(_packed(sets, turn, bits))
        common = count[column] > COMMON
        size += np.bincount(row, minlength=n)
        n_common += np.bincount(row[common], minlength=n)
        useful = (count[column] > 1) & ~common
        some = _shared(row[useful], column[useful], n)
        shared = some if shared is None else shared + some
    assert shared is not None
    pairs = shared.tocoo()
    first, second = pairs.row.astype(np.int64), pairs.col.astype(np.int64)
    similarity = pairs.data / np.maximum(np.minimum(size[first], size[second]), 1)
    kept = (first < second) & (kind[first] != kind[second]) & (similarity >= least)
    of_repeats = int(((size > 0) & (n_common == size)).sum())
    return np.stack([first[kept], second[kept]], 1), similarity[kept], of_repeats


def _packed(sets: Sequence[Codes], turn: int, bits: int) -> Words:
    """Words of a turn, each above the row that holds it, as one number."""
    found, before = [np.empty(0, dtype=np.uint64)], 0
    for codes in sets:
        for first, part in blocks(codes):
            words, known = _words(part)
            mine = known & (_hash(words, bits) == turn)
            row = np.broadcast_to(
                np.arange(before + first, before + first + len(part), dtype=np.uint64)[:, None],
                mine.shape,
            )
            found.append(words[mine].astype(np.uint64) << np.uint64(32) | row[mine])
        before += len(codes)
    return np.concatenate(found)


def _hash(words: NDArray[np.uint32], bits: int) -> NDArray[np.uint64] | int:
    """Numbers below 2^bits that hang on all letters of a word."""
    if not bits:
        return 0
    mixed = words.astype(np.uint64) * SPREAD & np.uint64(0xFFFFFFFF)
    return mixed >> np.uint64(32 - bits)


def _words(codes: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """(n, windows) each window's word or its reverse complement, whichever is smaller; no N in it.

    Examples
    --------
    >>> words, known = _words(np.array([[0, 1, 4, 3, 2]], np.uint8))
    >>> words.shape, known.tolist()
    ((1, 1), [[False]])
    """
    width = min(WORD, codes.shape[1])
    digits = np.minimum(codes, 3).astype(np.uint32)
    forward = _numbers(digits, width)
    backward = _numbers((3 - digits)[:, ::-1], width)[:, ::-1]
    unknown = np.cumsum(codes == 4, axis=1, dtype=np.int32)
    unknown = np.pad(unknown, ((0, 0), (1, 0)))
    return np.minimum(forward, backward), unknown[:, width:] == unknown[:, :-width]


def _numbers(digits: NDArray[np.uint32], width: int) -> NDArray[np.uint32]:
    """(n, windows) windows read as numbers to the base 4, put together from their halves.

    Examples
    --------
    >>> _numbers(np.array([[1, 0, 2, 3]], np.uint32), 3).tolist()
    [[18, 11]]
    """
    if width == 1:
        return digits
    left = width // 2
    one = _numbers(digits, left)
    two = one if width == 2 * left else _numbers(digits, width - left)
    n_windows = digits.shape[1] - width + 1
    shift = np.uint32(2 * (width - left))
    return one[:, :n_windows] << shift | two[:, left : left + n_windows]


def _sorted(packed: Words) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row and number of every word, each once a row, and in how many rows each number is."""
    packed.sort()
    new = np.ones(len(packed), dtype=bool)
    np.not_equal(packed[1:], packed[:-1], out=new[1:])
    packed = packed[new]
    word = (packed >> np.uint64(32)).astype(np.uint32)
    row = (packed & np.uint64(0xFFFFFFFF)).astype(np.int64)
    column = np.cumsum(np.r_[False, word[1:] != word[:-1]]) if len(word) else row
    return row, column, np.bincount(column)


def _shared(row: NDArray[np.int64], column: NDArray[np.int64], n: int) -> csr_array:
    """(n, n) numbers of words that two rows share."""
    from scipy.sparse import csr_array

    _, compact = np.unique(column, return_inverse=True)
    ones = np.ones(len(row), dtype=np.int32)
    width = int(compact.max()) + 1 if len(compact) else 1
    m = csr_array((ones, (row, compact)), shape=(n, width))
    return csr_array(m @ m.T)
