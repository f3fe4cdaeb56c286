"""Motifs placed into random backgrounds, and what the neuron says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from cisgram.core.seeds import generator
from cisgram.explain.demix.leaves import Word
from cisgram.explain.demix.neurons import Layer
from cisgram.explain.demix.sample import Codes
from cisgram.seq.alphabet import one_hot

Floats = NDArray[np.float64]
Slots = tuple[tuple[int, str], ...]

STARTS = 5  # places of the left motif over which a profile is averaged
Z = 1.96


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What a neuron says when motifs are placed into random backgrounds.

    Attributes
    ----------
    at
        (p,) distances from start to start of a pair, or starts of a single motif (bp).
    mean, low, high
        (p,) mean value over backgrounds and its 95 % interval.
    left, right, none
        Mean value with the left motif alone, the right one alone, and with neither.
    output
        (p,) mean of the model's output at the same sequences; empty where it was not asked.
    """

    at: NDArray[np.int64]
    mean: Floats
    low: Floats
    high: Floats
    left: float
    right: float
    none: float
    output: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """Two neighboring motifs of a combination.

    Attributes
    ----------
    left, right
        Numbers of their slots.
    gaps
        Distance from start to start (bp) -> sequences of the sample that have it.
    profile
        The neuron asked back at every distance that fits into its window.
    holds
        Whether both motifs at the observed distances excite the neuron more than the better one
        of them alone: the lower ends of the 95 % intervals, averaged over observed distances
        weighted by their sequences, lie above it. None where no observed distance could be asked:
        motifs that overlap cannot be placed one after the other.
    """

    left: int
    right: int
    gaps: Mapping[int, int]
    profile: Profile
    holds: bool | None


@dataclass(slots=True, eq=False)
class Asker:
    """Places motifs into random backgrounds and reads the neuron, and the model's output."""

    layer: Layer
    neuron: int
    words: Sequence[Word]
    names: Sequence[str]
    output: Callable[[torch.Tensor], torch.Tensor] | None
    backgrounds: int
    seed: int

    def single(self, slot: tuple[int, str]) -> Profile:
        """One motif at every place where it fits."""
        width = self.layer.width
        letters = self._letters(slot)
        at = np.arange(0, width - len(letters) + 1)
        value, output = self._asked([[(s, letters)] for s in at.tolist()])
        none = float(self._asked([[]])[0].mean())
        low, mean, high = _interval(value)
        return Profile(at, mean, low, high, float("nan"), float("nan"), none, output)

    def edge(
        self,
        j: int,
        slots: Slots,
        gaps: Mapping[int, int],
        starts: tuple[Mapping[int, int], Mapping[int, int]],
    ) -> Edge:
        """A pair at every distance, averaged over the left motif's most frequent places."""
        left, right = self._letters(slots[j]), self._letters(slots[j + 1])
        width = self.layer.width
        common = [s for s, _ in Counter(starts[0]).most_common(STARTS)] or [0]
        common = [int(np.clip(s, 0, width - len(left))) for s in common]
        at = np.arange(len(left), width - len(right) - min(common) + 1)
        placements, owner = [], []
        for i, distance in enumerate(at.tolist()):
            for s in common:
                if s + distance + len(right) <= width:
                    placements.append([(s, left), (s + distance, right)])
                    owner.append(i)
        if not placements:
            empty = np.empty(0)
            profile = Profile(at[:0], empty, empty, empty, *(float("nan"),) * 3, empty)
            return Edge(j, j + 1, ordered(gaps), profile, holds=None)
        value, output = self._asked(placements)
        owner_of = np.array(owner)
        kept = np.unique(owner_of)
        pooled = [value[owner_of == i].ravel() for i in kept]
        low, mean, high = np.array([_interval(v[None]) for v in pooled])[..., 0].T
        out = np.array([output[owner_of == i].mean() for i in kept]) if len(output) else output
        alone = self._asked([[(s, left)] for s in common])[0].mean()
        places = [s for s, _ in Counter(starts[1]).most_common(STARTS)] or [0]
        places = [int(np.clip(s, 0, width - len(right))) for s in places]
        other = self._asked([[(s, right)] for s in places])[0].mean()
        none = self._asked([[]])[0].mean()
        at = at[kept]
        profile = Profile(at, mean, low, high, float(alone), float(other), float(none), out)
        return Edge(j, j + 1, ordered(gaps), profile, _holds(profile, gaps))

    def _letters(self, slot: tuple[int, str]) -> Codes:
        motif, strand = slot
        ppm = self.words[motif].ppm
        ppm = ppm if strand == "+" else ppm[::-1, ::-1]
        out: Codes = ppm.argmax(0).astype(np.uint8)
        return out

    def _asked(self, placements: Sequence[Sequence[tuple[int, Codes]]]) -> tuple[Floats, Floats]:
        """(p, backgrounds) values of the neuron, and (p,) mean outputs, the same backgrounds."""
        width, length = self.layer.width, self.layer.window.graph.x.shape[2]
        start = self.layer.window.start
        rng = generator(self.seed, "backgrounds")
        base = rng.integers(0, 4, (self.backgrounds, length), dtype=np.uint8)
        values, outputs = [], []
        device = self.layer.window.graph.x.device
        for placement in placements:
            codes = base.copy()
            for at, letters in placement:
                codes[:, start + at : start + at + len(letters)] = letters
            x = one_hot(torch.from_numpy(codes).to(device))
            with torch.no_grad():
                v = self.layer.window(x[:, :, start : start + width])[:, self.neuron]
                values.append(v.double().cpu().numpy())
                if self.output is not None:
                    outputs.append(float(self.output(x).double().mean()))
        return np.array(values), np.array(outputs)


def _interval(value: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean of each row, with its 95 % interval."""
    mean = value.mean(1)
    half = Z * value.std(1, ddof=1) / np.sqrt(value.shape[1])
    return mean - half, mean, mean + half


def _holds(profile: Profile, gaps: Mapping[int, int]) -> bool | None:
    weight = np.array([gaps.get(int(d), 0) for d in profile.at], dtype=np.float64)
    if not weight.sum():
        return None
    low = float((weight * profile.low).sum() / weight.sum())
    return low > max(profile.left, profile.right)


def ordered(counts: Mapping[int, int]) -> dict[int, int]:
    """Counts in the order of what was counted."""
    return dict(sorted(counts.items()))
