"""Scanning: all vertebrate motifs of JASPAR over random sequence, ours against memelite."""

from __future__ import annotations

import argparse

import numpy as np
from compare import HEADER, Timing, compare

from cisgram import motifs
from cisgram.motifs.pvalues import score_table


def main(megabases: float = 2.0, repeats: int = 3) -> list[Timing]:
    """One line a comparison; the rival is left out where it is not installed."""
    try:
        from memelite import fimo
    except ImportError:
        fimo = None
    database = list(motifs.jaspar("vertebrates", release="JASPAR2026"))
    by_id = {m.id: m.ppm for m in database}
    results = []
    for length, name in ((200_000, f"{megabases:g} Mb"), (500, "20 x 500 bp")):
        n = max(1, round(megabases * 1e6 / length)) if length > 500 else 20
        codes = np.random.default_rng(0).integers(0, 4, (n, length)).astype(np.uint8)
        x = (codes[:, None, :] == np.arange(4, dtype=np.uint8)[:, None]).astype(np.int8)
        results.append(
            compare(
                f"scan, {len(database)} motifs x {name}, p 1e-4",
                lambda codes=codes: motifs.scan(codes, database),
                (lambda x=x: fimo(by_id, x)) if fimo else None,
                unit="Mb",
                amount=codes.size / 1e6,
                repeats=repeats,
                check=_agree,
            )
        )
    results.append(
        compare(
            "exact p-value tables",
            lambda: [score_table(m) for m in database],
            None,
            unit="motifs",
            amount=len(database),
            repeats=repeats,
        )
    )
    return results


def _agree(ours, theirs) -> bool:
    """Numbers of sites within 3 %: scores are rounded to 0.01 bits here, to 0.1 there."""
    n = sum(len(frame) for frame in theirs)
    return abs(len(ours) - n) <= 0.03 * n + 50


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabases", type=float, default=2.0)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print(HEADER)
    main(arguments.megabases, arguments.repeats)
