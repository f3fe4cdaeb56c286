"""Motifs placed into random backgrounds, and what the neuron says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from cisgram.core.seeds import generator
from cisgram.explain.demix.leaves import Word
from cisgram.explain.demix.neurons import Layer
from cisgram.explain.demix.reader import (
    Codes,
    Reader,
    affordable,
    cost,
)
from cisgram.explain.demix.window import multiplications
from cisgram.seq.alphabet import one_hot

Floats = NDArray[np.float64]
Slots = tuple[tuple[int, str], ...]
Placed = tuple[int, Codes]
"""A start in the window, and the letters from there on."""

Z = 1.96
BATCH = 256


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What a neuron says when motifs are placed into random backgrounds.

    Attributes
    ----------
    at
        (p,) distances from start to start of a pair, or starts of a single motif (bp), ascending.
        All that fit; where the neuron is dear, some (`Effort`).
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
        The neuron asked back at distances that fit into its window.
    holds
        Whether both motifs at the observed distances excite the neuron more than the better one
        of them alone: the lower ends of the 95 % intervals, averaged over observed distances
        weighted by their sequences, lie above it. None where no observed distance could be asked
        (motifs that overlap cannot be placed one after the other), or where the neuron is dear
        and the pair rare (`Effort.questions`).
    """

    left: int
    right: int
    gaps: Mapping[int, int]
    profile: Profile
    holds: bool | None


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is asked of a neuron: less where it, or its model, is dear.

    Attributes
    ----------
    backgrounds, outputs
        Random backgrounds for each placement, and those of them in which the model is run too.
    starts
        Places of the left motif over which a pair's profile is averaged.
    places
        Distances of a pair, or places of a motif, that are asked at most: the ones that the
        windows have most often, and others evenly between them.
    questions
        Pairs and single motifs that are asked at most, those of the most sequences first.
    """

    backgrounds: int = 100
    outputs: int = 100
    starts: int = 5
    places: int = 1000
    questions: int = 1000


def effort(
    layer: Layer, output: Callable[[torch.Tensor], torch.Tensor] | None, *, questions: int
) -> Effort:
    """What a neuron of this layer can be asked for so many pairs and single motifs."""
    own = cost(layer.window)
    whole = 0
    if output is not None:
        x = torch.zeros_like(layer.window.graph.x[:1])
        whole = multiplications(lambda: output(x))
    backgrounds = affordable(own, 100, 20)
    outputs = min(backgrounds, affordable(whole, 100, 4))
    asked = min(questions, affordable(own, 200, 8))
    places = max(affordable(own, 2000, 100) // max(asked, 1), 12)
    return Effort(backgrounds, outputs, affordable(own, 5, 1), places, asked)


@dataclass(slots=True, eq=False)
class Asker:
    """Places motifs into random backgrounds and reads the neuron, and the model's output."""

    layer: Layer
    neuron: int
    words: Sequence[Word]
    names: Sequence[str]
    output: Callable[[torch.Tensor], torch.Tensor] | None
    effort: Effort
    seed: int
    read: Reader
    left: int = field(init=False)
    known: dict[tuple[tuple[int, bytes], ...], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.left = self.effort.questions

    def single(self, slot: tuple[int, str], starts: Mapping[int, int]) -> Profile | None:
        """One motif at every place where it fits; None where nothing more is asked."""
        if not self._may_ask():
            return None
        width = self.layer.width
        letters = self._letters(slot)
        at = _some(np.arange(0, width - len(letters) + 1), starts, self.effort.places)
        value, output = self._asked([[(s, letters)] for s in at.tolist()])
        low, mean, high = _interval(value)
        nan = float("nan")
        return Profile(at, mean, low, high, nan, nan, self._mean([[]]), output)

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
        common = self._common(starts[0], width - len(left))
        every = np.arange(len(left), width - len(right) - min(common) + 1)
        at = _some(every, gaps, self.effort.places)
        placements, owner = [], []
        for i, distance in enumerate(at.tolist()):
            for s in common:
                if s + distance + len(right) <= width:
                    placements.append([(s, left), (s + distance, right)])
                    owner.append(i)
        if not placements or not self._may_ask():
            empty = np.empty(0)
            profile = Profile(at[:0], empty, empty, empty, *(float("nan"),) * 3, empty)
            return Edge(j, j + 1, ordered(gaps), profile, holds=None)
        value, output = self._asked(placements)
        owner_of = np.array(owner)
        kept = np.unique(owner_of)
        pooled = [value[owner_of == i].ravel() for i in kept]
        low, mean, high = np.array([_interval(v[None]) for v in pooled])[..., 0].T
        out = np.array([output[owner_of == i].mean() for i in kept]) if len(output) else output
        places = self._common(starts[1], width - len(right))
        alone, other = (
            self._mean([[(s, own)] for s in at_most])
            for own, at_most in ((left, common), (right, places))
        )
        profile = Profile(at[kept], mean, low, high, alone, other, self._mean([[]]), out)
        return Edge(j, j + 1, ordered(gaps), profile, _holds(profile, gaps))

    def _common(self, starts: Mapping[int, int], last: int) -> list[int]:
        """The most frequent places of a motif, moved to where it fits."""
        common = [s for s, _ in Counter(starts).most_common(self.effort.starts)] or [0]
        return [int(np.clip(s, 0, last)) for s in common]

    def _letters(self, slot: tuple[int, str]) -> Codes:
        motif, strand = slot
        ppm = self.words[motif].ppm
        ppm = ppm if strand == "+" else ppm[::-1, ::-1]
        out: Codes = ppm.argmax(0).astype(np.uint8)
        return out

    def _may_ask(self) -> bool:
        """Count a question; False where all that the neuron is worth are asked."""
        self.left -= 1
        return self.left >= 0

    def _mean(self, placements: Sequence[Sequence[Placed]]) -> float:
        """Mean over placements and backgrounds; each placement is asked once."""
        found = []
        for placement in placements:
            key = tuple((s, own.tobytes()) for s, own in placement)
            if key not in self.known:
                codes = self._written([placement], self._backgrounds())
                self.known[key] = float(self._values(codes).mean())
            found.append(self.known[key])
        return float(np.mean(found))

    def _asked(self, placements: Sequence[Sequence[Placed]]) -> tuple[Floats, Floats]:
        """(p, backgrounds) values of the neuron, and (p,) mean outputs, the same backgrounds."""
        base = self._backgrounds()
        codes = self._written(placements, base)
        if self.output is None:
            return self._values(codes), np.empty(0)
        few = codes[:, : self.effort.outputs]
        flat = few.reshape(-1, few.shape[2])
        device = self.layer.window.graph.x.device
        with torch.no_grad():
            parts = [
                self.output(one_hot(torch.from_numpy(flat[i : i + BATCH]).to(device))).double()
                for i in range(0, len(flat), BATCH)
            ]
        outputs: Floats = torch.cat(parts).cpu().numpy().reshape(few.shape[:2]).mean(1)
        return self._values(codes), outputs

    def _backgrounds(self) -> Codes:
        """(backgrounds, length) random sequences, the same for every question."""
        length = self.layer.window.graph.x.shape[2]
        rng = generator(self.seed, "backgrounds")
        return rng.integers(0, 4, (self.effort.backgrounds, length), dtype=np.uint8)

    def _written(self, placements: Sequence[Sequence[Placed]], base: Codes) -> Codes:
        """(p, backgrounds, length) each placement in each background."""
        start = self.layer.window.start
        codes = np.repeat(base[None], len(placements), axis=0)
        for placed, placement in zip(codes, placements, strict=True):
            for at, letters in placement:
                placed[:, start + at : start + at + len(letters)] = letters
        return codes

    def _values(self, codes: Codes) -> Floats:
        """(p, backgrounds) of the neuron."""
        start, width = self.layer.window.start, self.layer.width
        windows = codes[:, :, start : start + width].reshape(-1, width)
        values = self.read.values(windows, [self.neuron]).astype(np.float64)
        return values.reshape(codes.shape[:2])


def _some(at: NDArray[np.int64], seen: Mapping[int, int], most: int) -> NDArray[np.int64]:
    """At most so many of the places: half of them the most frequent, the others evenly spread."""
    if len(at) <= most:
        return at
    frequent = [p for p, _ in Counter(seen).most_common(most // 2) if at[0] <= p <= at[-1]]
    rest = np.setdiff1d(at, frequent)
    evenly = np.linspace(0, len(rest) - 1, most - len(frequent)).round().astype(np.int64)
    return np.union1d(np.array(frequent, dtype=np.int64), rest[evenly])


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
