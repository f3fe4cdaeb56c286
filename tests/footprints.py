"""A small genome of accessibility: a motif opens it and leaves a footprint, an enzyme has its bias.

The rate of cuts at a position is ``BASE``, times ``1 + OPEN * exp(-(d / 40)^2 / 2)`` at d bp from
the motif of a peak, times ``SHADE`` under the motif itself, times ``CUT`` in the middle of every
copy of the enzyme's word. The word stands in peaks and in background alike, and says nothing of
where the genome is open.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cisgram.io import write_bigwig
from cisgram.seq.alphabet import from_codes

MOTIF = (3, 2, 0, 1, 3, 1, 0, 3)  # TGACTCAT
ENZYME = (2, 1, 2, 0, 0, 2)  # GCGAAG
BASE, OPEN, SHADE, CUT = 0.3, 6.0, 0.1, 12.0
EVERY, WIDTH = 800, 300  # bp from peak to peak, and of a window


@dataclass
class Genome:
    motifs: dict[str, list[int]]
    enzymes: dict[str, list[int]]


def write(folder: Path, *, contigs: int = 4, peaks: int = 80, seed: int = 0) -> Genome:
    """``g.fa``, ``cuts.bw``, ``peaks.bed``, ``background.bed``; where the words stand."""
    rng = np.random.default_rng(seed)
    made, fasta, counts = Genome({}, {}), [], []
    size = EVERY * peaks
    for c in range(contigs):
        name = f"chr{c}"
        codes = rng.integers(0, 4, size).astype(np.uint8)
        motifs = [EVERY * i + EVERY // 4 + int(rng.integers(-60, 60)) for i in range(peaks)]
        enzymes = sorted(rng.choice(size // 10, 9 * peaks, replace=False) * 10)
        enzymes = [int(e) for e in enzymes if all(abs(e - m) > 12 for m in motifs) and e < size - 6]
        for e in enzymes:
            codes[e : e + len(ENZYME)] = ENZYME
        for m in motifs:
            codes[m : m + len(MOTIF)] = MOTIF
        made.motifs[name], made.enzymes[name] = motifs, enzymes
        counts.append(rng.poisson(_rate(size, motifs, enzymes)))
        fasta.append(f">{name}\n{from_codes(codes[None])[0]}\n")
    (folder / "g.fa").write_text("".join(fasta))
    names = list(made.motifs)
    sizes = dict.fromkeys(names, size)
    write_bigwig(folder / "cuts.bw", np.stack(counts), names, np.zeros(contigs), sizes=sizes)
    for kind, at in (("peaks", EVERY // 4), ("background", 3 * EVERY // 4)):
        rows = [
            f"{name}\t{EVERY * i + at}\t{EVERY * i + at + 1}\n"
            for name in names
            for i in range(peaks)
        ]
        rows = [r for r in rows if int(r.split("\t")[1]) >= WIDTH]
        (folder / f"{kind}.bed").write_text("".join(rows))
    return made


def _rate(size, motifs, enzymes):
    rate = np.ones(size)
    at = np.arange(size)
    for m in motifs:
        near = slice(max(0, m - 200), m + 200)
        rate[near] += OPEN * np.exp(-(((at[near] - m - 4) / 40) ** 2) / 2)
    for m in motifs:
        rate[m : m + len(MOTIF)] *= SHADE
    for e in enzymes:
        rate[e + 3] *= CUT
    return BASE * rate


def share(tensors: dict[str, np.ndarray], word: tuple[int, ...], *, edge: int = 60) -> float:
    """Mean size of the scores under a word over that of bases under neither, in the middle."""
    x = tensors["x"]
    size = np.abs((tensors["values"] * x).sum(1))[:, edge:-edge]
    codes = np.where(x.sum(1) > 0, x.argmax(1), 4)[:, edge:-edge]
    under = {w: _under(codes, w) for w in (MOTIF, ENZYME)}
    return float(size[under[word]].mean() / size[~(under[MOTIF] | under[ENZYME])].mean())


def _under(codes: np.ndarray, word: tuple[int, ...]) -> np.ndarray:
    found = np.zeros(codes.shape, dtype=bool)
    windows = np.lib.stride_tricks.sliding_window_view(codes, len(word), axis=1)
    for row, start in np.argwhere((windows == np.array(word)).all(2)):
        found[row, start : start + len(word)] = True
    return found
