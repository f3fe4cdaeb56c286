"""A generator against a critic: Wasserstein distance with a gradient penalty, resumable."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from cisgram.core.config import Options
from cisgram.core.errors import InputError
from cisgram.core.seeds import derive
from cisgram.models.generator import Critic, Generator, GeneratorCard
from cisgram.seq.alphabet import N, one_hot
from cisgram.train.state import State, keep, resume

Codes = NDArray[np.uint8]
Refresh = Callable[[Generator, Codes, NDArray[np.int64], int], dict[str, float]]
BETAS = (0.5, 0.9)


class AdversarialOptions(Options):
    """How generator and critic are fitted."""

    epochs: int = Field(default=60, ge=1, description="stretches of `steps` generator steps")
    steps: int = Field(default=100, ge=1, description="generator steps in an epoch")
    batch_size: int = Field(default=64, ge=2, description="sequences in a step")
    critic_steps: int = Field(default=5, ge=1, description="to each step of the generator")
    penalty: float = Field(default=10.0, ge=0, description="weight of the gradient penalty")
    learning_rate: float = Field(
        default=1e-3, gt=0, description="1e-4 in the papers, whose trainings are far longer"
    )
    last: float = Field(
        default=0.1, gt=0, le=1, description="share of the learning rate at the end"
    )
    average: float = Field(
        default=0.995, ge=0, lt=1, description="of the weights that are kept, by step"
    )


class Pair(nn.Module):
    """A generator, its critic, and the sequences that the critic is shown.

    Attributes
    ----------
    codes
        (n, length) uint8.
    born
        (n,) epoch in which each came in, -1 for those of the file.
    """

    codes: Tensor
    born: Tensor

    def __init__(self, card: GeneratorCard, codes: Codes) -> None:
        super().__init__()
        self.generator, self.critic = Generator(card), Critic(card)
        self.register_buffer("codes", torch.from_numpy(np.array(codes)))
        self.register_buffer("born", torch.full((len(codes),), -1, dtype=torch.int64))


def fit_adversarial(
    codes: Codes,
    card: GeneratorCard,
    options: AdversarialOptions,
    *,
    seed: int = 0,
    start: tuple[nn.Module, nn.Module] | None = None,
    refresh: Refresh | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[State], None] | None = None,
) -> tuple[Pair, State]:
    r"""A generator whose sequences a critic cannot tell from those given.

    The critic c maximizes, the generator g minimizes

    .. math:: E\,c(x) - E\,c(g(z)) - \lambda\, E (\lVert \nabla c(\hat x) \rVert - 1)^2

    with :math:`\hat x` between a real and a made sequence. Of the generator an average over its
    last steps is kept: single steps swing.

    Parameters
    ----------
    codes
        (n, length) of the card, without N.
    card, options
        Sizes, and how.
    seed
        Of everything random.
    start
        Generator and critic to begin from; default: new ones.
    refresh
        Called before every epoch with the averaged generator, the codes and their epochs of birth,
        which it may change in place, and the epoch; what it gives is kept in the history.
    checkpoint, progress
        As in `train.fit`.

    Returns
    -------
    tuple
        The pair, with the averaged generator, and its history: ``distance``, the critic's estimate
        of the Wasserstein distance, and ``penalty``.

    Raises
    ------
    InputError
        When a sequence has an N or another length, training diverges, or the checkpoint is another
        job's.

    References
    ----------
    Gulrajani I, Ahmed F, Arjovsky M, Dumoulin V, Courville A (2017). Improved training of
    Wasserstein GANs. NeurIPS, algorithm 1: lambda 10, 5 critic steps, Adam(1e-4, 0.5, 0.9).
    """
    _check(codes, card, options)
    torch.manual_seed(derive(seed, "weights"))
    pair = Pair(card, codes)
    if start is not None:
        for own, given in zip((pair.generator, pair.critic), start, strict=True):
            own.load_state_dict(given.state_dict())
    optimizer = torch.optim.Adam(
        list(pair.parameters()), options.learning_rate, betas=BETAS, fused=True
    )
    state = resume(checkpoint, pair, optimizer)
    if not state.best:
        state.best = {k: v.clone() for k, v in pair.state_dict().items()}
    for epoch in range(len(state.history), options.epochs):
        began = time.perf_counter()
        torch.manual_seed(derive(seed, "adversarial", epoch))
        row = {"epoch": epoch + 1.0}
        if refresh is not None:
            averaged = Generator(card)
            averaged.load_state_dict(_part(state.best, "generator"))
            row |= refresh(averaged.eval(), pair.codes.numpy(), pair.born.numpy(), epoch)
        state.history.append(row | _epoch(pair, optimizer, options, epoch, state.best))
        state.best |= {"codes": pair.codes.clone(), "born": pair.born.clone()}
        state.best_epoch = epoch + 1
        if checkpoint is not None:
            keep(checkpoint, pair, optimizer, state)
        state.seconds.append(time.perf_counter() - began)
        if progress is not None:
            progress(state)
    pair.generator.load_state_dict(_part(state.best, "generator"))
    return pair.eval(), state


def _part(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")}


def _check(codes: Codes, card: GeneratorCard, options: AdversarialOptions) -> None:
    if codes.ndim != 2 or codes.shape[1] != card.length or (codes >= N).any():
        msg = (
            f"a generator of {card.length} bp is fitted to sequences of that length without N; got "
            f"{codes.shape} with {int((codes >= N).sum())} N."
        )
        raise InputError(msg)
    if len(codes) < options.batch_size:
        msg = f"at least a batch of {options.batch_size} sequences is needed; got {len(codes)}."
        raise InputError(msg)


def _epoch(
    pair: Pair,
    optimizer: torch.optim.Optimizer,
    options: AdversarialOptions,
    epoch: int,
    averaged: dict[str, Tensor],
) -> dict[str, float]:
    """A stretch of steps; the running average of the generator is moved in place."""
    n, latent = options.batch_size, pair.generator.card.latent
    x = one_hot(pair.codes.numpy(), dtype=torch.float32)
    distance, penalty = 0.0, 0.0
    for step in range(options.steps):
        along = (epoch * options.steps + step) / (options.epochs * options.steps)
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * fallen(along, options.last)
        pair.critic.requires_grad_(True)
        for _ in range(options.critic_steps):
            real = x[torch.randint(len(x), (n,))]
            with torch.no_grad():
                made = pair.generator(torch.randn(n, latent))
            apart = pair.critic(real).mean() - pair.critic(made).mean()
            steep = gradient_penalty(pair.critic, real, made, torch.rand(n, 1, 1))
            _step(optimizer, options.penalty * steep - apart)
        pair.critic.requires_grad_(False)  # without a gradient, its weights stay
        _step(optimizer, -pair.critic(pair.generator(torch.randn(n, latent))).mean())
        with torch.no_grad():
            for name, weight in pair.generator.named_parameters():
                averaged[f"generator.{name}"].lerp_(weight, 1 - options.average)
        distance, penalty = distance + apart.item(), penalty + steep.item()
    pair.critic.requires_grad_(True)
    averaged |= {f"critic.{k}": v.detach().clone() for k, v in pair.critic.state_dict().items()}
    found = {"distance": distance / options.steps, "penalty": penalty / options.steps}
    if not all(math.isfinite(v) for v in found.values()):
        msg = (
            f"Generator and critic diverged in epoch {epoch + 1}. Lower the learning rate "
            f"(learning_rate={options.learning_rate / 10:.1g})."
        )
        raise InputError(msg)
    return found


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    optimizer.step()


def fallen(along: float, last: float) -> float:
    """Share of the learning rate at a share of all steps: 1 for half of them, then straight down.

    Examples
    --------
    >>> fallen(0.5, 0.1), round(fallen(0.75, 0.1), 6), round(fallen(1.0, 0.1), 6)
    (1.0, 0.55, 0.1)
    """
    return 1.0 - (1.0 - last) * max(0.0, 2 * along - 1)


def gradient_penalty(critic: nn.Module, real: Tensor, made: Tensor, share: Tensor) -> Tensor:
    r"""Mean of :math:`(\lVert \nabla c(\hat x) \rVert - 1)^2`, x between real and made ones.

    Parameters
    ----------
    critic
        (n, 4, length) to (n,).
    real, made
        (n, 4, length).
    share
        (n, 1, 1) of the real one in each mixture, 0 to 1.
    """
    between = (share * real + (1 - share) * made).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    steep: Tensor = ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
    return steep
