"""A model asked on both strands."""

from torch import Tensor, nn


class BothStrands(nn.Module):
    """Mean of a model's output on a sequence and on its reverse complement.

    Attributes
    ----------
    model
        The model as it was trained; its filters are the ones to read.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = (self.model(x) + self.model(x.flip(1, 2))) / 2
        return out
