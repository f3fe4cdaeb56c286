"""What stands in place of a feature that is taken away."""

from __future__ import annotations

import numpy as np

from cisgram.core.checks import check_positive
from cisgram.core.registry import unknown
from cisgram.core.seeds import generator
from cisgram.explain.features import Feature
from cisgram.explain.overwrite import Codes, likeness
from cisgram.motifs import Motif
from cisgram.seq.alphabet import N

FILLS = ("words", "shuffles", "N")
TRIES = 100  # words that are drawn at most for one that no longer matches


def check_fill(fill: str, copies: int) -> None:
    """Refuse a fill that there is not, or no copies."""
    check_positive(copies, name="copies")
    if fill not in FILLS:
        what = "fill"
        raise unknown(what, str(fill), FILLS)


def filled(codes: Codes, feature: Feature, *, fill: str, copies: int, seed: int) -> Codes:
    """(copies, positions): letters that stand in place of a feature, one row a copy.

    Parameters
    ----------
    codes
        (length,) letters of the sequence.
    feature
        What is taken away.
    fill
        ``words``: random letters, drawn anew while a motif that is known likes the span, on
        either strand, more than half as much (in bits) as what stood there; of a single base one
        of the other three letters. ``shuffles``: the letters of each span in random order. ``N``.
    copies
        Rows; of ``N`` one.
    seed
        The letters follow from this, the sequence's own letters, the name and the spans.
    """
    at = feature.positions
    was = codes[at]
    if fill == "N":
        return np.full((1, len(at)), N, dtype=np.uint8)
    flat = [edge for span in feature.spans for edge in span]
    random = generator(seed, "fill", fill, feature.name, codes.tobytes().hex(), *flat)
    out = np.repeat(was[None], copies, axis=0)
    for row in out:
        start = 0
        for a, b in feature.spans:
            part = row[start : start + b - a]
            is_base = part < N
            if fill == "shuffles":
                part[is_base] = random.permutation(part[is_base])
            else:
                part[is_base] = _word(codes[a:b], feature.motif, random)[is_base]
            start += b - a
    return out


def substitutions(codes: Codes, feature: Feature) -> Codes:
    """(3, 1): the letters that a single base is not; of N, N alone."""
    was = codes[feature.positions]
    return (was + np.arange(1, 4, dtype=np.uint8)[:, None]) % 4 if was[0] < N else was[None]


def _word(was: Codes, motif: Motif | None, random: np.random.Generator) -> Codes:
    """Random letters; of those drawn the first that no longer match, or the least alike."""
    if len(was) == 1:
        return (was + random.integers(1, 4, 1).astype(np.uint8)) % 4
    best, least = random.integers(0, 4, len(was)).astype(np.uint8), np.inf
    if motif is None or motif.width > len(was):
        return best
    most = 0.5 * max(_likes(motif, was), 0.0)
    word = best
    for _ in range(TRIES):
        alike = _likes(motif, word)
        if alike < least:
            best, least = word, alike
        if alike <= most:
            break
        word = random.integers(0, 4, len(was)).astype(np.uint8)
    return best


def _likes(motif: Motif, letters: Codes) -> float:
    """The best likeness (bits) of a motif along a span, which may hold several sites."""
    starts = range(len(letters) - motif.width + 1)
    return max(likeness(motif, letters[s : s + motif.width]) for s in starts)
