"""What processes do in a folder, for whoever looks at it: notes that outlive no process unnoticed.

A step holds the lock of its note, ``.work-*``, while it works. The system lets go of it however the
process ends, so that a note without its lock tells of a step that was stopped before its end.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import IO, ParamSpec, TypeVar

from cisgram.core.errors import CisgramError, StorageError
from cisgram.core.files import open_plain
from cisgram.core.lock import HAS_LOCKS, hold, is_locked

NOTE = re.compile(r"\.work-[0-9a-f]{16}")
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
    note = _new_note(folder, step, of)
    if note is None:
        yield
        return
    handle, path = note
    is_over = False
    try:
        yield
        is_over = True
    except CisgramError as error:
        is_over = not isinstance(error, StorageError)  # else it was stopped, and can go on
        raise
    finally:
        with suppress(OSError):
            if is_over:
                path.unlink()  # before its lock goes: whoever looks never sees a stopped step
        with suppress(OSError):
            handle.close()


def noted(step: str, of: str = "") -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A step whose first argument is its run, run under `at_work`.

    Parameters
    ----------
    step
        As in `Work`.
    of
        Name of the step's argument whose value is that of `Work`.
    """

    def decorate(fn: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(fn)
        run = next(iter(signature.parameters))

        @wraps(fn)
        def inside(*args: P.args, **options: P.kwargs) -> T:
            given = signature.bind(*args, **options)
            given.apply_defaults()
            arguments = given.arguments
            with at_work(arguments[run].path, step, str(arguments.get(of) or "")):
                return fn(*args, **options)

        return inside

    return decorate


def works_in(folder: Path) -> list[Work]:
    """Steps that work in a folder or were stopped there, the last begun first; nothing is written.

    Empty where nobody can know, as on a disk without locks.
    """
    found: list[tuple[int, Work]] = []
    for path in _notes(folder):
        with suppress(OSError), open_plain(path, os.O_RDONLY) as handle:
            is_held = is_locked(handle)
            said = _said(handle.read(MOST))
            about = os.fstat(handle.fileno())
            if is_held is not None and about.st_nlink > 0:  # else it was deleted meanwhile
                found.append((about.st_mtime_ns, Work(*said, is_held)))
    return [work for _, work in sorted(found, key=lambda f: f[0], reverse=True)]


def is_note(path: Path) -> bool:
    """True for the name of a note of `at_work`."""
    return NOTE.fullmatch(path.name) is not None


def _notes(folder: Path) -> Iterator[Path]:
    """The notes in a folder; none where nobody can lock them."""
    return filter(is_note, folder.glob(".work-*") if HAS_LOCKS else ())


def _new_note(folder: Path, step: str, of: str) -> tuple[IO[bytes], Path] | None:
    """A note of this process and its path; ``None`` where there cannot be one."""
    with suppress(OSError):  # a folder to look at only, a disk without locks or room
        if HAS_LOCKS and (folder / "run.toml").is_file():
            _forget_stopped(folder)
            return _held_note(folder, json.dumps({"step": step, "of": of}).encode())
    return None


def _held_note(folder: Path, content: bytes) -> tuple[IO[bytes], Path]:
    """A new note: whole and locked before it has its name."""
    path = folder / f".work-{secrets.token_hex(8)}"
    unready = path.with_name(f"{path.name}.tmp")
    handle = unready.open("xb+", buffering=0)  # to write: network disks lock no other; at once
    try:
        hold(handle)
        handle.write(content)
        unready.rename(path)
    except BaseException:
        with suppress(OSError):
            unready.unlink()
        with suppress(OSError):
            handle.close()
        raise
    return handle, path


def _forget_stopped(folder: Path) -> None:
    """Delete the notes of steps that were stopped: another one begins."""
    for path in _notes(folder):
        with suppress(OSError), open_plain(path, os.O_RDONLY) as handle:
            if is_locked(handle) is False:
                path.unlink()


def _said(content: bytes) -> tuple[str, str]:
    """Step and what it is of; a note may come from anywhere, and then says no more than that."""
    with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
        value = json.loads(content)
        step, of = value["step"], value["of"]
        if step.isascii() and step.replace(" ", "").isalpha() and of.isprintable():
            return step[:40], of[:80]
    return "working", ""
