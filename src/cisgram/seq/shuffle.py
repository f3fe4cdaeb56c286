"""Shuffles that keep every k-let count, exactly uniform over all that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cisgram.core.checks import check_onehot, check_positive
from cisgram.core.errors import InputError
from cisgram.seq import streams as random
from cisgram.seq.alphabet import N, codes_of, one_hot
from cisgram.seq.composition import as_codes
from cisgram.seq.trails import NARROW, Runs, shuffled

if TYPE_CHECKING:
    from torch import Tensor

    from cisgram.core.types import OneHot

MAX_K = 8
_AREA = 1 << 20  # positions shuffled at once: keys of 8 MB, the size that ran fastest
_ROWS = 256  # shuffles of very long sequences at once


def shuffle(
    x: OneHot,
    *,
    k: int = 2,
    n: int = 20,
    seed: int | np.random.Generator | None = 0,
    ids: ArrayLike | None = None,
) -> Tensor:
    """Shuffles (n_seq, n, 4, length) of every sequence that keep its k-let counts and ends.

    Each shuffle is an independent draw, uniform over all distinct sequences with the same
    counts of k-lets and the same first and last (k-1)-let; `count_shuffles` says how many
    there are. ``k=1`` permutes the bases, ends included. The original is one of the possible
    results. ``x`` is left unchanged.

    N keeps its place: every maximal run of known bases is shuffled on its own.

    Parameters
    ----------
    x
        (n_seq, 4, length) one-hot; the shuffles have its dtype and device.
    k
        Length of the words whose counts are kept, 1 to 8; 2 is the usual choice and the
        fastest.
    n
        Shuffles of each sequence. The first m of n are those that ``n=m`` gives.
    seed
        The shuffles of a sequence depend on this and on its letters (or its id) alone, not on
        the order or the number of the other sequences.
    ids
        (n_seq,) integers that stand for the sequences instead of their letters, so that equal
        sequences get shuffles of their own.

    Raises
    ------
    InputError
        When x is no one-hot array, k or n is out of range, or ids do not fit.

    References
    ----------
    The method and its sources stand in `cisgram.seq.trails`. The algorithm of deeplift's
    ``dinuc_shuffle`` and its descendants never moves the last exits and so reaches only a
    part of the shuffles.

    Examples
    --------
    >>> from cisgram.seq import decode, encode
    >>> s = shuffle(encode(["AACACNACGT"]), n=200)
    >>> s.shape
    torch.Size([1, 200, 4, 10])
    >>> sorted(set(decode(s[0])))
    ['AACACNACGT', 'ACAACNACGT']
    """
    import torch

    check_onehot(x)
    codes = shuffle_codes(codes_of(x), k=k, n=n, seed=seed, ids=ids)
    flat = codes.reshape(-1, codes.shape[2])  # (n_seq * n, length)
    # to another device go codes, 1 byte a base
    there = flat if x.device.type == "cpu" else torch.from_numpy(flat).to(x.device)
    return one_hot(there, dtype=x.dtype).reshape(len(codes), n, 4, codes.shape[2])


def shuffle_codes(
    codes: NDArray[np.uint8],
    *,
    k: int = 2,
    n: int = 1,
    seed: int | np.random.Generator | None = 0,
    ids: ArrayLike | None = None,
) -> NDArray[np.uint8]:
    """`shuffle` on codes (n_seq, length), giving codes (n_seq, n, length); needs no torch.

    Raises
    ------
    InputError
        As `shuffle`.

    Examples
    --------
    >>> from cisgram.seq import to_codes
    >>> shuffle_codes(to_codes(["ACGT"])).tolist()  # the only sequence with these 2-mers
    [[[0, 1, 2, 3]]]
    """
    _check(codes, k, n)
    streams = random.of_sequences(codes, ids=ids, seed=seed, purpose=f"shuffle {k}")
    n_seq, length = codes.shape
    out = np.repeat(codes[:, None], n, axis=1)
    row, start, lengths = _runs(codes, at_least=max(k + 1, 2))
    is_whole = len(row) == n_seq and bool((lengths == length).all())
    own = random.child(streams[row], start)
    for part in _groups(lengths):
        # one item is one shuffle of one run
        batch = max(_AREA // max(int(lengths[part].max()), 4 ** (k - 1)), _ROWS)
        for at in range(0, len(part) * n, batch):
            item = np.arange(at, min(at + batch, len(part) * n))
            members, which = part[at // n : item[-1] // n + 1], item // n - at // n
            width = int(lengths[members].max())
            column = np.minimum(start[members, None] + np.arange(width), length - 1)
            runs = Runs(
                codes[row[members, None], column] & 3,  # what stands right of a run is padding
                lengths[members],
                which,
                random.child(own[members][which], item % n),
            )
            result = shuffled(runs, k)
            if is_whole:
                out[row[members][which], item % n] = result
                continue
            line, offset = np.nonzero(np.arange(width) < lengths[members][which, None])
            at_run = members[which[line]]
            out[row[at_run], (item % n)[line], start[at_run] + offset] = result[line, offset]
    return out


def _check(codes: NDArray[np.uint8], k: int, n: int) -> None:
    check_positive(k, name="k")
    check_positive(n, name="n")
    if k > MAX_K:
        msg = f"k must be at most {MAX_K}; got {k}. Few sequences of longer words can move."
        raise InputError(msg)
    if not isinstance(codes, np.ndarray):
        msg = f"codes must be a uint8 array (n, length); got {type(codes).__name__}."
        raise InputError(msg)
    as_codes(codes)


def _runs(
    codes: NDArray[np.uint8], *, at_least: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row, start and length of every maximal run without N that is long enough to move."""
    n, length = codes.shape
    if not (codes == N).any():
        row = np.arange(n if length >= at_least else 0)
        return row, np.zeros_like(row), np.full_like(row, length)
    is_base = np.zeros((n, length + 2), dtype=np.int8)
    is_base[:, 1:-1] = codes < N
    turn = np.diff(is_base, axis=1)
    row, start = np.nonzero(turn == 1)
    end = np.nonzero(turn == -1)[1]
    keep = end - start >= at_least
    return row[keep], start[keep], (end - start)[keep]


def _groups(lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Runs of like length together, so that padding wastes less than half of the work.

    No group spans `NARROW`: the method must follow from a run's own length.
    """
    order = np.argsort(lengths, kind="stable")
    groups, at = [], 0
    while at < len(order):
        shortest = int(lengths[order[at]])
        longest = max(2 * shortest, 32)
        if shortest <= NARROW:
            longest = min(longest, NARROW)
        end = int(np.searchsorted(lengths[order], longest, side="right"))
        groups.append(order[at:end])
        at = end
    return groups
