"""Every arrangement of two motifs put to a model: order, strands, distance, each with its twin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.grammar.experiment import Arm, Experiment
from cisgram.grammar.insertion import BACKGROUND
from cisgram.grammar.placement import STRANDS, Placement, Word, name_of

Array: TypeAlias = NDArray[np.float64]
Arms: TypeAlias = "list[tuple[Arm, list[Placement]]]"
ALL_STRANDS = tuple(a + b for a in STRANDS for b in STRANDS)


@dataclass(frozen=True, slots=True)
class Cell:
    """Two motifs in one arrangement: the left one, the right one, their strands, the bp between."""

    left: Word
    right: Word
    strands: str
    gap: int

    @property
    def name(self) -> str:
        """Unique among cells of motifs that have names of their own."""
        a, b = name_of(self.left), name_of(self.right)
        return f"{a} {self.strands[0]}, {b} {self.strands[1]}, {self.gap} bp"

    def swapped(self) -> Cell:
        """The other order; each motif keeps its strand."""
        return Cell(self.right, self.left, self.strands[::-1], self.gap)

    def turned(self, which: int) -> Cell:
        """The left (0) or the right (1) motif on its other strand."""
        strands = list(self.strands)
        strands[which] = STRANDS[strands[which] == "+"]
        return Cell(self.left, self.right, "".join(strands), self.gap)

    def at(self, gap: int) -> Cell:
        """The same at another distance."""
        return Cell(self.left, self.right, self.strands, gap)


@dataclass(slots=True)
class CellArms:
    """Arms of cells in sequences of one length, each motif alone at each place asked once.

    Attributes
    ----------
    length
        bp of the sequences.
    fixed
        First base of the left motif of all; ``None`` puts each cell into the middle.
    """

    length: int
    fixed: int | None = None
    _alone: dict[str, tuple[Arm, list[Placement]]] = field(default_factory=dict)
    _both: Arms = field(default_factory=list)
    _number: dict[str, int] = field(default_factory=dict)
    _parts: list[tuple[str, str]] = field(default_factory=list)

    def add(self, cell: Cell) -> int:
        """Ask a cell; gives its column of `interactions`."""
        if cell.name not in self._number:
            self._number[cell.name] = len(self._both)
            self._ask(cell)
        return self._number[cell.name]

    def _ask(self, cell: Cell) -> None:
        left = Placement(cell.left, 0, cell.strands[0])
        width = left.width + cell.gap + Placement(cell.right, 0).width
        start = (self.length - width) // 2 if self.fixed is None else self.fixed
        left = Placement(cell.left, start, cell.strands[0])
        right = Placement(cell.right, left.end + cell.gap, cell.strands[1], copy=1)
        names = [f"{p.name} {p.strand} at {p.start}, copy {p.copy}" for p in (left, right)]
        for name, one in zip(names, (left, right), strict=True):
            self._alone.setdefault(name, (Arm(name, BACKGROUND), [one]))
        twin = {names[0]: 1, names[1]: 1, BACKGROUND: -1}
        self._both.append((Arm(cell.name, BACKGROUND, twin), [left, right]))
        self._parts.append((names[0], names[1]))

    def arms(self) -> Arms:
        """What `ask` takes."""
        return [(Arm(BACKGROUND), []), *self._alone.values(), *self._both]

    def interactions(self, e: Experiment) -> Array:
        """(n, cells) AB - A - B + b of the outputs of `arms`, as `Experiment.interactions` has it.

        By columns: a search has thousands of cells, and a matrix of weights would not fit.
        """
        at = {name: 1 + i for i, name in enumerate(self._alone)}
        first = 1 + len(self._alone)
        left, right = (e.values[:, [at[p[i]] for p in self._parts]] for i in (0, 1))
        d = e.values[:, first:] - left - right + e.values[:, :1]
        return np.where(np.abs(d) <= 2 * e.resolution, 0.0, d)  # four outputs, half of each


def cells_of(motifs: Sequence[Word], gaps: Iterable[int], *, folded: bool) -> Iterator[Cell]:
    """All arrangements of all pairs of motifs, each with itself too, at some distances.

    Parameters
    ----------
    motifs
        With names of their own.
    gaps
        Distances, bp.
    folded
        Leave out what is another arrangement read from the other strand.
    """
    distances = list(gaps)
    for i, left in enumerate(motifs):
        for j, right in enumerate(motifs):
            for strands in _ways(i, j, folded=folded):
                for gap in distances:
                    yield Cell(left, right, strands, gap)


def _ways(i: int, j: int, *, folded: bool) -> tuple[str, ...]:
    if i == j:  # two of one motif on - are hardly ever read otherwise than two on +
        return ("++", "+-", "-+")
    if folded:  # A on - before B on - is B on + before A on +
        return ("++", "+-", "-+") if i < j else ("++",)
    return ALL_STRANDS
