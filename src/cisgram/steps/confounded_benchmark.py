"""Whether a network reads the batch that goes with its labels, and what helps, on real peaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core import files
from cisgram.core.run import Run
from cisgram.core.seeds import generator
from cisgram.seq import from_codes, to_codes
from cisgram.steps.arms import arm, chosen, done, member, said_mean
from cisgram.steps.joined_sets import JOINED, read_factor, shuffled
from cisgram.steps.train import Progress
from cisgram.train.metrics import auroc

ADAPTER = "AGATCGGAAG"  # where a read runs into the sequencing adapter
TAIL = "GGGGGGGGGG"  # what a two-color sequencer reads where there is no signal
TRACES = {"adapter": (ADAPTER, 0), "G tail": (TAIL, -1)}
"""What batch a leaves in its sequences: letters, and at which end."""
SETS = {f"{factor}, {trace}": (factor, trace) for factor in ("SP1", "FOXA1") for trace in TRACES}
ARMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "blocked": {"sampling": "blocked"},
    "adversary": {"adversary": 1.0},
}


@dataclass(frozen=True, slots=True)
class Confounding:
    """How much is trained, and how closely batch and label go together.

    Attributes
    ----------
    positives
        Training peaks; as many shuffles stand against them.
    share
        Of the positives that come from batch a, and of the negatives that come from b. In the
        test set it is one half: there, the batch says nothing.
    seeds, epochs
        Of the trainings.
    """

    positives: int = 1500
    share: float = 0.9
    seeds: int = 3
    epochs: int = 20


def benchmark_confounded(
    data: Path,
    out: Path,
    *,
    only: str | None = None,
    size: Confounding | None = None,
    device: str = "auto",
    epoch: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> str:
    """Run what is missing of the benchmark and give its page as Markdown.

    Parameters
    ----------
    data
        Folder of the data sets.
    out
        Folder of the runs, ``OUT/confounded``.
    only
        Comma-separated arms of `ARMS` to run (an empty text: none); the page shows all that is
        done.
    size
        How much; the page of the docs has the default.
    device, epoch, say
        As in the main job.

    Raises
    ------
    InputError
        When an arm is unknown, or the data are not there.
    """
    size, say = size or Confounding(), say or (lambda _: None)
    wanted = chosen(only, ARMS, what="arm")
    lines = [
        "| set | training | seeds | test AUROC of the label | AUROC of the batch at equal label |",
        "|---|---|---|---|---|",
    ]
    for title, (factor, trace) in SETS.items():
        home = out / "confounded" / f"{factor}-{trace.replace(' ', '-')}"
        for name in wanted:
            _tables(data, home, factor, trace, size)
            for seed in range(size.seeds):
                say(f"{title}: {name}, seed {seed}")
                groups = _settings(home, name, size)
                arm(home / name, groups, seed=seed, device=device, epoch=epoch)
        for name in ARMS:
            found = [
                _told(Run(member(home / name, s))) for s in done(home / name, range(size.seeds))
            ]
            label, batch = ([f[i] for f in found] for i in (0, 1))
            lines.append(
                f"| {title} | {name} | {len(found)} | {said_mean(label)} | {said_mean(batch)} |"
            )
    return "\n".join(lines) + "\n"


def _settings(home: Path, name: str, size: Confounding) -> dict[str, dict[str, Any]]:
    return {
        "data": {
            "positives": str(home / "train.tsv"),
            "test": str(home / "test.tsv"),
            "label_columns": ["bound"],
            "batch_column": "batch",
            "valid_fraction": 0.2,
        },
        "model": {"name": "demo-cnn", "options": {"size": "small"}},
        "train": {
            "epochs": size.epochs,
            "patience": size.epochs,
            "min_rows": 1,
            "batch_size": 64,
            **ARMS[name],
        },
    }


def _tables(data: Path, home: Path, factor: str, trace: str, size: Confounding) -> None:
    """Write ``train.tsv`` and ``test.tsv``: name, sequence, bound, batch."""
    if (home / "test.tsv").is_file():
        return
    folder = next(name for name, factors in JOINED.items() if factor in factors)
    peaks = read_factor(data / folder, factor, "AC")[0][: size.positives]
    codes = np.concatenate([peaks, shuffled(peaks, 1, seed=1)[:, 0]])
    y = np.repeat([1, 0], [len(peaks), len(codes) - len(peaks)])
    _write(home / "train.tsv", codes, y, trace, size.share)
    codes, y = read_factor(data / folder, factor, "B")
    _write(home / "test.tsv", codes, y, trace, 0.5)


def _write(
    path: Path, codes: NDArray[np.uint8], y: NDArray[np.int64], trace: str, share: float
) -> None:
    """Draw the batch of each row and leave the trace of batch a in its sequences."""
    with_label = generator(0, "batch", path.name).random(len(y)) < share
    is_a = np.where(with_label, y == 1, y == 0)
    letters, end = TRACES[trace]
    codes = codes.copy()
    place = np.s_[: len(letters)] if end == 0 else np.s_[-len(letters) :]
    codes[is_a, place] = to_codes([letters])[0]
    lines = ["name\tsequence\tbound\tbatch"]
    lines += [
        f"{path.stem}_{i}_{'ba'[a]}\t{s}\t{label}\t{'ba'[a]}"
        for i, (s, label, a) in enumerate(
            zip(from_codes(codes), y.tolist(), is_a.astype(int).tolist(), strict=True)
        )
    ]
    files.write_text(path, "\n".join(lines) + "\n")


def _told(run: Run) -> tuple[float, float]:
    """AUROC of the test scores for the label, and for the batch among sequences of one label."""
    table = run.read_table("predictions.tsv")
    table = table[table["set"] == "test"]
    score, label = table["score"].to_numpy(), table["label"].to_numpy()
    is_a = table["name"].str.endswith("_a").to_numpy().astype(float)
    by_label = [auroc(is_a[label == y], score[label == y]) for y in (0, 1)]
    return auroc(label, score), float(np.mean(by_label))
