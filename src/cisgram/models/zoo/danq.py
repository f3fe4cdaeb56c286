"""DanQ and DanQ-JASPAR.

Quang D, Xie X (2016). DanQ: a hybrid convolutional and recurrent deep neural network for
quantifying the function of DNA sequences. Nucleic Acids Res 44:e107. Code: for non-commercial use;
written from the paper's sizes.
"""

from torch import nn

from cisgram.core.checks import check_positive
from cisgram.models.base import MODELS, check_length, check_share, check_size
from cisgram.models.layers import BothWays, Conv1d, Dropout, FixedLength, MaxPool1d

# maps, filter width, pooling, LSTM size; "small" is ours, the others are the paper's two networks
SIZES = {
    "small": (32, 26, 13, 32),
    "danq": (320, 26, 13, 320),
    "jaspar": (1024, 30, 15, 512),
}
SHORTEST = 38
INITIAL = 0.05  # weights start between -0.05 and 0.05


@MODELS.register(name="danq", kind="CNN-RNN", cite="quang2016", min_length=SHORTEST)
def danq(
    *,
    size: str = "danq",
    hidden: int = 925,
    dropout: float = 0.2,
    dropout_recurrent: float = 0.5,
    length: int = 1000,
    n_outputs: int = 1,
) -> FixedLength:
    """DanQ: filters of 26 bp, one LSTM in each direction, then one layer of 925 units.

    1,000 bp become 48,000 features (75 positions of 640 states), of ``jaspar`` 65,536. Weights
    start uniform in ±0.05 and biases at 0, as in the paper. The filters of ``jaspar`` start from
    motifs there; here like all others, until motifs are put into the first convolution
    (``features[0]``). Two differences: torch's LSTM has two biases a gate where Keras has one, and
    the authors' Keras rounded the gates' sigmoid to straight lines.

    Parameters
    ----------
    size
        ``danq`` (320 filters of 26 bp, pooled by 13, LSTMs of 320) or ``jaspar`` (1,024 of 30 bp,
        by 15, of 512) of the paper, or ``small`` (32 of 26 bp, by 13, of 32) of ours, for small
        data.
    hidden
        Units of the dense layer.
    dropout
        Behind the pooling.
    dropout_recurrent
        Behind the LSTMs.
    length
        bp of every sequence, at least 38, and 44 for ``jaspar``; a run fills it in.
    n_outputs
        Tasks, t: 919 in the paper.
    """
    check_size(size, SIZES, model="danq")
    check_positive(hidden, name="hidden")
    check_share(dropout, name="dropout")
    check_share(dropout_recurrent, name="dropout_recurrent")
    maps, width, pool, units = SIZES[size]
    check_length(length, width - 1 + pool, model=f"danq of size {size}")
    left = (length - width + 1) // pool
    features = [
        Conv1d(4, maps, width),
        nn.ReLU(),
        MaxPool1d(pool, pool),
        Dropout(dropout),
        BothWays(maps, units),
        Dropout(dropout_recurrent),
    ]
    head = [nn.Linear(left * 2 * units, hidden), nn.ReLU(), nn.Linear(hidden, n_outputs)]
    model = FixedLength(length, features, head)
    for p in model.parameters():
        if p.ndim > 1:
            nn.init.uniform_(p, -INITIAL, INITIAL)
        else:
            nn.init.zeros_(p)
    return model
