"""The recurrent network of Deep Motif Dashboard.

Lanchantin J, Singh R, Wang B, Qi Y (2017). Deep Motif Dashboard: visualizing and understanding
genomic sequences using deep neural networks. PSB 22:254-265. arXiv:1608.03644. Code: MIT.
"""

from torch import Tensor

from cisgram.models.base import MODELS, check_share, check_size
from cisgram.models.layers import MeanLSTM, TwoClassHead, TwoClassNetwork

# LSTM layers and size: the paper's Table 1; the released code's default is "medium"
SIZES = {"small": (1, 16), "medium": (1, 32), "large": (2, 32)}


class DemoRNN(TwoClassNetwork):
    """LSTMs in both reading directions on the letters, averaged over positions."""

    def __init__(self, layers: int, size: int, dropout: float, n_outputs: int) -> None:
        super().__init__()
        self.recurrent = MeanLSTM(4, size, layers=layers, dropout=dropout)
        self.head = TwoClassHead(2 * size, n_outputs)

    def features(self, x: Tensor) -> Tensor:
        """(n, 2 * size) means of the hidden states."""
        out: Tensor = self.recurrent(x.transpose(1, 2))
        return out


# At the general rate of 3e-3 an LSTM on letters is still on its first plateau after 20 epochs.
# How long the plateau lasts is chance: USF1 of H1 was given up on it at patience 8 (AUROC 0.58),
# and a small set has too few steps in an epoch to leave it. Small weights make slopes that point
# at motifs (TEAD4 and USF1 of H1: 38 and 92 % of the saliency's windows, 9 and 36 % with a decay
# of 1e-3), but a decay that is there from the start holds the network on the plateau.
REGIME = {
    "learning_rate": 2e-2,
    "weight_decay": 0.3,
    "decay": "late",
    "epochs": 40,
    "patience": 40,
    "min_rows": 16_000,
}


@MODELS.register(name="demo-rnn", kind="RNN", cite="lanchantin2017", min_length=1, regime=REGIME)
def demo_rnn(*, size: str = "medium", dropout: float = 0.5, n_outputs: int = 1) -> DemoRNN:
    """Recurrent network of Deep Motif Dashboard: LSTMs in both directions, mean over positions.

    Parameters
    ----------
    size
        ``small``, ``medium`` (9,858 parameters) or ``large`` of the paper.
    dropout
        After every LSTM, the last one included.
    n_outputs
        Binary tasks, t.
    """
    check_size(size, SIZES, model="demo-rnn")
    check_share(dropout, name="dropout")
    layers, width = SIZES[size]
    return DemoRNN(layers, width, dropout, n_outputs)
