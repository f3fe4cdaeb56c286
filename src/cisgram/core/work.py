"""What processes do in a folder, for whoever looks at it: notes that outlive no process unnoticed.

A step holds the lock of its note, ``.work-*``, while it works. The system lets go of it however the
process ends, so that a note without its lock tells of a step that was stopped before its end.
"""

from __future__ import annotations

import inspect
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from cisgram.core.errors import CisgramError, StorageError
from cisgram.core.files import open_plain
from cisgram.core.lock import hold, is_locked

if TYPE_CHECKING:
    from cisgram.core.run import Run

NOTE = ".work-"
TRIES = 5  # a note that another process takes for a stale one is written anew
MOST = 4_096  # bytes of a note
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Work:
    """A step that works in a folder, or was stopped there before its end.

    Attributes
    ----------
    step
        What it does, as in "a process is ...": ``explaining``, ``reading motifs``.
    of
        What it does that to, such as a method; may be empty.
    is_held
        True while its process works.
    """

    step: str
    of: str
    is_held: bool


@contextmanager
def at_work(folder: Path, step: str, of: str = "") -> Iterator[None]:
    """Say that a step works in a run folder while the block runs.

    The note goes when the block ends or refuses what it was given. It stays when the block is
    interrupted or its process is killed, until the next step begins. Where the folder cannot be
    written, is no run yet, or is on a disk without locks, nothing is said.

    Parameters
    ----------
    folder
        A run folder.
    step, of
        As in `Work`.
    """
    note = _noted(folder, step, of)
    if note is None:
        yield
        return
    handle, path = note
    with handle:
        try:
            yield
        except CisgramError as error:
            if not isinstance(error, StorageError):  # else it was stopped, and can go on
                path.unlink(missing_ok=True)
            raise
        path.unlink(missing_ok=True)


def noted(
    step: str, of: str = ""
) -> Callable[[Callable[Concatenate[Run, P], T]], Callable[Concatenate[Run, P], T]]:
    """A step whose first argument is its run, run under `at_work`.

    Parameters
    ----------
    step
        As in `Work`.
    of
        Name of the step's argument whose value is that of `Work`.
    """

    def decorate(fn: Callable[Concatenate[Run, P], T]) -> Callable[Concatenate[Run, P], T]:
        signature = inspect.signature(fn)

        @wraps(fn)
        def inside(run: Run, /, *args: P.args, **options: P.kwargs) -> T:
            given = signature.bind(run, *args, **options)
            given.apply_defaults()
            with at_work(run.path, step, str(given.arguments.get(of) or "")):
                return fn(run, *args, **options)

        return inside

    return decorate


def works_in(folder: Path) -> list[Work]:
    """Steps that work in a folder or were stopped there, the last begun first; nothing is written.

    Empty where nobody can know, as on a disk without locks.
    """
    found: list[tuple[int, Work]] = []
    if find_spec("fcntl") is None:  # Windows: no notes are written
        return []
    for path in folder.glob(f"{NOTE}*"):
        with suppress(OSError), open_plain(path, os.O_RDONLY) as handle:
            is_held = is_locked(handle)
            if is_held is not None:
                said = _said(handle.read(MOST))
                found.append((os.fstat(handle.fileno()).st_mtime_ns, Work(*said, is_held)))
    return [work for _, work in sorted(found, key=lambda f: f[0], reverse=True)]


def is_note(path: Path) -> bool:
    """True for the name of a note of `at_work`."""
    return path.name.startswith(NOTE)


def _noted(folder: Path, step: str, of: str) -> tuple[IO[bytes], Path] | None:
    """A note of this process and its path; ``None`` where there cannot be one."""
    if find_spec("fcntl") is None or not (folder / "run.toml").is_file():  # Windows, or no run
        return None
    _forget_stopped(folder)
    for _ in range(TRIES):
        path = folder / f"{NOTE}{secrets.token_hex(8)}"
        try:
            handle = path.open("xb")
        except OSError:  # a folder to look at only
            return None
        try:
            hold(handle)
            handle.write(json.dumps({"step": step, "of": of}).encode())
            handle.flush()
            if path.exists():
                return handle, path
        except BlockingIOError:
            pass
        except OSError:  # no locks here, or no room
            handle.close()
            path.unlink(missing_ok=True)
            return None
        handle.close()  # another step took it for a stale one before it was locked
    return None


def _forget_stopped(folder: Path) -> None:
    """Delete the notes of steps that were stopped: another one begins."""
    for path in folder.glob(f"{NOTE}*"):
        with suppress(OSError), open_plain(path, os.O_RDONLY) as handle:
            if is_locked(handle) is False:
                hold(handle)  # so that it is not deleted when its step locks it just now
                path.unlink()


def _said(content: bytes) -> tuple[str, str]:
    """Step and what it is of; a note may come from anywhere, and then says no more than that."""
    with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
        value = json.loads(content)
        step, of = value["step"], value["of"]
        if step.isascii() and step.replace(" ", "").isalpha() and of.isprintable():
            return step[:40], of[:80]
    return "working", ""
