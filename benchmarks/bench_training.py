"""Whole trainings: the command against a plain PyTorch loop, as processes that take turns.

Run: ``python benchmarks/bench_training.py [--only "basset;bpnet"] [--rounds 2] [--threads 2]``.
Both read the same table of sequences with labels, train the same network for as many epochs with
fused AdamW in float32, and score the validation set after every epoch. The loop is what a user
writes: pandas, one-hot in memory, a ``DataLoader``, torch's own layers. The command does what it
always does besides: checks, the leak guard, random strands, intervals, tables. With
``--precision`` bf16 is measured as well. The AUROC on a test set stands beside each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from cisgram import motifs
from cisgram.seq import Grammar, Plant, from_codes, simulate

RATE = 1e-3


@dataclass(frozen=True)
class Case:
    """A network and what it is trained on: ``n`` sequences of ``length`` bp, in batches."""

    network: str
    options: dict[str, Any]
    length: int
    n: int
    batch: int = 64
    epochs: int = 3


CASES = {
    "deepbind": Case("deepbind", {}, 1_000, 20_000, epochs=10),
    "deepbind, short": Case("deepbind", {}, 101, 40_000, batch=128),
    "basset": Case("basset", {"length": 600}, 600, 3_000),
    "bpnet": Case("dilated", {"maps": 64, "layers": 9}, 2_114, 800, batch=32),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default=";".join(CASES))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", action="store_true", help="bf16 as well")
    given = parser.parse_args()
    if "PLAIN" in os.environ:
        return plain(json.loads(os.environ["PLAIN"]))
    kinds = ["ours", "plain"] + ["ours, bf16"] * given.precision
    for name in given.only.split(";"):
        with tempfile.TemporaryDirectory() as folder:
            _compare(name, Path(folder), kinds, given.rounds, given.threads)
    return None


def _compare(name: str, folder: Path, kinds: list[str], rounds: int, threads: int) -> None:
    case = CASES[name]
    for part, size in (("train", case.n), ("valid", case.n // 10), ("test", case.n // 10)):
        _write(folder / f"{part}.tsv", part, size, case.length)
    found: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in kinds}
    for turn in range(rounds):
        for kind in kinds:
            found[kind].append(_process(kind, folder, turn, case, threads))
    for kind, each in found.items():
        wall, cpu, auroc = (median(v) for v in zip(*each, strict=True))
        plain_wall, plain_cpu, _ = (median(v) for v in zip(*found["plain"], strict=True))
        print(
            f"{name:15} {kind:11} {wall:7.1f} s wall {cpu:7.1f} s CPU   plain / this: "
            f"{plain_wall / wall:.2f}x wall {plain_cpu / cpu:.2f}x CPU   AUROC {auroc:.4f}",
            flush=True,
        )


def _write(path: Path, part: str, n: int, length: int) -> None:
    database = motifs.jaspar("vertebrates")
    grammar = Grammar([Plant(database["CTCF"]), Plant(database["GATA4"])])
    drawn = simulate(n, length, grammar=grammar, seed=len(part))
    rows = zip(from_codes(drawn.codes), drawn.y.tolist(), strict=True)
    text = "".join(f"{part}_{i}\t{s}\t{y}\n" for i, (s, y) in enumerate(rows))
    path.write_text("name\tsequence\tbound\n" + text)


def _process(
    kind: str, folder: Path, turn: int, case: Case, threads: int
) -> tuple[float, float, float]:
    """Seconds of the wall, of the CPU, and the AUROC on the test set."""
    out = folder / f"{kind.replace(', ', '-')}-{turn}"
    variables = os.environ | {"OMP_NUM_THREADS": str(threads)}
    if kind == "plain":
        job = {"folder": str(folder), "out": str(out), "case": asdict(case)}
        variables["PLAIN"] = json.dumps(job)
        command = [sys.executable, __file__]
    else:
        command = _command(folder, out, case, bf16=kind.endswith("bf16"))
    began = time.perf_counter()
    child = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    wall = time.perf_counter() - began
    auroc = json.loads((out / "metrics.json").read_text())["test"]["auroc"]
    return wall, usage.ru_utime + usage.ru_stime, auroc


def _command(folder: Path, out: Path, case: Case, *, bf16: bool) -> list[str]:
    both = folder / "all.tsv"
    split = folder / "split.tsv"
    if not both.is_file():
        lines = {p: (folder / f"{p}.tsv").read_text().splitlines()[1:] for p in ("train", "valid")}
        both.write_text("\n".join(["name\tsequence\tbound", *lines["train"], *lines["valid"]]))
        rows = [f"{line.split(chr(9))[0]}\t{p}" for p, some in lines.items() for line in some]
        split.write_text("\n".join(["name\tset", *rows]) + "\n")
    settings = {
        "data.split": split,
        "data.label_columns": '["bound"]',
        "train.batch_size": case.batch,
        "train.learning_rate": RATE,
        "train.schedule": "constant",
        "train.warmup": 0,
        "train.patience": case.epochs,
        "train.min_rows": 1,
        "train.precision": "bf16" if bf16 else "float32",
    }
    command = [sys.executable, "-m", "cisgram", "train", "--positives", str(both)]
    command += ["--test", str(folder / "test.tsv"), "--model", case.network, "-o", str(out)]
    command += ["--epochs", str(case.epochs)]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    for key, value in case.options.items():
        if key != "length":  # a run fills it in
            command += ["--set", f"model.options.{key}={value}"]
    return command


def plain(job: dict[str, Any]) -> None:
    """The loop that a user writes; run in a process of its own."""
    import pandas as pd
    import torch
    from bench_train import with_torch_layers
    from sklearn.metrics import roc_auc_score
    from torch.utils.data import DataLoader, TensorDataset

    from cisgram import models

    def read(part: str) -> TensorDataset:
        table = pd.read_csv(Path(job["folder"]) / f"{part}.tsv", sep="\t")
        letters = np.array([list(s) for s in table["sequence"]])
        x = np.stack([letters == base for base in "ACGT"], axis=1).astype(np.float32)
        y = table["bound"].to_numpy(np.float32)[:, None]
        return TensorDataset(torch.from_numpy(x), torch.from_numpy(y))

    def score(part: TensorDataset) -> float:
        model.eval()
        with torch.no_grad():
            out = torch.cat([model(x) for x, _ in DataLoader(part, batch_size=512)])
        return float(roc_auc_score(part.tensors[1].numpy(), out.numpy()))

    case = Case(**job["case"])
    torch.manual_seed(0)
    train, valid, test = read("train"), read("valid"), read("test")
    model = models.create(case.network, **case.options)
    with_torch_layers(model)
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=1e-3, fused=True)
    loss = torch.nn.BCEWithLogitsLoss()
    best, kept = -1.0, model.state_dict()
    for _ in range(case.epochs):
        model.train()
        for x, y in DataLoader(train, batch_size=case.batch, shuffle=True):
            optimizer.zero_grad()
            loss(model(x), y).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        if (now := score(valid)) > best:
            best, kept = now, {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(kept)
    out = Path(job["out"])
    out.mkdir()
    (out / "metrics.json").write_text(json.dumps({"test": {"auroc": score(test)}}))


if __name__ == "__main__":
    main()
