"""In-silico saturation mutagenesis against tangermeme, on three networks.

Ours is the plain method (every edited copy through the whole network); the rival's plain and fast
modes are both shown. ``python benchmarks/bench_ism.py [--length 200]``
"""

from __future__ import annotations

import argparse

import torch
from compare import HEADER, compare
from torch import nn

from cisgram import explain, models, seq
from cisgram.cli.memory import keep_large_blocks

NETWORKS = ("deepbind", "demo-cnn", "demo-cnn-rnn")


def main() -> None:
    """Print edits a second, 3 * length edits a sequence."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--length", type=int, default=101)
    length = parser.parse_args().length
    try:
        from tangermeme.saturation_mutagenesis import saturation_mutagenesis
    except ImportError:
        saturation_mutagenesis = None
    keep_large_blocks()  # as the command line does, for both
    torch.manual_seed(0)
    codes = torch.randint(0, 4, (4, length)).numpy().astype("uint8")
    x = seq.one_hot(codes)
    print(HEADER)
    for name in NETWORKS:
        model = models.create(name).eval()
        edits = 3 * length * len(x)

        def ours(model: nn.Module = model) -> torch.Tensor:
            return explain.ism(model, x, target=0, batch_size=256).values

        for fast in (False, True):
            peer = None
            if saturation_mutagenesis is not None:

                def peer(model: nn.Module = model, fast: bool = fast) -> torch.Tensor:
                    before, after = saturation_mutagenesis(
                        model, x, raw_outputs=True, batch_size=256, device="cpu", fast=fast
                    )
                    return after[..., 0] - before[:, :, None]

            label = f"{name}, {length} bp, rival {'fast' if fast else 'plain'}"
            compare(label, ours, peer, unit="edits", amount=edits, repeats=3, check=_same)


def _same(ours: torch.Tensor, peer: torch.Tensor) -> bool:
    return torch.allclose(ours, peer.reshape(ours.shape), atol=1e-4)


if __name__ == "__main__":
    main()
