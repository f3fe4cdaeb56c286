"""Motifs scored on both strands, and a weight for each.

The scan that deep networks were first compared with (DeepBind's "MEME-M1" and "MEME-SUM"):
Alipanahi B, Delong A, Weirauch MT, Frey BJ (2015). Nat Biotechnol 33:831-838.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.registry import unknown
from cisgram.models.base import MODELS
from cisgram.models.layers import Conv1d

SCORES = ("best", "sum")


class PWM(nn.Module):
    """The score of each motif on a sequence and its other strand, and a head linear in these.

    Sites may hang over the ends. What is unknown, there or at an N, scores as the mean letter does.
    """

    def __init__(self, motifs: int, width: int, score: str, n_outputs: int) -> None:
        super().__init__()
        self.score, self.pad = score, width - 1
        self.filters = Conv1d(4, motifs, width, bias=False)
        self.head = nn.Linear(motifs, n_outputs)

    def motif_scores(self, x: Tensor) -> Tensor:
        """(n, motifs) of the best site, or of all sites together, in bits."""
        x = x + 0.25 * (1 - x.sum(1, keepdim=True))
        x = F.pad(x, (self.pad, self.pad), value=0.25)
        sites = torch.cat([self.filters(x), self.filters(x.flip(1, 2))], 2)
        if self.score == "best":
            return sites.amax(2)
        bits = math.log(2)
        return torch.logsumexp(sites * bits, 2) / bits

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.motif_scores(x))
        return out


@MODELS.register(name="pwm", kind="linear in motifs", cite="alipanahi2015", min_length=1)
def pwm(*, motifs: int = 16, width: int = 20, score: str = "best", n_outputs: int = 1) -> PWM:
    """Motifs scored on both strands, the best site of each, and a weight for each.

    Its filters start at random and learn, as those of DeepBind do; with ``model.motifs`` and
    ``model.motif_form=log-odds`` they are known motifs (`models.put_motifs`), and with
    ``model.freeze_motifs`` they stay so, which leaves a logistic or linear regression on scores.

    Parameters
    ----------
    motifs
        How many.
    width
        Of the filters, bp.
    score
        ``best``: of the best site; ``sum``: log2 of the sum of 2^score over all sites, which is the
        logarithm of an occupancy where the filters hold log-odds in bits.
    n_outputs
        Tasks, t.
    """
    check_positive(motifs, name="motifs")
    check_positive(width, name="width")
    if score not in SCORES:
        what = "score of pwm"
        raise unknown(what, score, SCORES)
    return PWM(motifs, width, score, n_outputs)
