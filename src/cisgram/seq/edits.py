"""Edits of one-hot sequences: each gives a new array of the same length and type.

Every function takes ``x`` (n, 4, length), applies the same edit to all sequences and leaves
``x`` unchanged. Positions are 0-based; windows are half-open, ``start`` to ``end``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from cisgram.core.checks import check_onehot, check_positive
from cisgram.core.errors import InputError
from cisgram.seq import streams as random
from cisgram.seq.alphabet import N, codes_of, encode, one_hot
from cisgram.seq.composition import shares
from cisgram.seq.shuffle import shuffle

if TYPE_CHECKING:
    from torch import Tensor

    from cisgram.core.types import OneHot


def substitute(x: OneHot, position: int, letters: str) -> OneHot:
    """The sequences with ``letters`` written over what stands at ``position``.

    Raises
    ------
    InputError
        When the letters reach past the end or are no nucleotides.

    Examples
    --------
    >>> from cisgram.seq import decode
    >>> decode(substitute(encode(["AAAAAA"]), 2, "GT"))
    ['AAGTAA']
    """
    word = _letters(letters, x)
    _check_window(x, position, position + len(letters))
    out = x.clone()
    out[:, :, position : position + len(letters)] = word
    return out


def insert(x: OneHot, position: int, letters: str) -> OneHot:
    """The sequences with ``letters`` before ``position``; what moves past the end is lost.

    Raises
    ------
    InputError
        When the letters reach past the end or are no nucleotides.

    Examples
    --------
    >>> from cisgram.seq import decode
    >>> decode(insert(encode(["ACACAC"]), 2, "GT"))
    ['ACGTAC']
    """
    word = _letters(letters, x)
    end = position + len(letters)
    _check_window(x, position, end)
    out = x.clone()
    out[:, :, end:] = x[:, :, position : x.shape[2] - len(letters)]
    out[:, :, position:end] = word
    return out


def delete(x: OneHot, start: int, end: int) -> OneHot:
    """The sequences without ``start`` to ``end``; the right end is filled with N.

    Raises
    ------
    InputError
        When the window is empty or reaches past the ends.

    Examples
    --------
    >>> from cisgram.seq import decode
    >>> decode(delete(encode(["ACGTAC"]), 1, 3))
    ['ATACNN']
    """
    check_onehot(x)
    _check_window(x, start, end)
    out = x.clone()
    out[:, :, start : x.shape[2] - (end - start)] = x[:, :, end:]
    out[:, :, x.shape[2] - (end - start) :] = 0
    return out


def mask(x: OneHot, start: int, end: int) -> OneHot:
    """The sequences with N from ``start`` to ``end``.

    Raises
    ------
    InputError
        When the window is empty or reaches past the ends.

    Examples
    --------
    >>> from cisgram.seq import decode
    >>> decode(mask(encode(["ACGTAC"]), 1, 3))
    ['ANNTAC']
    """
    check_onehot(x)
    _check_window(x, start, end)
    out = x.clone()
    out[:, :, start:end] = 0
    return out


def randomize(
    x: OneHot,
    start: int,
    end: int,
    *,
    n: int = 20,
    composition: ArrayLike = (0.25, 0.25, 0.25, 0.25),
    seed: int | np.random.Generator | None = 0,
) -> Tensor:
    """Copies (n_seq, n, 4, length) with random bases from ``start`` to ``end``; N stays N.

    Parameters
    ----------
    x, start, end
        The sequences and the window.
    n
        Copies of each sequence.
    composition
        (4,) shares of A C G T that bases are drawn from.
    seed
        The copies of a sequence depend on this and on its letters alone.

    Raises
    ------
    InputError
        When the window is empty or reaches past the ends, or the shares are no shares.

    Examples
    --------
    >>> from cisgram.seq import decode
    >>> decode(randomize(encode(["AAAAAA"]), 2, 5, n=1, composition=(0, 0, 0, 1))[0])
    ['AATTTA']
    """
    check_onehot(x)
    _check_window(x, start, end)
    check_positive(n, name="n")
    share = shares(composition)
    codes = codes_of(x)
    streams = random.of_sequences(codes, ids=None, seed=seed, purpose="randomize")
    u = random.fractions(random.child(streams[:, None], np.arange(n)).ravel(), end - start)
    bounds = share.cumsum()[:3]
    bases = (u[..., None] >= bounds).sum(-1).astype(np.uint8).reshape(len(codes), n, end - start)
    out = np.repeat(codes[:, None], n, axis=1)
    window = out[:, :, start:end]
    window[:] = np.where(window == N, window, bases)
    flat = one_hot(out.reshape(-1, out.shape[2]), dtype=x.dtype).to(x.device)
    return flat.reshape(len(codes), n, 4, -1)


def shuffle_window(
    x: OneHot,
    start: int,
    end: int,
    *,
    k: int = 1,
    n: int = 20,
    seed: int | np.random.Generator | None = 0,
) -> Tensor:
    """Copies (n_seq, n, 4, length) with `shuffle` applied from ``start`` to ``end`` only.

    Parameters
    ----------
    x, start, end
        The sequences and the window.
    k, n, seed
        As `shuffle`; the shuffles follow from the letters of the window.

    Raises
    ------
    InputError
        When the window is empty or reaches past the ends, or as `shuffle`.

    Examples
    --------
    >>> from cisgram.seq import decode
    >>> decode(shuffle_window(encode(["AACCGGTT"]), 3, 5, n=8)[0, :, :, :3])[0]
    'AAC'
    """
    check_onehot(x)
    _check_window(x, start, end)
    out = x.unsqueeze(1).repeat(1, n, 1, 1)
    out[..., start:end] = shuffle(x[:, :, start:end], k=k, n=n, seed=seed)
    return out


def _letters(letters: str, x: OneHot) -> Tensor:
    """(4, len(letters)) of the type of x."""
    check_onehot(x)
    if not isinstance(letters, str) or not letters:
        msg = f"letters must be a string of at least one base; got {letters!r}."
        raise InputError(msg)
    return encode([letters], dtype=x.dtype)[0].to(x.device)


def _check_window(x: OneHot, start: int, end: int) -> None:
    if not 0 <= start < end <= x.shape[2]:
        msg = (
            f"positions {start} to {end} must lie inside the sequences (0 to {x.shape[2]}) and "
            "hold at least one base; they are 0-based and the end is not included."
        )
        raise InputError(msg)
