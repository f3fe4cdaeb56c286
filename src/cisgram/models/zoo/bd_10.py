"""BD-10, the ten-layer network that NeuronMotif's authors trained on Basset's data.

Wei Z, Hua K, Wei L, Ma S, Jiang R, Zhang X, Li Y, Wong WH, Wang X (2023). NeuronMotif: deciphering
cis-regulatory codes by layer-wise demixing of deep neural networks. PNAS 120:e2216698120. Code:
MIT.
"""

from collections.abc import Sequence

from torch import nn

from cisgram.core.checks import check_positive
from cisgram.models.base import MODELS, check_length, check_maps, check_share
from cisgram.models.layers import Dropout, FixedLength, convolved

# width in positions, pooling (1: none)
LAYERS = ((7, 1), (3, 2), (3, 1), (3, 2), (3, 1), (3, 2), (3, 1), (3, 2), (3, 1), (3, 1))
SHORTEST = 144


@MODELS.register(name="bd-10", kind="CNN", cite="wei2023", min_length=SHORTEST)
def bd_10(
    *,
    maps: Sequence[int] = (128, 128, 160, 160, 256, 256, 384, 384, 512, 512),
    hidden: int = 768,
    dropout: float = 0.2,
    first: str = "relu",
    length: int = 600,
    n_outputs: int = 1,
) -> FixedLength:
    """BD-10: ten narrow convolutions with norm, four of them pooled, and 768 hidden units.

    The outputs are normed too, as in the authors' code; nothing is padded.

    Parameters
    ----------
    maps
        Filters of the ten convolutions: the first 7 positions wide, the others 3, the second,
        fourth, sixth and eighth pooled by 2.
    hidden
        Units of the dense layer.
    dropout
        Before the dense layer.
    first
        Nonlinearity of the first convolution: ``relu``, as published, or ``exponential``, whose
        filters become whole motifs (`layers.convolved`).
    length
        bp of every sequence, at least 144; a run fills it in.
    n_outputs
        Tasks, t: 164 in the paper.
    """
    check_maps(maps, len(LAYERS), model="bd-10")
    check_positive(hidden, name="hidden")
    check_share(dropout, name="dropout")
    check_length(length, SHORTEST, model="bd-10")
    layers, left = convolved(maps, LAYERS, length, first=first)
    head = [
        Dropout(dropout),
        nn.Linear(maps[-1] * left, hidden),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Linear(hidden, n_outputs),
        nn.BatchNorm1d(n_outputs),
    ]
    return FixedLength(length, layers, head)
