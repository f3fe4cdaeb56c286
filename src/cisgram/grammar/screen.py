"""Which arrangement of two motifs a model likes best, looked for on backgrounds of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.grammar.arrangements import Cell, CellArms, cells_of
from cisgram.grammar.in_model import Asker, chain
from cisgram.grammar.rule import PAIRS, Rule

Array: TypeAlias = NDArray[np.float64]
STEP = 2  # bp between distances that are looked at
HALF = 0.5  # of the highest: a range of distances ends where less is left
MOST_COPIES = 4


@dataclass(frozen=True, slots=True)
class Best:
    """The arrangement of a pair that gives most beyond its twin, and how much that is."""

    cell: Cell
    strength: float


def screen(
    asker: Asker,
    names: Sequence[str],
    hints: Mapping[frozenset[str], Iterable[int]],
    *,
    folded: bool,
) -> dict[frozenset[str], Best]:
    """The best arrangement of every pair of motifs, each with itself too.

    Parameters
    ----------
    asker
        The model.
    names
        Of the motifs.
    hints
        Distances of a pair that the data point at, asked as well.
    folded
        Whether what is read from the other strand is the same.
    """
    motifs = [asker.motifs[n] for n in names]
    cells = list(cells_of(motifs, range(0, asker.reach + 1, STEP), folded=folded))
    for pair, gaps in hints.items():
        two = [asker.motifs[n] for n in names if n in pair]
        more = [g for g in gaps if g % STEP and g <= asker.reach]
        cells += cells_of(two, more, folded=folded)
    widest = 2 * max(m.width for m in motifs) + asker.reach
    arms = CellArms(asker.backgrounds.shape[1], (asker.backgrounds.shape[1] - widest) // 2)
    asked = [(cell, arms.add(cell)) for cell in cells]
    mean = arms.interactions(asker.ask(arms.arms())).mean(0)
    found: dict[frozenset[str], Best] = {}
    for cell, column in asked:
        pair = frozenset((_name(cell.left), _name(cell.right)))
        if pair not in found or mean[column] > found[pair].strength:
            found[pair] = Best(cell, float(mean[column]))
    return found


def _name(motif: object) -> str:
    return str(getattr(motif, "name", motif))


def rules_of(asker: Asker, best: Best) -> list[Rule]:
    """The rules of one pair that the model is to be asked on other backgrounds.

    The range of distances is where, around the highest, at least half of it is left.
    """
    cells = CellArms(asker.backgrounds.shape[1])
    gaps = range(asker.reach + 1)
    along = [cells.add(best.cell.at(d)) for d in gaps]
    flips = [cells.add(best.cell.turned(i)) for i in (0, 1)]
    mean = cells.interactions(asker.ask(cells.arms())).mean(0)
    low, high = _range(mean[along])
    turned = int(mean[flips].argmin())
    motifs = (_name(best.cell.left), _name(best.cell.right))
    is_one = motifs[0] == motifs[1]
    made = []
    for kind in PAIRS:
        if is_one and kind in ("synergy", "order"):
            continue
        which = (1 if is_one else turned) if kind == "orientation" else None
        made.append(Rule(kind, motifs, best.cell.strands, low, high, turned=which))
    return made


def as_seen(rule: Rule, best: Best) -> Rule:
    """A rule that the data speak for, with what they leave open as the model likes it best."""
    cell = best.cell
    motifs, strands = (_name(cell.left), _name(cell.right)), cell.strands
    if rule.kind == "order":
        motifs = (rule.motifs[0], rule.motifs[1])
        own = strands if motifs[0] == _name(cell.left) else strands[::-1]
        strands = "".join(o if r == "." else r for r, o in zip(rule.strands, own, strict=True))
    if rule.kind == "orientation":
        is_same = rule.strands[0] == rule.strands[1]
        strands = strands if (strands[0] == strands[1]) == is_same else cell.turned(1).strands
    return replace(rule, motifs=motifs, strands=strands, data=None)


def _range(profile: Array) -> tuple[int, int]:
    """Where around its highest value a smoothed profile stays above half of it."""
    smooth = np.convolve(np.pad(profile, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    top = int(smooth.argmax())
    above = smooth >= HALF * smooth[top]
    low = high = top
    while low > 0 and above[low - 1]:
        low -= 1
    while high < len(above) - 1 and above[high + 1]:
        high += 1
    return low, high


def copies_of(asker: Asker, name: str, best: Best | None) -> Rule | None:
    """How many copies of a motif are to be asked about: as many as first give much beyond a sum."""
    strands, gap = ("++", STEP) if best is None else (best.cell.strands, best.cell.gap)
    one = Rule("copies", (name,), strands, gap, gap, copies=2)
    e, several = chain(asker, one, MOST_COPIES)
    if not several:
        return None
    steps = np.diff(e.differences(e.departures(several)).mean(0), prepend=0.0)
    first = int(np.argmax(steps >= HALF * steps.max()))  # from which on a copy gives its most
    return Rule("copies", (name,), strands, gap, gap, copies=first + 2)
