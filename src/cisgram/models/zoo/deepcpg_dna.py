"""The DNA module of DeepCpG.

Angermueller C, Lee HJ, Reik W, Stegle O (2017). DeepCpG: accurate prediction of single-cell DNA
methylation states using deep learning. Genome Biol 18:67. Code: MIT.
"""

from collections.abc import Sequence

from torch import nn

from cisgram.core.checks import check_positive
from cisgram.models.base import MODELS, check_length, check_maps, check_share
from cisgram.models.layers import Conv1d, Dropout, FixedLength, MaxPool1d, PositionsFirst

LAYERS = ((11, 4), (3, 2))  # width in positions, pooling
SHORTEST = 26


@MODELS.register(name="deepcpg-dna", kind="CNN", cite="angermueller2017", min_length=SHORTEST)
def deepcpg_dna(
    *,
    maps: Sequence[int] = (128, 256),
    hidden: int = 128,
    dropout: float = 0.2,
    length: int = 1001,
    n_outputs: int = 1,
) -> FixedLength:
    """DeepCpG's DNA module: two convolutions, each pooled, and a layer of 128 units.

    The size that the authors chose (CnnL2h128): 1,001 bp about a site become 122 positions of 256
    maps.

    Parameters
    ----------
    maps
        Filters of the two convolutions (11 and 3 positions wide, pooled by 4 and 2).
    hidden
        Units of the dense layer.
    dropout
        Behind the dense layer; the authors name no rate.
    length
        bp of every sequence, the site in its middle, at least 26; a run fills it in.
    n_outputs
        Cells, t.
    """
    branch = dna_branch(maps, hidden, dropout, length, model="deepcpg-dna")
    branch.head.append(nn.Linear(hidden, n_outputs))
    return branch


def dna_branch(
    maps: Sequence[int], hidden: int, dropout: float, length: int, *, model: str
) -> FixedLength:
    """(n, 4, length) to (n, hidden) features."""
    check_maps(maps, len(LAYERS), model=model)
    check_positive(hidden, name="hidden")
    check_share(dropout, name="dropout")
    check_length(length, SHORTEST, model=model)
    features: list[nn.Module] = []
    left = length
    for d, f, (width, pool) in zip((4, *maps), maps, LAYERS, strict=False):
        features += [Conv1d(d, f, width), nn.ReLU(), MaxPool1d(pool, pool)]
        left = (left - width + 1) // pool
    head = [nn.Linear(maps[-1] * left, hidden), nn.ReLU(), Dropout(dropout)]
    return FixedLength(length, [*features, PositionsFirst()], head)
