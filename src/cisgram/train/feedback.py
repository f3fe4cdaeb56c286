"""Feedback: what a generator makes and an analyzer likes replaces the oldest sequences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cisgram.core.seeds import derive
from cisgram.models.generator import Generator, sample

Codes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Analyzer = Callable[[Codes], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Feedback:
    """A rule by which the critic's sequences are exchanged before every epoch.

    Attributes
    ----------
    analyzer
        Codes to a score each.
    threshold
        Sequences that score above it come in.
    samples
        Sequences that are made, and scored, in an epoch.
    seed
        Of what is made.

    References
    ----------
    Gupta A, Zou J (2019). Feedback GAN for DNA optimizes protein functions. Nat Mach Intell
    1:105-111: 960 samples an epoch, threshold 0.8. Here none comes in that is there already.
    """

    analyzer: Analyzer
    threshold: float
    samples: int = 960
    seed: int = 0

    def __call__(
        self, generator: Generator, codes: Codes, born: Ints, epoch: int
    ) -> dict[str, float]:
        """Exchange sequences in place; the shares above the threshold, and what came in."""
        made = sample(generator, self.samples, seed=derive(self.seed, "feedback", epoch))
        liked = self.analyzer(made) > self.threshold
        entered = exchange(codes, born, made[liked], epoch)
        return {
            "above": float(liked.mean()),
            "entered": float(entered),
            "made_share": float((born >= 0).mean()),
        }


def exchange(codes: Codes, born: Ints, made: Codes, epoch: int) -> int:
    """Put sequences in the place of the oldest ones; how many came in.

    Of those of one age the first go first. Sequences that are there already, or that come twice,
    do not come in: a generator that makes one sequence only would fill the set with it.

    Parameters
    ----------
    codes
        (n, length), changed in place.
    born
        (n,) epoch in which each came in, changed in place.
    made
        (m, length).
    epoch
        Now.

    Examples
    --------
    >>> codes, born = np.zeros((2, 3), np.uint8), np.array([-1, 0])
    >>> exchange(codes, born, np.ones((1, 3), np.uint8), 1), codes[:, 0].tolist(), born.tolist()
    (1, [1, 0], [1, 0])
    """
    here = {row.tobytes() for row in codes}
    new = []
    for row in made:
        if row.tobytes() not in here:
            here.add(row.tobytes())
            new.append(row)
    new = new[: len(codes)]
    oldest = np.argsort(born, kind="stable")[: len(new)]
    if new:
        codes[oldest], born[oldest] = np.stack(new), epoch
    return len(new)
