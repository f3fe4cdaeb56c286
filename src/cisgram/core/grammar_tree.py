"""A grammar as a small tree: motifs, joined by gaps, with alternatives; one text and one JSON form.

Text form: a motif is its name and strand, ``CTCF+``; two parts in order with the distances
between them, end of the first to start of the second in bp, are ``(CTCF+ [21~40] GATA1-)``, or
``[3]`` for a fixed distance; alternatives are ``{A+ | B+}``. Names may hold anything but white
space and the signs ``()[]{}|``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from cisgram.core.errors import InputError

_TOKEN = re.compile(r"\s*(?:(?P<sign>[(){}|])|\[(?P<gap>[^\]]*)\]|(?P<name>[^\s()\[\]{}|]+))")
_GAP = re.compile(r"\s*(-?\d+)\s*(?:~\s*(-?\d+)\s*)?")


@dataclass(frozen=True, slots=True)
class Site:
    """A motif on a strand, ``+``, ``-`` or ``.``."""

    motif: str
    strand: str = "+"

    def __post_init__(self) -> None:
        if not self.motif or re.search(r"[\s()\[\]{}|]", self.motif):
            msg = f"a motif's name has no space and none of ()[]{{}}|; got {self.motif!r}."
            raise InputError(msg)
        if self.strand not in ("+", "-", "."):
            msg = f"a strand is +, - or .; got {self.strand!r}."
            raise InputError(msg)


@dataclass(frozen=True, slots=True)
class Join:
    """Two parts in order, with ``low`` to ``high`` bp between end and start (may be negative)."""

    left: GrammarTree
    right: GrammarTree
    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            msg = f"a gap goes from a smaller to a larger distance; got {self.low} to {self.high}."
            raise InputError(msg)


@dataclass(frozen=True, slots=True)
class Either:
    """Alternatives, at least two."""

    parts: tuple[GrammarTree, ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            msg = "alternatives are at least two."
            raise InputError(msg)


GrammarTree: TypeAlias = Site | Join | Either


def sites(tree: GrammarTree) -> Iterator[Site]:
    """The motifs of a tree from left to right."""
    if isinstance(tree, Site):
        yield tree
        return
    for part in (tree.left, tree.right) if isinstance(tree, Join) else tree.parts:
        yield from sites(part)


def to_text(tree: GrammarTree) -> str:
    """The text form.

    Examples
    --------
    >>> to_text(Join(Site("CTCF"), Site("GATA1", "-"), 21, 40))
    '(CTCF+ [21~40] GATA1-)'
    """
    if isinstance(tree, Site):
        return f"{tree.motif}{tree.strand}"
    if isinstance(tree, Join):
        gap = str(tree.low) if tree.low == tree.high else f"{tree.low}~{tree.high}"
        return f"({to_text(tree.left)} [{gap}] {to_text(tree.right)})"
    return "{" + " | ".join(map(to_text, tree.parts)) + "}"


def from_text(text: str) -> GrammarTree:
    """The tree of a text form.

    Raises
    ------
    InputError
        When the text is no grammar; the message says where.

    Examples
    --------
    >>> from_text("{A+ | (B- [3] B-)}").parts[1].low
    3
    """
    tokens: list[tuple[int, str, str]] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            msg = f"{text!r} is no grammar: {text[at:].strip()[0]!r} at {at} fits nowhere."
            raise InputError(msg)
        kind = match.lastgroup or ""
        tokens.append((match.start(kind), kind, match[kind]))
        at = match.end()
    reader = _Reader(text, tokens)
    tree = reader.tree()
    if reader.left:
        reader.fail("the end")
    return tree


def to_json(tree: GrammarTree) -> dict[str, Any]:
    """The tree as plain dictionaries, lists, strings and numbers."""
    if isinstance(tree, Site):
        return {"motif": tree.motif, "strand": tree.strand}
    if isinstance(tree, Join):
        return {
            "left": to_json(tree.left),
            "gap": [tree.low, tree.high],
            "right": to_json(tree.right),
        }
    return {"either": [to_json(p) for p in tree.parts]}


def from_json(value: dict[str, Any]) -> GrammarTree:
    """The tree of `to_json`.

    Raises
    ------
    InputError
        When it is none.
    """
    try:
        if "motif" in value:
            return Site(str(value["motif"]), str(value["strand"]))
        if "either" in value:
            return Either(tuple(from_json(v) for v in value["either"]))
        low, high = value["gap"]
        return Join(from_json(value["left"]), from_json(value["right"]), int(low), int(high))
    except (KeyError, TypeError, ValueError) as error:
        msg = f"no grammar: {value!r} lacks what a site, a join or alternatives have."
        raise InputError(msg) from error


class _Reader:
    """Reads tokens from left to right."""

    def __init__(self, text: str, tokens: list[tuple[int, str, str]]) -> None:
        self.text, self.left = text, tokens[::-1]

    def fail(self, wanted: str) -> None:
        came = f"{self.left[-1][2]!r} at {self.left[-1][0]}" if self.left else "the end"
        msg = f"{self.text!r} is no grammar: wanted {wanted}, came {came}."
        raise InputError(msg)

    def take(self, kind: str, value: str | None, wanted: str) -> str:
        if not self.left or self.left[-1][1] != kind or value not in (None, self.left[-1][2]):
            self.fail(wanted)
        return self.left.pop()[2]

    def tree(self) -> GrammarTree:
        if self.left and self.left[-1][1] == "name":
            name = self.left[-1][2]
            if name[-1] not in "+-." or len(name) < 2:
                self.fail("a motif with its strand, such as CTCF+")
            self.left.pop()
            return Site(name[:-1], name[-1])
        if self.left and self.left[-1][2] == "{":
            self.left.pop()
            parts = [self.tree()]
            while self.left and self.left[-1][2] == "|":
                self.left.pop()
                parts.append(self.tree())
            self.take("sign", "}", "a closing }")
            return Either(tuple(parts))
        self.take("sign", "(", "a motif, ( or {")
        left = self.tree()
        gap = _GAP.fullmatch(self.take("gap", None, "a gap such as [3~10]"))
        if gap is None:
            self.fail("whole numbers in the gap before")
            raise AssertionError  # fail always raises
        right = self.tree()
        self.take("sign", ")", "a closing )")
        return Join(left, right, int(gap[1]), int(gap[2] or gap[1]))
