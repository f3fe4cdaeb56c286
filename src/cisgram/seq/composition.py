"""What sequences are made of: GC, words, a Markov background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cisgram.core.checks import check_onehot, check_positive
from cisgram.core.errors import InputError
from cisgram.seq import streams as random
from cisgram.seq.alphabet import N, codes_of

if TYPE_CHECKING:
    from torch import Tensor

Codes = NDArray[np.uint8]
MAX_WORD = 10  # 4^10 counts are 8 MB a sequence


def as_codes(x: Codes | Tensor) -> Codes:
    """Codes (n, length) of a one-hot tensor, or codes as they are, checked.

    Raises
    ------
    InputError
        When x is neither a one-hot tensor (n, 4, length) nor uint8 codes 0-4.
    """
    if not isinstance(x, np.ndarray):
        check_onehot(x)
        return codes_of(x)
    if x.ndim != 2 or x.dtype != np.uint8:
        msg = (
            f"codes must be a uint8 array (n, length); got {x.dtype} {x.shape}. "
            "Use cisgram.seq.to_codes."
        )
        raise InputError(msg)
    if x.size and x.max() > N:
        msg = f"codes must lie in 0-4 (A C G T N); got {int(x.max())}."
        raise InputError(msg)
    return x


def gc(x: Codes | Tensor, *, unknown: float | None = None) -> NDArray[np.float64]:
    """(n,) share of G and C among the known bases of every sequence, 0 to 1.

    Parameters
    ----------
    x
        One-hot (n, 4, length) or codes (n, length).
    unknown
        The share given to a sequence of N only. ``None`` refuses such a sequence: a made-up
        share would pass for a measured one, and NaN would spread.

    Raises
    ------
    InputError
        When a sequence has no known base and ``unknown`` is not given.

    Examples
    --------
    >>> from cisgram.seq import to_codes
    >>> gc(to_codes(["GATN"])).round(3).tolist()
    [0.333]
    """
    codes = as_codes(x)
    known = (codes < N).sum(1)
    empty = np.flatnonzero(known == 0)
    if len(empty) and unknown is None:
        msg = (
            f"{len(empty)} sequences have no known base, the first at row {int(empty[0])}: they "
            "have no GC content. Drop them, or say what they count as (unknown=0.5)."
        )
        raise InputError(msg)
    strong = ((codes == 1) | (codes == 2)).sum(1)
    share = strong / np.maximum(known, 1)
    if unknown is not None:
        share[empty] = unknown
    return np.asarray(share, dtype=np.float64)


def kmer_counts(x: Codes | Tensor, k: int) -> NDArray[np.int64]:
    """(n, 4^k) how often each word occurs in each sequence, overlaps counted.

    Words run in alphabetic order, AA.., AC.., to TT..; windows that hold an N are left out.

    Parameters
    ----------
    x
        One-hot (n, 4, length) or codes (n, length).
    k
        Length of the words, 1 to 10.

    Raises
    ------
    InputError
        When k is out of range.

    Examples
    --------
    >>> from cisgram.seq import to_codes
    >>> kmer_counts(to_codes(["AACNA"]), 2)[0, :4].tolist()  # AA AC AG AT
    [1, 1, 0, 0]
    """
    check_positive(k, name="k")
    if k > MAX_WORD:
        msg = f"k must be at most {MAX_WORD}: 4^{k} counts a sequence are too many to hold."
        raise InputError(msg)
    codes = as_codes(x)
    n, windows = len(codes), codes.shape[1] - k + 1
    if windows < 1:
        return np.zeros((n, 4**k), dtype=np.int64)
    word = np.zeros((n, windows), dtype=np.int64)
    is_known = np.ones((n, windows), dtype=bool)
    for i in range(k):
        letter = codes[:, i : i + windows]
        word = word * 4 + letter
        is_known &= letter < N
    flat = (word + np.arange(n)[:, None] * 4**k)[is_known]
    return np.bincount(flat, minlength=n * 4**k).reshape(n, 4**k)


@dataclass(frozen=True, eq=False)
class Markov:
    """A first-order Markov background.

    Attributes
    ----------
    start
        (4,) composition A C G T; the first base is drawn from it.
    step
        (4, 4) probability of the next base (column) after each base (row).
    """

    start: NDArray[np.float64]
    step: NDArray[np.float64]

    def sample(self, n: int, length: int, *, seed: int = 0) -> Codes:
        """Codes (n, length); row i depends on the seed and on i alone."""
        streams = random.of_sequences(
            np.zeros((n, 0), dtype=np.uint8), ids=np.arange(n), seed=seed, purpose="markov"
        )
        u = random.fractions(streams, length)
        start, step = self.start.cumsum()[:3], self.step.cumsum(1)[:, :3]
        out = np.zeros((n, length), dtype=np.uint8)
        for i in range(length):
            bounds = step[out[:, i - 1]] if i else start[None]
            out[:, i] = (u[:, i, None] >= bounds).sum(1)
        return out


def markov(x: Codes | Tensor, *, pseudocount: float = 1.0) -> Markov:
    """First-order Markov background of sequences: their base and dinucleotide frequencies.

    Parameters
    ----------
    x
        One-hot (n, 4, length) or codes (n, length); pairs with an N are left out.
    pseudocount
        Added to each of the 16 dinucleotide counts, so that nothing is impossible.

    Examples
    --------
    >>> from cisgram.seq import to_codes
    >>> markov(to_codes(["ACACACAC"]), pseudocount=0.0).step[0].tolist()  # after A comes C
    [0.0, 1.0, 0.0, 0.0]
    """
    if not pseudocount >= 0:
        msg = f"pseudocount must be a number of at least 0; got {pseudocount}."
        raise InputError(msg)
    codes = as_codes(x)
    pairs = kmer_counts(codes, 2).sum(0).reshape(4, 4) + pseudocount
    bases = kmer_counts(codes, 1).sum(0) + 4 * pseudocount
    if bases.sum() == 0:
        msg = "The sequences hold no known base; a background cannot be estimated."
        raise InputError(msg)
    total = pairs.sum(1, keepdims=True)
    # after a base that is never followed by another, any base is as good
    step = np.where(total > 0, pairs / np.where(total > 0, total, 1), 0.25)
    return Markov(start=bases / bases.sum(), step=step)


def shares(composition: ArrayLike) -> NDArray[np.float64]:
    """(4,) shares of A C G T that sum to 1.

    Raises
    ------
    InputError
        When they are not four numbers of at least 0 with a positive sum.
    """
    share = np.asarray(composition, dtype=np.float64)
    if share.shape != (4,) or not np.isfinite(share).all() or (share < 0).any() or not share.any():
        msg = f"composition must be four shares of A C G T, not negative; got {composition!r}."
        raise InputError(msg)
    return np.asarray(share / share.sum())


def sample_bases(composition: ArrayLike, n: int, length: int, *, seed: int = 0) -> Codes:
    """Codes (n, length) of independent bases; row i depends on the seed and on i alone.

    Raises
    ------
    InputError
        When the composition is not four shares of A C G T.
    """
    share = shares(composition)
    return Markov(start=share, step=np.tile(share, (4, 1))).sample(n, length, seed=seed)
