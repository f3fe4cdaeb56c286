"""Plain numbers of a sequence that a network should not need: composition and counts of words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cisgram.seq.alphabet import N
from cisgram.seq.composition import gc, kmer_counts
from cisgram.seq.words import canonical_words, gapped_patterns

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Array = NDArray[np.float64]
Codes = NDArray[np.uint8]


def gc_share(codes: Codes) -> Array:
    """(n,) share of G and C among the known bases; one half where none is known."""
    return np.asarray(gc(codes, unknown=0.5), dtype=np.float64)


def known_bases(codes: Codes) -> Array:
    """(n,) bases that are not N: the length that a sequence had before it was padded."""
    return np.asarray((codes < N).sum(1), dtype=np.float64)


def low_complexity(codes: Codes) -> Array:
    """(n,) DUST score: sum over triplets of c (c - 1) / 2, over the number of triplets less one.

    c is how often a triplet occurs. Random sequences of 200 bp have about 1.5, repeats far more.

    References
    ----------
    Morgulis, Gertz, Schaffer and Agarwala 2006, J Comput Biol 13:1028, equation of section 2;
    here over the whole sequence instead of windows of 64 bp.

    Examples
    --------
    >>> from cisgram.seq import to_codes
    >>> low_complexity(to_codes(["AAAAAA", "ACGTAC"])).tolist()
    [2.0, 0.0]
    """
    counts = kmer_counts(codes, 3)
    pairs = (counts * (counts - 1) // 2).sum(1)
    return np.asarray(pairs / np.maximum(counts.sum(1) - 1, 1), dtype=np.float64)


def word_counts(codes: Codes, k: int, *, strands: str = "both") -> csr_array:
    """(n, words) counts of all words of 1 to k letters, a word and its reverse complement as one.

    Words of one length stand together, shorter ones first, in alphabetic order of the smaller of
    the two; a window that holds an N is left out. With strands ``given`` (RNA) a word and its
    reverse complement are two.

    Examples
    --------
    >>> from cisgram.seq import to_codes
    >>> word_counts(to_codes(["AACG"]), 1).toarray().tolist()  # A or T, C or G
    [[2.0, 2.0]]
    """
    from scipy.sparse import csr_array, hstack

    parts = [_counts(codes, [tuple(range(width))], strands) for width in range(1, k + 1)]
    return csr_array(hstack(parts, format="csr"))


def gapped_counts(codes: Codes, k: int, width: int, *, strands: str = "both") -> csr_array:
    """(n, words) counts of words of k known letters in up to ``width``, both strands as one.

    A window with an N at a known letter is left out. ``strands`` as of `word_counts`.

    References
    ----------
    Ghandi et al. 2014, PLoS Comput Biol 10:e1003711 (gkm-SVM), whose l-mers have their gaps at the
    ends, too: the same words, each there under several names.

    Examples
    --------
    >>> from cisgram.seq import to_codes
    >>> int(gapped_counts(to_codes(["ACNT"]), 2, 3).sum())  # AC and C.T; N is no letter
    2
    """
    return _counts(codes, gapped_patterns(k, width), strands)


def _counts(codes: Codes, patterns: Sequence[tuple[int, ...]], strands: str) -> csr_array:
    """(n, columns) counts of the words of patterns, `seq.words.canonical_words` as columns."""
    from scipy.sparse import coo_array, csr_array

    column, size = canonical_words(patterns)
    if strands == "given":
        column, size = np.arange(len(column)), len(column)
    n, length = codes.shape
    total = csr_array((n, size))
    for i, pattern in enumerate(patterns):
        windows = max(length - pattern[-1], 0)
        word = np.full((n, windows), i, dtype=np.int64)
        is_known = np.ones((n, windows), dtype=bool)
        for offset in pattern:
            letter = codes[:, offset : offset + windows]
            word = word * 4 + np.minimum(letter, 3)
            is_known &= letter < N
        row = np.broadcast_to(np.arange(n)[:, None], word.shape)[is_known]
        ones = np.ones(len(row))
        total += coo_array((ones, (row, column[word[is_known]])), shape=(n, size)).tocsr()
    return csr_array(total)
