"""The one place that opens text: plain, gzip or bgzip, told apart by content, not by name."""

from __future__ import annotations

import gzip
import stat
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from cisgram.core.errors import InputError

CHUNK = 1 << 22
GZIP = b"\x1f\x8b"
BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# First bytes of files that people hand over by mistake, with what to do instead.
FOREIGN = (
    (b"PK\x03\x04", "a zip archive (or a spreadsheet)", "Unpack it, or save it as TSV."),
    (b"BZh", "bzip2", "Unpack it, or pack it with gzip."),
    (b"\xfd7zXZ\x00", "xz", "Unpack it, or pack it with gzip."),
    (b"\x28\xb5\x2f\xfd", "zstandard", "Unpack it, or pack it with gzip."),
    (b"\xff\xfe", "UTF-16 text", "Save it as UTF-8."),
    (b"\xfe\xff", "UTF-16 text", "Save it as UTF-8."),
    (b"BAM\x01", "BAM", "Give sequences or peaks: FASTA, BED or a table."),
    (b"\x43\x27\x41\x1a", "2bit", "Convert it with twoBitToFa."),
    (b"\x1a\x41\x27\x43", "2bit", "Convert it with twoBitToFa."),
    (b"\x89HDF", "HDF5", "Write its sequences as FASTA or TSV."),
    (b"\x26\xfc\x8f\x88", "bigWig", "Give sequences or peaks: FASTA, BED or a table."),
    (b"%PDF", "PDF", "Give FASTA, BED or a table."),
    (b"<!DOCTYPE", "a web page", "The download went wrong; fetch the file itself."),
    (b"<html", "a web page", "The download went wrong; fetch the file itself."),
)


def at_line(path: Path, line: int) -> str:
    """Opening words of a message about one line, counted from 1."""
    return f"{path}, line {line}: "


def shown(value: str, *, limit: int = 40) -> str:
    """A value from a file as it may stand in a message: quoted, escaped, not too long."""
    return repr(value if len(value) <= limit else value[: limit - 3] + "...")


def fail(path: Path, line: int, message: str) -> NoReturn:
    """Raise `InputError` about one line of a file."""
    raise InputError(at_line(path, line) + message)


@dataclass
class Problems:
    """Wrong lines of one file, collected so that the user hears of all of them at once."""

    path: Path
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, message: str) -> None:
        """Keep one problem; ``message`` is a whole sentence."""
        self.found.append((line, message))

    def speak(self) -> None:
        """Raise `InputError` with the first problem and the places of the others, if any."""
        if not self.found:
            return
        line, message = self.found[0]
        others = [str(n) for n, _ in self.found[1:]]
        if others:
            more = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
            message += f" {len(others)} more wrong: line {more}."
        fail(self.path, line, message)


@dataclass(frozen=True)
class Text:
    """Lines of a text file without their ends.

    Attributes
    ----------
    path
        The file.
    lines
        Its lines; iterating over the record gives ``(number from 1, line)``.
    counts
        What was handled on the way: ``crlf``, ``byte_order_mark``, ...
    """

    path: Path
    lines: list[str]
    counts: Counter[str]

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return enumerate(self.lines, 1)

    def filled(self) -> Iterator[tuple[int, str]]:
        """Lines that hold something; the others are counted as ``blank_lines``."""
        for number, line in self:
            if line.strip():
                yield number, line
            else:
                self.counts["blank_lines"] += 1


def open_text(path: Path | str) -> Text:
    """All lines of a UTF-8 text file, plain, gzip or bgzip.

    Raises
    ------
    InputError
        When it is absent, a folder, empty, cut short, damaged, not text (NUL bytes, another
        format) or not UTF-8.
    """
    path, counts = Path(path), Counter[str]()
    data = b"".join(chunks(path, counts))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fail(path, line, f"byte {data[error.start]:#04x} is not UTF-8 text. Save it as UTF-8.")
    # Not splitlines(): it would also break lines at form feeds and U+2028 inside a name.
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return Text(path, lines, counts)


def head_of(path: Path | str) -> list[str]:
    """First lines of a file, for telling its format; broken letters are replaced."""
    data = next(chunks(Path(path), Counter()))
    return data.decode("utf-8", "replace").split("\n")


def chunks(path: Path, counts: Counter[str]) -> Iterator[bytes]:
    r"""Bytes of a text file, unpacked, every line end as ``\n``, in pieces of some megabytes.

    Parameters
    ----------
    path
        The file; what it is packed with is read from its first bytes.
    counts
        Counters that are raised for what was handled: ``crlf``, ``cr`` (lines that end as on
        old Macs), ``byte_order_mark``.

    Raises
    ------
    InputError
        As `open_text`.
    """
    lines, held, first = 0, b"", True
    for data in _unpacked(path):
        if first:
            first = False
            _refuse_foreign(path, data)
            if data.startswith(BYTE_ORDER_MARK):
                counts["byte_order_mark"] += 1
                data = data[len(BYTE_ORDER_MARK) :]  # noqa: PLW2901  (cleaned in place)
        data, held = held + data, b""  # noqa: PLW2901  (cleaned in place)
        if b"\r" in data:
            if data.endswith(b"\r"):  # its "\n" may begin the next piece
                data, held = data[:-1], b"\r"  # noqa: PLW2901  (cleaned in place)
            counts["crlf"] += data.count(b"\r\n")
            data = data.replace(b"\r\n", b"\n")  # noqa: PLW2901  (cleaned in place)
            counts["cr"] += data.count(b"\r")
            data = data.replace(b"\r", b"\n")  # noqa: PLW2901  (cleaned in place)
        if (nul := data.find(b"\0")) >= 0:
            line = lines + data.count(b"\n", 0, nul) + 1
            fail(path, line, "a NUL byte: the file is damaged or not text. Fetch it again.")
        lines += data.count(b"\n")
        yield data
    if held:
        counts["cr"] += 1
        yield b"\n"
    counts += Counter()  # drops the zeros


def _unpacked(path: Path) -> Iterator[bytes]:
    """Raw pieces of a file, unpacked; at least one, none empty."""
    empty = True
    try:
        packed = _is_gzip(path)
        with gzip.open(path) if packed else path.open("rb") as handle:
            while data := handle.read(CHUNK):
                empty = False
                yield data
    except EOFError as error:
        raise InputError(_cut_short(path)) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        msg = f"{path} is damaged: it cannot be unpacked ({error}). Fetch it again."
        raise InputError(msg) from error
    except OSError as error:
        msg = f"Cannot read {path}: {error.strerror or error}."
        raise InputError(msg) from error
    if empty:
        msg = f"{path} is empty."
        raise InputError(msg)


def check_file(path: Path) -> None:
    """Raise `InputError` unless the path is that of a regular file."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        msg = f"{path} does not exist."
        raise InputError(msg) from error
    except (OSError, ValueError) as error:  # e.g. a name that is too long, or has a NUL
        msg = f"Cannot read {str(path)!r}: {error}."
        raise InputError(msg) from error
    if stat.S_ISDIR(mode):
        msg = f"{path} is a folder; give a file in it."
        raise InputError(msg)
    if not stat.S_ISREG(mode):
        # Inputs are hashed for run.toml and some are read twice: a pipe can be read once.
        msg = f"{path} is a pipe or a device; write its content to a file and give that."
        raise InputError(msg)


def _is_gzip(path: Path) -> bool:
    """True for gzip and bgzip; a bgzip file must have its end."""
    check_file(path)
    with path.open("rb") as handle:
        start = handle.read(18)
        if not start.startswith(GZIP):
            return False
        if start[3:4] == b"\x04" and start[12:14] == b"BC":
            # Cut between two blocks, bgzip looks whole to every unpacker: its end is a mark.
            handle.seek(max(0, path.stat().st_size - len(BGZF_END)))
            if handle.read() != BGZF_END:
                raise InputError(_cut_short(path))
    return True


def _cut_short(path: Path) -> str:
    return f"{path} is cut short: its compressed end is missing. Fetch or write it again."


def _refuse_foreign(path: Path, data: bytes) -> None:
    for magic, what, remedy in FOREIGN:
        if data.startswith(magic):
            msg = f"{path} is {what}, not plain or gzipped text. {remedy}"
            raise InputError(msg)


def unique_names(names: Iterable[str], counts: Counter[str]) -> list[str]:
    """Names that differ from each other: the second ``a`` becomes ``a#2``, and is counted.

    Examples
    --------
    >>> unique_names(["a", "b", "a", "a"], Counter())
    ['a', 'b', 'a#2', 'a#3']
    """
    given = [_printable(name, counts) for name in names]
    taken, last = set(given), Counter[str]()
    out = []
    for name in given:
        last[name] += 1
        if last[name] == 1:
            out.append(name)
            continue
        counts["duplicate_names"] += 1
        while (new := f"{name}#{last[name]}") in taken:
            last[name] += 1
        taken.add(new)
        out.append(new)
    return out


def _printable(name: str, counts: Counter[str]) -> str:
    if name.isprintable():
        return name
    counts["names_with_control_characters"] += 1
    return "".join(c if c.isprintable() else "_" for c in name)
