"""A training step of each network against the same network of torch's own layers.

Both take a step of fused AdamW on the same batch of 101-bp sequences (networks that need longer
ones are left out); the command line's allocator setting is on for both.
``python benchmarks/bench_train.py [--batch 128] [--only explainn]``
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable

import torch
import torch.nn.functional as F
from compare import HEADER, compare
from torch import nn

from cisgram import models, seq
from cisgram.cli.memory import keep_large_blocks
from cisgram.models import layers
from cisgram.models.units import LinearUnits


class GroupedUnits(LinearUnits):
    """Dense layers of units as a convolution with a group for each, as ExplaiNN's authors do."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        units, d, size = self.weight.shape
        weight = self.weight.transpose(1, 2).reshape(units * size, d, 1)
        return F.conv1d(x[:, :, None], weight, self.bias.flatten(), groups=units)[:, :, 0]


PLAIN = {
    LinearUnits: GroupedUnits,
    layers.BatchNorm1d: nn.BatchNorm1d,
    layers.Conv1d: nn.Conv1d,
    layers.MaxPool1d: nn.MaxPool1d,
    layers.Dropout: nn.Dropout,
}


def main() -> None:
    """Print sequences a second."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--only", help="one network")
    given = parser.parse_args()
    batch = given.batch
    keep_large_blocks()
    torch.manual_seed(0)
    x = seq.one_hot(torch.randint(0, 4, (batch, 101)).numpy().astype("uint8"))
    y = torch.randint(0, 2, (batch, 1)).float()
    print(HEADER)
    for name, entry in models.MODELS.items():
        if given.only not in (None, name) or entry.facts["min_length"] > x.shape[2]:
            continue
        known = inspect.signature(entry.fn).parameters
        options = {k: v for k, v in {"dropout": 0.5, "length": 101}.items() if k in known}
        ours, peer = models.create(name, **options), models.create(name, **options)
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
