"""Convolution, then self-attention between positions.

Ullah F, Ben-Hur A (2021). A self-attention model for inferring cooperativity between regulatory
features. Nucleic Acids Res 49:e77: convolution, then self-attention (SATORI), in our own sizes. The
blocks are those of Vaswani et al. (2017), normalized before each part (Xiong et al. 2020).
"""

from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.models.attention import Block, SelfAttention, check_heads, positions
from cisgram.models.base import MODELS, check_odd, check_share
from cisgram.models.layers import Conv1d, MaxPool1d


class Transformer(nn.Module):
    """Convolution and pooling make tokens; blocks of attention; a linear head on their mean."""

    def __init__(
        self,
        stem: tuple[int, int, int],
        blocks: int,
        heads: int,
        dropout: float,
        n_outputs: int,
    ) -> None:
        super().__init__()
        maps, width, pool = stem
        self.convolution = nn.Sequential(
            Conv1d(4, maps, width, padding=width // 2), nn.ReLU(), MaxPool1d(pool, pool)
        )
        self.blocks = nn.Sequential(
            *(Block(SelfAttention(maps, heads), maps, dropout) for _ in range(blocks))
        )
        self.norm = nn.LayerNorm(maps)
        self.head = nn.Linear(maps, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = self.convolution(x).transpose(1, 2)  # (n, length // pool, maps)
        h = self.blocks(h + positions(h.shape[1], h.shape[2]).to(h))
        out: Tensor = self.head(self.norm(h).mean(1))  # (n, t)
        return out


@MODELS.register(name="transformer", kind="CNN-attention", cite="ullah2021", min_length=4)
def transformer(
    *,
    maps: int = 64,
    width: int = 15,
    pool: int = 4,
    blocks: int = 2,
    heads: int = 4,
    dropout: float = 0.1,
    n_outputs: int = 1,
) -> Transformer:
    """Convolution of 15 bp and two blocks of self-attention over tokens of 4 bp.

    Parameters
    ----------
    maps
        Filters of the convolution and width of every token; even, and a multiple of ``heads``.
    width
        Width of the filters, bp; odd, so that the length stays.
    pool
        Positions (bp) whose maximum makes a token.
    blocks
        Blocks of attention and feed-forward network (twice ``maps`` wide).
    heads
        Of each attention.
    dropout
        Inside and after each part of a block.
    n_outputs
        Tasks, t.
    """
    check_heads(maps, heads)
    check_odd(width)
    for name, value in (("pool", pool), ("blocks", blocks)):
        check_positive(value, name=name)
    check_share(dropout, name="dropout")
    return Transformer((maps, width, pool), blocks, heads, dropout, n_outputs)
