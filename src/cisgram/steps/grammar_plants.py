"""Grammars that are planted so that one rule decides the label, and controls in which none does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram import motifs
from cisgram.core.seeds import derive, generator
from cisgram.motifs import Motif
from cisgram.seq import Grammar, Plant, simulate
from cisgram.seq.plants import Strand

LENGTH = 100  # bp of a sequence
WIDTHS = (8, 12)  # bp of the motifs that are planted
BITS = 11.0  # least information: chance makes few sites
ALIKE = 0.6  # motifs of one set are less similar than this, and so is each to its other strand
PANEL = 8  # motifs that the search is given: those of the grammar, decoys, and some that are absent
DECOYS = 2
FLIPPED = 0.05  # of the labels: without, two motifs that are needed together are a mere sum, too
Mix: TypeAlias = "list[tuple[float, Grammar | None]]"


@dataclass(frozen=True, slots=True)
class Planted:
    """A rule that was planted.

    Attributes
    ----------
    kind
        As in `cisgram.grammar`.
    motifs
        Their names, in order where the order was planted.
    decides
        Whether negatives were made to break it; what merely holds in all positives does not
        decide, and a network may or may not care.
    strands
        ``same`` or ``opposite``, where that was planted.
    low, high
        Distances, bp, where they were planted.
    copies
        How many, where that was planted.
    """

    kind: str
    motifs: tuple[str, ...]
    decides: bool = True
    strands: str = ""
    low: int | None = None
    high: int | None = None
    copies: int | None = None


@dataclass(frozen=True, eq=False)
class PlantedSet:
    """Labeled sequences, the motifs that a search is given, and the truth.

    Attributes
    ----------
    name
        Such as ``spacing-0``.
    kind
        Of the rule that decides; ``control`` where none does.
    panel
        Motifs of the search, in an order that says nothing.
    truth
        All that was planted.
    """

    name: str
    kind: str
    panel: tuple[Motif, ...]
    truth: tuple[Planted, ...]
    draw: Callable[[int, int], tuple[NDArray[np.uint8], NDArray[np.int64]]]


def planted_set(kind: str, number: int, *, seed: int = 0) -> PlantedSet:
    """One set, drawn from a seed.

    Parameters
    ----------
    kind
        A kind of `KINDS`, or ``control``.
    number
        Which of its kind; controls have five ways, in turn.
    seed
        Of motifs, distances and sequences.
    """
    own = derive(seed, "planted grammar", kind, number)
    rng = generator(own, "motifs")
    chosen = _motifs(rng)
    decoys = [Plant(m, strand="both", probability=0.5) for m in chosen[3 : 3 + DECOYS]]
    name = f"{kind}-{number}"
    panel = tuple(sorted(chosen, key=lambda m: m.name))
    if kind == "control":
        return PlantedSet(name, kind, panel, (), _control(number, chosen, decoys, own))
    positives, negatives, truth = KINDS[kind](chosen, rng)

    def draw(n: int, part: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        return _drawn(n, positives, negatives, decoys, derive(own, "part", part))

    return PlantedSet(name, kind, panel, tuple(truth), draw)


def _motifs(rng: np.random.Generator) -> list[Motif]:
    """Motifs unlike each other, each with a direction."""
    pool = [
        m
        for m in motifs.jaspar("vertebrates")
        if WIDTHS[0] <= m.width <= WIDTHS[1] and m.information.sum() >= BITS and "::" not in m.name
    ]
    chosen: list[Motif] = []
    for i in rng.permutation(len(pool)):
        one = pool[i]
        turned = motifs.similarity([one, one.reverse_complement()], both_strands=False)
        alike = motifs.similarity([one, *chosen]).values[0, 1:]
        if turned.values[0, 1] < ALIKE and (alike < ALIKE).all():
            chosen.append(one)
        if len(chosen) == PANEL:
            break
    return chosen


Made: TypeAlias = "tuple[Mix, Mix, list[Planted]]"


def _plant(motif: Motif, strand: Strand = "+", copies: tuple[int, int] = (1, 1)) -> Plant:
    return Plant(motif, strand=strand, copies=copies)


def _alone(*elements: Plant) -> Mix:
    return [(0.3 / len(elements), Grammar([e])) for e in elements]


def _spacing(m: Sequence[Motif], rng: np.random.Generator) -> Made:
    """Two motifs at a few distances; negatives hold them at others."""
    a, b, names = _plant(m[0]), _plant(m[1]), (m[0].name, m[1].name)
    low = int(rng.integers(1, 21))
    high = low + int(rng.integers(2, 6))
    nearer, farther = (0, low - 5), (high + 5, high + 25)
    others = [g for g in (nearer, farther) if g[1] - g[0] >= 3]
    wrong: Mix = [(0.55 / len(others), Grammar([a, b], spacing=g)) for g in others]
    truth = [
        Planted("spacing", names, low=low, high=high),
        Planted("synergy", names, decides=False),
        Planted("order", names, decides=False),
        Planted("orientation", names, decides=False, strands="same"),
    ]
    return [(1.0, Grammar([a, b], spacing=(low, high)))], [*wrong, *_alone(a, b)], truth


def _order(m: Sequence[Motif], rng: np.random.Generator) -> Made:
    """Two motifs in one order; negatives hold them in the other."""
    a, b, names = _plant(m[0]), _plant(m[1]), (m[0].name, m[1].name)
    gaps = (int(rng.integers(0, 4)), int(rng.integers(12, 25)))
    truth = [
        Planted("order", names),
        Planted("synergy", names, decides=False),
        Planted("orientation", names, decides=False, strands="same"),
        Planted("spacing", names, decides=False, low=gaps[0], high=gaps[1]),
    ]
    wrong = Grammar([b, a], spacing=gaps)
    return [(1.0, Grammar([a, b], spacing=gaps))], [(0.55, wrong), *_alone(a, b)], truth


def _orientation(m: Sequence[Motif], rng: np.random.Generator) -> Made:
    """Two motifs on one strand, or on two; negatives hold them the other way."""
    same = bool(rng.integers(2))
    gaps = (int(rng.integers(0, 4)), int(rng.integers(12, 25)))
    names = (m[0].name, m[1].name)
    right: Strand = "+" if same else "-"
    wrong: Strand = "-" if same else "+"

    def pair(strand: Strand) -> Grammar:
        elements = [_plant(m[0]), _plant(m[1], strand)]
        return Grammar(elements, spacing=gaps, strand="both")

    truth = [
        Planted("orientation", names, strands="same" if same else "opposite"),
        Planted("synergy", names, decides=False),
        Planted("order", names, decides=False),
        Planted("spacing", names, decides=False, low=gaps[0], high=gaps[1]),
    ]
    alone = _alone(_plant(m[0], "both"), _plant(m[1], "both"))
    return [(1.0, pair(right))], [(0.55, pair(wrong)), *alone], truth


def _copies(m: Sequence[Motif], rng: np.random.Generator) -> Made:
    """Two or three copies of a motif; negatives hold one."""
    n = int(rng.integers(2, 4))
    gaps = (int(rng.integers(0, 4)), int(rng.integers(8, 20)))
    some = Grammar([_plant(m[0], "both", (n, n))], spacing=gaps)
    one = Grammar([_plant(m[0], "both")])
    truth = [
        Planted("copies", (m[0].name,), copies=n),
        Planted("spacing", (m[0].name,) * 2, decides=False, low=gaps[0], high=gaps[1]),
    ]
    return [(1.0, some)], [(0.75, one)], truth


def _synergy(m: Sequence[Motif], rng: np.random.Generator) -> Made:
    """Two motifs in any order, on any strands; negatives hold one of them."""
    a, b = _plant(m[0], "both"), _plant(m[1], "both")
    most = int(rng.integers(15, 26))
    both = Grammar([a, b], order="any", spacing=(0, most))
    names = (m[0].name, m[1].name)
    truth = [
        Planted("synergy", names),
        Planted("spacing", names, decides=False, low=0, high=most),
    ]
    return [(1.0, both)], [(0.4, Grammar([a])), (0.4, Grammar([b]))], truth


def _negation(m: Sequence[Motif], rng: np.random.Generator) -> Made:
    """A motif; negatives hold another beside it."""
    a, r = _plant(m[0], "both"), _plant(m[1], "both")
    most = int(rng.integers(30, 45))
    both = Grammar([a, r], order="any", spacing=(0, most))
    truth = [Planted("negation", (m[1].name,))]
    return [(1.0, Grammar([a]))], [(0.6, both), (0.15, Grammar([r]))], truth


KINDS: dict[str, Callable[[Sequence[Motif], np.random.Generator], Made]] = {
    "spacing": _spacing,
    "order": _order,
    "orientation": _orientation,
    "copies": _copies,
    "synergy": _synergy,
    "negation": _negation,
}


def _drawn(
    n: int, positives: Mix, negatives: Mix, decoys: list[Plant], seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Half positives; negatives in their shares, background for what is left; in random order."""
    codes, y = [], []
    for label, mix in ((1, positives), (0, negatives)):
        left = n // 2
        parts = [*mix, (1.0, None)]
        for i, (share, grammar) in enumerate(parts):
            some = left if grammar is None else min(left, round(share * (n // 2)))
            left -= some
            if some:
                codes.append(_some(some, grammar, decoys, derive(seed, label, i)))
                y += [label] * some
    labels = np.array(y, dtype=np.int64)
    labels ^= generator(seed, "flipped").random(len(y)) < FLIPPED
    order = generator(seed, "order").permutation(len(y))
    return np.concatenate(codes)[order], labels[order]


def _some(n: int, grammar: Grammar | None, decoys: list[Plant], seed: int) -> NDArray[np.uint8]:
    nothing = Grammar([Plant("N")])
    drawn = simulate(
        n,
        LENGTH,
        grammar=grammar or nothing,
        decoys=decoys,
        positives=0.0 if grammar is None else 1.0,
        seed=seed,
    )
    return drawn.codes


# Log-odds that each motif adds, by control; the last two decide by nothing and by composition.
CONTROLS: tuple[tuple[float, ...], ...] = ((5.0,), (2.5, 2.5), (2.0, 2.0, 2.0), (), (2.5,))
AT_RICH, GC_RICH = (0.3, 0.2, 0.2, 0.3), (0.2, 0.3, 0.3, 0.2)


def _control(
    number: int, m: Sequence[Motif], decoys: list[Plant], own: int
) -> Callable[[int, int], tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Motifs that add up in the log-odds of the label, each in half of the sequences."""
    way = number % len(CONTROLS)
    weights = CONTROLS[way]
    planted = [Plant(x, strand="both", probability=0.5) for x in m[: len(weights)]]

    def draw(n: int, part: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        seed = derive(own, "part", part)
        codes, y = [], []
        for i, composition in enumerate((AT_RICH, GC_RICH)):
            drawn = simulate(
                n // 2,
                LENGTH,
                grammar=Grammar([Plant("N")]),
                decoys=[*planted, *decoys],
                positives=0.0,
                background=composition if way == 4 else "uniform",
                seed=derive(seed, "half", i),
            )
            logit = np.full(n // 2, -sum(weights) / 2)
            if way == 4:
                logit += 1.5 * (2 * i - 1)
            for plant, weight in zip(planted, weights, strict=True):
                has = drawn.sites.loc[drawn.sites["motif"] == plant.name, "sequence"].unique()
                logit[has] += weight
            chance = 1 / (1 + np.exp(-logit))
            codes.append(drawn.codes)
            y.append(generator(seed, "labels", i).random(n // 2) < chance)
        order = generator(seed, "order").permutation(2 * (n // 2))
        return np.concatenate(codes)[order], np.concatenate(y).astype(np.int64)[order]

    return draw
