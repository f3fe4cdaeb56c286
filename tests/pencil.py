"""Models that count words, so that every arm of an experiment can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from cisgram import grammar, motifs, seq

# Backgrounds of C and T hold no word with an A or a G, whole or in part.
FIRST, SECOND = "GATAAG", "AGGA"


def blank(n: int = 20, length: int = 80, seed: int = 0):
    """Backgrounds in which neither word can stand by chance."""
    return grammar.random_backgrounds(n, length, composition=(0, 1, 0, 1), seed=seed)


def matches(x: Tensor, word: str) -> Tensor:
    """(n, places) 1 where a word stands, N matching all letters."""
    known = len(word) - word.count("N")
    found = torch.nn.functional.conv1d(x, seq.encode([word]))[:, 0]
    return (found > known - 0.5).float()


def count(x: Tensor, word: str) -> Tensor:
    """(n,) how often a word stands in each sequence."""
    return matches(x, word).sum(1)


class Of(nn.Module):
    """A model that is one function of the sequences."""

    def __init__(self, f: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.f = f

    def forward(self, x: Tensor) -> Tensor:
        return self.f(x)[:, None]


class PwmSum(nn.Module):
    """The sum over places of a positive PWM score of each of two motifs: additive in letters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(4, 2, 6, bias=False)
        with torch.no_grad():
            self.conv.weight.copy_(torch.rand(2, 4, 6, generator=torch.Generator().manual_seed(3)))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).sum((1, 2))[:, None]


class SmallNet(nn.Module):
    """Convolutions, pooling and a dense head, at random weights."""

    def __init__(self, length: int = 80) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(5)
            self.net = nn.Sequential(
                *(nn.Conv1d(4, 8, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2)),
                *(nn.Conv1d(8, 8, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2)),
                *(nn.Flatten(), nn.Linear(8 * (length // 4), 1)),
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


# Words of a grammar: none is like another, or like its own other strand.
LEFT, RIGHT, THIRD = "GATAAGCA", "TGCACCCT", "CTTTGGAG"


def motif(word: str) -> motifs.Motif:
    """A motif that is one word."""
    return motifs.Motif.from_counts(100 * seq.encode([word])[0].numpy(), name=word)


def turned(word: str) -> str:
    """The word as the other strand reads it."""
    return seq.decode(seq.reverse_complement(seq.encode([word])))[0]


def either(x: Tensor, word: str) -> Tensor:
    """(n, places) 1 where a word stands on either strand."""
    return matches(x, word) + matches(x, turned(word))


def near(left: Tensor, right: Tensor, gaps: range, *, width: int = 8) -> Tensor:
    """(n,) 1 where a match of the left is followed by one of the right at one of the distances."""
    places = left.shape[1]
    shifts = [width + g for g in gaps if width + g < places]
    found = [(left[:, : places - s] * right[:, s:]).amax(1) for s in shifts]
    return torch.stack(found).amax(0)
