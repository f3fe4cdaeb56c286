"""LegNet.

Penzar D, Nogina D, Noskova E, Zinkevich A, Meshcheryakov G, Lando A, Rafi AM, de Boer C,
Kulakovskiy IV (2023). LegNet: a best-in-class deep learning model for short DNA regulatory regions.
Bioinformatics 39:btad457. Written from the paper's plan and sizes.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.models.base import MODELS, check_odd, check_share
from cisgram.models.layers import BatchNorm1d, Conv1d, Dropout

EXPANSION = 4  # maps inside a block for each that comes out
GROUP = 2  # maps that a filter of a block's middle convolution reads
SQUEEZE = 4  # units of the gate: a quarter of what comes in


def normed(d: int, maps: int, width: int, *, groups: int = 1) -> list[nn.Module]:
    """Convolution of unchanged length without biases, norm, and SiLU."""
    conv = Conv1d(d, maps, width, padding=width // 2, groups=groups, bias=False)
    return [conv, BatchNorm1d(maps), nn.SiLU()]


class Gate(nn.Module):
    """Squeeze and excitation: each map by a number in (0, 1) made of the means of all maps."""

    def __init__(self, maps: int, units: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.Linear(maps, units), nn.SiLU(), nn.Linear(units, maps), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x * self.gate(x.mean(2))[:, :, None]  # (n, maps, length)
        return out


class Concatenated(nn.Module):
    """Maps, and beside them what layers make of them."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.layers(x)], 1)


class LegNet(nn.Module):
    """A stem, blocks of the form of EfficientNetV2, and a linear head on the mean."""

    def __init__(self, maps: Sequence[int], width: int, dropout: float, n_outputs: int) -> None:
        super().__init__()
        layers = normed(4, maps[0], width)
        for d, f in pairwise(maps):
            wide = EXPANSION * f
            inside = [
                *normed(d, wide, 1),
                *normed(wide, wide, width, groups=wide // GROUP),
                Gate(wide, max(d // SQUEEZE, 1)),
                *normed(wide, d, 1),
            ]
            layers += [Concatenated(inside), *normed(2 * d, f, width)]
        self.features = nn.Sequential(*layers)
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(maps[-1], n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = self.features(x).mean(2)  # (n, maps)
        out: Tensor = self.head(self.dropout(h))  # (n, t)
        return out


@MODELS.register(name="legnet", kind="CNN", cite="penzar2023", min_length=1)
def legnet(
    *,
    maps: Sequence[int] = (128, 64, 64, 32, 32),
    width: int = 5,
    dropout: float = 0.0,
    n_outputs: int = 1,
) -> LegNet:
    """LegNet: grouped convolutions with gates, whose maps are put beside what they read.

    A stem of ``maps[0]`` filters, then a block for each further number f: from d maps to 4 f by
    filters of one position, grouped filters that read 2 maps each, a gate from the means of all
    maps (squeeze and excitation), back to d; these are put beside the block's input, and ordinary
    filters make f maps of both. Nothing is pooled before the end.

    What differs from the paper, which predicts yeast promoters of 80 bp: fewer and thinner blocks
    by default (those of its code are ``maps=[256,256,128,128,64,64,32,32]``); the letters alone are
    read, not the strand and a flag beside them; the gate is the plain one, without a product of
    pairs of its units; and the head is linear on the mean of the last maps where the paper has a
    softmax over 18 bins of expression.

    Parameters
    ----------
    maps
        Filters of the stem, then of each block.
    width
        Of the filters, bp; odd, so that the length stays.
    dropout
        Before the head.
    n_outputs
        Tasks, t.
    """
    if isinstance(maps, str) or not isinstance(maps, Sequence) or len(maps) < 2:
        msg = f"maps of legnet must be the filters of the stem and of each block; got {maps!r}."
        raise InputError(msg)
    for i, n in enumerate(maps):
        check_positive(n, name=f"maps[{i}]")
    check_odd(width)
    check_share(dropout, name="dropout")
    return LegNet(maps, width, dropout, n_outputs)
