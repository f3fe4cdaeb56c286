"""Files that are either whole or not there: written to a temporary name, then renamed."""

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from cisgram.core.errors import InputError, StorageError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on success flush it to disk and rename it.

    If the block fails, the temporary file is removed and an older ``path`` stays as it was.

    Raises
    ------
    StorageError
        When the disk is full.
    InputError
        When the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if is_full(error):
            msg = (
                f"No room left on the disk while writing {path}. What was written before is "
                "whole; make room and run the same command again."
            )
            raise StorageError(msg) from error
        if isinstance(error, OSError) and not isinstance(error, StorageError):
            raise not_writable(path, error) from error
        raise


def not_writable(path: Path, error: OSError) -> InputError:
    """The error for a file that the system does not let us write."""
    reason = error.strerror or str(error)
    return InputError(f"Cannot write {path}: {reason}. Choose a folder that can be written.")


def is_temporary(path: Path) -> bool:
    """True for the name of a file that `replacing` had not renamed yet."""
    return path.name.startswith(".") and path.name.endswith(".tmp")


def is_full(error: BaseException) -> bool:
    """True when an error says that the disk is full, in whatever words a library wraps it."""
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    return "no space left on device" in str(error).lower()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file, or leave the older one."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 file, or leave the older one."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write strict JSON (no NaN: give ``None``), indented, keys in the order given."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    r"""Read a JSON file.

    Raises
    ------
    InputError
        When it is absent or not JSON; the message names file, line and column. Also when it
        holds half a character (``\ud800``), which JSON allows and no text file can be written
        with, a number of thousands of digits, or brackets within brackets without end.
    """
    try:
        text = path.read_text(encoding="utf-8")
        value = json.loads(text)
        if "\\ud" in text.lower():  # rare: an escape that may be half of a pair
            json.dumps(value, ensure_ascii=False).encode()
    except FileNotFoundError as error:
        msg = f"{path} does not exist."
        raise InputError(msg) from error
    except (ValueError, RecursionError) as error:  # of letters and of JSON are ValueErrors, too
        msg = f"{path} is not JSON: {error}. Write it again, or delete it."
        raise InputError(msg) from error
    except OSError as error:
        msg = f"Cannot read {path}: {error.strerror}."
        raise InputError(msg) from error
    return value


def open_plain(path: Path, flags: int) -> IO[bytes]:
    """Open a plain file to read or append to.

    `OSError` for anything else: a link, a pipe, a folder. Of files in folders that come from
    anywhere: a link may lead out of them.
    """
    safe = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    number = os.open(path, flags | safe, 0o666)
    if path.is_symlink() or not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        msg = f"{path} is no plain file"
        raise OSError(msg)
    return os.fdopen(number, "ab" if flags & os.O_APPEND else "rb")


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
