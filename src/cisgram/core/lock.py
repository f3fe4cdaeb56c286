"""One process at a time in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cisgram.core.errors import InputError, StorageError
from cisgram.core.files import is_full, is_temporary, not_writable

LOCK = ".lock"


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
    try:
        import fcntl
    except ImportError:  # not on Windows
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
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
