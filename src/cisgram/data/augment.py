"""Changes of the training sequences that leave their labels: EvoAug's, at a fixed length."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.data.options import DataOptions
from cisgram.seq.alphabet import complement_codes

Codes: TypeAlias = NDArray[np.uint8]
Change: TypeAlias = Callable[[Codes, "Augment", np.random.Generator], Codes]


@dataclass(frozen=True, slots=True)
class Augment:
    """Which changes may come to a sequence, and how large they are.

    Attributes
    ----------
    kinds
        Names of `CHANGES`, and ``noise``.
    most
        Changes of one sequence: so many of the kinds, drawn without replacement and made in the
        order of `CHANGES`. Noise, where it is among the kinds, comes to every sequence.
    longest
        bp of an inserted, deleted, inverted or moved stretch, drawn from 1 to this.
    mutated
        Share of the bases that ``mutation`` draws anew; a quarter of them stay what they were.
    noise
        Standard deviation of what is added to the one-hot array; 0: none.

    References
    ----------
    Lee, Tang, Toneyan and Koo 2023, Genome Biology 24:105 (EvoAug). Differences from the authors'
    code: a deletion is filled up and an insertion cut off at a random end, so that sequences keep
    their length (there, all become longer by the longest insertion); unknown bases (N) are moved
    like others and not mutated.
    """

    kinds: tuple[str, ...]
    most: int = 2
    longest: int = 20
    mutated: float = 0.05
    noise: float = 0.0

    def changed(self, codes: Codes, random: np.random.Generator) -> Codes:
        """(n, length) changed copies; row i depends on the generator and on i alone.

        Examples
        --------
        >>> augment = Augment(("reverse_complement",), most=1)
        >>> augment.changed(np.array([[0, 0, 1]], np.uint8), np.random.default_rng(0)).tolist()
        [[2, 3, 3]]
        """
        able = [name for name in CHANGES if name in self.kinds]
        out = codes.copy()
        if not able:
            return out
        streams = random.spawn(len(codes))  # a change draws as much as it needs, its row alone
        for row, stream in enumerate(streams):
            some = stream.permutation(len(able))[: self.most]
            for i in sorted(some.tolist()):
                out[row] = CHANGES[able[i]](out[row], self, stream)
        return out

    def noise_of(self, random: np.random.Generator, n: int, length: int) -> NDArray[np.float32]:
        """(n, 4, length) noise for the next n sequences."""
        drawn = random.standard_normal((n, 4, length), dtype=np.float32)
        return drawn * np.float32(self.noise)


def augment_of(options: DataOptions) -> Augment | None:
    """The changes that the settings ask for; ``None`` where they ask for none.

    Raises
    ------
    InputError
        When a kind is unknown, or there is nothing to take so many of.
    """
    if not options.augment:
        return None
    known = (*CHANGES, "noise")
    for name in options.augment:
        if name not in known:
            what = "augmentation"
            raise unknown(what, name, known)
    able = [name for name in options.augment if name != "noise"]
    if able and options.augment_most > len(able) and "augment_most" in options.model_fields_set:
        msg = (
            f"data.augment_most={options.augment_most} changes cannot be drawn from "
            f"{len(able)} kinds ({', '.join(able)}). Give more kinds, or ask for fewer."
        )
        raise InputError(msg)
    return Augment(
        tuple(options.augment),
        most=options.augment_most,
        longest=options.augment_longest,
        mutated=options.augment_mutated,
        noise=options.augment_noise if "noise" in options.augment else 0.0,
    )


def _reverse_complement(row: Codes, _: Augment, __: np.random.Generator) -> Codes:
    return np.asarray(complement_codes(row[::-1]))


def _inversion(row: Codes, how: Augment, random: np.random.Generator) -> Codes:
    """A stretch is read from the other strand."""
    start, end = _stretch(row, how, random)
    return np.concatenate([row[:start], complement_codes(row[start:end][::-1]), row[end:]])


def _translocation(row: Codes, how: Augment, random: np.random.Generator) -> Codes:
    """All moves along, and what leaves at one end enters at the other."""
    shift = int(random.integers(1, min(how.longest, len(row) - 1) + 1))
    return np.roll(row, shift if random.random() < 0.5 else -shift)


def _deletion(row: Codes, how: Augment, random: np.random.Generator) -> Codes:
    """A stretch goes; random bases fill up one end."""
    start, end = _stretch(row, how, random)
    left, new = np.delete(row, np.s_[start:end]), _random(end - start, random)
    return np.concatenate([left, new] if random.random() < 0.5 else [new, left])


def _insertion(row: Codes, how: Augment, random: np.random.Generator) -> Codes:
    """Random bases come in; what they push over one end is cut off."""
    start, end = _stretch(row, how, random)
    longer = np.concatenate([row[:start], _random(end - start, random), row[start:]])
    return longer[: len(row)] if random.random() < 0.5 else longer[len(longer) - len(row) :]


def _mutation(row: Codes, how: Augment, random: np.random.Generator) -> Codes:
    """A share of the known bases is drawn anew."""
    n = round(how.mutated * len(row))
    places = random.choice(len(row), n, replace=False)
    places = places[row[places] < 4]
    row = row.copy()
    row[places] = _random(len(places), random)
    return row


CHANGES: dict[str, Change] = {
    "inversion": _inversion,
    "translocation": _translocation,
    "deletion": _deletion,
    "insertion": _insertion,
    "reverse_complement": _reverse_complement,
    "mutation": _mutation,
}
"""Changes by name, in the order in which they are made."""


def _stretch(row: Codes, how: Augment, random: np.random.Generator) -> tuple[int, int]:
    """Start and end of a stretch of 1 to ``longest`` bp that lies in the row."""
    n = int(random.integers(1, min(how.longest, len(row) - 1) + 1))
    start = int(random.integers(0, len(row) - n + 1))
    return start, start + n


def _random(n: int, random: np.random.Generator) -> Codes:
    return random.integers(0, 4, n, dtype=np.uint8)
