"""Features that do not tell the batch or donor: a second head, and its gradient reversed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cisgram.core.seeds import derive
from cisgram.data.dataset import Batch, TrainingData
from cisgram.models.parts import head_of
from cisgram.models.probe import recorded
from cisgram.models.state import device_of, untouched
from cisgram.train.options import TrainOptions

HIDDEN = 32  # units of the head that guesses the origin


class _Reverse(torch.autograd.Function):
    """The identity, whose gradient is multiplied by minus a strength."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * grad[0], None


def _reversed(x: Tensor, strength: float) -> Tensor:
    apply: Callable[[Tensor, float], Tensor] = _Reverse.apply  # torch leaves it without types
    return apply(x, strength)


class WithAdversary(nn.Module):
    """A network, and a small one that guesses each sequence's origin from its features.

    ``forward`` gives the network's outputs and the guess, logits (n, origins). The features are
    what the network's last layer reads, flat. The guesser learns to guess; through `_Reverse` the
    features learn to give it nothing.

    References
    ----------
    Ganin et al. 2016, JMLR 17:59, equations 13 to 15; the strength is constant here, the authors
    let it grow.
    """

    def __init__(
        self, network: nn.Module, head: str, *, n_features: int, n_origins: int, strength: float
    ) -> None:
        super().__init__()
        self.network, self.head, self.strength = network, head, strength
        self.guesser = nn.Sequential(
            nn.Linear(n_features, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, n_origins)
        )

    def forward(self, *inputs: Tensor, **fields: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs (n, t) and logits of the origins."""
        with recorded(self.network.get_submodule(self.head)) as calls:
            out = self.network(*inputs, **fields)
        return out, self.guesser(_reversed(_features(calls), self.strength))


def _features(calls: list[tuple[Tensor, Tensor]]) -> Tensor:
    """(n, features) what the head read; the mean over its calls, where it runs on each strand."""
    return torch.stack([given.flatten(1) for given, _ in calls]).mean(0)


def with_adversary(
    network: nn.Module, data: TrainingData, options: TrainOptions, *, seed: int
) -> nn.Module:
    """The network with its adversary where ``options.adversary`` asks for one, else as it is.

    The data know two batches or donors, or more (`check_regime`).
    """
    if not options.adversary:
        return network
    length = data.data.length
    head = head_of(network, length=length)
    x = torch.zeros(2, 4, length, device=device_of(network))
    with untouched(network), torch.no_grad(), recorded(network.get_submodule(head)) as calls:
        network(x)
    torch.manual_seed(derive(seed, "adversary"))
    return WithAdversary(
        network,
        head,
        n_features=_features(calls).shape[1],
        n_origins=len(data.origins),
        strength=options.adversary,
    )


def guess_loss(guess: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy of the guessed origins."""
    assert batch.origin is not None
    return F.cross_entropy(guess.float(), batch.origin.to(guess.device))
