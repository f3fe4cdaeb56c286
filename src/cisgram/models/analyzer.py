"""A trained model as one number a sequence, for sequences shorter than it was trained on."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from cisgram.models.predict import predict


class Analyzer(nn.Module):
    """One output of a model for sequences that are put between N: (n, 4, length) to (n,).

    Parameters
    ----------
    model
        Maps (n, 4, length of the model) to (n, t).
    target
        Which of the t.
    length
        bp that the model reads.

    Examples
    --------
    >>> class Counts(nn.Module):
    ...     def forward(self, x):
    ...         return x.sum((1, 2))[:, None]
    >>> Analyzer(Counts(), 0, 9)(torch.ones(2, 4, 3)).tolist()
    [12.0, 12.0]
    """

    def __init__(self, model: nn.Module, target: int, length: int) -> None:
        super().__init__()
        self.model, self.target, self.length = model.eval(), target, length

    def forward(self, x: Tensor) -> Tensor:
        lack = self.length - x.shape[-1]
        wide = F.pad(x, (lack // 2, lack - lack // 2))
        out: Tensor = self.model(wide)[:, self.target]
        return out

    def probabilities(self, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(n,) sigmoid of the score."""
        return np.asarray(torch.sigmoid(predict(self, codes).double()).numpy())
