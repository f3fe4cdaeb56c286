"""The network under profile models: dilated residual convolutions with two heads."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.models.base import check_odd
from cisgram.models.layers import Conv1d

HEAD = 75  # positions that the profile head reads


class ProfileNetwork(nn.Module):
    """Sequences to profile logits (n, strands, width) and log counts (n, 1).

    A wide convolution, dilated ones that add to it (dilation 2^i), then a convolution that gives
    the profile of the middle ``width`` positions, and a linear layer on the mean over positions
    that gives log(1 + total). Nothing is cut off inside: convolutions keep the length.
    """

    def __init__(self, sizes: tuple[int, int, int], strands: int, width: int) -> None:
        super().__init__()
        maps, first, layers = sizes
        self.width = width
        self.wide = Conv1d(4, maps, first, padding=first // 2)
        self.dilated = nn.ModuleList(
            Conv1d(maps, maps, 3, padding=2**i, dilation=2**i) for i in range(1, layers + 1)
        )
        self.activation = nn.ReLU()
        self.profile = Conv1d(maps, strands, HEAD, padding=HEAD // 2)
        self.counts = nn.Linear(maps, 1)

    def start_at(self, counts: float) -> None:
        """Let the log counts begin at a mean: far from it, the gradient beside a bias vanishes."""
        nn.init.constant_(self.counts.bias, counts)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Both heads."""
        if x.shape[2] < self.width:
            msg = (
                f"This model gives profiles of {self.width} positions; sequences must be at least "
                f"as long, got {x.shape[2]} bp."
            )
            raise InputError(msg)
        h = self.activation(self.wide(x))
        for conv in self.dilated:
            h = h + self.activation(conv(h))
        cut = (x.shape[2] - self.width) // 2
        logits = self.profile(h)[:, :, cut : cut + self.width]  # (n, strands, width)
        counts: Tensor = self.counts(h.mean(2))  # (n, 1)
        return logits, counts


def profile_score(logits: Tensor) -> Tensor:
    r"""(n, 1) one number for a profile: the mean of its logits, weighed by the profile itself.

    .. math:: \sum_s \sum_i \mathrm{softmax}(l_s)_i \, (l_{si} - \bar l_s)

    It grows as the profile becomes more peaked, whatever the counts are.

    References
    ----------
    Avsec et al. 2021 hold the softmax as it is at the sequence (no gradient passes through it);
    so does ``cisgram explain``. Here it moves with the sequence, so that this is one function.
    """
    centered = logits - logits.mean(2, keepdim=True)
    return (torch.softmax(logits, 2) * centered).sum((1, 2))[:, None]


def check_profile(
    sizes: dict[str, int], *, first: int, layers: int, n_outputs: int, outputs: tuple[str, ...]
) -> None:
    """Raise `InputError` unless a profile model can have these sizes."""
    for name, value in sizes.items():
        check_positive(value, name=name)
    check_odd(first)
    check_positive(layers, name="layers")
    if n_outputs != len(outputs):
        msg = f"n_outputs of this model is {len(outputs)} ({', '.join(outputs)}); got {n_outputs}."
        raise InputError(msg)
