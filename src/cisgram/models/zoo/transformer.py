"""Convolution, then self-attention between positions.

Ullah F, Ben-Hur A (2021). A self-attention model for inferring cooperativity between regulatory
features. Nucleic Acids Res 49:e77: convolution, then self-attention (SATORI), in our own sizes. The
blocks are those of Vaswani et al. (2017), normalized before each part (Xiong et al. 2020).
"""

import math

import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.models.base import MODELS, check_share
from cisgram.models.layers import Conv1d, Dropout, MaxPool1d


class Block(nn.Module):
    """Attention and a small network on each position, each added to what it reads."""

    def __init__(self, maps: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm_attention, self.norm_feed = nn.LayerNorm(maps), nn.LayerNorm(maps)
        self.attention = nn.MultiheadAttention(maps, heads, batch_first=True)
        self.feed = nn.Sequential(
            nn.Linear(maps, 2 * maps), nn.ReLU(), Dropout(dropout), nn.Linear(2 * maps, maps)
        )
        self.dropout = Dropout(dropout)

    def forward(self, h: Tensor) -> Tensor:
        q = self.norm_attention(h)  # (n, positions, maps)
        h = h + self.dropout(self.attention(q, q, q, need_weights=False)[0])
        out: Tensor = h + self.dropout(self.feed(self.norm_feed(h)))
        return out


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
        self.blocks = nn.Sequential(*(Block(maps, heads, dropout) for _ in range(blocks)))
        self.norm = nn.LayerNorm(maps)
        self.head = nn.Linear(maps, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = self.convolution(x).transpose(1, 2)  # (n, length // pool, maps)
        h = self.blocks(h + positions(h.shape[1], h.shape[2]).to(h))
        out: Tensor = self.head(self.norm(h).mean(1))  # (n, t)
        return out


def positions(length: int, maps: int) -> Tensor:
    """(length, maps) sines and cosines of the position, wavelengths from 2 pi to 20,000 pi.

    Examples
    --------
    >>> positions(2, 4)[1].tolist()[2:]
    [0.5403..., 0.9999...]
    """
    even = torch.arange(0, maps, 2)
    angle = torch.arange(length)[:, None] * torch.exp(even * (-math.log(1e4) / maps))
    return torch.cat([angle.sin(), angle.cos()], 1)


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
    sizes = {"maps": maps, "width": width, "pool": pool, "blocks": blocks, "heads": heads}
    for name, value in sizes.items():
        check_positive(value, name=name)
    if maps % 2 or maps % heads:
        msg = f"maps must be even and a multiple of heads={heads}; got {maps}."
        raise InputError(msg)
    if width % 2 == 0:
        msg = f"width must be odd, so that the filters have a middle; got {width}."
        raise InputError(msg)
    check_share(dropout, name="dropout")
    return Transformer((maps, width, pool), blocks, heads, dropout, n_outputs)
