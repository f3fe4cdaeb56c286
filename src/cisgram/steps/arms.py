"""Trainings that a benchmark compares: the same data, other settings, several seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from cisgram.core import files
from cisgram.core.registry import unknown
from cisgram.core.run import Run
from cisgram.steps.settings import resolve
from cisgram.steps.train import Progress, train_run

Groups = Mapping[str, Mapping[str, Any]]
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Job(Generic[S]):
    """A benchmark in a folder, for its parts; ``size`` says how much is done."""

    data: Path
    folder: Path
    size: S
    device: str
    epoch: Progress | None
    say: Callable[[str], None]

    def run(self, name: str, groups: Groups, seeds: int) -> None:
        """Train what is missing of an arm."""
        for seed in range(seeds):
            self.say(f"{name}, seed {seed}")
            arm(self.folder / name, groups, seed=seed, device=self.device, epoch=self.epoch)

    def scores(self, name: str, seeds: int) -> dict[int, float]:
        """Test AUROC of the finished seeds of an arm, the mean over outputs."""
        found = done(self.folder / name, range(seeds))
        return {seed: float(metrics["test"]["auroc"]) for seed, metrics in found.items()}


Parts = Mapping[str, tuple[Callable[[Job[S]], None], Callable[[Job[S]], list[str]]]]
"""What is run, and what is said of it, by name."""


def in_parts(job: Job[S], parts: Parts[S], *, only: str | None) -> str:
    """Run the parts that are asked for, and give a page of all that is done.

    Raises
    ------
    UnknownName
        When a name of ``only`` is no part.
    """
    wanted = chosen(only, parts, what="part")
    pages: list[str] = []
    for name, (run, page) in parts.items():
        if name in wanted:
            run(job)
        pages += [*page(job), ""]
    return "\n".join(pages).rstrip() + "\n"


def arm(
    folder: Path, groups: Groups, *, seed: int, device: str, epoch: Progress | None
) -> dict[str, Any]:
    """Scores of one training, ``FOLDER-SEED``; one that is finished is not done again."""
    given = {name: dict(group) for name, group in groups.items()}
    given["train"] = {**given.get("train", {}), "seed": seed}
    run = Run(member(folder, seed))
    return train_run(run, resolve(given), device=device, progress=epoch)


def chosen(only: str | None, known: Iterable[str], *, what: str) -> list[str]:
    """Names of a comma-separated list; all where there is none.

    Raises
    ------
    UnknownName
        When a name is not known.

    Examples
    --------
    >>> chosen("b, a", ["a", "b", "c"], what="part"), chosen(None, ["a", "b"], what="part")
    (['b', 'a'], ['a', 'b'])
    """
    names = list(known)
    wanted = names if only is None else [w.strip() for w in only.split(",") if w.strip()]
    for name in wanted:
        if name not in names:
            raise unknown(what, name, names)
    return wanted


def member(folder: Path, seed: int) -> Path:
    """Folder of a seed's training."""
    return folder.with_name(f"{folder.name}-{seed}")


def done(folder: Path, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Scores of the seeds that are finished."""
    found = {}
    for seed in seeds:
        path = member(folder, seed) / "metrics.json"
        if path.is_file():
            found[seed] = files.read_json(path)
    return found


def mean_of_seeds(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and Student's 95 % interval over seeds; no interval (NaN) with fewer than two.

    Examples
    --------
    >>> [round(v, 3) for v in mean_of_seeds([0.9, 0.92, 0.91])]
    [0.91, 0.885, 0.935]
    """
    from scipy.stats import t

    each = np.asarray(values, dtype=np.float64)
    if len(each) < 2:
        return float(each.mean()), math.nan, math.nan
    half = float(t.ppf(0.975, len(each) - 1) * each.std(ddof=1) / math.sqrt(len(each)))
    return float(each.mean()), float(each.mean()) - half, float(each.mean()) + half


def said_mean(values: Sequence[float], *, sign: bool = False) -> str:
    """`mean_of_seeds` in a cell of a table; a dash where there is nothing.

    With ``sign`` the values are differences; else they are scores from 0 to 1, and the interval
    ends there.

    Examples
    --------
    >>> said_mean([0.01, 0.02, 0.03], sign=True)
    '+0.020 (-0.005 to +0.045)'
    >>> said_mean([0.96, 1.0])
    '0.980 (0.726 to 1.000)'
    """
    if not len(values):
        return "–"
    how = "+.3f" if sign else ".3f"
    mean, low, high = mean_of_seeds(values)
    if not sign and not math.isnan(low):
        low, high = max(low, 0.0), min(high, 1.0)
    ends = "" if math.isnan(low) else f" ({low:{how}} to {high:{how}})"
    return f"{mean:{how}}{ends}"
