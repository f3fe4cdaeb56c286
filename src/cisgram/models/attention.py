"""Attention that models share: blocks, positions, and a mean whose weights are learned."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.models.layers import Dropout


def check_heads(maps: int, heads: int) -> None:
    """Raise `InputError` unless each head of an attention gets as many maps, and maps are even."""
    check_positive(maps, name="maps")
    check_positive(heads, name="heads")
    if maps % 2 or maps % heads:
        msg = f"maps must be even and a multiple of heads={heads}; got {maps}."
        raise InputError(msg)


class SelfAttention(nn.MultiheadAttention):
    """`torch.nn.MultiheadAttention` of tokens with themselves: (n, m, d) to the same.

    A subclass, not a holder of one, so that what reads attention by its type finds it.
    """

    def __init__(self, d: int, heads: int) -> None:
        super().__init__(d, heads, batch_first=True)

    def forward(self, h: Tensor) -> Tensor:  # type: ignore[override]  # one argument, one result
        out: Tensor = super().forward(h, h, h, need_weights=False)[0]
        return out


class RelativeAttention(nn.Module):
    r"""Attention of tokens with themselves that knows how far apart they are, and on which side.

    The weight of token j for token i is the softmax over j of

    .. math:: (q_i + u) \cdot k_j + (q_i + v) \cdot R\, b(i - j),

    divided by the root of a head's size, with vectors u and v and a matrix R of each head and
    `distances` b. Of two sequences with the same words at the same distances it sees the same,
    wherever they stand.

    References
    ----------
    .. [1] Dai Z et al. (2019). Transformer-XL. ACL, the four terms.
    .. [2] Avsec Z et al. (2021). Effective gene expression prediction from sequence by integrating
       long-range interactions. Nat Methods 18:1196-1203, the functions of distance (of three kinds
       there, of one here).
    """

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(d, d, bias=False) for _ in range(3))
        self.distance = nn.Linear(2 * SCALES, d, bias=False)
        self.content = nn.Parameter(torch.zeros(heads, 1, d // heads))  # u
        self.position = nn.Parameter(torch.zeros(heads, 1, d // heads))  # v
        self.out = nn.Linear(d, d)

    def forward(self, h: Tensor) -> Tensor:
        m, size = h.shape[1], h.shape[2] // self.heads
        q, k, v = (self._split(layer(h)) for layer in (self.query, self.key, self.value))
        r = self.distance(distances(m).to(h)).unflatten(
            1, (self.heads, size)
        )  # (2 m - 1, heads, s)
        lag = torch.arange(m, device=h.device)
        r = r[lag[:, None] - lag + m - 1]  # (m, m, heads, size): of query and key
        score = (q + self.content) @ k.transpose(2, 3)  # (n, heads, m, m)
        score = score + torch.einsum("nhis,ijhs->nhij", q + self.position, r)
        mixed = torch.softmax(score * size**-0.5, 3) @ v  # (n, heads, m, size)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out

    def _split(self, h: Tensor) -> Tensor:
        """(n, m, d) to (n, heads, m, d / heads)."""
        return h.view(len(h), h.shape[1], self.heads, -1).transpose(1, 2)


SCALES = 6  # half-lives of 1, 2, 4, 8, 16 and 32 tokens


def distances(m: int) -> Tensor:
    """(2 m - 1, 12) functions of the distances 1 - m, ..., m - 1 between tokens.

    Each of six falls to a half within 1, 2, 4, 8, 16 and 32 tokens, and comes once for both sides
    and once with the sign of the side.

    Examples
    --------
    >>> distances(2)[:, :2].tolist(), distances(2)[:, 6:8].sign().tolist()
    ([[0.5, 0.707...], [1.0, 1.0], [0.5, 0.707...]], [[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]])
    """
    apart = torch.arange(1 - m, m)[:, None]
    fall = 0.5 ** (apart.abs() / 2.0 ** torch.arange(SCALES))
    return torch.cat([fall, fall * apart.sign()], 1)


class Block(nn.Module):
    """Attention and a small network on each token, each added to what it reads.

    Both read what a norm gives, as in Xiong R et al. (2020), On layer normalization in the
    transformer architecture, ICML. (n, m, d) to the same.
    """

    def __init__(self, attention: nn.Module, maps: int, dropout: float) -> None:
        super().__init__()
        self.norm_attention, self.norm_feed = nn.LayerNorm(maps), nn.LayerNorm(maps)
        self.attention = attention
        self.feed = nn.Sequential(
            nn.Linear(maps, 2 * maps), nn.ReLU(), Dropout(dropout), nn.Linear(2 * maps, maps)
        )
        self.dropout = Dropout(dropout)

    def forward(self, h: Tensor) -> Tensor:
        h = h + self.dropout(self.attention(self.norm_attention(h)))
        out: Tensor = h + self.dropout(self.feed(self.norm_feed(h)))
        return out


class AttentionPool(nn.Module):
    """Mean over tokens whose weights are the softmax of a learned score: (n, m, d) to (n, d)."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.score = nn.Linear(d, 1, bias=False)

    def forward(self, h: Tensor) -> Tensor:
        weight = torch.softmax(self.score(h), 1)  # (n, m, 1)
        out: Tensor = (h * weight).sum(1)
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
