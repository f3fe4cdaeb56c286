"""Exact p-values of motif scores: the distribution of the score of a random site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.motifs.motif import Motif

RESOLUTION = 0.01  # bits: log-odds are rounded to it, and are exact integers from there on
PSEUDOCOUNT = 1e-3


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Integer log-odds of a motif and the p-value of every score.

    Attributes
    ----------
    scores
        (4, k) int32 log-odds in units of ``RESOLUTION`` bits, rows A C G T.
    lowest
        The smallest possible score of a site, in the same units.
    survival
        ``survival[s - lowest]`` is the probability that a random site scores at least s.
    """

    scores: NDArray[np.int32]
    lowest: int
    survival: NDArray[np.float64]

    @property
    def highest(self) -> int:
        """The largest possible score of a site, in units of ``RESOLUTION`` bits."""
        return self.lowest + len(self.survival) - 1

    def p(self, scores: NDArray[np.integer]) -> NDArray[np.float64]:
        """P-values of integer scores between ``lowest`` and ``highest``."""
        return np.asarray(self.survival[scores - self.lowest])

    def threshold(self, p: float) -> int:
        """The smallest score whose p-value is at most ``p``; ``highest + 1`` if none is."""
        # survival falls from 1; the negated tail rises, as searchsorted wants it
        return self.lowest + int(np.searchsorted(-self.survival, -p, side="left"))


def log_odds(motif: Motif, *, pseudocount: float = PSEUDOCOUNT) -> NDArray[np.float64]:
    """(4, k) bits that each base at each position speaks for the motif, against its background.

    With b the background and e the pseudocount: log2((ppm + e b) / ((1 + e) b)).

    Examples
    --------
    >>> log_odds(Motif([[1.0], [0], [0], [0]], "A")).round(2).ravel().tolist()
    [2.0, -9.97, -9.97, -9.97]
    """
    b = np.asarray(motif.background)[:, None]
    return np.asarray(np.log2((motif.ppm + pseudocount * b) / ((1 + pseudocount) * b)))


def score_table(
    motif: Motif,
    *,
    background: Sequence[float] | None = None,
    both_strands: bool = True,
    pseudocount: float = PSEUDOCOUNT,
) -> ScoreTable:
    """Log-odds of a motif and their exact distribution over random sites.

    With b the background and e the pseudocount, base a at position i scores
    ``log2((ppm[a, i] + e b[a]) / ((1 + e) b[a]))`` bits, rounded to ``RESOLUTION``. The
    distribution of the sum over positions, each base drawn from b, is the convolution of the
    positions' distributions: exact for the rounded scores.

    Parameters
    ----------
    motif
        The motif; unchanged.
    background
        Shares of A C G T; ``None`` takes the motif's own.
    both_strands
        Average the background with its complement, so that one table serves both strands.
    pseudocount
        Mass of the background that is mixed into every position; it bounds the penalty of a
        base that was never seen to about ``log2(pseudocount)`` bits.

    Raises
    ------
    InputError
        When the background is not four positive shares or the pseudocount not positive.

    References
    ----------
    Staden 1989, CABIOS 5:89 (the convolution). Grant, Bailey and Noble 2011, Bioinformatics
    27:1017 (FIMO). Differences from FIMO: the pseudocount is a share, not a number of sites.

    Examples
    --------
    >>> table = score_table(Motif([[1], [0], [0], [0]], "A only"))
    >>> table.p(table.scores[0]).item()  # one base in four is an A
    0.25
    """
    b = np.asarray(motif.background if background is None else background, dtype=np.float64)
    if b.shape != (4,) or not np.isfinite(b).all() or not (b > 0).all():
        msg = f"background must be four positive shares of A C G T; got {background!r}."
        raise InputError(msg)
    if not 0 < pseudocount <= 1:
        msg = f"pseudocount must be above 0 and at most 1 (a share); got {pseudocount}."
        raise InputError(msg)
    b = b / b.sum()
    if both_strands:
        b = (b + b[::-1]) / 2
    smooth = (motif.ppm + pseudocount * b[:, None]) / (1 + pseudocount)
    scores = np.rint(np.log2(smooth / b[:, None]) / RESOLUTION).astype(np.int32)
    return ScoreTable(scores, int(scores.min(0).sum()), _survival(scores, b))


def _survival(scores: NDArray[np.int32], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tail probabilities from the lowest score to the highest, one bin a unit."""
    steps = scores - scores.min(0)  # every position starts at 0
    width = int(steps.max(0).sum()) + 1
    shares = b.tolist()
    pmf, filled = np.zeros(width), 1
    pmf[0] = 1.0
    for step in steps.T.tolist():
        nxt = np.zeros(width)
        drawn = {share: share * pmf[:filled] for share in set(shares)}
        for share, up in zip(shares, step, strict=True):
            nxt[up : up + filled] += drawn[share]
        filled += max(step)
        pmf = nxt
    # summed from the rare end, so that small tails keep their digits; rounding may pass 1
    return np.minimum(np.cumsum(pmf[::-1])[::-1], 1.0)
