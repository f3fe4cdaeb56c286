"""Every arrangement of two motifs put to a model: order, strands, distance, each with its twin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.grammar.experiment import Arm
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
    _known: set[str] = field(default_factory=set)

    def add(self, cell: Cell) -> str:
        """Ask a cell; gives the name of its arm."""
        if cell.name not in self._known:
            self._known.add(cell.name)
            self._ask(cell)
        return cell.name

    def _ask(self, cell: Cell) -> None:
        left = Placement(cell.left, 0, cell.strands[0])
        width = left.width + cell.gap + Placement(cell.right, 0).width
        start = (self.length - width) // 2 if self.fixed is None else self.fixed
        left = Placement(cell.left, start, cell.strands[0])
        right = Placement(cell.right, left.end + cell.gap, cell.strands[1], copy=1)
        twin = {BACKGROUND: -1}
        for one in (left, right):
            name = f"{one.name} {one.strand} at {one.start}, copy {one.copy}"
            self._alone.setdefault(name, (Arm(name, BACKGROUND), [one]))
            twin[name] = 1
        self._both.append((Arm(cell.name, BACKGROUND, twin), [left, right]))

    def arms(self) -> Arms:
        """What `ask` takes."""
        return [(Arm(BACKGROUND), []), *self._alone.values(), *self._both]


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
