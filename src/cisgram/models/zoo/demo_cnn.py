"""The convolutional network of Deep Motif Dashboard.

Lanchantin J, Singh R, Wang B, Qi Y (2017). Deep Motif Dashboard: visualizing and understanding
genomic sequences using deep neural networks. PSB 22:254-265. arXiv:1608.03644. Code: MIT.
"""

from torch import nn

from cisgram.models.base import MODELS, check_share, check_size
from cisgram.models.layers import (
    Conv1d,
    Dropout,
    GlobalMax,
    MaxPool1d,
    TwoClassHead,
    TwoClassNetwork,
    nonlinearity,
)

# maps and filter widths: the three sizes of the paper's Table 1, then the released code's default
SIZES = {
    "small": (64, (9, 5)),
    "medium": (64, (9, 5, 3)),
    "large": (64, (9, 5, 3, 3)),
    "released": (128, (9, 5, 3)),
}


class DemoCNN(TwoClassNetwork):
    """Convolutions, each but the last with pooling, then the maximum over positions."""

    def __init__(
        self, maps: int, widths: tuple[int, ...], dropout: float, first: str, n_outputs: int
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, width in enumerate(widths):
            act = nonlinearity("relu" if i else first)
            layers += [Conv1d(4 if i == 0 else maps, maps, width), act]
            if i < len(widths) - 1:
                layers.append(MaxPool1d(2, 2))
            layers.append(Dropout(dropout))
        self.features = nn.Sequential(*layers, GlobalMax())
        self.head = TwoClassHead(maps, n_outputs)


@MODELS.register(name="demo-cnn", kind="CNN", cite="lanchantin2017", min_length=28)
def demo_cnn(
    *, size: str = "released", dropout: float = 0.5, first: str = "relu", n_outputs: int = 1
) -> DemoCNN:
    """Convolutional network of Deep Motif Dashboard: 9-5-3 filters, maximum over positions.

    Parameters
    ----------
    size
        ``small``, ``medium`` or ``large`` of the paper (64 maps), or ``released``: the default
        of the authors' code (128 maps; 136,322 parameters).
    dropout
        After every convolution.
    first
        Nonlinearity of the first convolution: ``relu``, as published, or ``exponential``.
    n_outputs
        Binary tasks, t.
    """
    check_size(size, SIZES, model="demo-cnn")
    check_share(dropout, name="dropout")
    maps, widths = SIZES[size]
    return DemoCNN(maps, widths, dropout, first, n_outputs)
