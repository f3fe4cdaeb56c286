"""How far a run is, from its files; no pandas, no model, nothing written."""

from __future__ import annotations

import csv
import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from cisgram.core import config, files
from cisgram.core.errors import InputError
from cisgram.core.lock import is_held
from cisgram.core.remedies import with_remedy
from cisgram.core.run import Run
from cisgram.core.work import Work, works_in
from cisgram.dashboard.served import readable
from cisgram.dashboard.version import version_of

Value: TypeAlias = float | str | None

SCORES = ("auroc", "pearson", "jsd", "accuracy", "loss")
"""The score of a run in one word: the first of these that it has."""
MAX_EPOCHS = 10_000
N_MOTIFS = 12
DEMIX = "demix"
TRAINS = ("training", "working")
"""What a note says of a step that trains the run, unless this is trained already."""
SAID = {
    "training": "A process is training this run.",
    "working": "The network is trained; a process is at work in the folder.",
    "finished": "Training has come to its end.",
    "stopped": (
        "No process is training this run, and it has not come to its end. The command that began "
        "it goes on where it stopped."
    ),
    "unknown": (
        "Training has not come to its end. Whether a process is at work cannot be seen on this "
        "disk, which knows no locks."
    ),
}


def state_of(run: Run) -> tuple[str, str]:
    """The state of a run in a word or two, and in a sentence.

    ``training``, ``finished``, ``stopped``, ``unknown``; or what another step does, such as
    ``explaining``, and ``working`` where one of a trained run does not say what.

    A step that works holds the lock of the folder (`cisgram.core.lock`) or of its note
    (`cisgram.core.work`), and the system lets go of these when the process ends, however it ends;
    ``metrics.json`` is what training writes last.
    """
    whole, demix = is_held(run.path), is_held(run.path / DEMIX)
    is_trained = (run.path / "metrics.json").is_file()
    works = works_in(run.path)
    working = [work for work in works if work.is_held]
    steps = [work for work in working if work.step not in TRAINS]
    if demix and not steps:
        steps = [Work("demixing", "", is_held=True)]
    if not is_trained and (whole or len(steps) < len(working)):
        return _said("training")
    if steps:
        return _of_step(steps[0], is_trained=is_trained)
    if whole or working:
        return _said("working")
    if is_trained:
        return _stopped(works[0]) if works else _said("finished")
    return _said("unknown" if whole is None else "stopped")


def _said(state: str) -> tuple[str, str]:
    return state, SAID[state]


def _of_step(work: Work, *, is_trained: bool) -> tuple[str, str]:
    if is_trained:
        return work.step, f"The network is trained; a process is {_doing(work)}."
    return work.step, f"A process is {_doing(work)}. Training has not come to its end."


def _stopped(work: Work) -> tuple[str, str]:
    return "stopped", (
        f"The network is trained. A process that was {_doing(work)} was ended before it was done; "
        "start it again."
    )


def _doing(work: Work) -> str:
    return f"{work.step} ({work.of})" if work.of else work.step


def progress_of(run: Run) -> dict[str, Any]:
    """How far a run is.

    Returns
    -------
    dict
        ``state`` and ``said`` (`state_of`); ``version`` (`version_of`: another one says that the
        page is out of date); ``epochs`` and ``members`` that are wanted, where they are known;
        ``history``, for each member its ``columns`` and ``rows``, one an epoch; ``scores``, by
        set; ``demixing``, whether a process is at work on neurons (``is_held``) and how many of
        each layer are ``done``; ``motifs``, the sources that were written, the newest first, with
        their best matches; ``broken``, one paragraph a file that could not be read.
    """
    broken: list[str] = []
    train = _table(_read(run.toml, broken), "settings", "train")
    found = _read(run.path / "metrics.json", broken)
    state, said = state_of(run)
    return {
        "state": state,
        "said": said,
        "version": version_of(run.path),
        "epochs": _whole(train.get("epochs")),
        "members": _whole(train.get("seeds")),
        "history": [_history(path, broken) for path in _histories(run)],
        "scores": {name: _scores(of) for name, of in found.items() if isinstance(of, dict)},
        "demixing": {"is_held": is_held(run.path / DEMIX), "done": _demixed(run)},
        "motifs": list(_motifs(run, broken)),
        "broken": [readable(with_remedy(said, run.path)) for said in broken],
    }


def summary_of(run: Run) -> dict[str, Any]:
    """A line of the list of runs: model, task, state, the score of the test, when.

    A damaged file leaves its cell empty and is named in ``broken``.
    """
    broken: list[str] = []
    settings = _read(run.toml, broken)
    card = _read(run.member(0) / "model.toml", broken)
    metrics = _read(run.path / "metrics.json", broken)
    part = next((s for s in ("test", "valid") if isinstance(metrics.get(s), dict)), None)
    state, _ = state_of(run)
    return {
        "model": str(card.get("name") or _table(settings, "settings", "model").get("name") or ""),
        "task": str(card.get("task", "")),
        "state": state,
        "score": None if part is None else _score(part, metrics[part]),
        "changed": _changed(run),
        "broken": [readable(with_remedy(said, run.path)) for said in broken],
    }


def unreadable(run: Run, error: Exception) -> dict[str, Any]:
    """`summary_of` of a run that no step of ours wrote, so that the others are listed."""
    path, kind = readable(str(run.path)), type(error).__name__
    said = f"{path} holds what no step writes ({kind}). Run the steps that wrote it again."
    nothing = {"model": "", "task": "", "state": "unknown", "score": None, "changed": 0.0}
    return {**nothing, "broken": [said]}


def _score(part: str, scores: Mapping[str, Any]) -> dict[str, Any] | None:
    """The first of `SCORES` that a set has, with its interval."""
    known = _scores(scores)
    name = next((s for s in SCORES if isinstance(known.get(s), float | int)), None)
    if name is None:
        return None
    ends = known.get(f"{name}_interval", [])
    is_pair = len(ends) == 2 and None not in ends
    return {"set": part, "name": name, "value": known[name], "interval": ends if is_pair else None}


def _scores(found: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a set, with their intervals; without tables and outputs one by one."""
    numbers = {k: v for k, v in found.items() if _number(v) is not None}
    intervals = {
        k: [_number(end) for end in v]
        for k, v in found.items()
        if k.endswith("_interval") and isinstance(v, list)
    }
    return numbers | intervals


def _histories(run: Run) -> list[Path]:
    """The history of each member that has begun."""
    names = ["history.tsv", *(f"history-{i}.tsv" for i in range(2, 1000))]
    found = []
    for name in names:
        if not (run.path / name).is_file():
            break
        found.append(run.path / name)
    return found


def _history(path: Path, broken: list[str]) -> dict[str, Any]:
    columns, rows = _tsv(path, broken)
    return {
        "file": path.name,
        "columns": columns,
        "rows": [[_value(v) for v in row] for row in rows[-MAX_EPOCHS:]],
    }


def _demixed(run: Run) -> dict[str, int]:
    """How many neurons of each layer have a file."""
    found = (run.path / DEMIX).glob("*/*.json")
    layers = Counter(readable(path.parent.name) for path in found)
    return dict(sorted(layers.items()))


def _motifs(run: Run, broken: list[str]) -> Iterator[dict[str, Any]]:
    """Sources of motifs, the newest first, with the best match of their surest motifs.

    Of motifs that say enough to be named (`Motif.is_specific`), as everywhere.
    """
    folder = run.path / "motifs"
    found = [p for p in folder.glob("*.meme") if not p.name.endswith(".targets.meme")]
    times = {path: _time(path) for path in found}
    for path in sorted(found, key=lambda p: (-times[p], p.name)):
        columns, rows = _tsv(path.with_name(f"{path.stem}.matches.tsv"), broken)
        flat = _flat(path.with_name(f"{path.stem}.facts.tsv"), broken)
        best: dict[str, dict[str, Value]] = {}
        for row in rows:
            match = dict(zip(columns, row, strict=True))
            q = _number(_value(match.get("q", "")))
            name = match.get("motif", "")
            if q is not None and name not in best and name not in flat:  # the best stands first
                target = match.get("target_name") or match.get("target_id", "")
                best[name] = {"motif": name, "target": target, "q": q}
        surest = sorted(best.values(), key=lambda m: (_number(m["q"]) or 0.0, str(m["motif"])))
        yield {
            "source": path.stem,
            "file": f"motifs/{path.name}",
            "changed": times[path],
            "matches": surest[:N_MOTIFS],
        }


def _flat(path: Path, broken: list[str]) -> set[str]:
    """Names of the motifs that are too flat to be named."""
    columns, rows = _tsv(path, broken)
    facts = [dict(zip(columns, row, strict=True)) for row in rows]
    return {f.get("motif", "") for f in facts if _value(f.get("is_specific", "1")) == 0}


def _tsv(path: Path, broken: list[str]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of a table; empty where it is absent, or broken and then said so."""
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            columns, *rows = csv.reader(handle, delimiter="\t")
    except FileNotFoundError:
        return [], []
    except (OSError, ValueError, csv.Error) as error:  # UnicodeDecodeError is a ValueError
        broken.append(f"{path} is no table: {error}. Run the step that writes it again.")
        return [], []
    if any(len(row) != len(columns) for row in rows):
        broken.append(f"{path} has rows of different lengths. Run the step that writes it again.")
        return [], []
    return columns, rows


def _read(path: Path, broken: list[str]) -> dict[str, Any]:
    """A file of names and values; empty where it is absent, or broken and then said so."""
    try:
        if not path.exists():
            return {}
        found = config.read_toml(path) if path.suffix == ".toml" else files.read_json(path)
    except InputError as error:
        broken.append(str(error))
        return {}
    if not isinstance(found, dict):
        broken.append(f"{path} must hold names and values. Run the step that writes it again.")
        return {}
    return found


def _table(found: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """A table within tables; empty where it, or one on the way, is something else."""
    for key in keys:
        inner = found.get(key)
        found = inner if isinstance(inner, Mapping) else {}
    return found


def _value(text: str) -> Value:
    """A number as one, ``None`` for one that JSON does not have, other text as it is."""
    try:
        number = float(text)
    except ValueError:
        return text or None
    return number if math.isfinite(number) else None


def _number(value: Any) -> float | None:
    """A number that JSON and a double have; hundreds of digits are none."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_one and abs(value) <= sys.float_info.max else None


def _whole(value: Any) -> int | None:
    """A count, such as of epochs."""
    is_one = isinstance(value, int) and not isinstance(value, bool)
    return value if is_one and abs(value) < 10**9 else None


def _changed(run: Run) -> float:
    """When the run was last written to, in seconds since 1970."""
    known = ("run.toml", "history.tsv", "metrics.json", "predictions.tsv", "motifs", "explain")
    return max(_time(run.path / name) for name in known)


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
