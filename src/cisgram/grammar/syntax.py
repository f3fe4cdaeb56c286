"""Syntax trees of several motifs, put together from rules of pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cisgram.core.grammar_tree import Either, GrammarTree, Join, Site, sites
from cisgram.grammar.rule import PAIRS, Rule


@dataclass(frozen=True, slots=True)
class Link:
    """All that is known of one pair: how the two lie to each other, and how much that gives."""

    left: str
    right: str
    strands: str
    low: int
    high: int
    is_ordered: bool
    strength: float


def trees(
    rules: Sequence[Rule], *, widths: Mapping[str, int], folded: bool = True
) -> list[GrammarTree]:
    """Trees of motifs that rules hold together, the strongest pair of each joined first.

    A motif has a strand where an orientation is known, and ``.`` where it is not. A pair of which
    no order is known is an alternative of both; beside a third motif it stands so that the two that
    belong together are neighbors. Copies stand side by side. A pair that does not fit
    into the tree of a stronger one (no distance would satisfy both) makes a tree of its own.

    Parameters
    ----------
    rules
        Those that are to be drawn, such as ``Rules.known``.
    widths
        bp of each motif.
    folded
        Whether a part may be read from the other strand, to fit another.

    Examples
    --------
    >>> from cisgram.core.grammar_tree import to_text
    >>> two = [Rule("order", ("A", "B"), "++", 3, 9), Rule("order", ("B", "C"), "++", 5, 5)]
    >>> [to_text(t) for t in trees(two, widths={"A": 6, "B": 6, "C": 6})]
    ['((A. [3~9] B.) [5] C.)']
    """
    found: list[GrammarTree] = []
    wide = {_name(m): w for m, w in widths.items()}
    for link in sorted(_links(rules), key=lambda k: -k.strength):
        here = [i for i, t in enumerate(found) if link.left in _names(t)]
        there = [i for i, t in enumerate(found) if link.right in _names(t)]
        if not here and not there:
            found.append(_pair(link))
            continue
        if here == there:
            continue  # a stronger pair has placed both
        left = found[here[0]] if here else Site(link.left, link.strands[0])
        right = found[there[0]] if there else Site(link.right, link.strands[1])
        joined = _joined(link, left, right, wide, folded=folded)
        if joined is None:
            found.append(_pair(link))
            continue
        gone = {*here[:1], *there[:1]}
        found = [t for i, t in enumerate(found) if i not in gone] + [joined]
    return found + [_chain(r) for r in rules if r.kind == "copies"]


def _links(rules: Sequence[Rule]) -> list[Link]:
    """One link a pair of different motifs, from all rules that speak of it."""
    groups: dict[frozenset[str], list[Rule]] = {}
    for rule in rules:
        if rule.kind in PAIRS and len(set(rule.motifs)) == 2:
            groups.setdefault(frozenset(rule.motifs), []).append(rule)
    return [_link(some) for some in groups.values()]


def _link(some: Sequence[Rule]) -> Link:
    by_kind = {r.kind: r for r in some}
    best = by_kind.get("order") or by_kind.get("spacing") or some[0]
    turned = by_kind.get("orientation")
    strands = turned.strands if turned is not None and turned.motifs == best.motifs else ".."
    return Link(
        _name(best.motifs[0]),
        _name(best.motifs[1]),
        strands,
        best.low or 0,
        best.low or 0 if best.high is None else best.high,
        "order" in by_kind,
        max((abs(r.model.effect) for r in some if r.model), default=0.0),
    )


def _name(motif: str) -> str:
    """A name that the text form of a tree can hold."""
    return "".join("_" if c.isspace() or c in "()[]{}|" else c for c in motif)


def _names(tree: GrammarTree) -> set[str]:
    return {s.motif for s in sites(tree)}


def _pair(link: Link) -> GrammarTree:
    left, right = Site(link.left, link.strands[0]), Site(link.right, link.strands[1])
    one = Join(left, right, link.low, link.high)
    return one if link.is_ordered else Either((one, Join(right, left, link.low, link.high)))


def _chain(rule: Rule) -> GrammarTree:
    gap = (rule.low or 0, rule.high or 0)
    tree: GrammarTree = Site(_name(rule.motifs[0]), ".")
    for _ in range((rule.copies or 2) - 1):
        tree = Join(tree, Site(_name(rule.motifs[0]), "."), *gap)
    return tree


def _joined(
    link: Link,
    left: GrammarTree,
    right: GrammarTree,
    widths: Mapping[str, int],
    *,
    folded: bool,
) -> GrammarTree | None:
    """Two trees side by side, so far apart that the linked motifs have their distance."""
    ordered = _ordered(left, link.left, is_last=True), _ordered(right, link.right, is_last=False)
    a = _facing(ordered[0], link.left, link.strands[0], folded=folded)
    b = _facing(ordered[1], link.right, link.strands[1], folded=folded)
    if a is None or b is None:
        return None
    after = _beside(a, link.left, widths, is_after=True)
    before = _beside(b, link.right, widths, is_after=False)
    low = max(0, link.low - after[1] - before[1])
    high = link.high - after[0] - before[0]
    return None if high < low else Join(a, b, low, high)


def _ordered(tree: GrammarTree, motif: str, *, is_last: bool) -> GrammarTree:
    """A tree in which every pair of free order has one: a motif at the wanted end where it can."""
    if isinstance(tree, Site):
        return tree
    if isinstance(tree, Join):
        left = _ordered(tree.left, motif, is_last=is_last)
        return Join(left, _ordered(tree.right, motif, is_last=is_last), tree.low, tree.high)
    ends = [list(sites(part))[-1 if is_last else 0].motif for part in tree.parts]
    return tree.parts[ends.index(motif) if motif in ends else 0]


def _facing(tree: GrammarTree, motif: str, strand: str, *, folded: bool) -> GrammarTree | None:
    """The tree with a motif on a strand: as it is, or read from the other strand."""
    own = next(s.strand for s in sites(tree) if s.motif == motif)
    if "." in (own, strand) or own == strand:
        return tree
    return _turned(tree) if folded else None


def _turned(tree: GrammarTree) -> GrammarTree:
    if isinstance(tree, Site):
        return Site(tree.motif, {"+": "-", "-": "+"}.get(tree.strand, "."))
    if isinstance(tree, Join):
        return Join(_turned(tree.right), _turned(tree.left), tree.low, tree.high)
    return Either(tuple(map(_turned, tree.parts)))


def _beside(
    tree: GrammarTree, motif: str, widths: Mapping[str, int], *, is_after: bool
) -> tuple[int, int]:
    """Fewest and most bp of a tree behind a motif of it, or before."""
    if isinstance(tree, Site):
        return 0, 0
    if isinstance(tree, Either):
        return _beside(tree.parts[0], motif, widths, is_after=is_after)
    near, far = (tree.left, tree.right) if is_after else (tree.right, tree.left)
    if motif in _names(near):
        fewest, most = _beside(near, motif, widths, is_after=is_after)
        low, high = _extent(far, widths)
        return fewest + tree.low + low, most + tree.high + high
    return _beside(far, motif, widths, is_after=is_after)


def _extent(tree: GrammarTree, widths: Mapping[str, int]) -> tuple[int, int]:
    """Fewest and most bp of a tree."""
    if isinstance(tree, Site):
        return widths[tree.motif], widths[tree.motif]
    if isinstance(tree, Either):
        return _extent(tree.parts[0], widths)
    low, high = _extent(tree.left, widths), _extent(tree.right, widths)
    return low[0] + tree.low + high[0], low[1] + tree.high + high[1]
