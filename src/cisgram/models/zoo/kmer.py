"""Words counted, and a weight for each: the linear model of sequence.

Ghandi M, Lee D, Mohammad-Noori M, Beer MA (2014). Enhanced regulatory sequence prediction using
gapped k-mer features. PLoS Comput Biol 10:e1003711. Their support vector machine knows the same
words by a kernel; here they are counted and weighed, so that each has a weight to read.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.models.base import MODELS
from cisgram.seq.words import canonical_words, gapped_patterns

MOST = 1 << 17  # words, counted on one strand


class Kmer(nn.Module):
    """A weighted sum of the counts of words, a word and its reverse complement as one.

    The count of a word is the sum over positions of the products of its letters' entries of x:
    exact for one-hot sequences, and multilinear, so that the gradient is the exact effect of each
    substitution, and a uniform reference has the counts of random sequences.

    Attributes
    ----------
    head
        ``weight`` (t, columns): of each pair of words, in the order of `seq.words.canonical_words`.
    """

    def __init__(self, k: int, width: int, n_outputs: int) -> None:
        super().__init__()
        self.patterns = gapped_patterns(k, width)
        column, size = canonical_words(self.patterns)
        self.register_buffer("column", torch.from_numpy(column), persistent=False)
        self.head = nn.Linear(size, n_outputs)

    def counts(self, x: Tensor) -> Tensor:
        """(n, words) counts on the strand as given, pattern by pattern."""
        if x.shape[2] <= self.patterns[-1][-1]:
            msg = f"kmer needs at least {self.patterns[-1][-1] + 1} bp; got {x.shape[2]}."
            raise InputError(msg)
        found = []
        for first, *inside, last in self.patterns:
            m = x.shape[2] - last
            p = x[:, :, first : first + m]
            for o in inside:
                p = (p[:, :, None] * x[:, None, :, o : o + m]).flatten(1, 2)  # (n, 4^j, m)
            found.append((p @ x[:, :, last : last + m].transpose(1, 2)).flatten(1))
        return torch.cat(found, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(self.counts(x), self.head.weight[:, self.column], self.head.bias)

    column: Tensor


@MODELS.register(name="kmer", kind="linear", cite="ghandi2014", min_length=6)
def kmer(*, k: int = 6, width: int | None = None, n_outputs: int = 1) -> Kmer:
    """A weight for every word of 6 letters, a word and its reverse complement as one.

    Parameters
    ----------
    k
        Letters of a word, at least 2.
    width
        Longest word with gaps, bp; by default there are none. 4 letters in 8 bp: 35 patterns.
    n_outputs
        Tasks, t.
    """
    width = k if width is None else width
    for name, value in (("k", k), ("width", width)):
        check_positive(value, name=name)
    if 2 <= k <= width and (n := len(gapped_patterns(k, width)) * 4**k) > MOST:
        msg = f"k={k} in width={width} makes {n:,} words; at most {MOST:,} can be counted."
        raise InputError(msg)
    return Kmer(k, width, n_outputs)
