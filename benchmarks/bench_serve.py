"""The server of ``cisgram serve``: start to first byte, memory, answers a second.

Run: ``python benchmarks/bench_serve.py [RUN ...]``; without one, a run is made up. Times are those
of a client on the same machine. Frameworks for dashboards are not rivals in one process: installed
alone they take 473 MB (Streamlit), 369 (Panel), 341 (Gradio), 144 (Dash), ours 6 with Starlette.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import httpx2 as httpx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from dashboard.asking import Server
from made_run import make_run

STARTS = 7
SERIAL = 300
PARALLEL = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = [make_run(Path(folder) / "demo", n=500, length=2000, more=True).path]
        runs = given.runs or made
        print(f"start to first byte: {statistics.median(_starts(runs)):.2f} s (median of {STARTS})")
        server = Server(*runs)
        try:
            _measure(server)
        finally:
            server.stop()


def _starts(runs: list[Path]) -> list[float]:
    """Seconds from the start of the process to the answer to its login link."""
    found = []
    for _ in range(STARTS):
        began = time.perf_counter()
        server = Server(*runs)  # returns when it has logged in
        found.append(time.perf_counter() - began)
        server.stop()
    return found


def _measure(server: Server) -> None:
    print(f"resident, nothing asked yet: {_resident(server):.0f} MB")
    headers = {"cookie": server.cookie}
    with closing(httpx.Client(trust_env=False, headers=headers, timeout=300)) as client:
        slug = client.get(f"{server.origin}/api/runs").json()["runs"][0]["slug"]
        page, progress = f"/runs/{slug}/", f"/api/runs/{slug}/progress"
        began = time.perf_counter()
        size = len(client.get(server.origin + page).raise_for_status().content)
        print(f"page of {size / 1e6:.1f} MB drawn: {time.perf_counter() - began:.2f} s")
        for name, address in (("page, drawn before", page), ("progress", progress)):
            began = time.perf_counter()
            for _ in range(SERIAL):
                client.get(server.origin + address).raise_for_status()
            print(f"{name}: {SERIAL / (time.perf_counter() - began):.0f} answers/s, one by one")
    seconds = asyncio.run(_parallel(server, progress))
    print(f"progress: {PARALLEL / seconds:.0f} answers/s, {PARALLEL} at once")
    print(f"resident, after all that: {_resident(server):.0f} MB")


async def _parallel(server: Server, address: str) -> float:
    """Seconds for `PARALLEL` requests that begin together."""
    began = time.perf_counter()
    answers = await server.raw_at_once([address] * PARALLEL)
    seconds = time.perf_counter() - began
    if not all(answer.startswith(b"HTTP/1.1 200") for answer in answers):
        raise SystemExit("Not every request was answered.")
    return seconds


def _resident(server: Server) -> float:
    """MB of memory that the process of the server holds (Linux)."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
