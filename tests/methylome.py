"""A small genome whose CpG sites are methylated by a word nearby and by the stretch they lie in.

The truth: a site's chance of methylation is the sigmoid of ``WORD_EFFECT`` where the word stands
within 30 bp, 0 elsewhere, minus its half, plus ``STRETCH_EFFECT`` times the +1 or -1 of its
stretch of 3 kb. So letters tell something that neighbors do not, and the other way round.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cisgram.seq.alphabet import from_codes

WORD = (1, 0, 1, 3, 2, 3, 2, 1)  # CACTGTGC, which holds no CG
WORD_EFFECT, STRETCH_EFFECT = 4.0, 2.0
STRETCH, EVERY = 3_000, 120  # bp


def write(
    folder: Path,
    *,
    contigs: int = 4,
    sites: int = 500,
    cells: int = 2,
    known: float = 0.5,
    seed: int = 0,
) -> Sequence[str]:
    """``g.fa`` and ``cell1.bed``, ...; gives the names of the profiles."""
    rng = np.random.default_rng(seed)
    fasta, rows = [], [list[str]() for _ in range(cells)]
    for c in range(contigs):
        size = EVERY * (sites + 2)
        codes = rng.integers(0, 4, size).astype(np.uint8)
        side = rng.choice([-1.0, 1.0], size // STRETCH + 1)
        at = EVERY * np.arange(1, sites + 1) + rng.integers(-20, 20, sites)
        has_word = rng.random(sites) < 0.5
        for site, word in zip(at.tolist(), has_word.tolist(), strict=True):
            codes[site : site + 2] = (1, 2)
            if word:
                away = int(rng.integers(4, 22))
                start = site + away if rng.random() < 0.5 else site - away - len(WORD)
                codes[start : start + len(WORD)] = WORD
        logit = WORD_EFFECT * (has_word - 0.5) + STRETCH_EFFECT * side[at // STRETCH]
        for mine in rows:
            state = rng.random(sites) < 1 / (1 + np.exp(-logit))
            seen = rng.random(sites) < known
            mine += [
                f"chr{c}\t{p + 1}\t{int(s)}\n" for p, s in zip(at[seen], state[seen], strict=True)
            ]
        fasta.append(f">chr{c}\n{from_codes(codes[None])[0]}\n")
    (folder / "g.fa").write_text("".join(fasta))
    names = [f"cell{i + 1}" for i in range(cells)]
    for name, mine in zip(names, rows, strict=True):
        (folder / f"{name}.bed").write_text("".join(mine))
    return names
