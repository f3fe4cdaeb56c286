"""The trust step of a run: what to believe of it and what not, as tables and as named flags."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cisgram import __version__
from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.core.work import noted
from cisgram.data import Prepared
from cisgram.steps import trust_labels as labels
from cisgram.steps.trust_explanations import faithfulness
from cisgram.steps.trust_job import Judged, Part, TrustJob, open_job
from cisgram.steps.trust_rules import rules
from cisgram.steps.trust_shortcuts import calibration, shortcuts
from cisgram.steps.trust_stability import stability
from cisgram.trust import Flag, flag_table

PARTS: dict[str, Part] = {
    "shortcuts": shortcuts,
    "faithfulness": faithfulness,
    "calibration": calibration,
    "stability": stability,
    "rules": rules,
}
"""What is judged, in this order; each writes tables of its own."""
READS = {"rules": ("grammar/rules.json", "grammar/motifs.meme")}
"""Files of other steps that a part reads, where they are there."""
LABELS = "random-labels"  # a part that trains a network, and is done when it is asked for
SEQUENCES = 50


@noted("judging")
def trust_run(
    run: Run,
    *,
    sequences: int = SEQUENCES,
    target: int | str | None = None,
    random_labels: bool = False,
    seed: int = 0,
    device: str = "auto",
    prepared: Prepared | None = None,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Judge a trained run: shortcuts, faithfulness of explanations, calibration, stability.

    Writes ``trust/*.tsv``, ``trust/PART.json`` of each part of `PARTS`, and at the end
    ``trust/flags.tsv`` and ``trust/summary.json``. A part that was done on the same model and data
    with the same settings is kept.

    Parameters
    ----------
    run
        A trained run with a test set.
    sequences
        Test sequences whose explanations are judged.
    target
        Output, by number or name; default the run's setting, or the only one.
    random_labels
        Also train one network on the labels in random order, and compare explanations with its.
    seed
        Of everything random.
    device
        ``auto``, ``cpu`` or ``cuda``.
    prepared
        The run's data, where they were prepared already.
    say
        Called with a word on what is being done.

    Returns
    -------
    dict
        The content of ``summary.json``: ``flags``, the facts of each part, and how it was made.

    Raises
    ------
    InputError
        When the run holds no model or no test set, when the test labels are all alike, or no
        target is given for a model of several outputs.
    """
    if sequences < 1:
        msg = f"sequences must be at least 1; got {sequences}."
        raise InputError(msg)
    job = open_job(
        run,
        sequences=sequences,
        target=target,
        seed=seed,
        device=device,
        prepared=prepared,
        say=say,
    )
    card, column = job.card, job.column
    digest = _digest(job)
    done = {
        name: _part(job, name, _digest(job, READS.get(name, ())), part)
        for name, part in PARTS.items()
    }
    if random_labels or _kept(run.path / "trust" / f"{LABELS}.json", digest) is not None:
        done[LABELS] = _part(job, LABELS, digest, labels.random_labels)
    flags = [(name, Flag(**f)) for name, part in done.items() for f in part["flags"]]
    run.write_table("trust/flags.tsv", flag_table(flags))
    summary = {
        "output": card.outputs[column],
        "sequences": sequences,
        "seed": seed,
        "version": __version__,
        "flags": [{"part": name, **asdict(f)} for name, f in flags],
        **{name: part["facts"] for name, part in done.items()},
    }
    files.write_json(run.path / "trust" / "summary.json", summary)
    return summary


def _part(job: TrustJob, name: str, digest: str, part: Part) -> dict[str, Any]:
    """The record of a part, done now or before."""
    path = job.run.path / "trust" / f"{name}.json"
    found = _kept(path, digest)
    if found is not None:
        job.say(f"{name}: kept")
        return found
    judged = part(job)
    for table, rows in judged.tables.items():
        job.run.write_table(f"trust/{table}.tsv", rows)
    record = _record(judged, digest)
    files.write_json(path, record)  # last: the part is done when its record is there
    return record


def _kept(path: Path, digest: str) -> dict[str, Any] | None:
    """The record of the same part, when it and all its tables are there."""
    if not path.is_file():
        return None
    found: dict[str, Any] = files.read_json(path)
    there = found.get("digest") == digest and all(
        (path.parent / f"{table}.tsv").is_file() for table in found["tables"]
    )
    return found if there else None


def _record(judged: Judged, digest: str) -> dict[str, Any]:
    return {
        "digest": digest,
        "tables": list(judged.tables),
        "flags": [{k: _plain(v) for k, v in asdict(f).items()} for f in judged.flags],
        "facts": {k: _plain(v) for k, v in judged.facts.items()},
    }


def _plain(value: Any) -> Any:
    """What strict JSON can hold: NaN and infinity become null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _digest(job: TrustJob, more: Sequence[str] = ()) -> str:
    """Everything that the tables depend on; with ``more`` files of the run."""
    weights = [files.sha256(folder / "weights.safetensors") for folder in job.run.members()]
    inputs = job.run.read().get("inputs", {})
    parts = {
        "weights": weights,
        "inputs": {role: found["sha256"] for role, found in inputs.items()},
        "settings": job.settings.model_dump(mode="json"),
        "asked": [job.column, job.n, job.seed],
        "version": __version__,
    }
    read = {name: job.run.path / name for name in more}
    parts |= {name: files.sha256(path) for name, path in read.items() if path.is_file()}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
