"""Files read one after the other at one length, with what was left out on the way."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.data.dataset import Dataset
from cisgram.data.options import DataOptions
from cisgram.io import (
    Genome,
    Intervals,
    Methylation,
    Sequences,
    format_of,
    numeric_columns,
    read_bed,
    read_sequences,
    sites_of,
    windows_of,
)
from cisgram.io.fasta import pieces
from cisgram.seq.alphabet import to_codes

COORDINATES = re.compile(r"[^\s:]+:(\d+)-\d+")
POINT = 20  # bp; peaks no wider than this are points and need a length
PLACES = ("start", "end", "stop", "length", "index", "rank", "summit")  # numbers, not labels
WINDOW = 200  # bp; the length that points get when none is given
PROFILES = "profiles"  # in place of a file: the sites of the methylation profiles
SITE = 4  # bp of sites without a genome, whose letters nobody knows


@dataclass
class Source:
    """What has been read so far, and what was left out on the way.

    Attributes
    ----------
    genome
        Where intervals lie.
    length
        bp of every sequence; ``None`` until the first file gives it.
    dropped
        Names and reasons.
    counts
        What the readers handled.
    peaks
        Of each BED file, its intervals as they are, and the windows read from them.
    ranks
        Strength of the sequences by file, 1 the strongest; ``None`` where a file tells none.
    cells
        Methylation profiles: of their sites no letters are needed.
    """

    genome: Genome | None
    length: int | None
    dropped: list[tuple[str, str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    peaks: dict[str, list[Intervals]] = field(default_factory=dict)
    ranks: dict[str, NDArray[np.int64] | None] = field(default_factory=dict)
    cells: tuple[Methylation, ...] = ()

    @property
    def is_blank(self) -> bool:
        """Whether sequences have places and no letters: methylation without a genome."""
        return bool(self.cells) and self.genome is None

    def read(self, path: str, options: DataOptions, *, label: float, ask: bool = False) -> Dataset:
        """One file as a dataset; ``label`` fills in where the file has none.

        With ``ask``, a table of which a column may be a label that nobody named is refused.
        """
        if path == PROFILES and self.cells:
            return self._at(path, sites_of(self.cells), label)
        kind = _kind(path, options)
        if options.batch_column is not None and kind != "table":
            msg = (
                f"data.batch_column={options.batch_column} names a column of a table; {path} is "
                f"read as {kind}. Give TSV or CSV, or leave it out."
            )
            raise InputError(msg)
        if kind == "bed" and (self.genome is not None or self.is_blank):
            return self._at(path, read_bed(path, genome=self.genome), label)
        found = self._sequences(path, options, kind)
        if ask and found.labels is None and not options.label_columns:
            _refuse_unnamed_labels(path, options)
        self.dropped += found.dropped
        self.counts.update(found.counts)
        self.ranks[path] = found.ranks
        codes = self._to_length(found)
        y, outputs = found.labels, found.columns
        if y is None:
            y, outputs = np.full((len(found), 1), label), ("bound",)
        if len(outputs) == 1:
            outputs = (outputs[0].lower(),)
        return Dataset(
            list(found.names),
            codes,
            y.astype(np.float32),
            tuple(outputs),
            found.chromosomes,
            _starts(found),
            found.batches,
        )

    def _at(self, path: str, peaks: Intervals, label: float) -> Dataset:
        if self.genome is None:
            return self._without_letters(path, peaks, label)
        return self._windows(path, peaks, self.genome, label)

    def _without_letters(self, path: str, sites: Intervals, label: float) -> Dataset:
        """Places whose every letter is N, for a model that reads what is known nearby."""
        self.length = self.length or SITE
        self.dropped += sites.dropped
        self.counts.update(sites.counts)
        self.counts["without_letters"] += len(sites)
        self.ranks[path] = sites.ranks
        codes = np.full((len(sites), self.length), 4, dtype=np.uint8)
        y = np.full((len(sites), 1), label, dtype=np.float32)
        starts = sites.summit - self.length // 2
        return Dataset(sites.name, codes, y, ("bound",), sites.contig, starts)

    def _windows(self, path: str, peaks: Intervals, genome: Genome, label: float) -> Dataset:
        """Windows of a BED file; their letters stay on disk."""
        found = windows_of(peaks, genome, length=self._window(peaks))
        kept = found.intervals
        self.peaks[path] = [peaks, kept]
        self.dropped += found.dropped
        self.counts.update(found.counts)
        self.ranks[path] = kept.ranks
        y = np.full((len(kept), 1), label, dtype=np.float32)
        return Dataset(kept.name, found.codes, y, ("bound",), kept.contig, kept.start)

    def _sequences(self, path: str, options: DataOptions, kind: str) -> Sequences:
        if kind == "table":
            labels = list(options.label_columns) or None
            if labels == ["none"]:
                labels = []
            return read_sequences(
                path,
                sequence=options.sequence_column,
                labels=labels,
                batch=options.batch_column,
            )
        if kind == "fasta" and _headers_are_labels(path):
            found = read_sequences(path, header_labels=True)
            self.counts["header_labels"] += len(found)
            return replace(found, columns=("bound",))
        return read_sequences(path)

    def _window(self, peaks: Intervals) -> int:
        """Length of the windows of a BED file: as asked, else the median width of its peaks."""
        if self.length is None:
            width = int(np.median(peaks.end - peaks.start))
            self.length = WINDOW if width <= POINT else min(width, 1000)
        return self.length

    def _to_length(self, found: Sequences) -> NDArray[np.uint8]:
        """Codes of one length: longer sequences keep their middle, shorter ones get N around."""
        if self.length is None:
            self.length = int(found.lengths.max())
        length = self.length
        self.counts["trimmed_to_length"] += int((found.lengths > length).sum())
        self.counts["padded_with_n"] += int((found.lengths < length).sum())
        return to_codes([at_length(text, length)[0] for text in found.letters])


def at_length(text: str, length: int) -> tuple[str, int]:
    """A sequence of ``length``, and the position in ``text`` that its first letter had.

    Of a longer one the middle is kept; a shorter one gets N around, and the position is negative.

    Examples
    --------
    >>> at_length("AACGTT", 4), at_length("ACG", 6)
    (('ACGT', 1), ('NACGNN', -1))
    """
    cut = max(0, len(text) - length) // 2
    middle = text[cut : cut + length]
    before = (length - len(middle)) // 2
    return "N" * before + middle + "N" * (length - len(middle) - before), cut - before


def _starts(found: Sequences) -> NDArray[np.int64] | None:
    """Left ends in names such as ``chr1:200-300``; off by one is no matter."""
    places = [COORDINATES.match(name) for name in found.names]
    if found.chromosomes is None or not all(places):
        return None
    return np.array([int(place[1]) for place in places if place], dtype=np.int64)


def _refuse_unnamed_labels(path: str, options: DataOptions) -> None:
    """Refuse a table without a known label whose other columns hold numbers, likely labels."""
    if _kind(path, options) != "table":
        return
    likely = [c for c in numeric_columns(path) if c.lower() not in PLACES]
    likely = [c for c in likely if c != options.batch_column]
    if likely:
        shown = ",".join(likely[:5])
        msg = (
            f"{path} has no column named label, bound, target or y; its columns "
            f"{', '.join(likely)} hold numbers. Name the labels (--label-columns {shown}), or say "
            "that there are none and every row is a positive (--label-columns none)."
        )
        raise InputError(msg)


def _headers_are_labels(path: str) -> bool:
    """Whether every header is a bare 0 or 1, as in the files of the Deep Motif Dashboard."""
    headers = (header for header, _, _ in pieces(Path(path), Counter()) if header is not None)
    return all(header in ("0", "1") for header in headers)  # the first other one ends it


def _kind(path: str, options: DataOptions) -> str:
    """The form of a file; a table is known by its own column of sequences, too."""
    if options.sequence_column is None:
        return format_of(path)
    try:
        kind = format_of(path)
    except InputError:
        return "table"
    return kind if kind in ("fasta", "deepbind") else "table"
