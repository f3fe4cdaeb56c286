"""A training that is watched from outside while it writes."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import httpx2 as httpx
import pytest

import planted
from cli.running import OPTIONS

EPOCHS = 200  # long enough to be seen at several of them, also by a slow server


@pytest.mark.slow
def test_a_training_is_seen_to_go_on_and_to_end(tmp_path, serving):
    """Another process trains; the server reads its folder alone."""
    planted.write_tsv(tmp_path / "a.tsv", 400)
    main = [sys.executable, "-c", "from cisgram.cli import main; main()"]
    options = [*OPTIONS, "--epochs", str(EPOCHS), "--set", f"train.patience={EPOCHS}"]
    run = tmp_path / "RUN"
    with subprocess.Popen(
        [*main, "train", "--positives", "a.tsv", "-o", "RUN", *options],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as training:
        while not (run / "run.toml").is_file() and training.poll() is None:
            time.sleep(0.02)
        server = serving(run)
        seen = []
        with httpx.Client(trust_env=False, headers={"cookie": server.cookie}, timeout=60) as client:
            while not seen or seen[-1]["state"] == "training":
                address = f"{server.origin}/api/runs/RUN/progress"
                seen.append(client.get(address).raise_for_status().json())
                time.sleep(0.1)
        assert training.wait(timeout=120) == 0
    rows = [len(s["history"][0]["rows"]) if s["history"] else 0 for s in seen]
    assert rows == sorted(rows)
    assert len({n for n, s in zip(rows, seen, strict=True) if s["state"] == "training"}) > 2
    assert len({s["version"] for s in seen}) > 2
    last = seen[-1]
    assert last["epochs"] == EPOCHS
    assert last["state"] in ("working", "finished")
    assert [row[0] for row in last["history"][0]["rows"]] == list(range(1, rows[-1] + 1))
    assert "auroc" in last["scores"]["test"]
    assert not [b for s in seen for b in s["broken"]]
