"""How alike two sets of sequences are: spectra of words, nearest sequences, Markov chains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.seq import streams
from cisgram.seq.alphabet import complement_codes
from cisgram.seq.composition import MAX_WORD, kmer_counts

Codes = NDArray[np.uint8]
Array = NDArray[np.float64]
AT_ONCE = 1 << 12  # sequences compared with all others at once
ROWS = 1 << 22  # word counts held at once


def spectrum(codes: Codes, k: int) -> Array:
    """(4^k,) share of each word among all words of the sequences, in alphabetic order.

    Raises
    ------
    InputError
        When k is out of range or no window without N is there.

    Examples
    --------
    >>> from cisgram.seq import to_codes
    >>> spectrum(to_codes(["AACC"]), 1).tolist()
    [0.5, 0.5, 0.0, 0.0]
    """
    check_positive(k, name="k")
    if k > MAX_WORD:
        msg = f"k must be at most {MAX_WORD}; got {k}."
        raise InputError(msg)
    total = spectrum_counts(codes, k)
    if not total.sum():
        msg = f"The sequences hold no word of {k} known letters."
        raise InputError(msg)
    return np.asarray(total / total.sum())


def jensen_shannon(p: Array, q: Array) -> float:
    """Jensen-Shannon divergence of two distributions in bits: 0 where equal, 1 where disjoint.

    Examples
    --------
    >>> jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    1.0
    """
    middle = (p + q) / 2

    def bits(a: Array) -> float:
        some = a > 0
        return float((a[some] * np.log2(a[some] / middle[some])).sum())

    return (bits(p) + bits(q)) / 2


@dataclass(frozen=True, eq=False)
class MarkovChain:
    """A base given the ``order`` bases before it, the same at every position.

    Attributes
    ----------
    order
        1 to 9.
    start
        (4^order,) how often a sequence begins with each word.
    step
        (4^order, 4) probability of the next base after each word.
    """

    order: int
    start: Array
    step: Array

    def sample(self, n: int, length: int, *, seed: int = 0) -> Codes:
        """Codes (n, length); row i depends on the seed and on i alone."""
        own = streams.of_sequences(
            np.zeros((n, 0), dtype=np.uint8), ids=np.arange(n), seed=seed, purpose="markov chain"
        )
        u = streams.fractions(own, length)
        word = np.searchsorted(self.start.cumsum()[:-1], u[:, 0], side="right")
        out = np.zeros((n, length), dtype=np.uint8)
        for i in range(min(self.order, length)):
            out[:, i] = word // 4 ** (self.order - 1 - i) % 4
        bounds = self.step.cumsum(1)[:, :3]
        for i in range(self.order, length):
            out[:, i] = (u[:, i, None] >= bounds[word]).sum(1)
            word = (word * 4 + out[:, i]) % 4**self.order
        return out


def markov_chain(codes: Codes, order: int, *, pseudocount: float = 0.1) -> MarkovChain:
    """The Markov chain of some order of sequences, by counts of words of order + 1 letters.

    Parameters
    ----------
    codes
        (n, length); windows with N are left out.
    order
        1 to 9.
    pseudocount
        Added to every count, so that nothing is impossible.

    Raises
    ------
    InputError
        When the order is out of range, or the sequences are not longer than it.

    Examples
    --------
    >>> from cisgram.seq import to_codes
    >>> chain = markov_chain(to_codes(["ACGACGACG"]), 2, pseudocount=0)
    >>> chain.step[1].tolist()  # after AC comes G
    [0.0, 0.0, 1.0, 0.0]
    """
    check_positive(order, name="order")
    if order >= MAX_WORD or codes.shape[1] <= order:
        msg = (
            f"order must be below {MAX_WORD} and below the {codes.shape[1]} bp of the sequences; "
            f"got {order}."
        )
        raise InputError(msg)
    counts = spectrum_counts(codes, order + 1).reshape(-1, 4) + pseudocount
    first = spectrum_counts(codes[:, :order], order) + pseudocount
    total = counts.sum(1, keepdims=True)
    step = np.where(total > 0, counts / np.where(total > 0, total, 1), 0.25)
    return MarkovChain(order, first / first.sum(), step)


def spectrum_counts(codes: Codes, k: int) -> Array:
    """(4^k,) how often each word occurs in all sequences together."""
    step = max(1, ROWS // 4**k)
    parts = [
        kmer_counts(codes[first : first + step], k).sum(0) for first in range(0, len(codes), step)
    ]
    return np.asarray(np.sum(parts, axis=0), dtype=np.float64)


def nearest_distance(codes: Codes, others: Codes, *, slide: int = 3, same: bool = False) -> Array:
    """(n,) letters by which each sequence differs from the most similar of some others.

    Both strands are compared, and places up to ``slide`` bp apart, where each letter that hangs
    over counts as a difference: never more than the Hamming distance. An N differs from everything.

    Parameters
    ----------
    codes
        (n, length).
    others
        (m, length).
    slide
        bp, at most.
    same
        ``others`` are the same sequences: none is compared with itself.

    Raises
    ------
    InputError
        When the lengths differ, or there is nothing to compare with.

    Examples
    --------
    >>> from cisgram.seq import to_codes
    >>> nearest_distance(to_codes(["ACGT", "AAAA"]), to_codes(["TTTA", "CGTA"])).tolist()
    [1.0, 1.0]
    """
    n, length = codes.shape
    if others.shape[1] != length or len(others) - same < 1:
        msg = f"sequences {codes.shape} cannot be compared with {others.shape}."
        raise InputError(msg)
    out = np.full(n, float(length))
    letters = _letters(others)
    for first in range(0, n, AT_ONCE):
        part = codes[first : first + AT_ONCE]
        for strand in (part, complement_codes(part)[:, ::-1]):
            mine = _letters(strand)
            for s in range(-min(slide, length - 1), min(slide, length - 1) + 1):
                a, b = (mine[:, s:], letters[:, : length - s]) if s >= 0 else (
                    mine[:, : length + s], letters[:, -s:])  # fmt: skip
                alike = a.reshape(len(part), -1) @ b.reshape(len(others), -1).T
                if same:
                    at = np.arange(len(part))
                    alike[at, first + at] = -1
                nearest = length - alike.max(1)
                out[first : first + len(part)] = np.minimum(out[first : first + len(part)], nearest)
    return out


def _letters(codes: Codes) -> NDArray[np.float32]:
    """(n, length, 4) one-hot, N a row of zeros."""
    return np.asarray(codes[..., None] == np.arange(4), dtype=np.float32)
