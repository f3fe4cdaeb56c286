"""Memory of a training on 200,000 regions of a synthetic genome of 100 million bases.

Run: ``python benchmarks/bench_stream.py [--regions 200000] [--length 200] [--options ...]``. The
training is the command itself in a process of its own; its highest resident memory is printed
beside that of a process that only imports what the command imports. Options behind ``--`` go to
the command. A genome of ten contigs and regions 500 bp apart are written to a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CONTIGS, CONTIG = 10, 10_000_000  # bp
APART = 500  # bp between the left ends of two regions, about
IMPORTS = "import cisgram.steps.train, cisgram.cli.main"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--regions", type=int, nargs="+", default=[200_000])
    parser.add_argument("--length", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("options", nargs="*", help="of the command")
    given = parser.parse_args()
    base = _peak([sys.executable, "-c", IMPORTS], {})[0]
    print(f"imports alone: {base:.0f} MiB")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        genome = _genome(folder)
        for n in given.regions:
            regions = _regions(folder, n, given.length)
            out = folder / f"run-{n}"
            command = [sys.executable, "-m", "cisgram", "train", "--positives", str(regions)]
            command += ["--genome", str(genome), "--model", "deepbind", "-o", str(out)]
            command += ["--epochs", str(given.epochs), *given.options]
            peak, seconds = _peak(command, {"CISGRAM_CACHE": str(folder / "cache")})
            n_rows = sum(1 for _ in (out / "data" / "split.tsv").open()) - 1
            print(
                f"{n} regions of {given.length} bp, {n_rows} sequences with their negatives: "
                f"{peak:.0f} MiB at most, {seconds:.0f} s",
                flush=True,
            )


def _peak(command: list[str], variables: dict[str, str]) -> tuple[float, float]:
    """MiB that the process held at most, and its seconds."""
    began = time.perf_counter()
    child = subprocess.Popen(command, env=os.environ | variables, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        msg = f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}"
        raise SystemExit(msg)
    unit = 1 if sys.platform == "darwin" else 1024
    return _resident(usage) * unit / 2**20, time.perf_counter() - began


def _resident(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss


def _genome(folder: Path) -> Path:
    path, random = folder / "genome.fa", np.random.default_rng(0)
    letters = np.frombuffer(b"ACGT", np.uint8)
    with path.open("wb") as out:
        for i in range(CONTIGS):
            lines = np.full((CONTIG // 100, 101), ord("\n"), np.uint8)
            lines[:, :100] = letters[random.integers(0, 4, (CONTIG // 100, 100), dtype=np.uint8)]
            out.write(f">chr{i + 1}\n".encode() + lines.tobytes())
    return path


def _regions(folder: Path, n: int, length: int) -> Path:
    path, random = folder / f"regions-{n}.bed", np.random.default_rng(1)
    each = n // CONTIGS
    places = (CONTIG - max(length - APART, 0)) // APART
    with path.open("w") as out:
        for i in range(CONTIGS):
            starts = np.sort(random.choice(places, each, replace=False)) * APART
            starts += random.integers(0, max(APART - length, 1), each)
            out.writelines(f"chr{i + 1}\t{s}\t{s + length}\n" for s in starts.tolist())
    return path


if __name__ == "__main__":
    main()
