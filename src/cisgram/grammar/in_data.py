"""What sequences say of a rule: counts of sites against what composition and places alone give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.grammar.geometry import Geometry, chance, observed
from cisgram.grammar.hits import Hits
from cisgram.grammar.rule import PAIRS, SINGLES, Evidence, Rule
from cisgram.grammar.strata import log_odds, odds_test

Ints: TypeAlias = NDArray[np.int64]
STRATA = 5  # of GC content
FEWEST = 20  # pairs of sites, or sequences, below which nothing is tested
WINDOWS = (1, 2, 3, 5, 8, 12, 20)  # bp, of ranges of distances that are looked at
LEAST_ODDS, LEAST_SHARE = 1.5, 0.05  # smaller effects are no evidence, however sure


Pair: TypeAlias = "tuple[Geometry, Geometry, Geometry | None]"


@dataclass(frozen=True, eq=False)
class Data:
    """Sites of motifs in sequences of interest, and in those they are compared with.

    Attributes
    ----------
    hits
        In the sequences of interest.
    gc
        (n,) their GC content.
    others, other_gc
        The same of negatives; ``None`` where there are none.
    folded
        Whether the two strands of a sequence say the same, so that arrangements are counted as
        read from either.
    """

    hits: Hits
    gc: NDArray[np.float64]
    others: Hits | None = None
    other_gc: NDArray[np.float64] | None = None
    folded: bool = True
    _pairs: dict[tuple[str, str], Pair] = field(default_factory=dict)

    def pair(self, first: str, second: str) -> Pair:
        """How two motifs lie to each other, how they would by chance, and how in the others."""
        if (first, second) not in self._pairs:
            a, b = self.hits.at(first), self.hits.at(second)
            seen, by_chance = (f(self.hits, a, b, folded=self.folded) for f in (observed, chance))
            others = None
            if self.others is not None:
                others = observed(self.others, a, b, folded=self.folded)
            self._pairs[first, second] = seen, by_chance, others
        return self._pairs[first, second]

    @property
    def n(self) -> int:
        """Sequences, of interest or not."""
        return len(self.gc) + (0 if self.other_gc is None else len(self.other_gc))

    def reader(self, motifs: tuple[str, ...]) -> int:
        """Which of two motifs says, by its strand, from which strand a pair is read."""
        return 1 if motifs[0] in self.hits.palindromes else 0

    @cached_property
    def strata(self) -> tuple[Ints, Ints]:
        """Fifth of GC content of each sequence, of interest and of the others."""
        both = self.gc if self.other_gc is None else np.concatenate([self.gc, self.other_gc])
        edges = np.quantile(both, np.linspace(0, 1, STRATA + 1)[1:-1])
        found = np.searchsorted(edges, both)
        return found[: len(self.gc)], found[len(self.gc) :]


def answer(data: Data, rule: Rule) -> Evidence | None:
    """What the data say of a rule as it stands; ``None`` where they are too few, or cannot say.

    The rule's own numbers (distances, order, strands) are taken as they are, so that nothing was
    chosen on these data. ``q`` is left to the search.
    """
    return TESTS[rule.kind](data, rule)


def searched(data: Data) -> Iterator[Rule]:
    """Every rule that the data can be asked about, with their evidence.

    Of an order and an orientation, the more frequent one; of distances, the range that is least
    probable by chance, its p-value multiplied by the number of ranges that were looked at.
    """
    names = data.hits.names
    for name in names:
        for kind in SINGLES:
            yield from _with(data, Rule(kind, (name,), copies=2 if kind == "copies" else None))
    for i, first in enumerate(names):
        for second in names[i:]:
            for kind in PAIRS:
                if first == second and kind in ("synergy", "order"):
                    continue
                yield from _with(data, _likeliest(data, kind, first, second))


def _with(data: Data, rule: Rule | None) -> Iterator[Rule]:
    found = None if rule is None else answer(data, rule)
    if rule is not None and found is not None:
        if rule.kind == "spacing":
            found = replace(found, p=min(1.0, found.p * _n_ranges(data)))
        yield replace(rule, data=found)


def _likeliest(data: Data, kind: str, first: str, second: str) -> Rule | None:
    """The rule of a kind that these data would make of two motifs; ``None`` where they cannot."""
    seen, by_chance, _ = data.pair(first, second)
    able = {"order": seen.is_ordered, "orientation": seen.is_directed}
    if len(seen.gap) < FEWEST or not able.get(kind, True):
        return None
    wide = (0, data.hits.length)
    pair, strands, turned = (first, second), "..", None
    if kind == "spacing":
        wide = _range(seen, by_chance)
    if kind == "orientation":
        strands = "++" if seen.same.mean() >= by_chance.same @ by_chance.weight else "+-"
        turned = 1
    if kind == "order":
        is_ahead = seen.ahead.mean() >= by_chance.ahead @ by_chance.weight
        reader = pair[data.reader(pair)]
        pair = pair if is_ahead else (second, first)
        strands = "".join("+" if data.folded and m == reader else "." for m in pair)
    return Rule(kind, pair, strands, *wide, turned=turned)


def _range(seen: Geometry, by_chance: Geometry) -> tuple[int, int]:
    """Distances whose share is least probable."""
    from scipy.stats import binom

    most = int(max(seen.gap.max(), by_chance.gap.max())) + 1
    count = np.bincount(seen.gap, minlength=most).cumsum()
    share = np.bincount(by_chance.gap, weights=by_chance.weight, minlength=most).cumsum()
    best, found = np.inf, (0, 0)
    for width in WINDOWS:
        if width > most:
            break
        k, p0 = ((np.r_[v[width - 1], v[width:] - v[:-width]]) for v in (count, share))
        p = binom.logsf(k - 1, len(seen.gap), np.clip(p0, 1e-12, 1.0))
        low = int(p.argmin())
        if p[low] < best:
            best, found = float(p[low]), (low, low + width - 1)
    return found


def _n_ranges(data: Data) -> int:
    return sum(data.hits.length - w + 1 for w in WINDOWS if w <= data.hits.length)


def _synergy(data: Data, rule: Rule) -> Evidence | None:
    """Odds of one motif with the other over those without it, at equal GC content.

    Where others hold both often enough, over the same ratio in them: what a choice of sequences
    by their sum does to both cancels.
    """
    tables = [_both(data.hits, rule, data.strata[0])]
    if data.others is not None:
        other = _both(data.others, rule, data.strata[1])
        total = other.sum()
        expected = (other[0] + other[1]).sum() * (other[0] + other[2]).sum() / max(total, 1)
        if expected >= FEWEST / 4:
            tables.append(other)
    if tables[0][:3].sum() < FEWEST:
        return None
    found = [log_odds(t) for t in tables]
    center = found[0][0] - sum(f[0] for f in found[1:])
    variance = sum(f[1] for f in found)
    return _odds(center, variance, int(tables[0].sum()))


def _both(hits: Hits, rule: Rule, strata: Ints) -> Ints:
    """(4, strata) sequences with both motifs, the first alone, the second alone, neither."""
    a, b = (hits.counts[:, hits.at(m)] > 0 for m in rule.motifs)
    which = np.where(a, np.where(b, 0, 1), np.where(b, 2, 3))
    return np.bincount(which * STRATA + strata, minlength=4 * STRATA).reshape(4, STRATA)


def _negation(data: Data, rule: Rule) -> Evidence | None:
    """Odds of the motif in the sequences of interest over those in the others, at equal GC."""
    if data.others is None:
        return None
    name = rule.motifs[0]
    parts = []
    for hits, strata in ((data.hits, data.strata[0]), (data.others, data.strata[1])):
        has = hits.counts[:, hits.at(name)] > 0
        parts += [np.bincount(strata[k], minlength=STRATA) for k in (has, ~has)]
    table = np.array(parts)
    if table[0].sum() + table[2].sum() < FEWEST:
        return None
    return _odds(*log_odds(table), int(table.sum()))


def _copies(data: Data, rule: Rule) -> Evidence | None:
    """Share of the sequences with the motif that hold so many, against the others, or chance."""
    counts = data.hits.counts[:, data.hits.at(rule.motifs[0])]
    n, some = int((counts > 0).sum()), rule.copies or 2
    if n < FEWEST:
        return None
    k = int((counts >= some).sum())
    if data.others is not None:
        other = data.others.counts[:, data.others.at(rule.motifs[0])]
        m, j = int((other > 0).sum()), int((other >= some).sum())
        if m >= FEWEST:
            return _shares(k, n, j, m)
    return _share(k, n, _poisson(n / len(counts), some))


def _poisson(share: float, copies: int) -> float:
    """Share of at least so many among those with any, of a Poisson that leaves 1 - share empty."""
    from scipy.stats import poisson

    mean = -np.log(max(1 - share, 1e-6))
    return float(poisson.sf(copies - 1, mean) / poisson.sf(0, mean))


def _spacing(data: Data, rule: Rule) -> Evidence | None:
    low, high = rule.low or 0, data.hits.length if rule.high is None else rule.high
    return _of_pairs(data, rule, lambda g: (g.gap >= low) & (g.gap <= high))


def _order(data: Data, rule: Rule) -> Evidence | None:
    if not data.pair(*rule.motifs)[0].is_ordered:
        return None
    is_ahead = rule.strands[data.reader(rule.motifs)] != "-" if data.folded else True
    return _of_pairs(data, rule, lambda g: g.ahead == is_ahead)


def _orientation(data: Data, rule: Rule) -> Evidence | None:
    if not data.pair(*rule.motifs)[0].is_directed or "." in rule.strands:
        return None
    is_same = rule.strands[0] == rule.strands[1]
    return _of_pairs(data, rule, lambda g: g.same == is_same)


def _of_pairs(
    data: Data, rule: Rule, holds: Callable[[Geometry], NDArray[np.bool_]]
) -> Evidence | None:
    """Share of pairs, against partners from other sequences and against pairs in the others.

    Both must be refuted: of the two p-values the larger counts. Where the others hold too few
    pairs, there is the first alone.
    """
    seen, by_chance, others = data.pair(*rule.motifs)
    k, n = int(holds(seen).sum()), len(seen.gap)
    found = [_share(k, n, float(holds(by_chance) @ by_chance.weight))]
    if others is not None and len(others.gap) >= FEWEST and found[0] is not None:
        found.append(_shares(k, n, int(holds(others).sum()), len(others.gap)))
    return max((e for e in found if e is not None), key=lambda e: e.p, default=None)


def occurrences(data: Data, rule: Rule) -> int:
    """Sequences, of interest or not, in which a rule's arrangement can be seen.

    Of a pair in its range of distances and on its strands, as far as these are known; of copies
    at least so many; of a negation the motif.
    """
    every = [data.hits, *([] if data.others is None else [data.others])]
    if rule.kind in SINGLES:
        least = rule.copies or 2 if rule.kind == "copies" else 1
        return sum(int((h.counts[:, h.at(rule.motifs[0])] >= least).sum()) for h in every)
    low, high = rule.low or 0, data.hits.length if rule.high is None else rule.high
    seen, _, others = data.pair(*rule.motifs)
    total = 0
    for g in (seen, others):
        if g is not None:
            held = (g.gap >= low) & (g.gap <= high)
            if g.is_directed and "." not in rule.strands:
                held &= g.same == (rule.strands[0] == rule.strands[1])
            total += int(held.sum())
    return total


TESTS: dict[str, Callable[[Data, Rule], Evidence | None]] = {
    "synergy": _synergy,
    "spacing": _spacing,
    "order": _order,
    "orientation": _orientation,
    "copies": _copies,
    "negation": _negation,
}


def _odds(center: float, variance: float, n: int) -> Evidence:
    ratio, low, high, p = odds_test(center, variance)
    return Evidence(ratio, low, high, p, np.nan, n, "odds ratio", 1.0)


def _share(k: int, n: int, expected: float) -> Evidence | None:
    """A share with its exact interval, and a test against what is expected."""
    from scipy.stats import binomtest

    if n < FEWEST or not 0 < expected < 1:
        return None
    found = binomtest(k, n, expected)
    ends = found.proportion_ci()
    p = float(found.pvalue)
    return Evidence(k / n, float(ends.low), float(ends.high), p, np.nan, n, "share", expected)


def _shares(k: int, n: int, j: int, m: int) -> Evidence:
    """A share against that of other sequences (Fisher's exact test)."""
    from scipy.stats import binomtest, fisher_exact

    ends = binomtest(k, n).proportion_ci()
    p = float(fisher_exact([[k, n - k], [j, m - j]]).pvalue)
    return Evidence(k / n, float(ends.low), float(ends.high), p, np.nan, n, "share", j / m)


def judged(rule: Rule, evidence: Evidence, q: float, *, fdr: float) -> Evidence:
    """The evidence with its q-value, and whether it speaks for the rule."""
    if evidence.unit == "odds ratio":
        ratio = 1 / evidence.effect if rule.kind == "negation" else evidence.effect
        is_large = ratio >= LEAST_ODDS
    else:
        is_large = evidence.effect - evidence.expected >= LEAST_SHARE
    return replace(evidence, q=q, holds=bool(q <= fdr and is_large))
