"""Dilated residual convolutions, in the layout of BPNet's trunk, as a classifier.

Avsec Z, Weilert M, Shrikumar A, et al. (2021). Base-resolution models of transcription-factor
binding reveal soft motif syntax. Nat Genet 53:354-366. Code: MIT.
"""

from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.models.base import MODELS, check_share
from cisgram.models.layers import Conv1d, Dropout, nonlinearity, with_its_layout


class Dilated(nn.Module):
    """A wide convolution, dilated ones that add to it, and a linear head on the mean.

    Every convolution keeps the length. With h_0 = relu(wide(x)), layer i = 1, 2, ... adds
    relu(conv_i(h_{i-1})), three positions that stand 2^i apart. Weights start as in Keras, where
    BPNet was made: Glorot's uniform ones, biases 0.
    """

    def __init__(
        self, sizes: tuple[int, int, int], dropout: float, first: str, n_outputs: int
    ) -> None:
        super().__init__()
        maps, width, layers = sizes
        self.wide = Conv1d(4, maps, width, padding=width // 2)
        self.dilated = nn.ModuleList(
            Conv1d(maps, maps, 3, padding=2**i, dilation=2**i) for i in range(1, layers + 1)
        )
        self.first, self.activation = nonlinearity(first), nn.ReLU()
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(maps, n_outputs)
        for layer in (self.wide, *self.dilated, self.head):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    @property
    def reach(self) -> int:
        """Positions (bp) that one position of the last layer sees."""
        return self.wide.kernel_size[0] + (4 << len(self.dilated)) - 4

    def trunk(self, x: Tensor) -> Tensor:
        """(n, maps, length) features of every position."""
        h: Tensor = self.first(self.wide(x))
        for conv in self.dilated:
            h = h + self.activation(conv(h))
        return h

    def forward(self, x: Tensor) -> Tensor:
        features = with_its_layout(self.trunk(x)).mean(2)  # (n, maps)
        out: Tensor = self.head(self.dropout(features))  # (n, t)
        return out


@MODELS.register(name="dilated", kind="CNN", cite="avsec2021", min_length=1)
def dilated(
    *,
    maps: int = 64,
    width: int = 25,
    layers: int = 5,
    dropout: float = 0.1,
    first: str = "relu",
    n_outputs: int = 1,
) -> Dilated:
    """Dilated residual network in BPNet's layout: 25 bp filters, then 5 layers that reach 149 bp.

    BPNet itself has 9 layers and predicts a profile and its counts; its counts come from the
    mean over positions, as the logits do here.

    Parameters
    ----------
    maps
        Feature maps of every layer.
    width
        Width of the first filters, bp; odd, so that the length stays.
    layers
        Dilated convolutions; the i-th has the dilation 2^i, and each doubles the reach, which is
        ``width + 2^(layers + 2) - 4`` bp.
    dropout
        Before the head.
    first
        Nonlinearity of the wide convolution: ``relu``, as published, or ``exponential``.
    n_outputs
        Tasks, t.
    """
    for name, value in (("maps", maps), ("width", width), ("layers", layers)):
        check_positive(value, name=name)
    if width % 2 == 0:
        msg = f"width must be odd, so that the filters have a middle; got {width}."
        raise InputError(msg)
    check_share(dropout, name="dropout")
    return Dilated((maps, width, layers), dropout, first, n_outputs)
