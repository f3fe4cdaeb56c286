"""Networks wired by hand, so that what their neurons know is known."""

from __future__ import annotations

import torch
from torch import Tensor, nn

A, B, C = "CAGGTG", "GATAAG", "TTCCGA"
FULL = 1.5  # what a detector says of a full match; 0.5 with one mismatch, else 0


def detector(*words: str, padding: int = 0, stride: int = 1) -> nn.Conv1d:
    """One filter a word."""
    width = len(words[0])
    conv = nn.Conv1d(4, len(words), width, padding=padding, stride=stride)
    with torch.no_grad():
        conv.weight.zero_()
        conv.bias.fill_(FULL - width)
        for k, word in enumerate(words):
            for j, letter in enumerate(word):
                conv.weight[k, "ACGT".index(letter), j] = 1
    return conv


def joined(*at: tuple[int, int], inputs: int, width: int, bias: float = 0.0) -> nn.Conv1d:
    """One neuron that adds the maps (channel, position) of ``at``."""
    conv = nn.Conv1d(inputs, 1, width)
    with torch.no_grad():
        conv.weight.zero_()
        conv.bias.fill_(bias)
        for channel, position in at:
            conv.weight[0, channel, position] = 1
    return conv


class Ends(nn.Module):
    """The maximum over positions of the last map: any network's head."""

    def forward(self, x: Tensor) -> Tensor:
        return x.max(2).values


def network(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers, Ends()).eval()
