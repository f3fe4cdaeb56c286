"""Sequence autoencoders fitted to sequences without labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from cisgram.core.errors import InputError
from cisgram.core.seeds import derive
from cisgram.models.sequence_autoencoder import SequenceAutoencoder
from cisgram.seq.alphabet import N, one_hot
from cisgram.train.imputation import grown, n_active
from cisgram.train.likelihoods import charged, divergence
from cisgram.train.passes import PassOptions, fit_passes
from cisgram.train.state import State

Codes = NDArray[np.uint8]


class PretrainOptions(PassOptions):
    """Which sequence autoencoder, and how it is fitted."""

    kind: Literal["denoising", "variational"] = Field(
        default="denoising", description="guess hidden letters; or draw the coordinates"
    )
    latent: int = Field(default=16, ge=1, description="coordinates")
    channels: int = Field(default=32, ge=1, description="of the decoder")
    hide: float = Field(
        default=0.15, gt=0, lt=1, description="share of the letters that are hidden in a step"
    )
    warmup: float = Field(
        default=0.3, ge=0, lt=1, description="share of the passes in which the divergence grows"
    )
    beta: float = Field(default=1.0, ge=0, description="weight of the divergence, at its highest")
    free: float = Field(default=0.1, ge=0, description="nats of a coordinate that cost nothing")
    epochs: int = Field(default=30, ge=1, le=100_000, description="passes, at most")
    patience: int = Field(default=10, ge=1, description="passes without a lower validation loss")


def fit_sequences(
    net: SequenceAutoencoder,
    codes: Codes,
    options: PretrainOptions,
    *,
    valid: Codes,
    seed: int = 0,
    checkpoint: Path | None = None,
    progress: Callable[[State], None] | None = None,
) -> State:
    """Fit a sequence autoencoder; it ends with the weights of its best pass on ``valid``.

    A denoising one is shown sequences in which a share of the letters are N, and is scored on
    these: nats a hidden letter, log 4 = 1.386 for one that knows nothing. A variational one
    maximizes the evidence bound of whole sequences, of half of them on the other strand as all
    training does; the divergence grows over the first passes.

    Parameters
    ----------
    net
        Fitted in place.
    codes, valid
        (n, length) and (m, length); an N of theirs is never scored.
    options
        Which and how.
    seed, checkpoint, progress
        As of `fit_passes`.

    Raises
    ------
    InputError
        When the sequences have another length than the network's, or training diverges.
    """
    if codes.shape[1] != net.length or valid.shape[1] != net.length:
        msg = f"the autoencoder reads {net.length} bp; got {codes.shape[1]} and {valid.shape[1]}."
        raise InputError(msg)
    hidden = np.random.Generator(np.random.PCG64(derive(seed, "hidden letters")))
    blind = torch.from_numpy(hidden.random(valid.shape) < options.hide)

    def loss(rows: Tensor, epoch: int) -> Tensor:
        part = torch.from_numpy(codes[rows.numpy()]).long()
        turned = torch.rand(len(part)) < 0.5
        part[turned] = _other_strand(part[turned])
        return _loss(
            net, part, torch.rand(part.shape) < options.hide, options, _weight(options, epoch)
        )[0]

    def score() -> dict[str, float]:
        return _scored(net, torch.from_numpy(valid).long(), blind, options)

    return fit_passes(
        net, len(codes), loss, score, options, seed=seed, checkpoint=checkpoint, progress=progress
    )


def _weight(options: PretrainOptions, epoch: int) -> float:
    return options.beta * grown(epoch, epochs=options.epochs, warmup=options.warmup)


def _other_strand(codes: Tensor) -> Tensor:
    return torch.where(codes == N, N, 3 - codes).flip(1)


def _loss(
    net: SequenceAutoencoder, codes: Tensor, hide: Tensor, options: PretrainOptions, beta: float
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Nats a letter of some sequences, their coordinates, and the divergence of each."""
    known = codes != N
    if net.kind == "variational":
        hide = torch.zeros_like(known)
    shown = torch.where(hide, N, codes)
    logits, mean, log_variance = net(one_hot(shown.byte(), dtype=torch.float32))
    each = F.cross_entropy(logits, codes.clamp(max=3), reduction="none")
    if log_variance is None:
        guessed = hide & known
        return (each * guessed).sum() / guessed.sum().clamp(min=1), mean, None
    nats = divergence(mean, log_variance)
    whole = (each * known).sum() + beta * len(codes) * charged(nats, options.free)
    return whole / known.sum().clamp(min=1), mean, nats.sum(1)


def _scored(
    net: SequenceAutoencoder, codes: Tensor, hide: Tensor, options: PretrainOptions
) -> dict[str, float]:
    """Loss at the full weight of the divergence; of a variational network what coordinates say."""
    total, means, nats = 0.0, [], []
    for first in range(0, len(codes), 512):
        part = codes[first : first + 512]
        value, mean, each = _loss(net, part, hide[first : first + 512], options, options.beta)
        total += value.item() * len(part)
        means.append(mean)
        nats += [] if each is None else [each]
    found = {"valid_loss": total / len(codes)}
    if nats:
        found |= {
            "divergence": torch.cat(nats).mean().item(),
            "active": float(n_active(torch.cat(means))),
        }
    return found
