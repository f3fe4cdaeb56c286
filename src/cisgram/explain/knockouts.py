"""Outputs of sequences from which features are taken away, each version with its own letters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from cisgram.core.seeds import generator
from cisgram.core.types import ScalarFn
from cisgram.explain.features import Feature, Span
from cisgram.explain.fills import filled
from cisgram.explain.overwrite import Codes, outputs

Array = NDArray[np.float64]
Group = tuple[Feature, ...]
TRIES = 20


class Knockouts:
    """Asks a target about sequences without groups of their features.

    A feature has the same ``copies`` versions of other letters in every group, so that
    differences between groups are those of the features that they do not share.
    """

    def __init__(
        self,
        f: ScalarFn,
        codes: Codes,
        device: torch.device,
        *,
        fill: str,
        copies: int,
        seed: int,
        batch_size: int,
    ) -> None:
        self.f, self.codes, self.device, self.batch_size = f, codes, device, batch_size
        self.fill, self.seed = fill, seed
        self.copies = 1 if fill == "N" else copies
        self._known: dict[frozenset[Feature], Array] = {}
        self._words: dict[Feature, Codes] = {}

    def remember(self, groups: Iterable[Group]) -> None:
        """Ask about all groups that are not known yet, many copies at once."""
        new = {key: g for g in groups if (key := frozenset(g)) not in self._known}
        found = [np.zeros(0)]
        letters = self._copies(new.values())
        while batch := list(islice(letters, self.batch_size)):
            own = np.stack(batch)
            found.append(outputs(self.f, own, self.device, batch_size=self.batch_size))
        each = np.concatenate(found).reshape(len(new), self.copies)
        self._known.update(zip(new, each, strict=True))

    def of(self, *group: Feature) -> Array:
        """(copies,) outputs of the sequence without these features, which were remembered."""
        return self._known[frozenset(group)]

    def _copies(self, groups: Iterable[Group]) -> Iterator[Codes]:
        for group in groups:
            row = self.codes[group[0].sequence]
            made = np.repeat(row[None], self.copies, axis=0)
            for feature in group:
                made[:, feature.positions] = self._letters(row, feature)
            yield from made

    def _letters(self, row: Codes, feature: Feature) -> Codes:
        """(copies, positions) what stands in place of a feature, in whatever company it goes."""
        if feature not in self._words:
            self._words[feature] = filled(
                row, feature, fill=self.fill, copies=self.copies, seed=self.seed
            )
        return self._words[feature]


def elsewhere(
    codes: Codes,
    feature: Feature,
    away: Sequence[Feature],
    *,
    number: int,
    seed: int,
) -> Feature | None:
    """A feature of the same widths at a random place of its sequence, as a control.

    Parameters
    ----------
    codes
        (length,) letters of the sequence.
    feature
        What it stands for.
    away
        Features that it must not touch.
    number, seed
        Which control; places follow from these, the letters and the feature.

    Returns
    -------
    Feature
        None where no room is found.
    """
    flat = [edge for span in feature.spans for edge in span]
    taken = np.zeros(len(codes), dtype=bool)
    for f in away:
        taken[f.positions] = True
    random = generator(seed, "elsewhere", feature.name, number, codes.tobytes().hex(), *flat)
    for _ in range(TRIES if len(feature.spans) > 1 else 1):
        spans = _placed(taken.copy(), feature, random)
        if spans is not None:
            name = f"{feature.name} elsewhere {number}"
            return Feature(feature.sequence, name, spans, feature.motif)
    return None


def _placed(
    taken: NDArray[np.bool_], feature: Feature, random: np.random.Generator
) -> tuple[Span, ...] | None:
    spans = []
    for a, b in sorted(feature.spans, key=lambda s: s[0] - s[1]):  # the widest first
        under = np.convolve(taken, np.ones(b - a), mode="valid")
        free = np.flatnonzero(under == 0)
        if len(free) == 0:
            return None
        start = int(random.choice(free))
        taken[start : start + b - a] = True
        spans.append((start, start + b - a))
    return tuple(sorted(spans))
