"""What a model says of a rule: arrangements written into backgrounds, each beside its twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cisgram.core.seeds import generator
from cisgram.explain.base import Target
from cisgram.explain.overwrite import likeness
from cisgram.grammar.arrangements import Arms, Cell, CellArms
from cisgram.grammar.asking import ask
from cisgram.grammar.experiment import Arm, Experiment
from cisgram.grammar.insertion import BACKGROUND
from cisgram.grammar.paired import signed_rank, t_interval
from cisgram.grammar.placement import Placement
from cisgram.grammar.rule import PAIRS, Evidence, Rule
from cisgram.motifs.motif import Motif
from cisgram.seq.alphabet import from_codes

Array: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.uint8]
INSIDE, OUTSIDE = 5, 8  # distances of a range, and outside of it, that are asked
MARGIN = 2  # bp beside a range that belong to neither
LOSS = 0.5  # of what two motifs do together: an arrangement matters when less is left without it
PLACES = 4  # where a motif is written into sequences, on both strands
AGREE = 0.8  # share of these places at which a negation must lower the output
WORDS = 100  # orders of a motif's letters of which the least like it is its control


@dataclass(frozen=True, eq=False)
class Asker:
    """A model, and what it is asked with.

    Attributes
    ----------
    model, target, drawn, batch_size, seed
        As `ask`.
    motifs
        By name.
    backgrounds
        (n, length) codes that arrangements are written into.
    high
        (n, length) sequences of high output, into which negations are written; ``None``: none.
    reach
        Largest distance, bp.
    scale
        What the output of sequences of interest is above that of the backgrounds, or the others.
    least
        Share of the scale below which an effect is no rule.
    """

    model: nn.Module
    motifs: Mapping[str, Motif]
    backgrounds: Codes
    high: Codes | None
    reach: int
    scale: float
    least: float
    target: Target | None = None
    drawn: bool = False
    batch_size: int = 256
    seed: int = 0
    _pairs: dict[tuple[object, ...], _Pair] = field(default_factory=dict)

    def ask(self, arms: Arms, codes: Codes | None = None) -> Experiment:
        """The outputs of arms, in the backgrounds or in other sequences."""
        return ask(
            self.model,
            self.backgrounds if codes is None else codes,
            arms,
            name="rules",
            target=self.target,
            drawn=self.drawn,
            batch_size=self.batch_size,
            seed=self.seed,
        )

    def pair(self, rule: Rule) -> _Pair:
        """All arrangements that the rules of one pair need, asked once."""
        key = (rule.motifs, rule.strands, rule.low, rule.high)
        if key not in self._pairs:
            self._pairs[key] = _Pair.ask(self, rule)
        return self._pairs[key]


def answer(asker: Asker, rule: Rule) -> Evidence | None:
    """What the model says of a rule; ``None`` where it does not fit into the sequences.

    ``q`` is left to the search; ``holds`` says for now whether the effect is large enough.
    """
    if rule.kind in PAIRS and (rule.low or 0) > asker.reach:
        return None
    return TESTS[rule.kind](asker, rule)


@dataclass(frozen=True, eq=False)
class _Pair:
    """Interactions (n, cells) of one pair in the arrangement of a rule, and in others."""

    inside: Array
    outside: Array
    swapped: Array
    turned: tuple[Array, Array]

    @classmethod
    def ask(cls, asker: Asker, rule: Rule) -> _Pair:
        strands = rule.strands.replace(".", "+")
        left, right = (asker.motifs[m] for m in rule.motifs)
        first = Cell(left, right, strands, 0)
        low, high = rule.low or 0, asker.reach if rule.high is None else rule.high
        near = [first.at(d) for d in _some(range(low, min(high, asker.reach) + 1), INSIDE)]
        far = [d for d in range(asker.reach + 1) if not low - MARGIN <= d <= high + MARGIN]
        cells = CellArms(asker.backgrounds.shape[1])
        groups = [
            [cells.add(c) for c in group]
            for group in (
                near,
                [first.at(d) for d in _some(far, OUTSIDE)],
                [c.swapped() for c in near],
                [c.turned(0) for c in near],
                [c.turned(1) for c in near],
            )
        ]
        d = cells.interactions(asker.ask(cells.arms()))
        inside, outside, swapped, *turned = (d[:, np.array(g, dtype=np.int64)] for g in groups)
        return cls(inside, outside, swapped, (turned[0], turned[1]))


def _some(values: Sequence[int], n: int) -> list[int]:
    """At most ``n`` of them, evenly."""
    if len(values) <= n:
        return list(values)
    return [values[int(i)] for i in np.linspace(0, len(values) - 1, n).round()]


def evidence(difference: Array, *, is_large: bool) -> Evidence:
    """Mean of a paired difference (n,) with its interval and test."""
    column = difference[:, None]
    center, low, high = (float(v[0]) for v in t_interval(column))
    p = float(signed_rank(column)[0])
    return Evidence(center, low, high, p, np.nan, len(difference), "output", 0.0, is_large)


def _synergy(asker: Asker, rule: Rule) -> Evidence | None:
    pair = asker.pair(rule)
    own = pair.inside.mean(1)
    return evidence(own, is_large=own.mean() >= asker.least * asker.scale)


def _contrast(asker: Asker, rule: Rule, other: Array) -> Evidence | None:
    """What is lost in other arrangements, of pairs that work together in the rule's own."""
    own = asker.pair(rule).inside.mean(1)
    if other.shape[1] == 0:
        return None
    lost = own - other.mean(1)
    is_pair = own.mean() >= asker.least * asker.scale
    return evidence(lost, is_large=bool(is_pair and lost.mean() >= LOSS * own.mean()))


def _spacing(asker: Asker, rule: Rule) -> Evidence | None:
    return _contrast(asker, rule, asker.pair(rule).outside)


def _order(asker: Asker, rule: Rule) -> Evidence | None:
    return _contrast(asker, rule, asker.pair(rule).swapped)


def _orientation(asker: Asker, rule: Rule) -> Evidence | None:
    which = 1 if rule.turned is None else rule.turned
    return _contrast(asker, rule, asker.pair(rule).turned[which])


def chain(asker: Asker, rule: Rule, most: int) -> tuple[Experiment, list[Arm]]:
    """1 to ``most`` copies side by side, as many as fit, and the arms that have a twin."""
    motif, gap = asker.motifs[rule.motifs[0]], rule.low or 0
    length = asker.backgrounds.shape[1]
    step = motif.width + gap
    n = min(most, (length + gap) // step)
    at = (length - (step * n - gap)) // 2
    strands = (rule.strands or "++").replace(".", "+")
    places = [Placement(motif, at + i * step, strands[i % 2], copy=i) for i in range(n)]
    arms: Arms = [(Arm(BACKGROUND), [])]
    arms += [(Arm(f"place {i}", BACKGROUND), [p]) for i, p in enumerate(places)]
    several = []
    for k in range(2, n + 1):
        twin = {f"place {i}": 1 for i in range(k)} | {BACKGROUND: 1 - k}
        several.append(Arm(f"{k} copies", BACKGROUND, twin, {"copies": k}))
        arms.append((several[-1], places[:k]))
    return asker.ask(arms), several


def _copies(asker: Asker, rule: Rule) -> Evidence | None:
    """What several give beyond the sum of each at its place."""
    n = rule.copies or 2
    e, several = chain(asker, rule, n)
    if len(several) < n - 1:
        return None
    own = e.differences(e.departures(several[-1:]))[:, 0]
    return evidence(own, is_large=own.mean() >= asker.least * asker.scale)


def control_word(motif: Motif, *, seed: int) -> str:
    """The letters of a motif in another order: of many orders the least like it."""
    best = motif.ppm.argmax(0).astype(np.uint8)
    rng = generator(seed, "control word", motif.name)
    words = [rng.permutation(best) for _ in range(WORDS)]
    least = min(words, key=lambda w: likeness(motif, w))
    return from_codes(least[None])[0]


def _negation(asker: Asker, rule: Rule) -> Evidence | None:
    """What the motif does to sequences of high output, against other letters at the same places."""
    if asker.high is None:
        return None
    motif = asker.motifs[rule.motifs[0]]
    word = control_word(motif, seed=asker.seed)
    length = asker.high.shape[1]
    starts = np.linspace(0, length - motif.width, PLACES + 2).round().astype(int)[1:-1]
    arms: Arms = []
    for i, start in enumerate(starts.tolist()):
        for strand in "+-":
            other = f"control {strand} {i}"
            arms.append((Arm(other), [Placement(word, start, strand)]))
            arms.append((Arm(f"{strand} {i}", other), [Placement(motif, start, strand)]))
    e = asker.ask(arms, asker.high)
    moved = [a for a in e.arms if a.against is not None]
    d = e.differences(e.weights([{a.name: 1, str(a.against): -1} for a in moved]))
    own, agree = d.mean(1), float((d.mean(0) < 0).mean())
    is_large = bool(-own.mean() >= asker.least * asker.scale and agree >= AGREE)
    return evidence(own, is_large=is_large)


TESTS: dict[str, Callable[[Asker, Rule], Evidence | None]] = {
    "synergy": _synergy,
    "spacing": _spacing,
    "order": _order,
    "orientation": _orientation,
    "copies": _copies,
    "negation": _negation,
}


def judged(found: Evidence, q: float, *, fdr: float) -> Evidence:
    """The evidence with its q-value; it holds where it is large and sure."""
    return replace(found, q=q, holds=bool(found.holds and q <= fdr))
