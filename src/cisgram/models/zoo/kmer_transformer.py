"""A transformer over the words of k letters of a sequence.

Ji Y, Zhou Z, Liu H, Davuluri RV (2021). DNABERT: pre-trained bidirectional encoder representations
from transformers model for DNA-language in genome. Bioinformatics 37:2112-2120: tokens are
overlapping k-mers, a token for the class reads them. In our own sizes, and without pre-training.
"""

import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.models.attention import Block, SelfAttention, check_heads, positions
from cisgram.models.base import MODELS, check_share
from cisgram.models.layers import Dropout

LONGEST = 6  # 4,096 words, as in the longest of DNABERT


class WordEmbedding(nn.Module):
    r"""A learned vector of each k-mer, as a function that has a gradient at every letter.

    .. math:: e_p = \sum_w E_w \prod_{i=1}^{k} x[w_i, p + i - 1]

    over all 4^k words w: on letters one row of the table E, in whose gradient the letters of a word
    are not independent, as they are in a convolution of width k (that would be a table of one
    vector a letter and place, added up). Between letters it is what it must be to stay linear in
    each position: the mean of the rows over independent letters with these probabilities. A word
    with an N is no word: its vector is 0.
    """

    def __init__(self, k: int, stride: int, d: int) -> None:
        super().__init__()
        self.k, self.stride = k, stride
        self.table = nn.Linear(4**k, d, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 4, length) to (n, (length - k) // stride + 1, d)."""
        if x.shape[2] < self.k:
            msg = f"Sequences must hold a word of {self.k} bp; got {x.shape[2]} bp."
            raise InputError(msg)
        x = x.transpose(1, 2)  # (n, length, 4)
        last = (x.shape[1] - self.k) // self.stride * self.stride
        words = x[:, : last + 1 : self.stride]
        for i in range(1, self.k):
            letter = x[:, i : last + i + 1 : self.stride]
            words = (words[..., :, None] * letter[..., None, :]).flatten(2)  # (n, m, 4^(i + 1))
        out: Tensor = self.table(words)
        return out


class KmerTransformer(nn.Module):
    """Words and their positions, blocks of attention, and a linear head on the class token."""

    def __init__(
        self,
        words: tuple[int, int],
        maps: int,
        blocks: int,
        heads: int,
        dropout: float,
        n_outputs: int,
    ) -> None:
        super().__init__()
        self.embedding = WordEmbedding(*words, maps)
        nn.init.normal_(self.embedding.table.weight)  # rows are read one at a time
        self.token = nn.Parameter(torch.randn(1, 1, maps))
        self.dropout = Dropout(dropout)
        self.blocks = nn.Sequential(
            *(Block(SelfAttention(maps, heads), maps, dropout) for _ in range(blocks))
        )
        self.norm = nn.LayerNorm(maps)
        self.head = nn.Linear(maps, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embedding(x)
        h = h + positions(h.shape[1], h.shape[2]).to(h)
        h = torch.cat([self.token.expand(len(h), -1, -1), h], 1)  # (n, 1 + m, maps)
        h = self.norm(self.blocks(self.dropout(h)))
        out: Tensor = self.head(h[:, 0])  # (n, t)
        return out


@MODELS.register(name="kmer-transformer", kind="attention", cite="ji2021", min_length=4)
def kmer_transformer(
    *,
    k: int = 4,
    stride: int = 1,
    maps: int = 64,
    blocks: int = 2,
    heads: int = 4,
    dropout: float = 0.1,
    n_outputs: int = 1,
) -> KmerTransformer:
    """Two blocks of self-attention over overlapping words of 4 bp, read by a class token.

    No convolution: motifs are built by attention. Words overlap as in DNABERT, or stand side by
    side with ``stride`` equal to ``k``, as in the Nucleotide Transformer (Dalla-Torre et al. 2025),
    which is quicker and reads a site differently in each of its k frames.

    Parameters
    ----------
    k
        Letters of a word, from 1 to 6: the table has 4^k rows.
    stride
        bp between the starts of words.
    maps
        Width of every token; even, and a multiple of ``heads``.
    blocks
        Blocks of attention and feed-forward network (twice ``maps`` wide).
    heads
        Of each attention.
    dropout
        Of the embedded words, and inside and after each part of a block.
    n_outputs
        Tasks, t.
    """
    check_positive(k, name="k")
    if k > LONGEST:
        msg = f"k must be at most {LONGEST}, a table of {4**LONGEST:,} words; got {k}."
        raise InputError(msg)
    check_heads(maps, heads)
    check_positive(stride, name="stride")
    check_positive(blocks, name="blocks")
    check_share(dropout, name="dropout")
    return KmerTransformer((k, stride), maps, blocks, heads, dropout, n_outputs)
