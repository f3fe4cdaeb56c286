"""One process at a time in a folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from cisgram.core.errors import InputError, StorageError
from cisgram.core.files import is_full, is_temporary, not_writable

LOCK = ".lock"
HAS_LOCKS = find_spec("fcntl") is not None
"""False on Windows."""
LOOKS = 5
"""Times that a lock is asked for: one that `is_held` has for a moment is no other process."""


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a folder while the block runs, and clear away what a killed process left half written.

    The system lets go of the lock when its process ends, however it ends. Where there are no
    such locks (Windows, some network disks) nothing is held.

    Raises
    ------
    InputError
        When another process holds the folder, or it cannot be written.
    StorageError
        When the disk is full.
    """
    if not HAS_LOCKS:
        yield
        return
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = path.open("a")
    except OSError as error:
        if is_full(error):
            msg = f"No room left on the disk for {folder}. Make room and run the command again."
            raise StorageError(msg) from error
        raise not_writable(path, error) from error
    with handle:
        try:
            hold(handle)
        except BlockingIOError as error:
            msg = (
                f"Another process is at work in {folder}. Wait until it ends, or choose another "
                "folder with -o."
            )
            raise InputError(msg) from error
        except OSError:  # this disk knows no locks
            yield
            return
        for left in [p for p in folder.rglob(".*") if is_temporary(p)]:
            left.unlink(missing_ok=True)
        yield


def is_held(folder: Path) -> bool | None:
    """True while a process holds a folder by `only_one`; ``None`` where that cannot be known.

    Nothing is written. The lock is shared for a moment to see whether it is free.
    """
    if not HAS_LOCKS:
        return None
    try:
        with (folder / LOCK).open("rb") as handle:
            return is_locked(handle)
    except FileNotFoundError:
        return False
    except OSError:  # it may not be read
        return None


def is_locked(handle: IO[bytes]) -> bool | None:
    """True while a process has the lock (`hold`) of an open file; ``None`` where nobody knows."""
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # this disk knows no locks
        return None
    fcntl.flock(handle, fcntl.LOCK_UN)
    return False


def hold(handle: IO[Any]) -> None:
    """Lock an open file until it is closed, or its process ends, however it ends.

    Raises
    ------
    BlockingIOError
        While another process has it.
    OSError
        On a disk that knows no locks.
    """
    import fcntl

    for look in range(LOOKS):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if look == LOOKS - 1:
                raise
            time.sleep(0.02)
        else:
            return
