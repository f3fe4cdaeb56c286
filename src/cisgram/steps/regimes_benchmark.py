"""What regimes are worth: labels that are missing, a start from other factors, or from motifs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cisgram.core import files
from cisgram.core.run import Run
from cisgram.core.seeds import generator
from cisgram.data import Dataset, find_leaks, read_dataset
from cisgram.steps.arms import Groups, Job, Parts, in_parts, member, said_mean
from cisgram.steps.joined_sets import JOINED, Joining, write_joined
from cisgram.steps.train import Progress

HELD_OUT = ("ELK1", "TEAD4", "USF1")  # no sequence of theirs is in the multi-task set
MISSING = 0.3  # share of the labels
NETWORK = {"size": "small", "dropout": 0.1}


@dataclass(frozen=True, slots=True)
class Size:
    """How much is trained.

    Attributes
    ----------
    many
        Of each factor of the multi-task set with missing labels.
    source
        Of each factor of the multi-task run that transfer starts from.
    few
        Of a factor that was held out: a third of its sequences are shuffles.
    seeds
        Of the trainings with missing labels, and of those of held-out factors.
    epochs
        Of the trainings with missing labels, of the run that transfer starts from, and of those
        of held-out factors.
    held_out
        Factors that the multi-task training is tried on.
    """

    many: Joining = field(default_factory=lambda: Joining(positives=2000))
    source: Joining = field(default_factory=lambda: Joining(positives=4000))
    few: Joining = field(default_factory=lambda: Joining(positives=333))
    seeds: tuple[int, int] = (5, 5)
    epochs: tuple[int, int, int] = (10, 10, 30)
    held_out: tuple[str, ...] = HELD_OUT


def benchmark_regimes(
    data: Path,
    out: Path,
    *,
    only: str | None = None,
    size: Size | None = None,
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
        Folder of the runs, ``OUT/regimes``.
    only
        Comma-separated parts of `PARTS` to run (an empty text: none); the page shows all that is
        done.
    size
        How much; the page of the docs has the default.
    device, epoch, say
        As in the main job.

    Raises
    ------
    InputError
        When a part is unknown, or the data are not there.
    """
    job = Job(data, out / "regimes", size or Size(), device, epoch, say or (lambda _: None))
    return in_parts(job, PARTS, only=only)


def _sets(names: Sequence[str], *, without: bool = False) -> dict[str, tuple[str, ...]]:
    """Some of the factors by the folder that holds them, or all others."""
    return {
        home: kept
        for home, factors in JOINED.items()
        if (kept := tuple(f for f in factors if (f in names) != without))
    }


def _many(job: Job[Size], name: str, size: Joining) -> Path:
    """Tables of a multi-task set without the held-out factors."""
    home = job.folder / "data" / name
    if not (home / "done").is_file():
        job.say(f"writing the tables of {name}")
        write_joined(job.data, home, size, sets=_sets(job.size.held_out, without=True))
        _without_leaks(home, [_few(job, factor) for factor in job.size.held_out])
        files.write_text(home / "done", "whole\n")
    return home


def _few(job: Job[Size], factor: str) -> Path:
    """Tables of a held-out factor."""
    home = job.folder / "data" / factor
    if not (home / "done").is_file():
        write_joined(job.data, home, job.size.few, sets=_sets([factor]))
        files.write_text(home / "done", "whole\n")
    return home


def _without_leaks(home: Path, held_out: Sequence[Path]) -> None:
    """Drop multi-task training rows that share a peak with a test sequence of a held-out factor.

    The leak guard of a run does not see the sequences that its weights were trained on before.
    """
    path = home / "train.tsv"
    sets: dict[str, Dataset] = {"train": _read(path)}
    sets |= {folder.name: _read(folder / "test.tsv") for folder in held_out}
    found = find_leaks(sets, threshold=0.1, across_labels=False)
    dropped = set(found.training_rows.tolist())
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    kept = [row for i, row in enumerate(rows) if i not in dropped]
    files.write_text(path, "\n".join([head, *kept]) + "\n")
    files.write_json(home / "leaks.json", {"rows": len(rows), "dropped": len(dropped)})


def _read(path: Path) -> Dataset:
    length = Joining().length
    return read_dataset(str(path), length, label_columns=("none",)).data


def _with_missing(whole: Path, path: Path) -> None:
    """The same table with 30 % of its labels left empty, each by a coin of its own."""
    head, *rows = (line.split("\t") for line in whole.read_text(encoding="utf-8").splitlines())
    random = generator(0, "missing labels")
    lines = ["\t".join(head)]
    for row in rows:
        missing = random.random(len(row) - 2) < MISSING
        labels = ["" if gone else label for label, gone in zip(row[2:], missing, strict=True)]
        lines.append("\t".join([*row[:2], *labels]))
    files.write_text(path, "\n".join(lines) + "\n")


def _own_labels(whole: Path, path: Path) -> None:
    """The same table where a row has the label of its own factor alone.

    The task of each output is then that of a held-out factor, peaks against their shuffles, and
    not peaks of one factor against those of others.
    """
    head, *rows = (line.split("\t") for line in whole.read_text(encoding="utf-8").splitlines())
    lines = ["\t".join(head)]
    for row in rows:
        own = row[0].split("_")[1]  # train_FACTOR_number
        labels = [v if f == own else "" for f, v in zip(head[2:], row[2:], strict=True)]
        lines.append("\t".join([*row[:2], *labels]))
    files.write_text(path, "\n".join(lines) + "\n")


def _settings(train: Path, test: Path, *, epochs: int, **more: Any) -> Groups:
    """A training of the small convolutional network of Deep Motif Dashboard on such a table."""
    factors = test.read_text(encoding="utf-8").partition("\n")[0].split("\t")[2:]
    return {
        "data": {
            "positives": str(train),
            "test": str(test),
            "label_columns": factors,
            "valid_fraction": 0.2,
        },
        "model": {"name": "demo-cnn", "options": NETWORK, **more.pop("model", {})},
        "train": {"epochs": epochs, "patience": epochs, "min_rows": 1, "batch_size": 64, **more},
    }


def _missing(job: Job[Size]) -> None:
    """Multi-task trainings with all labels, and with 30 % of them missing."""
    home = _many(job, "many", job.size.many)
    _with_missing(home / "train.tsv", home / "train-missing.tsv")
    for name, table in (("whole", "train.tsv"), ("missing", "train-missing.tsv")):
        groups = _settings(home / table, home / "test.tsv", epochs=job.size.epochs[0])
        job.run(f"many-{name}", groups, job.size.seeds[0])


def _missing_page(job: Job[Size]) -> list[str]:
    whole, missing = (
        job.scores(f"many-{name}", job.size.seeds[0]) for name in ("whole", "missing")
    )
    lines = [
        "## Missing labels", "",
        "| labels missing | seeds | test AUROC, mean over factors (95 % over seeds) |",
        "|---|---|---|",
    ]  # fmt: skip
    for share, found in ((0, whole), (MISSING, missing)):
        lines.append(f"| {100 * share:.0f} % | {len(found)} | {said_mean(list(found.values()))} |")
    both = sorted(whole.keys() & missing.keys())
    cost = [whole[seed] - missing[seed] for seed in both]
    return [
        *lines,
        "",
        f"What {100 * MISSING:.0f} % missing labels cost: {said_mean(cost, sign=True)}.",
    ]


ARMS: dict[str, dict[str, Any]] = {
    "scratch": {},
    "from": {"model": {"weights_match": "features"}},
    "frozen": {"model": {"weights_match": "features"}, "freeze": ["features"]},
}
"""How a held-out factor is trained: alone, from the multi-task features, or on top of them."""


def _transfer(job: Job[Size]) -> None:
    """Few sequences of held-out factors, from scratch and from the multi-task run."""
    tables = _many(job, "source", job.size.source)
    _own_labels(tables / "train.tsv", tables / "train-own.tsv")
    many = _settings(tables / "train-own.tsv", tables / "test.tsv", epochs=job.size.epochs[1])
    job.run("source", many, 1)
    weights = str(member(job.folder / "source", 0))
    for factor in job.size.held_out:
        for name, how in ARMS.items():
            start = {"weights": weights} if how else {}
            own = {**how, "model": {**how.get("model", {}), **start}}
            tables = _few(job, factor)
            groups = _settings(
                tables / "train.tsv", tables / "test.tsv", epochs=job.size.epochs[2], **own
            )
            job.run(f"{factor}-{name}", groups, job.size.seeds[1])


def _transfer_page(job: Job[Size]) -> list[str]:
    lines = [
        "## Transfer", "",
        "| factor | seeds | from scratch | from many | gain | features frozen | gain |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for factor in job.size.held_out:
        found = [job.scores(f"{factor}-{name}", job.size.seeds[1]) for name in ARMS]
        scratch = found[0]
        cells = [said_mean(list(scratch.values()))]
        for other in found[1:]:
            both = sorted(other.keys() & scratch.keys())
            gain = said_mean([other[seed] - scratch[seed] for seed in both], sign=True)
            cells += [said_mean(list(other.values())), gain]
        lines.append(f"| {factor} | {len(scratch)} | {' | '.join(cells)} |")
    leaks = job.folder / "data" / "source" / "leaks.json"
    if leaks.is_file():
        n = files.read_json(leaks)
        lines += [
            "",
            f"{n['dropped']:,} of {n['rows']:,} multi-task training sequences share a peak with a "
            "test sequence of these factors and were left out.",
        ]
    return lines


FILTERS: dict[str, dict[str, Any]] = {
    "drawn": {},
    "motifs": {"motifs": "jaspar:vertebrates", "motif_form": "log-odds"},
    "frozen": {
        "motifs": "jaspar:vertebrates",
        "motif_form": "log-odds",
        "freeze_motifs": True,
    },
}
"""What the first filters of a small network are at the start, and whether they move."""
DETECTORS = 128  # fewer of JASPAR's families leave out the E-box of USF1
NEAR = 0.02  # of AUROC: what counts as arrived


def _motifs(job: Job[Size]) -> None:
    """Few sequences of held-out factors, with filters at random or from known motifs."""
    for factor in job.size.held_out:
        tables = _few(job, factor)
        for name, start in FILTERS.items():
            groups = _settings(tables / "train.tsv", tables / "test.tsv", epochs=job.size.epochs[2])
            model = {"name": "deepbind", "options": {"detectors": DETECTORS}, **start}
            job.run(f"{factor}-filters-{name}", {**groups, "model": model}, job.size.seeds[1])


def _motifs_page(job: Job[Size]) -> list[str]:
    lines = [
        "## Filters that start as motifs", "",
        "| factor | filters | seeds | test AUROC | against drawn | epochs |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for factor in job.size.held_out:
        names = {name: f"{factor}-filters-{name}" for name in FILTERS}
        scores = {name: job.scores(at, job.size.seeds[1]) for name, at in names.items()}
        drawn = scores["drawn"]
        for name, found in scores.items():
            both = sorted(found.keys() & drawn.keys())
            gain = said_mean([found[s] - drawn[s] for s in both], sign=True)
            epochs = [_epochs_until(job, names[name], names["drawn"], seed) for seed in both]
            reached = [e for e in epochs if e is not None]
            late = f", {len(epochs) - len(reached)} never" * (len(reached) < len(epochs))
            lines.append(
                f"| {factor} | {name} | {len(found)} | {said_mean(list(found.values()))} | "
                f"{gain if name != 'drawn' else ''} | "
                f"{f'{np.mean(reached):.1f}' if reached else '–'}{late} |"
            )
    return [
        *lines,
        "",
        f"*Epochs*: until the validation AUROC is within {NEAR} of the best of drawn filters.",
    ]


def _epochs_until(job: Job[Size], name: str, other: str, seed: int) -> int | None:
    """Epochs after which a training is about as good as another at its best, on validation."""
    own, theirs = (
        Run(member(job.folder / at, seed)).read_table("history.tsv")["valid_auroc"].to_numpy()
        for at in (name, other)
    )
    reached = np.flatnonzero(own >= theirs.max() - NEAR)
    return int(reached[0]) + 1 if len(reached) else None


PARTS: Parts[Size] = {
    "missing": (_missing, _missing_page),
    "transfer": (_transfer, _transfer_page),
    "motifs": (_motifs, _motifs_page),
}
