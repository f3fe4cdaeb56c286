"""FASTA in and out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.io.letters import TO_LETTERS, check_letters, check_share
from cisgram.io.sequences import Sequences
from cisgram.io.text import at_line, chunks, fail, shown, unique_names

COORDINATES = re.compile(r"([^\s:]+):\d+-\d+(?:\([+.-]\))?(?:_rc)?")


def read_fasta(path: Path | str, *, header_labels: bool = False) -> Sequences:
    """Sequences of a FASTA file, plain, gzip or bgzip.

    Lower case, CRLF, blank lines and blanks at line ends are handled and counted, IUPAC codes
    are read as N and U as T. The name is the first word of the header; a name that comes again
    gets ``#2``. A record without letters is dropped with a reason. Where every header reads
    ``contig:start-end``, the contigs are kept as chromosomes; the numbers are not used, for
    tools disagree on whether they count from 0 or 1.

    Parameters
    ----------
    path
        The file.
    header_labels
        The headers are the labels, as in ``>1`` and ``>0`` (Deep Motif Dashboard), one number
        an output; names are then made up.

    Raises
    ------
    InputError
        With file and line, when something is not a nucleotide, when letters come before the
        first header, or when the file is cut short, damaged or empty.

    References
    ----------
    Lanchantin et al. (2017), Deep Motif Dashboard: the form with labels as headers.
    """
    path, counts = Path(path), Counter[str]()
    headers, places, parts, owners = [], [], [], []
    for header, line, letters in pieces(path, counts):
        if header is not None:
            headers.append(header)
            places.append(line)
        else:
            owners.append(len(headers) - 1)
            parts.append(checked_lines(letters, counts, path, line).translate(TO_LETTERS, b"\n"))
    if not headers:
        msg = f"{path} holds no sequence: FASTA has lines that begin with '>'."
        raise InputError(msg)
    check_share(path, counts)
    texts = _joined(parts, owners, len(headers))
    labels = _labels(headers, places, path) if header_labels else None
    if labels is None:
        words = [header.split(maxsplit=1)[0] if header else "" for header in headers]
        counts["unnamed"] += words.count("")
        words = [word or f"sequence_{i}" for i, word in enumerate(words, 1)]
    else:
        words = [f"sequence_{i}" for i in range(1, len(headers) + 1)]
    names = unique_names(words, counts)
    matches = [COORDINATES.fullmatch(word) for word in words]
    full = np.array([bool(text) for text in texts])
    every = Sequences(
        names,
        texts,
        labels,
        () if labels is None else tuple(f"label_{i}" for i in range(labels.shape[1])),
        [m[1] for m in matches if m] if all(matches) else None,
        dropped=tuple((n, "no letters") for n, t in zip(names, texts, strict=True) if not t),
        counts=+counts,
        source=str(path),
    )
    if not full.any():
        msg = f"{path}: not one of its {len(names)} records has a letter."
        raise InputError(msg)
    return every if full.all() else every.take(full)


def write_fasta(path: Path | str, sequences: Sequences, *, width: int = 0) -> None:
    """Write names and letters; ``width`` letters a line, or each sequence on one line (0)."""
    lines = []
    for name, text in zip(sequences.names, sequences.letters, strict=True):
        lines.append(">" + name)
        step = width or max(len(text), 1)
        lines += [text[i : i + step] for i in range(0, len(text), step)]
    files.write_text(Path(path), "\n".join(lines) + "\n")


def pieces(path: Path, counts: Counter[str]) -> Iterator[tuple[str | None, int, bytes]]:
    """A FASTA file as a stream: headers, and stretches of the lines between them.

    Yields
    ------
    ``(header, its line, b"")`` or ``(None, lines before, letters)``; the letters may begin and
    end in the middle of a line, so that a chromosome on one line costs no more than others.

    Raises
    ------
    InputError
        When letters come before the first header, and as `text.chunks`.
    """
    seen, lines, fresh, rest = False, 0, True, b""
    for chunk in chunks(path, counts):
        data, rest, at = rest + chunk, b"", 0
        while at < len(data):
            if fresh and data.startswith(b">", at):
                end = data.find(b"\n", at)
                if end < 0:  # the rest of the header comes with the next chunk
                    rest = data[at:]
                    break
                lines, seen = lines + 1, True
                yield _header(data[at + 1 : end], path, lines), lines, b""
                at = end + 1
                continue
            end = data.find(b"\n>", at) + 1 or len(data)
            letters, at = data[at:end], end
            if end == len(data):  # blanks here may turn out to stand at a line end
                kept = letters.rstrip(b" \t")
                letters, rest = kept, letters[len(kept) :]
            if not seen and letters.strip():
                first = lines + 1 + letters[: len(letters) - len(letters.lstrip())].count(b"\n")
                fail(path, first, "sequence before the first header; FASTA begins with '>'.")
            if letters:
                counts["blank_lines"] += _blank_lines(letters, fresh=fresh)
                if seen and letters.strip():
                    yield None, lines, letters
                lines += letters.count(b"\n")
                fresh = letters.endswith(b"\n")
    if fresh and rest.startswith(b">"):
        yield _header(rest[1:], path, lines + 1), lines + 1, b""


def _header(raw: bytes, path: Path, line: int) -> str:
    try:
        return raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        fail(path, line, "the header is not UTF-8 text. Save the file as UTF-8.")


def _blank_lines(letters: bytes, *, fresh: bool) -> int:
    if b"\n\n" not in letters and not (fresh and letters.startswith(b"\n")):
        return 0
    lines = letters.split(b"\n")[0 if fresh else 1 : -1]
    return sum(not line for line in lines)


def checked_lines(letters: bytes, counts: Counter[str], path: Path, line: int) -> bytes:
    """A stretch of letters that `pieces` gave, checked as `check_letters` does."""
    checked = check_letters(letters, counts, lambda j: at_line(path, line + 1 + j))
    counts["letters"] -= letters.count(b"\n")
    return checked


def _joined(parts: list[bytes], owners: list[int], n: int) -> list[str]:
    """The text of each of n records from its parts, which come in order."""
    texts = [""] * n
    together: dict[int, list[str]] = {}
    for owner, part in zip(owners, parts, strict=True):
        together.setdefault(owner, []).append(part.decode("ascii"))
    for owner, strings in together.items():
        texts[owner] = "".join(strings)
    return texts


def _labels(headers: list[str], places: list[int], path: Path) -> NDArray[np.float64]:
    rows: list[list[float]] = []
    for header, line in zip(headers, places, strict=True):
        try:
            row = [float(word) for word in header.replace(",", " ").split()]
        except ValueError:
            row = []
        if not row or not np.isfinite(row).all():
            fail(path, line, f"the header must be numbers, as in '>1'; got {shown(header)}.")
        if rows and len(row) != len(rows[0]):
            fail(path, line, f"{len(row)} labels, {len(rows[0])} in the records before.")
        rows.append(row)
    return np.array(rows, dtype=np.float64)
