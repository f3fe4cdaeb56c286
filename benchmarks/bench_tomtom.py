"""Tomtom: real motifs against all vertebrate motifs of JASPAR, ours against memelite.

The rival compiles before its first answer (minutes in a fresh install); that is the first
line, together with what a user waits for from the start of a process.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from compare import HEADER, Timing, compare

from cisgram import motifs

OURS = """
from cisgram import motifs
database = motifs.jaspar("vertebrates")
print(motifs.tomtom(database[0], database, best=1).target_id[0])
"""
RIVAL = """
import numpy as np
from memelite import tomtom
from cisgram import motifs
ppms = [np.array(m.ppm) for m in motifs.jaspar("vertebrates")]
tomtom(ppms[:1], ppms)
"""


def main(repeats: int = 7, *, cold_rival: bool = False) -> list[Timing]:
    """One line a comparison; the rival is left out where it is not installed."""
    print(f"cold, process start to answer: ours {cold(OURS):.2f} s", flush=True)
    if cold_rival:
        print(f"cold, nothing compiled yet: memelite {cold(RIVAL):.1f} s", flush=True)
    try:
        import memelite
    except ImportError:
        memelite = None
    database = list(motifs.jaspar("vertebrates"))
    ppms = [np.array(m.ppm) for m in database]
    results = []
    for n in (1, 100, len(database)):
        for threads in (1, 2):
            rival = None
            if memelite:

                def rival(n: int = n, threads: int = threads):
                    return memelite.tomtom(ppms[:n], ppms, n_jobs=threads)

            results.append(
                compare(
                    f"tomtom, {n} x {len(database)}, threads {threads}",
                    lambda n=n, threads=threads: motifs.match_motifs(
                        database[:n], database, workers=threads
                    ),
                    rival,
                    unit="pairs",
                    amount=n * len(database),
                    repeats=repeats,
                    check=_agree,
                )
            )
    return results


def cold(program: str) -> float:
    """Seconds of a fresh process with an empty compiler cache."""
    with tempfile.TemporaryDirectory() as empty:
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "NUMBA_CACHE_DIR": empty},
        )
        return time.perf_counter() - start


def _agree(ours, theirs) -> bool:
    """The same best target for 98 % of the queries."""
    return (ours.p.argmin(1) == theirs[0].argmin(1)).mean() >= 0.98


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--cold-rival", action="store_true", help="time memelite's compilation too")
    arguments = parser.parse_args()
    print(HEADER)
    main(arguments.repeats, cold_rival=arguments.cold_rival)
