"""Sequences out of chance: a generator, the critic that it is fitted against, and samples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from cisgram.core import config
from cisgram.core.checks import check_positive
from cisgram.core.config import Options
from cisgram.core.errors import InputError
from cisgram.core.seeds import derive
from cisgram.models.base import check_odd
from cisgram.models.checkpoint import put_weights, read_tensors, write_tensors
from cisgram.models.layers import Conv1d
from cisgram.models.state import untouched

SHARE = 0.3  # of what a residual block adds


class GeneratorCard(Options):
    """What a generator and its critic are made with."""

    length: int = Field(ge=4, description="bp")
    latent: int = Field(default=64, ge=1, description="normal numbers that make a sequence")
    channels: int = Field(default=32, ge=1, description="of the convolutions")
    blocks: int = Field(default=1, ge=0, description="residual blocks of each network")
    width: int = Field(default=5, ge=1, description="bp of their filters")
    first: int = Field(default=9, ge=1, description="bp of the critic's first filters")


class Residual(nn.Module):
    """x + 0.3 conv(ReLU(conv(ReLU(x))))."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.one = Conv1d(channels, channels, width, padding=width // 2)
        self.two = Conv1d(channels, channels, width, padding=width // 2)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + SHARE * self.two(F.relu(self.one(F.relu(x))))
        return out


class Generator(nn.Module):
    """(n, latent) normal numbers to (n, 4, length) shares of letters.

    A dense layer to all positions, residual blocks, one convolution to the letters, softmax.

    References
    ----------
    Killoran N, Lee LJ, Delong A, Duvenaud D, Frey BJ (2017). Generating and designing DNA with deep
    generative models. arXiv:1712.06148; sizes there: latent 100, 100 channels, 5 blocks, length 36.

    Examples
    --------
    >>> tuple(Generator(GeneratorCard(length=20))(torch.zeros(3, 64)).shape)
    (3, 4, 20)
    """

    def __init__(self, card: GeneratorCard) -> None:
        super().__init__()
        check_odd(card.width)
        self.card = card
        self.dense = nn.Linear(card.latent, card.channels * card.length)
        self.blocks = nn.Sequential(
            *(Residual(card.channels, card.width) for _ in range(card.blocks))
        )
        self.letters = Conv1d(card.channels, 4, 1)

    def forward(self, z: Tensor) -> Tensor:
        h = self.dense(z).view(len(z), self.card.channels, self.card.length)
        out: Tensor = self.letters(self.blocks(h)).softmax(1)
        return out


class Critic(nn.Module):
    """(n, 4, length) letters to (n,) scores that are high for real sequences, without a bound."""

    def __init__(self, card: GeneratorCard) -> None:
        super().__init__()
        check_odd(card.first)
        self.first = Conv1d(4, card.channels, card.first, padding=card.first // 2)
        self.blocks = nn.Sequential(
            *(Residual(card.channels, card.width) for _ in range(card.blocks))
        )
        self.score = nn.Linear(card.channels * card.length, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.score(self.blocks(self.first(x)).flatten(1))[:, 0]
        return out


def noise(n: int, latent: int, *, seed: int, purpose: str = "samples") -> Tensor:
    """(n, latent) normal numbers, a function of the seed and the purpose."""
    random = torch.Generator().manual_seed(derive(seed, purpose))
    return torch.randn(n, latent, generator=random)


def sample(model: Generator, n: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Codes (n, length) of new sequences: the likeliest letter at every position.

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> sample(Generator(GeneratorCard(length=20)), 3).shape
    (3, 20)
    """
    check_positive(n, name="n")
    return codes_from(model, noise(n, model.card.latent, seed=seed))


def codes_from(model: Generator, z: Tensor, *, batch_size: int = 512) -> NDArray[np.uint8]:
    """Codes (n, length) of the sequences of some latent points."""
    with untouched(model), torch.inference_mode():
        parts = [model(part).argmax(1) for part in torch.split(z, batch_size)]
    return torch.cat(parts).numpy().astype(np.uint8)


def save_generator(folder: Path, generator: nn.Module, critic: nn.Module, card: Any) -> None:
    """Write ``weights.safetensors``, ``critic.safetensors`` and ``generator.toml``, it last."""
    write_tensors(folder / "weights.safetensors", generator.state_dict())
    write_tensors(folder / "critic.safetensors", critic.state_dict())
    config.write_toml(folder / "generator.toml", card.model_dump())


def load_generator(folder: Path) -> tuple[Generator, Critic]:
    """A generator and its critic from their folder.

    Raises
    ------
    InputError
        When no generator was saved there, or files do not fit each other.
    UnsafeError
        When weights are a pickle.
    """
    path = folder / "generator.toml"
    if not path.is_file():
        msg = f"{folder} holds no generator.toml: 'cisgram generate train' writes it when it ends."
        raise InputError(msg)
    found: Mapping[str, Any] = config.read_toml(path)
    card = config.validate(GeneratorCard, found, source=str(path))
    generator, critic = Generator(card), Critic(card)
    for model, name in ((generator, "weights"), (critic, "critic")):
        file = folder / f"{name}.safetensors"
        put_weights(model, read_tensors(file), source=file)
    return generator.eval(), critic.eval()
