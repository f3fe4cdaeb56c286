"""The convolutional-recurrent network of Deep Motif Dashboard.

Lanchantin J, Singh R, Wang B, Qi Y (2017). Deep Motif Dashboard: visualizing and understanding
genomic sequences using deep neural networks. PSB 22:254-265. arXiv:1608.03644. Code: MIT.
"""

from torch import Tensor, nn

from cisgram.models.base import MODELS, check_share, check_size
from cisgram.models.layers import Conv1d, MaxPool1d, MeanLSTM, TwoClassHead, TwoClassNetwork

# maps, filter widths, LSTM layers, LSTM size: the paper's Table 1.
# "medium" is the released code's default; "large" pools by 2 between its convolutions.
SIZES = {
    "small": (64, (5,), 2, 32),
    "medium": (128, (9,), 1, 32),
    "large": (128, (9, 5), 1, 32),
}


class DemoCNNRNN(TwoClassNetwork):
    """Convolutions of unchanged length, LSTMs in both directions, mean over positions."""

    def __init__(
        self,
        maps: int,
        widths: tuple[int, ...],
        lstm: tuple[int, int],
        dropout: float,
        n_outputs: int,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, width in enumerate(widths):
            layers += [Conv1d(4 if i == 0 else maps, maps, width, padding=width // 2), nn.ReLU()]
            if i < len(widths) - 1:
                layers.append(MaxPool1d(2, 2))
        self.convolution = nn.Sequential(*layers)
        self.recurrent = MeanLSTM(maps, lstm[1], layers=lstm[0], dropout=dropout)
        self.head = TwoClassHead(2 * lstm[1], n_outputs)

    def features(self, x: Tensor) -> Tensor:
        """(n, 2 * size) means of the hidden states."""
        out: Tensor = self.recurrent(self.convolution(x).transpose(1, 2))
        return out


@MODELS.register(name="demo-cnn-rnn", kind="CNN-RNN", cite="lanchantin2017", min_length=9)
def demo_cnn_rnn(*, size: str = "medium", dropout: float = 0.5, n_outputs: int = 1) -> DemoCNNRNN:
    """Convolution, then LSTMs of Deep Motif Dashboard: its best network, and our default.

    Parameters
    ----------
    size
        ``small``, ``medium`` (46,338 parameters) or ``large`` of the paper.
    dropout
        After every LSTM; the convolution has none.
    n_outputs
        Binary tasks, t.
    """
    check_size(size, SIZES, model="demo-cnn-rnn")
    check_share(dropout, name="dropout")
    maps, widths, layers, width = SIZES[size]
    return DemoCNNRNN(maps, widths, (layers, width), dropout, n_outputs)
