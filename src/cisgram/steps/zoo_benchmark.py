"""Every network of the zoo on real data, beside words, one motif, and what was published."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run, job_of
from cisgram.data import prepare
from cisgram.motifs import database
from cisgram.steps.arms import chosen
from cisgram.steps.settings import Settings, defaults_of_settings, resolve
from cisgram.steps.train import FREE, Progress, input_files
from cisgram.steps.zoo_baselines import set_baselines
from cisgram.steps.zoo_cells import CELLS, SETS, Cell
from cisgram.steps.zoo_page import page_of
from cisgram.steps.zoo_sets import write_set

FULL = {"epochs": 100, "patience": 15}
COST = "cost.json"


def benchmark_zoo(
    data: Path,
    out: Path,
    *,
    only: str | None = None,
    full: bool = False,
    device: str = "auto",
    epoch: Progress | None = None,  # noqa: ARG001  (a cell is a process, which says its own epochs)
    say: Callable[[str], None] | None = None,
    cells: Sequence[Cell] = CELLS,
) -> str:
    """Run what is missing of the benchmark and give its page as Markdown.

    Every cell is a process of ``cisgram train``, whose CPU time and largest memory are counted.

    Parameters
    ----------
    data
        Folder of the data sets.
    out
        Folder of the runs, ``OUT/zoo`` (``OUT/zoo-full``). What is finished there, with the same
        settings and input files, is not run again.
    only
        Comma-separated sets, networks or ``SET/NETWORK`` to run (an empty text: none); the page
        shows all that is finished.
    full
        Networks as large as published, up to 100 epochs.
    device, epoch, say
        As in the main job.
    cells
        What is run.

    Raises
    ------
    InputError
        When a name is unknown, the data are not there, or a training fails.
    """
    tell = say or (lambda _: None)
    cells = [whole(cell) for cell in cells] if full else cells
    known = sorted(set().union(*map(_names, cells)))
    wanted = set(chosen(only, known, what="set or network"))
    folder = out / ("zoo-full" if full else "zoo")
    shown: dict[str, list[tuple[Cell, Run]]] = {}
    for cell in cells:
        home = _home(folder, cell.set)
        is_asked = bool(_names(cell) & wanted)
        if not is_asked and not (home / "data" / "done").is_file():
            continue
        tables = write_set(SETS[cell.set], data, home / "data")
        settings = settings_of_cell(cell, tables)
        run = Run(home / cell.network)
        if is_asked:
            _baselines(home, cell, settings, tell)
            tell(f"{cell.set}, {cell.network}")
            train_apart(run, settings, device=device)
        if _is_shown(run, settings):
            shown.setdefault(cell.set, []).append((cell, run))
    return page_of(shown)


def _names(cell: Cell) -> set[str]:
    """What a cell is asked by."""
    return {cell.set, cell.network, f"{cell.set}/{cell.network}"}


def _home(folder: Path, name: str) -> Path:
    return folder / name.replace(" ", "-")


def whole(cell: Cell) -> Cell:
    """The cell with its network as large as published, trained to the end; no word is known yet."""
    return replace(cell, reduced={}, word="", train={**cell.train, **FULL})


def settings_of_cell(cell: Cell, tables: dict[str, Path]) -> Settings:
    """What ``cisgram train`` is given."""
    of = SETS[cell.set]
    with tables["train"].open(encoding="utf-8") as table:
        head = table.readline().rstrip("\n").split("\t")
    train = {"min_rows": 1, **cell.train}
    groups = {
        "data": {
            "positives": str(tables["train"]),
            "test": str(tables["test"]),
            "split": str(tables["split"]),
            "label_columns": head[2:],
            "task": of.task,
            "reverse_complement": of.strands == "both",
            **cell.data,
        },
        "model": {"name": cell.network, "options": dict(cell.reduced)},
        "train": {"patience": train.get("epochs", 20), **train},
    }
    return resolve(groups)


def _is_shown(run: Run, settings: Settings) -> bool:
    """True where there is a finished run of these settings; one of others is not shown."""
    try:
        return is_finished(run, settings)
    except InputError:
        return False


def is_finished(run: Run, settings: Settings) -> bool:
    """True when a run is trained with these settings and files, and what it cost is known.

    Raises
    ------
    InputError
        When the folder holds a run of others.
    """
    job = job_of(settings.model_dump(mode="json"), inputs=input_files(settings))
    parts = (run.path / "metrics.json", run.path / COST)
    holds = run.holds(job, free=FREE, defaults=defaults_of_settings())
    return holds and all(p.is_file() for p in parts)


def train_apart(run: Run, settings: Settings, *, device: str) -> None:
    """``cisgram train`` as a process of its own; ``cost.json`` holds its CPU seconds and memory.

    Of a training that was stopped before, the cost is that of its last process, which
    ``is_resumed`` tells.

    Raises
    ------
    InputError
        When it does not end well; what it said stands above.
    """
    if is_finished(run, settings):
        return
    is_resumed = run.toml.is_file()
    command = [sys.executable, "-m", "cisgram", "train", "--device", device, "-o", str(run.path)]
    for name, value in _settings(settings):
        command += ["--set", f"{name}={json.dumps(value)}"]
    command += ["--positives", settings.data.positives]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _, status, used = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        msg = (
            f"'cisgram train' of {run.path} ended with {process.returncode}; what it said stands "
            "above. The finished cells are kept: give the same command again."
        )
        raise InputError(msg)
    scale = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, KiB elsewhere
    cost = {
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "memory": used.ru_maxrss * scale,
        "is_resumed": is_resumed,
    }
    files.write_json(run.path / COST, cost)


def _settings(settings: Settings) -> list[tuple[str, Any]]:
    """Every setting that is not its default, ``group.name`` and value."""
    found = []
    given = settings.model_dump(mode="json", exclude_defaults=True)
    for group, values in given.items():
        for name, value in values.items():
            if isinstance(value, dict):
                found += [(f"{group}.{name}.{k}", v) for k, v in value.items()]
            elif name != "positives":
                found.append((f"{group}.{name}", value))
    return found


def _baselines(home: Path, cell: Cell, settings: Settings, say: Callable[[str], None]) -> None:
    """``baselines.json`` of a set, made once."""
    path = home / "baselines.json"
    if path.is_file():
        return
    say(f"{cell.set}, baselines")
    options = settings.data.model_copy(update={"length": None})
    data = prepare(options, seed=settings.train.seed)
    motifs = list(database(settings.motifs.database))
    files.write_json(path, set_baselines(data, motifs, strands=SETS[cell.set].strands, say=say))
