"""What the output loses without the sites of a motif."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.seeds import generator
from cisgram.core.types import OneHot
from cisgram.explain.base import Target, ready, scalar
from cisgram.models.state import untouched
from cisgram.motifs import Motif, scan
from cisgram.seq.alphabet import codes_of, one_hot

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


def site_effects(
    model: nn.Module,
    x: OneHot,
    motifs: Iterable[Motif],
    *,
    target: Target | None = None,
    p: float = 1e-3,
    copies: int = 10,
    batch_size: int = 256,
    seed: int = 0,
) -> pd.DataFrame:
    """What the output loses when the sites of a motif are overwritten.

    In each sequence that has sites of the motif (`motifs.scan`, both strands), all of them are
    overwritten by random letters that no longer match; the effect is f(x) minus the mean over
    ``copies`` such versions. The control does the same to as many windows of the same width
    elsewhere in the sequence, where they may hit other motifs: it tells what overwriting any
    letters costs.

    Parameters
    ----------
    model, x, target
        As everywhere in this room; give sequences that carry the signal, for example positives.
    motifs
        What to look for.
    p
        Largest p-value of a site; raised to what a motif's best word reaches where that is larger.
    copies
        Random versions of each sequence.
    batch_size
        Sequences run at once.
    seed
        Of the letters; each motif and sequence has its own stream, so that neither the order nor
        the company of a sequence changes what is written into it.

    Returns
    -------
    DataFrame
        One row a motif: ``motif``, ``sequences`` (with a site), ``effect`` (mean over these),
        ``effect_low``, ``effect_high`` (its 95 % interval), ``control`` (its mean), in units of
        the target. NaN where fewer than 3 sequences have a site.
    """
    import pandas as pd

    check_positive(copies, name="copies")
    check_positive(batch_size, name="batch_size")
    x = ready(model, x)
    codes = codes_of(x)
    rows = []
    with untouched(model), torch.inference_mode():
        f = scalar(model, target)

        def outputs(c: NDArray[np.uint8]) -> Array:
            parts = [
                f(one_hot(c[i : i + batch_size]).to(x.device)) for i in range(0, len(c), batch_size)
            ]
            return torch.cat(parts).double().cpu().numpy()

        whole = outputs(codes)
        for motif in motifs:
            hits = _sites(codes, motif, p)
            some = sorted(hits)
            if len(some) < 3:
                rows.append((motif.name, len(some), *[np.nan] * 4))
                continue
            changes = []
            for elsewhere in (False, True):
                drawn = []
                for i in some:  # by its own letters: the company of a sequence changes nothing
                    keys = (motif.name, codes[i].tobytes().hex(), int(elsewhere))
                    random = generator(seed, "overwrite", *keys)
                    drawn += [
                        _overwritten(codes[i], hits[i], motif, random, elsewhere)
                        for _ in range(copies)
                    ]
                after = outputs(np.stack(drawn)).reshape(len(some), copies).mean(1)
                changes.append(whole[some] - after)
            low, mid, high = _mean_interval(changes[0])
            rows.append((motif.name, len(some), mid, low, high, float(changes[1].mean())))
    columns = ["motif", "sequences", "effect", "effect_low", "effect_high", "control"]
    return pd.DataFrame(rows, columns=columns)


def _sites(codes: NDArray[np.uint8], motif: Motif, p: float) -> dict[int, list[int]]:
    """Starts of the motif's sites by sequence; overlapping ones of the two strands count once."""
    best = 0.25 ** float(np.sum(motif.information > 0.5))
    table = scan(codes, motif, p=min(max(p, 1.01 * best), 0.01))
    found: dict[int, list[int]] = {}
    for row, start in zip(table["sequence"].tolist(), table["start"].tolist(), strict=True):
        starts = found.setdefault(int(row), [])
        if start not in starts:
            starts.append(int(start))
    return found


def _overwritten(
    codes: NDArray[np.uint8],
    starts: list[int],
    motif: Motif,
    random: np.random.Generator,
    elsewhere: bool,
) -> NDArray[np.uint8]:
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
        word = _unlike(motif, random, most=0.5 * max(_likeness(motif, was), 0.0))
        out[s : s + k] = np.where(was < 4, word, was)
    return out


def _unlike(motif: Motif, random: np.random.Generator, *, most: float) -> NDArray[np.uint8]:
    """A random word whose likeness is at most ``most``; of 100 that are not, the least alike."""
    best, least = None, np.inf
    for _ in range(100):
        word = random.integers(0, 4, motif.width).astype(np.uint8)
        likeness = _likeness(motif, word)
        if best is None or likeness < least:
            best, least = word, likeness
        if likeness <= most:
            break
    assert best is not None
    return best


def _likeness(motif: Motif, word: NDArray[np.uint8]) -> float:
    """Log-odds (bits) of a word under the motif, the better strand."""
    bits = np.log2((motif.ppm + 0.01) / 1.04 / 0.25)
    at = np.arange(motif.width)
    known = word < 4
    letters = np.minimum(word, 3)
    given = float(bits[letters, at][known].sum())
    other = float(bits[3 - letters[::-1], at][known[::-1]].sum())
    return max(given, other)


def _mean_interval(values: Array) -> tuple[float, float, float]:
    """Low end, mean and high end of a normal 95 % interval of a mean."""
    mean = float(values.mean())
    half = 1.96 * float(values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return mean - half, mean, mean + half
