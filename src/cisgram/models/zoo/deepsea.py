"""DeepSEA.

Zhou J, Troyanskaya OG (2015). Predicting effects of noncoding variants with deep learning-based
sequence model. Nat Methods 12:931-934. Written from the sizes of the paper and of the released
model.
"""

from collections.abc import Sequence

from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.models.base import MODELS, check_length, check_maps, check_share
from cisgram.models.layers import Conv1d, Dropout, FixedLength, MaxPool1d

WIDTH, POOL = 8, 4  # of every convolution, and behind the first two
LAYERS = 3
SHORTEST = 163


@MODELS.register(name="deepsea", kind="CNN", cite="zhou2015", min_length=SHORTEST)
def deepsea(
    *,
    maps: Sequence[int] = (320, 480, 960),
    hidden: int = 925,
    dropout: Sequence[float] = (0.2, 0.2, 0.5),
    length: int = 1000,
    n_outputs: int = 1,
) -> FixedLength:
    """DeepSEA: three convolutions of 8 positions without norm, then one layer of 925 units.

    Nothing is padded: 1,000 bp become 50,880 features (53 positions of 960 maps). The authors'
    rows are A G C T and their rectifier lets nothing below 1e-6 through; here they are A C G T and
    plain.

    Parameters
    ----------
    maps
        Filters of the three convolutions, the first two pooled by 4.
    hidden
        Units of the dense layer.
    dropout
        After each convolution (and its pooling).
    length
        bp of every sequence, at least 163; a run fills it in.
    n_outputs
        Tasks, t: 919 in the paper (52,843,119 parameters).
    """
    check_maps(maps, LAYERS, model="deepsea")
    check_positive(hidden, name="hidden")
    if isinstance(dropout, str) or not isinstance(dropout, Sequence) or len(dropout) != LAYERS:
        msg = f"dropout of deepsea must be {LAYERS} shares, one a convolution; got {dropout!r}."
        raise InputError(msg)
    for i, share in enumerate(dropout):
        check_share(share, name=f"dropout[{i}]")
    check_length(length, SHORTEST, model="deepsea")
    features: list[nn.Module] = []
    left = length
    for i, (d, f) in enumerate(zip((4, *maps), maps, strict=False)):
        features += [Conv1d(d, f, WIDTH), nn.ReLU()]
        left -= WIDTH - 1
        if i < LAYERS - 1:
            features.append(MaxPool1d(POOL, POOL))
            left //= POOL
        features.append(Dropout(dropout[i]))
    head = [nn.Linear(maps[-1] * left, hidden), nn.ReLU(), nn.Linear(hidden, n_outputs)]
    return FixedLength(length, features, head)
