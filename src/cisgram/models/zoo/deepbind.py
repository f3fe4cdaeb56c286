"""DeepBind.

Alipanahi B, Delong A, Weirauch MT, Frey BJ (2015). Predicting the sequence specificities of DNA-
and RNA-binding proteins by deep learning. Nat Biotechnol 33:831-838. Code: BSD-3.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.models.base import MODELS, check_share
from cisgram.models.layers import Conv1d, GlobalMax, nonlinearity


class DeepBind(nn.Module):
    """Motif detectors, their maxima, and a small head; the better strand counts.

    The sequence is padded by width - 1 columns of 0.25 at each end and N is read as 0.25 too;
    both strands are scored with the same weights and the same dropout mask, and the larger
    score is the output. Re-implementations usually miss these two.
    """

    def __init__(
        self,
        sizes: tuple[int, int, int],
        dropout: float,
        first: str,
        n_outputs: int,
    ) -> None:
        super().__init__()
        detectors, width, hidden = sizes
        self.detectors, self.pad = detectors, width - 1
        self.detect = nn.Sequential(Conv1d(4, detectors, width), nonlinearity(first), GlobalMax())
        self.dropout = dropout
        head: list[nn.Module] = []
        if hidden:
            head = [nn.Linear(detectors, hidden), nn.ReLU()]
        self.head = nn.Sequential(*head, nn.Linear(hidden or detectors, n_outputs))

    def strand(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """(n, t) score of the strand as given."""
        x = x + 0.25 * (1 - x.sum(1, keepdim=True))  # N, and nothing else, becomes 0.25
        features = self.detect(F.pad(x, (self.pad, self.pad), value=0.25))
        if keep is not None:
            features = features * keep
        out: Tensor = self.head(features)
        return out

    def forward(self, x: Tensor) -> Tensor:
        keep = None
        if self.training and self.dropout:
            keep = F.dropout(x.new_ones(len(x), self.detectors), self.dropout)
        return torch.maximum(self.strand(x, keep), self.strand(x.flip(1, 2), keep))


@MODELS.register(name="deepbind", kind="CNN", cite="alipanahi2015", min_length=1)
def deepbind(
    *,
    detectors: int = 16,
    width: int = 24,
    hidden: int = 32,
    dropout: float = 0.0,
    first: str = "relu",
    n_outputs: int = 1,
) -> DeepBind:
    """DeepBind: 16 motif detectors of 24 bp, maximum over positions and strands.

    Parameters
    ----------
    detectors, width
        Number and width (bp) of the motif detectors.
    hidden
        Hidden units: 32 is the paper's M2 (2,129 parameters), 0 its M1 (1,569).
    dropout
        Share of detectors silenced in training, the same ones on both strands.
    first
        Nonlinearity of the detectors: ``relu``, as published, or ``exponential``.
    n_outputs
        Tasks, t.
    """
    check_positive(detectors, name="detectors")
    check_positive(width, name="width")
    check_share(dropout, name="dropout")
    if isinstance(hidden, bool) or not isinstance(hidden, int) or hidden < 0:
        msg = f"hidden must be 0 (M1) or a larger integer; got {hidden!r}."
        raise InputError(msg)
    return DeepBind((detectors, width, hidden), dropout, first, n_outputs)
