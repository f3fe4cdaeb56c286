"""Milliseconds of a question to the dashboard's model process: one base of a sequence is replaced.

Each question goes the whole way that a click goes on the server: through the pipe to the model
process, prediction, default tracks, sites of named motifs, packing, and back. Before anything is
timed, a score is compared with the model's own.
``python benchmarks/bench_ask.py [--questions 40] [--length 101] [--run RUN]``
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

import numpy as np

from cisgram.core.run import Run, job_of
from cisgram.dashboard.worker import ModelWorker
from cisgram.models import Card, create, load, predict, save
from cisgram.seq import encode
from cisgram.steps import resolve

NETWORKS = ("demo-cnn", "demo-rnn", "demo-cnn-rnn", "deepbind")


def untrained(folder: Path, name: str, length: int) -> Run:
    """A run of a network at its first weights, averaged over both strands as runs are."""
    settings = resolve({"data": {"positives": "none.fa"}, "model": {"name": name}})
    run = Run(folder / name)
    run.record(job_of(settings.model_dump(mode="json"), inputs={}))
    save(run.member(0), create(name), Card(name, {}, length=length, strands="both"))
    return run


def sequences(length: int, n: int) -> list[str]:
    """A sequence, and copies of it with one more base replaced in each."""
    random = np.random.default_rng(0)
    letters = random.choice(list("ACGT"), length)
    found = []
    for _ in range(n):
        letters[random.integers(length)] = random.choice(list("ACGT"))
        found.append("".join(letters))
    return found


async def asked(run: Run, texts: list[str]) -> tuple[float, list[float], list[float], list[float]]:
    """Seconds to be ready; score, seconds at the server and in the process of each question."""
    worker = ModelWorker()
    began = time.perf_counter()
    await worker.ask({"do": "model", "run": str(run.path)}, client="bench")
    ready = time.perf_counter() - began
    scores, outside, inside = [], [], []
    for text in texts:
        began = time.perf_counter()
        found = await worker.ask({"do": "ask", "run": str(run.path), "sequence": text}, client="b")
        outside.append(1000 * (time.perf_counter() - began))
        inside.append(found["ms"])
        scores.append(found["predictions"][0]["score"])
    await worker.close()
    return ready, scores, outside, inside


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--length", type=int, default=101)
    parser.add_argument("--run", type=Path, help="A trained run instead of the zoo's networks.")
    options = parser.parse_args()
    texts = sequences(options.length, options.questions)
    print(f"{options.questions} questions of {options.length} bp, one base replaced in each")
    print("network            ready s   p50 ms   p95 ms   of it in the model process, p50 ms")
    with tempfile.TemporaryDirectory() as name:
        made = (untrained(Path(name), network, options.length) for network in NETWORKS)
        for run in [Run(options.run)] if options.run else made:
            ready, scores, outside, inside = asyncio.run(asked(run, texts))
            own = predict(load(run), encode(texts[-1:]))
            if own.shape[1] == 1:
                assert abs(scores[-1] - float(own[0, 0])) < 1e-4, "another answer than the model's"
            p50, p95 = np.percentile(outside, [50, 95])
            within = float(np.median(inside))
            print(f"{run.path.name:<18} {ready:7.1f} {p50:8.1f} {p95:8.1f} {within:12.1f}")


if __name__ == "__main__":
    main()
