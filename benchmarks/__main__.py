"""All benchmarks, or those that are named: ``python benchmarks [seq scan ...]``.

Each one runs in a process of its own, so that none leaves threads, caches or memory to the next.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(names: list[str]) -> int:
    """Number of benchmarks that failed."""
    found = {p.stem.removeprefix("bench_"): p for p in sorted(HERE.glob("bench_*.py"))}
    unknown = [n for n in names if n not in found]
    if unknown:
        print(f"No benchmark named {', '.join(unknown)}. Known: {', '.join(found)}.")
        return len(unknown)
    failed = 0
    for name in names or found:
        print(f"\n== {name}", flush=True)
        done = subprocess.run([sys.executable, found[name]], check=False)
        failed += done.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
