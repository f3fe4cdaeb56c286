"""Jobs as files: ``RUN/jobs/ID/job.json`` and ``log.txt``, which outlive the server."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.core.run import Run
from cisgram.dashboard.errors import Missing
from cisgram.dashboard.job_kinds import Plan

FOLDER = "jobs"
OPEN = ("waiting", "running")
ENDED = ("done", "failed", "cancelled", "interrupted")
MOST_LOG = 1_000_000
_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(slots=True)
class Job:
    """One job; its folder is ``RUN/jobs/ID``.

    Attributes
    ----------
    id
        16 random hexadecimal digits.
    title, arguments, result
        As in `Plan`.
    state
        One of `OPEN` and `ENDED`; interrupted where the server or the machine went away.
    done, total
        How far it is, in the units of its step; 0 of 0 where nobody knows.
    said
        The last line that it wrote.
    error
        Why it failed, one paragraph; else empty.
    made, began, ended
        Times in UTC, ISO 8601; empty where that has not happened.
    """

    id: str
    title: str
    arguments: list[str]
    result: str
    state: str = "waiting"
    done: int = 0
    total: int = 0
    said: str = ""
    error: str = ""
    made: str = ""
    began: str = ""
    ended: str = ""


def new_id() -> str:
    """A name that nobody guesses and that is a folder's name everywhere."""
    return secrets.token_hex(8)


def new_job(name: str, plan: Plan) -> Job:
    """A job that waits."""
    return Job(name, plan.title, list(plan.arguments), plan.result, made=now())


def now() -> str:
    """The time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def folder_of(run: Run, name: str) -> Path:
    """The folder of a job.

    Raises
    ------
    Missing
        When the name is no job's: nothing outside ``RUN/jobs`` can be named.
    """
    if not _ID.fullmatch(name):
        msg = "No job of this name is in the run."
        raise Missing(msg)
    return run.path / FOLDER / name


def write(run: Run, job: Job) -> None:
    """Write the state of a job, whole or not at all."""
    files.write_json(folder_of(run, job.id) / "job.json", asdict(job))


def read(run: Run, name: str) -> Job:
    """A job of the run.

    Raises
    ------
    Missing
        When there is none of this name, or its file is damaged.
    """
    path = folder_of(run, name) / "job.json"
    if not path.is_file():
        msg = "No job of this name is in the run."
        raise Missing(msg)
    try:
        return _job(files.read_json(path), name)
    except InputError as error:
        msg = f"{path} is damaged: {error} Delete the folder and start the job again."
        raise Missing(msg) from error


def every(run: Run) -> list[Job]:
    """All jobs that can be read, the newest first."""
    found = []
    for path in (run.path / FOLDER).glob("*/job.json"):
        try:
            found.append(read(run, path.parent.name))
        except Missing:  # damaged, or not ours: the others are shown all the same
            continue
    return sorted(found, key=lambda j: (j.made, j.id), reverse=True)


def _job(value: Any, name: str) -> Job:
    """A job of the content of its file, each field of the kind that it must have."""
    known = {f.name: f.default for f in fields(Job)}
    if not isinstance(value, Mapping) or not known.keys() <= value.keys() or value["id"] != name:
        msg = "it does not describe a job."
        raise InputError(msg)
    arguments = value["arguments"]
    numbers = all(isinstance(value[k], int) for k in ("done", "total"))
    texts = all(isinstance(value[k], str) for k in known if k not in ("arguments", "done", "total"))
    listed = isinstance(arguments, list) and all(isinstance(a, str) for a in arguments)
    if not (numbers and texts and listed and value["state"] in OPEN + ENDED):
        msg = "it does not describe a job."
        raise InputError(msg)
    return Job(**{k: value[k] for k in known})


def log(run: Run, job: Job, line: str) -> None:
    """Add a line to ``log.txt``, up to `MOST_LOG` bytes."""
    path = folder_of(run, job.id) / "log.txt"
    with path.open("a", encoding="utf-8") as handle:
        if handle.tell() < MOST_LOG:
            handle.write(line + "\n")


def read_log(run: Run, job: Job, *, most: int = 20_000) -> str:
    """The end of what the job wrote; empty where it wrote nothing."""
    path = folder_of(run, job.id) / "log.txt"
    if not path.is_file():
        return ""
    return path.read_text(encoding="utf-8", errors="replace")[-most:]
