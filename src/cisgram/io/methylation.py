"""Methylation of single cells: states of CpG sites along a genome."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cisgram.io.intervals import WHOLE, Intervals
from cisgram.io.text import Problems, fail, open_text, shown

SPECIAL = re.compile(r"#|(track|browser)(\s|$)")
COLUMNS = (3, 4)  # contig, position from 1, state; or bedGraph: contig, start, end, state


@dataclass(frozen=True, eq=False)
class Methylation:
    """What is known of the CpG sites of one cell.

    Attributes
    ----------
    name
        Of the cell: its file's, up to the first dot.
    sites
        By contig: (m,) int64 positions, rising, and (m,) float32 states 0 or 1.
    counts
        What was handled: ``comment_lines``, ``blank_lines``, ``rounded_states``, ...
    """

    name: str
    sites: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float32]]]
    counts: Mapping[str, int] = field(default_factory=Counter)

    def states(self, contig: str, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n,) states at positions of a contig; NaN where none is known."""
        at, states = self.on(contig)
        found = np.full(len(positions), np.nan, dtype=np.float32)
        if len(at):
            place = np.searchsorted(at, positions).clip(max=len(at) - 1)
            known = at[place] == positions
            found[known] = states[place[known]]
        return found

    def on(self, contig: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Positions and states of a contig; empty where nothing is known of it."""
        empty = np.empty(0, np.int64), np.empty(0, np.float32)
        return self.sites.get(contig, empty)


def read_methylation(path: Path | str) -> Methylation:
    """The profile of one cell, plain or gzip.

    Three columns are contig, position counted from 1, and state, as DeepCpG has them; four are a
    bedGraph: contig, start counted from 0, end, and state. A state between 0 and 1, such as a
    share of reads, is rounded (1/2 to 1) and counted.

    Raises
    ------
    InputError
        With file and line, for positions that are not whole numbers, states out of 0 to 1, other
        columns, or a site that stands there twice.
    """
    text = open_text(path)
    problems, rows = Problems(text.path), dict[str, dict[int, float]]()
    width = 0
    for number, line in text.filled():
        if SPECIAL.match(line):
            text.counts["comment_lines"] += 1
            continue
        cells = line.split()
        if not width:
            width = len(cells)
            if width not in COLUMNS:
                fail(
                    text.path,
                    number,
                    "a methylation profile has the columns contig, position (from 1), state; or "
                    f"contig, start, end, state (bedGraph); got {shown(line)}.",
                )
        if problem := _problem(cells, width):
            problems.add(number, problem)
            continue
        position = int(cells[1]) - (width == COLUMNS[0])
        contig = rows.setdefault(cells[0], {})
        if position in contig:
            problems.add(number, f"{cells[0]}, position {cells[1]} stands there twice.")
        contig[position] = float(cells[-1])
    problems.speak()
    if not rows:
        fail(text.path, 1, "the file holds no site.")
    sites = {contig: _sorted(known, text.counts) for contig, known in rows.items()}
    return Methylation(text.path.name.partition(".")[0], sites, +text.counts)


def sites_of(cells: Sequence[Methylation]) -> Intervals:
    """Every site that is known in one of the cells or more, of 1 bp, in order of its place."""
    contigs = sorted({contig for cell in cells for contig in cell.sites})
    at = [np.unique(np.concatenate([cell.on(c)[0] for cell in cells])) for c in contigs]
    named = [c for c, places in zip(contigs, at, strict=True) for _ in range(len(places))]
    start = np.concatenate(at)
    absent = np.full(len(start), np.nan)
    return Intervals(
        contig=named,
        start=start,
        end=start + 1,
        name=[f"{c}:{s}-{s + 1}" for c, s in zip(named, start.tolist(), strict=True)],
        score=absent,
        signal=absent,
        strand=["."] * len(start),
        summit=start,
        source="the methylation profiles",
    )


def _problem(cells: list[str], width: int) -> str | None:
    if len(cells) != width:
        return f"{len(cells)} columns, {width} in the lines before."
    if not WHOLE.fullmatch(cells[1]) or (width == COLUMNS[0] and int(cells[1]) < 1):
        return f"the position must be a whole number of bp; got {shown(cells[1])}."
    try:
        state = float(cells[-1])
    except ValueError:
        state = -1
    return None if 0 <= state <= 1 else f"the state must be from 0 to 1; got {shown(cells[-1])}."


def _sorted(
    known: Mapping[int, float], counts: Counter[str]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    at = np.array(sorted(known), dtype=np.int64)
    states = np.array([known[p] for p in at.tolist()])
    counts["rounded_states"] += int(((states != 0) & (states != 1)).sum())
    return at, (states >= 0.5).astype(np.float32)
