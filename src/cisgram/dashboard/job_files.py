"""Jobs as files: ``RUN/jobs/ID/job.json`` and ``log.txt``, which outlive the server."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cisgram.core import files
from cisgram.core.errors import CisgramError, InputError
from cisgram.core.run import Run
from cisgram.dashboard.errors import Conflict, Missing
from cisgram.dashboard.job_kinds import INPUT, MOST_LETTERS, Plan, kept_of

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
    title, result
        As in `Plan`.
    request
        What was asked for, without pasted sequences (`kept_of`). A run folder may come from
        anywhere: whoever resumes the job asks `plan` for its command, which no file holds.
    state
        One of `OPEN` and `ENDED`; interrupted where the server or the machine went away.
    done, total
        How far it is, in the units of its step; 0 of 0 where nobody knows.
    said
        The last line that it wrote.
    error
        Why it failed or was interrupted, one paragraph; else empty.
    made, began, ended
        Times in UTC, ISO 8601; empty where that has not happened.
    """

    id: str
    title: str
    request: dict[str, Any]
    result: str
    state: str = "waiting"
    done: int = 0
    total: int = 0
    said: str = ""
    error: str = ""
    made: str = ""
    began: str = ""
    ended: str = ""
    arguments: tuple[str, ...] = field(default=(), repr=False)  # as in `Plan`; never in a file


def new_id() -> str:
    """A name that nobody guesses and that is a folder's name everywhere."""
    return secrets.token_hex(8)


def new_job(name: str, plan: Plan, body: Mapping[str, Any]) -> Job:
    """A job that waits; ``body`` is what its plan was made of."""
    return Job(name, plan.title, kept_of(body), plan.result, made=now(), arguments=plan.arguments)


def request_of(run: Run, job: Job) -> dict[str, Any]:
    """The request of a job as it was made, with the sequences that were pasted.

    Raises
    ------
    Conflict
        When these are gone.
    """
    asked = dict(job.request)
    if asked.pop("pasted", False):
        try:
            with files.open_plain(folder_of(run, job.id) / INPUT, os.O_RDONLY) as handle:
                asked["sequences"] = handle.read(4 * MOST_LETTERS).decode("utf-8", "replace")
        except OSError as error:
            msg = f"The pasted sequences of this job are gone from its folder ({INPUT}). Start a "
            msg += "new one."
            raise Conflict(msg) from error
    return asked


def now() -> str:
    """The time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def folder_of(run: Run, name: str) -> Path:
    """The folder of a job.

    Raises
    ------
    Missing
        When the name is no job's: nothing outside ``RUN/jobs`` can be named, nor be reached by
        a link that lies there.
    """
    folder = run.path / FOLDER / name
    if not _ID.fullmatch(name) or folder.parent.is_symlink() or folder.is_symlink():
        msg = "No job of this name is in the run."
        raise Missing(msg)
    return folder


def write(run: Run, job: Job) -> None:
    """Write the state of a job, whole or not at all."""
    kept = {k: v for k, v in asdict(job).items() if k != "arguments"}
    files.write_json(folder_of(run, job.id) / "job.json", kept)


def keep(run: Run, job: Job) -> None:
    """Write how a job stands. Where that fails, the next server finds it interrupted."""
    with suppress(CisgramError):
        write(run, job)


def read(run: Run, name: str) -> Job:
    """A job of the run.

    Raises
    ------
    Missing
        When there is none of this name, or its file is damaged.
    """
    path = folder_of(run, name) / "job.json"
    if path.is_symlink() or not path.is_file():
        msg = "No job of this name is in the run."
        raise Missing(msg)
    try:
        return _job(files.read_json(path), name)
    except (InputError, ValueError, RecursionError) as error:  # digits or brackets without end
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
    known = [f.name for f in fields(Job) if f.name not in ("arguments", "request")]
    if not isinstance(value, Mapping) or not value.keys() >= set(known) or value["id"] != name:
        msg = "it does not describe a job."
        raise InputError(msg)
    numbers = all(isinstance(value[k], int) for k in ("done", "total"))
    texts = all(isinstance(value[k], str) for k in known if k not in ("done", "total"))
    if not (numbers and texts and value["state"] in OPEN + ENDED):
        msg = "it does not describe a job."
        raise InputError(msg)
    asked = value.get("request")
    if not isinstance(asked, dict) or not all(isinstance(v, str | int) for v in asked.values()):
        asked = {}  # shown all the same; not resumed
    return Job(request=asked, **{k: value[k] for k in known})


def log(run: Run, job: Job, line: str) -> None:
    """Add a line to ``log.txt``, up to `MOST_LOG` bytes; `OSError` where that cannot be."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    with files.open_plain(folder_of(run, job.id) / "log.txt", flags) as handle:
        if os.fstat(handle.fileno()).st_size < MOST_LOG:
            handle.write(f"{line}\n".encode("utf-8", "replace"))


def read_log(run: Run, job: Job, *, most: int = 20_000) -> str:
    """The end of what the job wrote, ``most`` bytes; empty where it wrote nothing."""
    try:
        with files.open_plain(folder_of(run, job.id) / "log.txt", os.O_RDONLY) as handle:
            handle.seek(max(0, os.fstat(handle.fileno()).st_size - most))
            return handle.read(most).decode("utf-8", "replace")
    except OSError:
        return ""
