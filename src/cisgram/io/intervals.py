"""Intervals of a genome, from BED and narrowPeak and back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cisgram.core import files
from cisgram.core.errors import InputError
from cisgram.io.text import Problems, Text, open_text, shown, unique_names

if TYPE_CHECKING:
    from cisgram.io.genome import Genome

WHOLE = re.compile(r"[0-9]{1,12}", re.ASCII)
SPECIAL = re.compile(r"#|(track|browser)(\s|$)")
NARROWPEAK = 10  # columns


@dataclass(frozen=True, eq=False)
class Intervals:
    """n intervals, 0-based and half-open.

    Attributes
    ----------
    contig, name, strand
        n strings each; names all differ, strands are ``+``, ``-`` or ``.``.
    start, end
        (n,) int64 positions in bp.
    summit
        (n,) int64 positions on the contig: the peak's summit where the file gives one, else
        the midpoint ``(start + end) // 2``.
    score, signal
        (n,) float64, columns 5 and 7 (narrowPeak); NaN where absent.
    dropped
        ``(name, reason)`` of each row that was left out.
    counts
        What was handled: ``comment_lines``, ``blank_lines``, ``crlf``, ``duplicate_intervals``
        (kept), ``without_summit``, ``unknown_contigs`` (dropped), ...
    source
        The file.
    """

    contig: list[str]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    name: list[str]
    score: NDArray[np.float64]
    signal: NDArray[np.float64]
    strand: list[str]
    summit: NDArray[np.int64]
    dropped: tuple[tuple[str, str], ...] = ()
    counts: Mapping[str, int] = field(default_factory=Counter)
    source: str = ""

    def __len__(self) -> int:
        return len(self.contig)

    @property
    def midpoint(self) -> NDArray[np.int64]:
        """(n,) ``(start + end) // 2``; of a 1-bp point, the point."""
        return (self.start + self.end) // 2

    @property
    def ranks(self) -> NDArray[np.int64] | None:
        """(n,) ranks, 1 = strongest, by signal, else by score; ``None`` when neither differs."""
        for values in (self.signal, self.score):
            if np.isfinite(values).any() and len(np.unique(values[np.isfinite(values)])) > 1:
                order = np.argsort(-np.where(np.isfinite(values), values, -np.inf), kind="stable")
                ranks = np.empty(len(self), dtype=np.int64)
                ranks[order] = np.arange(1, len(self) + 1)
                return ranks
        return None

    def take(self, rows: ArrayLike) -> Intervals:
        """Some of the intervals in the order of ``rows``: integers, or n booleans."""
        chosen = np.asarray(rows)
        if chosen.dtype == bool:
            chosen = np.flatnonzero(chosen)
        chosen = chosen.astype(np.int64)
        index = chosen.tolist()
        return replace(
            self,
            contig=[self.contig[i] for i in index],
            start=self.start[chosen],
            end=self.end[chosen],
            name=[self.name[i] for i in index],
            score=self.score[chosen],
            signal=self.signal[chosen],
            strand=[self.strand[i] for i in index],
            summit=self.summit[chosen],
        )


def read_bed(path: Path | str, *, genome: Genome | None = None) -> Intervals:
    """Intervals of a BED file of 3 to 12 columns or of a narrowPeak file, plain or gzip.

    Ten columns are narrowPeak: the summit is start + column 10, or the midpoint where that is
    -1. Lines ``track``, ``browser`` and ``#`` are skipped and counted. A name that is missing
    or that several rows share becomes ``name|contig:start-end``.

    Parameters
    ----------
    path
        The file.
    genome
        Checks the intervals: rows on contigs that it does not have are dropped with a reason;
        an interval past the end of its contig is refused, for it tells of another assembly.

    Raises
    ------
    InputError
        With file and line, for positions that are not whole numbers, start not before end,
        a strand other than ``+ - .``, lines of different width, contigs in another habit of
        naming (``1`` for ``chr1``).
    """
    text = open_text(path)
    problems, rows, lines = Problems(text.path), [], []
    width, separator = 0, None
    for number, line in text.filled():
        if SPECIAL.match(line):
            text.counts["comment_lines"] += 1
            continue
        if not width:
            separator = "\t" if "\t" in line else None
        cells = line.rstrip().split(separator)
        if not width:
            width = _width(cells, text.path, number)
        if len(cells) != width:
            problems.add(number, f"{len(cells)} columns, {width} in the lines before.")
        elif problem := _problem(cells, width):
            problems.add(number, problem)
        else:
            rows.append(cells)
            lines.append(number)
    problems.speak()
    if not rows:
        msg = f"{text.path} holds no interval."
        raise InputError(msg)
    intervals = _intervals(rows, width, text)
    return intervals if genome is None else _on_genome(intervals, genome, text.path, lines)


def write_bed(path: Path | str, intervals: Intervals, *, narrowpeak: bool = False) -> None:
    """Write BED6, or narrowPeak with the summits; scores that are absent become 0."""
    lines = []
    for i in range(len(intervals)):
        score, signal = intervals.score[i], intervals.signal[i]
        cells = [
            intervals.contig[i],
            str(intervals.start[i]),
            str(intervals.end[i]),
            intervals.name[i],
            f"{score:.15g}" if np.isfinite(score) else "0",
            intervals.strand[i],
        ]
        if narrowpeak:
            cells.append(f"{signal:.15g}" if np.isfinite(signal) else "0")
            offset = intervals.summit[i] - intervals.start[i]
            inside = 0 <= offset < intervals.end[i] - intervals.start[i]
            cells += ["-1", "-1", str(offset) if inside else "-1"]
        lines.append("\t".join(cells) + "\n")
    files.write_text(Path(path), "".join(lines))


def _width(cells: list[str], path: Path, line: int) -> int:
    if not 3 <= len(cells) <= 12:
        msg = (
            f"{path}, line {line}: BED has 3 to 12 columns (contig, start, end, ...); got "
            f"{len(cells)}: {shown(' '.join(cells))}."
        )
        raise InputError(msg)
    if not any(c.isdigit() for c in cells[1] + cells[2]) and cells[1][:1].isalpha():
        hint = "If it is a header, remove it, and check that starts count from 0."
        if len(cells) == 9 and WHOLE.fullmatch(cells[3]):
            hint = "It looks like GFF or GTF: convert it to BED (start - 1)."
        msg = f"{path}, line {line}: start is {shown(cells[1])}, no whole number. {hint}"
        raise InputError(msg)
    return len(cells)


def _problem(cells: list[str], width: int) -> str | None:
    """What is wrong with one row, or ``None``."""
    return _position_problem(cells) or _further_problem(cells, width)


def _position_problem(cells: list[str]) -> str | None:
    if not cells[0]:
        return "the contig has no name."
    for what, value in (("start", cells[1]), ("end", cells[2])):
        if not WHOLE.fullmatch(value):
            return f"{what} must be a whole number of bp, such as 1200; got {shown(value)}."
    start, end = int(cells[1]), int(cells[2])
    if start >= end:
        return (
            f"start must be before end; got {start} and {end}. "
            "BED counts from 0 and leaves the end out: a point at p is p, p + 1."
        )
    return None


def _further_problem(cells: list[str], width: int) -> str | None:
    if width >= 6 and cells[5] not in ("+", "-", "."):
        return f"strand (column 6) must be + - or .; got {shown(cells[5])}."
    if width == NARROWPEAK and cells[9] != "-1":
        if not WHOLE.fullmatch(cells[9]):
            return f"summit (column 10) must be a whole number or -1; got {shown(cells[9])}."
        width = int(cells[2]) - int(cells[1])
        if int(cells[9]) >= width:
            return (
                f"summit (column 10) is {cells[9]} bp after start, outside of the {width} "
                "bp of the peak; it counts from the start of the peak."
            )
    return None


def _intervals(rows: list[list[str]], width: int, text: Text) -> Intervals:
    counts = text.counts
    columns = list(zip(*rows, strict=True))
    start = np.array(columns[1], dtype=np.int64)
    end = np.array(columns[2], dtype=np.int64)
    summit = (start + end) // 2
    if width == NARROWPEAK:
        offset = np.array(columns[9], dtype=np.int64)
        counts["without_summit"] += int((offset < 0).sum())
        summit = np.where(offset < 0, summit, start + offset)
    strand = list(columns[5]) if width >= 6 else ["."] * len(rows)
    contig = list(columns[0])
    places = [f"{c}:{s}-{e}" for c, s, e in zip(contig, columns[1], columns[2], strict=True)]
    given = Counter(columns[3]) if width > 3 else Counter[str]()
    if width > 3:
        names = [
            p if n in ("", ".", "-") else f"{n}|{p}" if given[n] > 1 else n
            for n, p in zip(columns[3], places, strict=True)
        ]
    else:
        names = places
    seen = Counter(zip(places, strand, strict=True))
    counts["duplicate_intervals"] += sum(n - 1 for n in seen.values())
    names = unique_names(names, counts)
    return Intervals(
        contig,
        start,
        end,
        names,
        _numbers(columns[4], counts) if width > 4 else np.full(len(rows), np.nan),
        _numbers(columns[6], counts) if width in (9, NARROWPEAK) else np.full(len(rows), np.nan),
        strand,
        summit,
        counts=+counts,
        source=str(text.path),
    )


def _numbers(column: tuple[str, ...], counts: Counter[str]) -> NDArray[np.float64]:
    """Scores; dots, dashes and words become NaN and are counted."""
    out = np.full(len(column), np.nan)
    for i, value in enumerate(column):
        try:
            out[i] = float(value)
        except ValueError:
            counts["scores_not_numbers"] += value != "."
    return out


def _on_genome(intervals: Intervals, genome: Genome, path: Path, lines: list[int]) -> Intervals:
    """The intervals on contigs that the genome has; refuses what tells of another genome."""
    from cisgram.io.genome import other_style

    names = set(intervals.contig)
    missing = {name for name in names if name not in genome.contigs}
    for name in sorted(missing):
        other = other_style(name, genome.contigs)
        if other is not None:
            line = lines[intervals.contig.index(name)]
            msg = f"{path}, line {line}: contig {shown(name)} is called {other!r} in {genome.path}."
            raise InputError(msg + " Rename the contigs in one of the two files.")
    if missing == names:
        have, known = ", ".join(sorted(missing)[:3]), ", ".join(list(genome.contigs)[:3])
        msg = f"{path}: no contig of it ({have}, ...) is in {genome.path} ({known}, ...)."
        raise InputError(msg + " Give the genome that the intervals were made on.")
    problems = Problems(path)
    for i, (name, end) in enumerate(zip(intervals.contig, intervals.end.tolist(), strict=True)):
        if name not in missing and end > genome.contigs[name]:
            problems.add(
                lines[i],
                f"{name}:{intervals.start[i]}-{end} ends past the {genome.contigs[name]} bp of "
                f"{name} in {genome.path}. Is it the same assembly?",
            )
    problems.speak()
    if not missing:
        return intervals
    on = np.array([name not in missing for name in intervals.contig])
    dropped = tuple(
        (intervals.name[i], f"contig {intervals.contig[i]} is not in {genome.path.name}")
        for i in np.flatnonzero(~on).tolist()
    )
    counts = Counter(intervals.counts) + Counter(unknown_contigs=len(dropped))
    return replace(intervals.take(on), dropped=dropped, counts=counts)
