"""Random access to a genome: one byte a base, checked once, never through an index file."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cisgram.core import files
from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.io.fasta import checked_lines, pieces
from cisgram.io.letters import TO_CODES, check_share
from cisgram.io.text import check_file, fail, shown
from cisgram.seq.alphabet import from_codes

IN_MEMORY = 64 << 20  # files below this many bytes are read at once: 12 Mb of yeast take 0.1 s
MAGIC = b"cisgram genome 1"
TAIL = 8 + len(MAGIC)


class Genome:
    """A genome's letters by contig and position (0-based, half-open).

    Small files are held in memory as codes. A large one is turned once into a file of codes
    in the cache folder and mapped from there; that file is made anew whenever size, times or
    inode of the FASTA change, so it cannot go stale as a ``.fai`` does. Plain gzip serves as
    well as bgzip, uneven lines are read right, and nothing is written beside the FASTA.

    Parameters
    ----------
    path
        FASTA, plain, gzip or bgzip. Lower case (soft masking) counts as upper case, IUPAC
        codes as N.
    cache
        Folder of the code file. ``None``: memory for a file below 64 MB, else
        ``$CISGRAM_CACHE``, else ``$XDG_CACHE_HOME/cisgram``, else ``~/.cache/cisgram``.

    Raises
    ------
    InputError
        For a name that comes twice, a NUL byte, blanks inside a line, a letter that is no
        nucleotide, a file that is cut short; with file and line.
    """

    def __init__(self, path: Path | str, *, cache: Path | None = None) -> None:
        self.path, self._cache = Path(path), cache
        check_file(self.path)
        if cache is None and self.path.stat().st_size < IN_MEMORY:
            self._codes, facts = _in_memory(self.path)
        else:
            self._codes, facts = _mapped(self.path, cache or _cache_folder())
        self.contigs: Mapping[str, int] = MappingProxyType(facts["contigs"])
        self.counts: Mapping[str, int] = MappingProxyType(facts["counts"])
        self._offsets: dict[str, int] = {}
        total = 0
        for contig, size in self.contigs.items():
            self._offsets[contig] = total
            total += size

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker process opens the genome itself instead of receiving a copy of it.
        return _open, (self.path, self._cache)

    def __repr__(self) -> str:
        total = sum(self.contigs.values())
        return f"Genome({str(self.path)!r}: {len(self.contigs)} contigs, {total} bp)"

    def codes(self, contig: str, start: int, end: int) -> NDArray[np.uint8]:
        """(end - start,) codes A 0, C 1, G 2, T 3, N 4 of one interval; read-only.

        Raises
        ------
        InputError
            When the contig is unknown or the interval does not lie on it.
        """
        offset = self._offset(contig)
        if not 0 <= start <= end <= self.contigs[contig]:
            msg = (
                f"{contig}:{start}-{end} does not lie on {contig} of {self.path}, which has "
                f"{self.contigs[contig]} bp. Is it the same assembly?"
            )
            raise InputError(msg)
        return self._codes[offset + start : offset + end]

    def fetch(self, contig: str, start: int, end: int) -> str:
        """Letters A C G T N, upper case, of one interval; refuses as `codes`."""
        return from_codes(self.codes(contig, start, end)[None])[0]

    def windows(self, contigs: Sequence[str], starts: ArrayLike, length: int) -> NDArray[np.uint8]:
        """(n, length) codes of n windows of one length.

        Parameters
        ----------
        contigs
            n names.
        starts
            (n,) first positions.
        length
            Length in bp.

        Raises
        ------
        InputError
            When a contig is unknown or a window does not lie on its contig.
        """
        return self.at(self.places(contigs, starts, length), length)

    def places(self, contigs: Sequence[str], starts: ArrayLike, length: int) -> NDArray[np.int64]:
        """(n,) places of windows for `at`; refuses as `windows`."""
        check_positive(length, name="length")
        first = np.asarray(starts, dtype=np.int64)
        if first.shape != (len(contigs),):
            msg = f"starts must have one entry a contig name ({len(contigs)}); got {first.shape}."
            raise InputError(msg)
        if not len(contigs):
            return first
        known = {name: (self._offset(name), self.contigs[name]) for name in set(contigs)}
        offsets, sizes = np.array([known[name] for name in contigs], dtype=np.int64).T
        off = np.flatnonzero((first < 0) | (first > sizes - length))
        if len(off):
            i = int(off[0])
            self.codes(contigs[i], int(first[i]), int(first[i]) + length)  # says what is wrong
        found: NDArray[np.int64] = offsets + first
        return found

    def at(self, places: NDArray[np.int64], length: int) -> NDArray[np.uint8]:
        """(n, length) codes of windows at `places` of this length; a new array."""
        if not len(places):
            return np.empty((0, length), dtype=np.uint8)
        views = np.lib.stride_tricks.sliding_window_view(self._codes, length)
        return np.asarray(views[places])

    def where(self, places: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int64]]:
        """Contig names and first positions of `places`."""
        names = list(self._offsets)
        offsets = np.array(list(self._offsets.values()), dtype=np.int64)
        contig = np.searchsorted(offsets, places, side="right") - 1
        return [names[i] for i in contig.tolist()], places - offsets[contig]

    def _offset(self, contig: str) -> int:
        if contig not in self._offsets:
            raise no_contig(contig, self.contigs, self.path)
        return self._offsets[contig]


def no_contig(name: str, known: Mapping[str, object], path: Path) -> InputError:
    """What to raise for a contig that a file does not have."""
    other = other_style(name, known)
    if other is None:
        return unknown(f"contig in {path}", name, list(known)[:50])
    return InputError(f"No contig named {name!r} in {path}; it has {other!r}. Use its names.")


def other_style(name: str, known: Mapping[str, object]) -> str | None:
    """The same chromosome in the other habit of naming (``chr1``/``1``, ``chrM``/``MT``).

    Examples
    --------
    >>> other_style("1", {"chr1": 0}), other_style("chrM", {"MT": 0}), other_style("x", {})
    ('chr1', 'MT', None)
    """
    bare = name[3:] if name.lower().startswith("chr") else name
    mitochondria = ("chrM", "MT", "M", "chrMT", "Mito", "chrMito")
    for other in mitochondria if name in mitochondria else (bare, f"chr{bare}", f"Chr{bare}"):
        if other in known:
            return other
    return None


def _open(path: Path, cache: Path | None) -> Genome:
    return Genome(path, cache=cache)


def _in_memory(path: Path) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    parts: list[bytes] = []
    facts = _convert(path, parts.append)
    return np.frombuffer(b"".join(parts), dtype=np.uint8), facts


def _mapped(path: Path, folder: Path) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """Codes mapped from the cache, made first where they are absent or not of this file."""
    key = _key(path)
    name = hashlib.blake2b(os.fsencode(path.resolve()), digest_size=12).hexdigest()
    target = folder / f"{name}.codes"
    facts = _facts(target, key)
    if facts is None:
        _check_writable(folder)
        with files.replacing(target) as temporary, temporary.open("wb") as handle:
            made = {**_convert(path, handle.write), "key": key}
            footer = json.dumps(made).encode()
            handle.write(footer + len(footer).to_bytes(8) + MAGIC)
        facts = _facts(target, _key(path))
    if facts is None:
        msg = f"{path} changed while it was read; run the command again when it is complete."
        raise InputError(msg)
    total = sum(facts["contigs"].values())
    return np.memmap(target, dtype=np.uint8, mode="r", shape=(total,)), facts


def _key(path: Path) -> list[int]:
    s = path.stat()
    return [s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino]


def _facts(target: Path, key: list[int]) -> dict[str, Any] | None:
    """What the footer of a code file says, when the file is whole and belongs to ``key``."""
    try:
        with target.open("rb") as handle:
            return _footer(handle, key)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _footer(handle: BinaryIO, key: list[int]) -> dict[str, Any] | None:
    size = handle.seek(0, os.SEEK_END)
    handle.seek(max(0, size - TAIL))
    tail = handle.read()
    length = int.from_bytes(tail[:8])
    if tail[8:] != MAGIC or length > size - TAIL:
        return None
    handle.seek(size - TAIL - length)
    facts: dict[str, Any] = json.loads(handle.read(length))
    whole = sum(facts["contigs"].values()) == size - TAIL - length
    return facts if whole and facts["key"] == key else None


def _cache_folder() -> Path:
    if own := os.environ.get("CISGRAM_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cisgram"


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        msg = (
            f"Cannot write to {folder}, where large genomes are kept as codes. Set CISGRAM_CACHE "
            "to a folder that can be written."
        )
        raise InputError(msg)


def _convert(path: Path, write: Any) -> dict[str, Any]:
    """Hand the codes of a FASTA to ``write`` piece by piece; give contig lengths and counts."""
    counts, lengths, places, contig = Counter[str](), dict[str, int](), dict[str, int](), ""
    for header, line, letters in pieces(path, counts):
        if header is None:
            checked = checked_lines(letters, counts, path, line)
            codes = checked.translate(TO_CODES, b"\n")
            lengths[contig] += len(codes)
            write(codes)
            continue
        contig = header.split(maxsplit=1)[0] if header else ""
        if not contig:
            fail(path, line, "the contig has no name.")
        if contig in lengths:
            msg = f"{shown(contig)} is the name of a contig already in line {places[contig]}."
            fail(path, line, msg + " Rename or remove one of them.")
        lengths[contig], places[contig] = 0, line
    if not sum(lengths.values()):
        msg = f"{path} holds no sequence: FASTA has lines that begin with '>'."
        raise InputError(msg)
    check_share(path, counts)
    counts["empty_contigs"] += sum(not n for n in lengths.values())
    return {"contigs": lengths, "counts": dict(+counts)}
