"""A training step of each network against the same network of torch's own layers.

Both take a step of fused AdamW on the same batch of 101-bp sequences; the command line's allocator
setting is on for both. ``python benchmarks/bench_train.py [--batch 128]``
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
import torch.nn.functional as F
from compare import HEADER, compare
from torch import nn

from cisgram import models, seq
from cisgram.cli.memory import keep_large_blocks
from cisgram.models import layers

PLAIN = {
    layers.Conv1d: nn.Conv1d,
    layers.MaxPool1d: nn.MaxPool1d,
    layers.Dropout: nn.Dropout,
}


def main() -> None:
    """Print sequences a second."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=128)
    batch = parser.parse_args().batch
    keep_large_blocks()
    torch.manual_seed(0)
    x = seq.one_hot(torch.randint(0, 4, (batch, 101)).numpy().astype("uint8"))
    y = torch.randint(0, 2, (batch, 1)).float()
    print(HEADER)
    for name in models.MODELS:
        ours, peer = models.create(name, dropout=0.5), models.create(name, dropout=0.5)
        peer.load_state_dict(ours.state_dict())
        with_torch_layers(peer)
        same = torch.allclose(ours.eval()(x), peer.eval()(x), atol=1e-4)
        if not same:
            msg = f"{name}: the two networks differ"
            raise SystemExit(msg)
        compare(name, _steps(ours, x, y), _steps(peer, x, y), unit="sequences", amount=4 * batch)


def with_torch_layers(model: nn.Module) -> None:
    """Turn our layers into torch's, in place: they hold the same attributes."""
    for module in model.modules():
        if type(module) in PLAIN:
            module.__class__ = PLAIN[type(module)]


def _steps(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> Callable[[], None]:
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    model.train()

    def run() -> None:
        for _ in range(4):
            loss = F.binary_cross_entropy_with_logits(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run


if __name__ == "__main__":
    main()
