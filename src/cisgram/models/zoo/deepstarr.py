"""DeepSTARR.

de Almeida BP, Reiter F, Pagani M, Stark A (2022). DeepSTARR predicts enhancer activity from DNA
sequence and enables the de novo design of synthetic enhancers. Nat Genet 54:613-624. Code: MIT.
"""

from collections.abc import Sequence

from torch import nn

from cisgram.core.checks import check_positive
from cisgram.models.base import MODELS, check_length, check_maps, check_share
from cisgram.models.layers import (
    BatchNorm1d,
    Conv1d,
    Dropout,
    FixedLength,
    MaxPool1d,
    PositionsFirst,
)

WIDTHS = (7, 3, 5, 3)
SHORTEST = 16
EPS = 1e-3  # of the norms, as in Keras


@MODELS.register(name="deepstarr", kind="CNN", cite="dealmeida2022", min_length=SHORTEST)
def deepstarr(
    *,
    maps: Sequence[int] = (256, 60, 60, 120),
    hidden: int = 256,
    dropout: float = 0.4,
    length: int = 249,
    n_outputs: int = 1,
) -> FixedLength:
    """DeepSTARR: four padded convolutions with norm, each pooled by 2, and two layers of 256 units.

    249 bp become 1,800 features, flattened position by position as in Keras, so that the authors'
    weights fit.

    Parameters
    ----------
    maps
        Filters of the four convolutions (7, 3, 5 and 3 positions wide).
    hidden
        Units of each of the two dense layers.
    dropout
        After each dense layer.
    length
        bp of every sequence, at least 16; a run fills it in.
    n_outputs
        Tasks, t: 2 in the paper, log2 activity with a developmental and with a housekeeping
        promoter (622,722 parameters).
    """
    check_maps(maps, len(WIDTHS), model="deepstarr")
    check_positive(hidden, name="hidden")
    check_share(dropout, name="dropout")
    check_length(length, SHORTEST, model="deepstarr")
    features: list[nn.Module] = []
    for d, f, width in zip((4, *maps), maps, WIDTHS, strict=False):
        features += [Conv1d(d, f, width, padding=width // 2), BatchNorm1d(f, eps=EPS)]
        features += [nn.ReLU(), MaxPool1d(2, 2)]
    head: list[nn.Module] = []
    for d in (maps[-1] * (length // 2 ** len(WIDTHS)), hidden):
        head += [nn.Linear(d, hidden), nn.BatchNorm1d(hidden, eps=EPS), nn.ReLU(), Dropout(dropout)]
    head.append(nn.Linear(hidden, n_outputs))
    return FixedLength(length, [*features, PositionsFirst()], head)
