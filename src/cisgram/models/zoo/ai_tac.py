"""AI-TAC.

Maslova A, Ramirez RN, Ma K, Schmutz H, Wang C, Fox C, Ng B, Benoist C, Mostafavi S (2020). Deep
learning of immune cell differentiation. PNAS 117:25655-25666. Code: MIT.
"""

from collections.abc import Sequence

from torch import nn

from cisgram.core.checks import check_positive
from cisgram.models.base import MODELS, check_length, check_maps, check_share
from cisgram.models.layers import BatchNorm1d, Conv1d, Dropout, FixedLength, MaxPool1d

LAYERS = ((19, 3), (11, 4), (7, 4))  # width in positions, pooling
SHORTEST = 16


@MODELS.register(name="ai-tac", kind="CNN", cite="maslova2020", min_length=SHORTEST)
def ai_tac(
    *,
    maps: Sequence[int] = (300, 200, 200),
    hidden: int = 1000,
    dropout: float = 0.03,
    length: int = 251,
    n_outputs: int = 1,
) -> FixedLength:
    """AI-TAC: three padded convolutions, pooled and then normed, and two layers of 1,000 units.

    Filters as in Basset, but each convolution keeps the length, the poolings are padded by one
    position, and the norm comes last: 251 bp become 1,000 features (5 positions of 200 maps). Its
    outputs are the accessibilities of a region in all cell types, and its loss their correlation.

    Parameters
    ----------
    maps
        Filters of the three convolutions (19, 11 and 7 positions wide, pooled by 3, 4 and 4).
    hidden
        Units of each of the two dense layers.
    dropout
        After each dense layer.
    length
        bp of every sequence, at least 16; a run fills it in.
    n_outputs
        Tasks, t: 81 cell types in the paper (3,047,981 parameters).
    """
    check_maps(maps, len(LAYERS), model="ai-tac")
    check_positive(hidden, name="hidden")
    check_share(dropout, name="dropout")
    check_length(length, SHORTEST, model="ai-tac")
    features: list[nn.Module] = []
    d, left = 4, length
    for f, (width, pool) in zip(maps, LAYERS, strict=True):
        features += [Conv1d(d, f, width, padding=width // 2), nn.ReLU()]
        features += [MaxPool1d(pool, pool, padding=1), BatchNorm1d(f)]
        d, left = f, (left + 2 - pool) // pool + 1
    head: list[nn.Module] = []
    for size in (maps[-1] * left, hidden):
        head += [nn.Linear(size, hidden), nn.ReLU(), Dropout(dropout)]
    return FixedLength(length, features, [*head, nn.Linear(hidden, n_outputs)])
