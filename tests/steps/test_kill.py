"""kill -9 at ten moments; ``python tests/steps/test_kill.py`` prints what each one hit."""

import contextlib
import itertools
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))  # where it runs as a script

from steps.jobs import command, digests, finish, settings


def start(folder, name):
    return subprocess.Popen(
        command(folder, name),
        cwd=folder,
        env=settings(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def timed(folder, name):
    """Seconds of an uninterrupted run before its run.toml is there, and after."""
    began = time.monotonic()
    process = start(folder, name)
    while not (folder / name / "run.toml").is_file():
        time.sleep(0.01)
        assert process.poll() is None
    written = time.monotonic()
    assert process.wait() == 0
    return written - began, time.monotonic() - written


def phase(run):
    """What the kill hit, as the folder tells."""
    if not (run / "run.toml").is_file():
        return "start-up"
    if (run / "metrics.json").is_file():
        return "after metrics.json"
    if (run / "model" / "model.toml").is_file():
        return "evaluation"
    if (run / "model" / "checkpoint.safetensors").is_file():
        return "training, with a checkpoint"
    return "first epoch"


def kills(folder, *, n=10, seed=0):
    """(moment, phase, exit status of the rerun, same bytes) of n kills, one run each."""
    draw = random.Random(seed)
    before, after = timed(folder, "whole")
    expected = digests(folder / "whole")
    for i in range(n):
        share = (i + draw.random()) / 2 if i < 2 else (i - 2 + draw.random()) / (n - 2)
        for trial in itertools.count():
            run = folder / f"run-{i}-{trial}"
            process = start(folder, run.name)
            if i >= 2:  # the first two hit the start-up, which reads and imports
                while not (run / "run.toml").is_file() and process.poll() is None:
                    time.sleep(0.005)
            began = time.monotonic()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(share * (after if i >= 2 else before))
            if process.poll() is None:
                break
            after = time.monotonic() - began  # it ended first: the machine is less busy now
        moment = share * before if i < 2 else before + share * after
        process.kill()
        process.wait()
        hit = phase(run)
        done = finish(folder, run.name)
        same = done.returncode == 0 and digests(run) == expected
        left = [p.name for p in run.rglob(".*.tmp")] + [p.name for p in run.rglob("checkpoint*")]
        yield moment / (before + after), hit, done, same and not left


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_kills_leave_no_trace(tmp_path):
    found = list(kills(tmp_path))
    for moment, hit, done, same in found:
        print(f"killed at {moment:4.0%} of the run ({hit}): {'same bytes' if same else done}")
    assert [hit for _, hit, _, same in found if not same] == []
    hits = Counter(hit for _, hit, _, _ in found)
    assert hits["training, with a checkpoint"] >= 2


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        hits = Counter()
        for moment, hit, done, same in kills(Path(name)):
            hits[hit] += 1
            print(
                f"killed at {moment:4.0%} of the run ({hit}): "
                f"{'same bytes' if same else 'DIFFERS ' + done.stderr}",
                flush=True,
            )
        print("; ".join(f"{hit}: {n}" for hit, n in hits.items()))
