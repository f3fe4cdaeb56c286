"""Rules that were found, held against rules that were planted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cisgram.grammar import Rule
from cisgram.steps.grammar_plants import Planted

BESIDE = 6  # bp by which a range may be wider than planted: negatives begin to differ 5 bp away


def is_planted(rule: Rule, truth: Iterable[Planted]) -> bool:
    """Whether a rule says something that is true of what was planted, decisive or not."""
    return any(agrees(rule, one) for one in truth)


def recovered(rules: Sequence[Rule], truth: Iterable[Planted]) -> list[bool]:
    """For each planted rule that decides, whether one of these is it."""
    return [any(agrees(r, one) for r in rules) for one in truth if one.decides]


def agrees(rule: Rule, planted: Planted) -> bool:
    """Whether a rule says what was planted: kind, motifs, and the numbers of its kind.

    Examples
    --------
    >>> one = Planted("spacing", ("A", "B"), low=10, high=14)
    >>> agrees(Rule("spacing", ("B", "A"), "..", 8, 16), one)
    True
    >>> agrees(Rule("spacing", ("A", "B"), "..", 0, 50), one)
    False
    """
    if rule.kind != planted.kind or sorted(rule.motifs) != sorted(planted.motifs):
        return False
    if rule.kind == "spacing":
        return _overlaps(rule, planted)
    if rule.kind == "order":
        strand = rule.strands[rule.motifs.index(planted.motifs[0])]
        return (rule.motifs == planted.motifs) == (strand != "-")
    if rule.kind == "orientation":
        is_same = rule.strands[0] == rule.strands[1]
        return is_same == (planted.strands == "same")
    if rule.kind == "copies":
        return (rule.copies or 0) <= (planted.copies or 0)
    return True


def _overlaps(rule: Rule, planted: Planted) -> bool:
    """At least half of the planted distances are in the range, and little beside them."""
    if rule.low is None or rule.high is None or planted.low is None or planted.high is None:
        return False
    shared = min(rule.high, planted.high) - max(rule.low, planted.low) + 1
    is_near = rule.low >= planted.low - BESIDE and rule.high <= planted.high + BESIDE
    return is_near and 2 * shared >= planted.high - planted.low + 1
