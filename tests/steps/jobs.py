"""A small training job as a process of its own."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import planted

ENDS = ("model/weights.safetensors", "model/model.toml", "metrics.json", "history.tsv",
        "predictions.tsv", "data/split.tsv")  # fmt: skip
OPTIONS = ("--model", "deepbind", "--epochs", "14", "--set", "train.min_rows=3200",
           "--set", "train.patience=14", "--set", "model.options.dropout=0.2")  # fmt: skip


def command(folder: Path, run: str, *options: str) -> list[str]:
    """``cisgram train`` on a table in ``folder``, which is written where it is absent."""
    table = folder / "a.tsv"
    if not table.is_file():
        planted.write_tsv(table, 400)
    start = [sys.executable, "-c", "from cisgram.cli import main; main()"]
    return [*start, "train", "--positives", "a.tsv", "-o", run, *OPTIONS, *options]


def settings() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def finish(folder: Path, run: str, **options) -> subprocess.CompletedProcess[str]:
    """Run the job to its end."""
    return subprocess.run(
        command(folder, run),
        cwd=folder,
        env=settings(),
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def digests(run: Path) -> dict[str, str]:
    return {name: hashlib.sha256((run / name).read_bytes()).hexdigest() for name in ENDS}
