"""Sites of a motif, and copies of a sequence in which they no longer match."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from cisgram.core.types import ScalarFn
from cisgram.motifs import Motif, scan
from cisgram.seq.alphabet import one_hot

if TYPE_CHECKING:
    import pandas as pd

Codes = NDArray[np.uint8]
Array = NDArray[np.float64]


def outputs(f: ScalarFn, codes: Codes, device: torch.device, *, batch_size: int) -> Array:
    """(n,) target of sequences given as codes (n, length)."""
    parts = [
        f(one_hot(codes[i : i + batch_size]).to(device)) for i in range(0, len(codes), batch_size)
    ]
    return torch.cat(parts).double().cpu().numpy()


def sites_of(codes: Codes, motif: Motif, p: float) -> pd.DataFrame:
    """Sites as `motifs.scan` finds them, of two strands at one place the better one.

    ``p`` is raised to what the motif's best word reaches where that is larger.
    """
    best = 0.25 ** float(np.sum(motif.information > 0.5))
    table = scan(codes, motif, p=min(max(p, 1.01 * best), 0.01))
    order = np.lexsort([-table["score"], table["start"], table["sequence"]])
    return table.iloc[order].drop_duplicates(["sequence", "start"]).reset_index(drop=True)


def starts_of(sites: pd.DataFrame) -> dict[int, list[int]]:
    """Starts of sites by sequence."""
    found: dict[int, list[int]] = {}
    for row, start in zip(sites["sequence"].tolist(), sites["start"].tolist(), strict=True):
        found.setdefault(int(row), []).append(int(start))
    return found


def overwritten(
    codes: Codes,
    starts: list[int],
    motif: Motif,
    random: np.random.Generator,
    *,
    elsewhere: bool = False,
) -> Codes:
    """One copy with the windows (or as many others) drawn anew until they no longer match."""
    out = codes.copy()
    k = motif.width
    if elsewhere:
        taken = np.zeros(len(codes), dtype=bool)
        for s in starts:
            taken[s : s + k] = True
        under = np.convolve(taken, np.ones(k), mode="valid")
        free = np.flatnonzero(under == under.min())  # where every window is touched, the least
        again = len(free) < len(starts)
        starts = random.choice(free, size=len(starts), replace=again).tolist()
    for s in starts:
        was = codes[s : s + k]
        word = _unlike(motif, random, most=0.5 * max(likeness(motif, was), 0.0))
        out[s : s + k] = np.where(was < 4, word, was)
    return out


def _unlike(motif: Motif, random: np.random.Generator, *, most: float) -> Codes:
    """A random word whose likeness is at most ``most``; of 100 that are not, the least alike."""
    best, least = None, np.inf
    for _ in range(100):
        word = random.integers(0, 4, motif.width).astype(np.uint8)
        alike = likeness(motif, word)
        if best is None or alike < least:
            best, least = word, alike
        if alike <= most:
            break
    assert best is not None
    return best


def likeness(motif: Motif, word: Codes) -> float:
    """Log-odds (bits) of a word under the motif, the better strand."""
    bits = np.log2((motif.ppm + 0.01) / 1.04 / 0.25)
    at = np.arange(motif.width)
    known = word < 4
    letters = np.minimum(word, 3)
    given = float(bits[letters, at][known].sum())
    other = float(bits[3 - letters[::-1], at][known[::-1]].sum())
    return max(given, other)
