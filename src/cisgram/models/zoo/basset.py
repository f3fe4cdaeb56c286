"""Basset.

Kelley DR, Snoek J, Rinn JL (2016). Basset: learning the regulatory code of the accessible genome
with deep convolutional neural networks. Genome Res 26:990-999. Code: MIT.
"""

from collections.abc import Sequence

from torch import nn

from cisgram.core.checks import check_positive
from cisgram.models.base import MODELS, check_length, check_maps, check_share
from cisgram.models.layers import Dropout, FixedLength, convolved

LAYERS = ((19, 3), (11, 4), (7, 4))  # width in positions, pooling
SHORTEST = 168


@MODELS.register(name="basset", kind="CNN", cite="kelley2016", min_length=SHORTEST)
def basset(
    *,
    maps: Sequence[int] = (300, 200, 200),
    hidden: int = 1000,
    dropout: float = 0.3,
    first: str = "relu",
    length: int = 600,
    n_outputs: int = 1,
) -> FixedLength:
    """Basset: three convolutions with norm and pooling, then two layers of 1,000 units.

    Nothing is padded, as in the paper: 600 bp become 2,000 features (10 positions of 200 maps).

    Parameters
    ----------
    maps
        Filters of the three convolutions (19, 11 and 7 positions wide, pooled by 3, 4 and 4).
    hidden
        Units of each of the two dense layers.
    dropout
        After each dense layer.
    first
        Nonlinearity of the first convolution: ``relu``, as published, or ``exponential``, whose
        filters become whole motifs (`layers.convolved`).
    length
        bp of every sequence, at least 168; a run fills it in.
    n_outputs
        Tasks, t: 164 in the paper (4,135,064 parameters).
    """
    check_maps(maps, len(LAYERS), model="basset")
    check_positive(hidden, name="hidden")
    check_share(dropout, name="dropout")
    check_length(length, SHORTEST, model="basset")
    layers, left = convolved(maps, LAYERS, length, first=first)
    head: list[nn.Module] = []
    for d in (maps[-1] * left, hidden):
        head += [nn.Linear(d, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), Dropout(dropout)]
    return FixedLength(length, layers, [*head, nn.Linear(hidden, n_outputs)])
