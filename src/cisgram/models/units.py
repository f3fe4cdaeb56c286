"""Parts of networks of units: what each computes alone, and a head that can be read."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LinearUnits(nn.Module):
    """A linear layer of each unit's own: (n, units * d) to (n, units * size), unit by unit.

    One product of stacked matrices for all units, ten times as fast on a CPU as a convolution
    with a group for each (100 units of 11 and 100 numbers, forward and backward).

    Attributes
    ----------
    weight
        (units, d, size), drawn as those of `torch.nn.Linear`.
    bias
        (units, 1, size).
    """

    def __init__(self, units: int, d: int, size: int) -> None:
        super().__init__()
        bound = d**-0.5
        self.weight = nn.Parameter(torch.empty(units, d, size).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(units, 1, size).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        units, d, size = self.weight.shape
        each = x.view(len(x), units, d).transpose(0, 1)  # (units, n, d)
        out = torch.baddbmm(self.bias, each, self.weight)  # (units, n, size)
        return out.transpose(0, 1).reshape(len(x), units * size)


class NotNegative(nn.Linear):
    """A linear layer whose weights are softplus of its parameters, so never below 0."""

    @property
    def weights(self) -> Tensor:
        """(t, d) weights as they act."""
        return F.softplus(self.weight)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (torch's name)
        return F.linear(input, self.weights, self.bias)


class PairsOf(nn.Module):
    """Weighted products of all pairs: (n, units) to (n, t), sum_{u<v} W_tuv z_u z_v.

    z are the units' outputs minus their mean, over their standard deviation (running, as in batch
    norm): a product of raw outputs would carry what each unit does alone, and a sum of two
    motifs would be learned as a pair. All weights start at 0.

    Attributes
    ----------
    weight
        (t, pairs) W times the root of the number of pairs, in the order of ``first`` and
        ``second``: (0, 1), (0, 2), ..., (1, 2), ... An optimizer that gives each parameter the
        same step would otherwise move thousands of products at once by far more than the units.
    """

    def __init__(self, units: int, n_outputs: int) -> None:
        super().__init__()
        first, second = torch.triu_indices(units, units, 1)
        self.register_buffer("first", first, persistent=False)
        self.register_buffer("second", second, persistent=False)
        self.norm = nn.BatchNorm1d(units, affine=False)
        self.weight = nn.Parameter(torch.zeros(n_outputs, len(first)))

    def forward(self, a: Tensor) -> Tensor:
        z = self.norm(a)
        products = z[:, self.first] * z[:, self.second]  # (n, units * (units - 1) / 2)
        return F.linear(products, self.weights)

    @property
    def weights(self) -> Tensor:
        """(t, pairs) weights W as they act."""
        return self.weight / math.sqrt(max(len(self.first), 1))

    @property
    def raw_weights(self) -> Tensor:
        """(t, pairs) weights of products of the outputs themselves: W_uv over both deviations."""
        assert self.norm.running_var is not None
        sd = (self.norm.running_var + self.norm.eps).sqrt()
        return self.weights / (sd[self.first] * sd[self.second])

    first: Tensor
    second: Tensor


class UnitHead(nn.Module):
    """Output of units: a sum with weights, and with ``pairs`` what two of them do together."""

    def __init__(self, main: nn.Linear, pairs: PairsOf | None = None) -> None:
        super().__init__()
        self.main, self.pairs = main, pairs

    @property
    def weights(self) -> Tensor:
        """(t, units) weights of the units as they act."""
        return self.main.weights if isinstance(self.main, NotNegative) else self.main.weight

    def forward(self, a: Tensor) -> Tensor:
        out: Tensor = self.main(a)
        return out if self.pairs is None else out + self.pairs(a)


def unit_head(units: int, n_outputs: int, *, positive: bool, pairs: bool) -> UnitHead:
    """A head with new weights."""
    main = (NotNegative if positive else nn.Linear)(units, n_outputs)
    return UnitHead(main, PairsOf(units, n_outputs) if pairs else None)
