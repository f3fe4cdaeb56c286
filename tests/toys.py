"""Models small enough to solve with a pencil; every test may use them."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Linear(nn.Module):
    """f(x) = sum W * x: its gradient is W, its effects are differences of W."""

    def __init__(self, length: int = 12, outputs: int = 2) -> None:
        super().__init__()
        g = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(outputs, 4, length, generator=g))

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("nbl,tbl->nt", x, self.weight)


class Product(nn.Module):
    """f(x) = (A at 2) * (C at 7): pure interaction, no effect of one letter alone."""

    def forward(self, x: Tensor) -> Tensor:
        return (x[:, 0, 2] * x[:, 1, 7])[:, None]


class Curved(nn.Module):
    """f(x) = product of tanh of four weighted sums: any positions interact, near or far."""

    def __init__(self, length: int = 12) -> None:
        super().__init__()
        self.weight = Linear(length, 4).weight

    def forward(self, x: Tensor) -> Tensor:
        sums = torch.einsum("nbl,tbl->nt", x, self.weight)
        return torch.tanh(sums / 2).prod(1, keepdim=True)


class Conv(nn.Module):
    """An ordinary small network with two outputs: dropout, GELU, mean over positions."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.net = nn.Sequential(
                nn.Conv1d(4, 8, 5),
                nn.GELU(),
                nn.AdaptiveAvgPool1d(1),
                nn.Flatten(),
                nn.Dropout(0.5),
                nn.Linear(8, 2),
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class Broken(nn.Module):
    """Fails in the middle of its forward pass, after a convolution that can be hooked."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv1d(4, 2, 3), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        self.relu(self.conv(x))
        msg = "broken on purpose"
        raise RuntimeError(msg)


class Words(nn.Module):
    """One filter a word, 1 for each letter that fits: filter k reaches len(word) at a full match.

    The output is the sum over filters and positions of relu(filter - (width - 1)), times the
    filter's ``gains``: the number of full matches of each word.
    """

    def __init__(self, *words: str, gains: tuple[float, ...] | None = None, pad: int = 0) -> None:
        super().__init__()
        width = len(words[0])
        self.conv = nn.Conv1d(4, len(words), width, padding=pad)
        self.relu = nn.ReLU()
        self.register_buffer("gains", torch.tensor(gains or (1.0,) * len(words)))
        with torch.no_grad():
            self.conv.weight.zero_()
            self.conv.bias.fill_(1.0 - width)
            for k, word in enumerate(words):
                for j, letter in enumerate(word):
                    self.conv.weight[k, "ACGT".index(letter), j] = 1

    def forward(self, x: Tensor) -> Tensor:
        return (self.relu(self.conv(x)).sum(2) @ self.gains)[:, None]


class TwoClass(nn.Module):
    """Two linear class scores and their difference, as the models of Deep Motif Dashboard have."""

    def __init__(self, length: int = 12) -> None:
        super().__init__()
        self.scores = Linear(length, 2)

    def class_scores(self, x: Tensor) -> Tensor:
        return self.scores(x)[:, None, :]  # (n, 1, 2): unbound, bound

    def forward(self, x: Tensor) -> Tensor:
        both = self.class_scores(x)
        return both[..., 1] - both[..., 0]


def hooks_left(model: nn.Module) -> int:
    """Hooks that are registered on any module of a model."""
    return sum(
        len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks)
        for m in model.modules()
    )


def state_of(model: nn.Module) -> tuple[object, ...]:
    """Everything about a model that a caller must find as it was."""
    return (
        [m.training for m in model.modules()],
        [(p.requires_grad, p.grad, p.device) for p in model.parameters()],
        [p.detach().clone().tolist() for p in model.parameters()],
        hooks_left(model),
    )
