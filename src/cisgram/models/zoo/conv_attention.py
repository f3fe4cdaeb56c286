"""A tower of convolutions, then self-attention with relative positions.

Avsec Z, Agarwal V, Visentin D, Ledsam JR, Grabska-Barwinska A, Taylor KR, Assael Y, Jumper J, Kohli
P, Kelley DR (2021). Effective gene expression prediction from sequence by integrating long-range
interactions. Nat Methods 18:1196-1203: Enformer's plan, in our own sizes, for short sequences.
"""

from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.models.attention import AttentionPool, Block, RelativeAttention, check_heads
from cisgram.models.base import MODELS, check_odd, check_share
from cisgram.models.layers import BatchNorm1d, Conv1d, Dropout, MaxPool1d

POOLS = (4, 2)  # behind the first and the second convolution: tokens of 8 bp


class Added(nn.Module):
    """Layers that keep the shape, added to what they read."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.layers(x)
        return out


class ConvAttention(nn.Module):
    """Two normed convolutions with pooling make tokens; attention; a head on a weighted mean."""

    def __init__(
        self, maps: int, width: int, blocks: int, heads: int, dropout: float, n_outputs: int
    ) -> None:
        super().__init__()
        second = (Conv1d(maps, maps, 5, padding=2), BatchNorm1d(maps), nn.ReLU())
        self.tower = nn.Sequential(
            Conv1d(4, maps, width, padding=width // 2),
            BatchNorm1d(maps),
            nn.ReLU(),
            MaxPool1d(POOLS[0], POOLS[0]),
            Added(*second),
            MaxPool1d(POOLS[1], POOLS[1]),
        )
        self.blocks = nn.Sequential(
            *(Block(RelativeAttention(maps, heads), maps, dropout) for _ in range(blocks))
        )
        self.norm = nn.LayerNorm(maps)
        self.pool = AttentionPool(maps)
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(maps, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = self.blocks(self.tower(x).transpose(1, 2))  # (n, length // 8, maps)
        out: Tensor = self.head(self.dropout(self.pool(self.norm(h))))  # (n, t)
        return out


@MODELS.register(
    name="conv-attention", kind="CNN-attention", cite="avsec2021enformer", min_length=8
)
def conv_attention(
    *,
    maps: int = 64,
    width: int = 15,
    blocks: int = 2,
    heads: int = 4,
    dropout: float = 0.1,
    n_outputs: int = 1,
) -> ConvAttention:
    """Two convolutions and two blocks of self-attention that knows distances, tokens of 8 bp.

    In Enformer's plan: a tower of normed convolutions, each pooled, then attention with relative
    positions (`attention.RelativeAttention`). Where Enformer has an output for each bin there is
    a mean with learned weights; rectifiers and maxima stand for its GELU and attention pooling.

    Parameters
    ----------
    maps
        Of both convolutions, and width of every token; even, and a multiple of ``heads``.
    width
        Width of the first filters, bp; odd, so that the length stays. The second ones are 5 wide.
    blocks
        Blocks of attention and feed-forward network (twice ``maps`` wide).
    heads
        Of each attention.
    dropout
        Inside and after each part of a block, and before the head.
    n_outputs
        Tasks, t.
    """
    check_heads(maps, heads)
    check_odd(width)
    check_positive(blocks, name="blocks")
    check_share(dropout, name="dropout")
    return ConvAttention(maps, width, blocks, heads, dropout, n_outputs)
