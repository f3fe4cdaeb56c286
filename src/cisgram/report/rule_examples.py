"""Sequences of the page that keep a rule: motifs at the distances and on the strands it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cisgram import motifs
from cisgram.core.run import Run
from cisgram.grammar import Rule
from cisgram.motifs import Motif
from cisgram.report import read
from cisgram.report.explained import explained
from cisgram.report.sites import MAX_P

MOST = 500  # sequences that are searched
EACH = 3  # of a rule
MARGIN = 10  # bp that are shown on either side
_LETTERS = np.frombuffer(b"ACGTN", dtype=np.uint8)
_TURN = str.maketrans("+-", "-+")


@dataclass(frozen=True, slots=True)
class Example:
    """A sequence that keeps a rule, and the stretch in which (bp, half-open)."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Site:
    start: int
    end: int
    strand: str


def rule_examples(run: Run, rules: Sequence[Rule], *, turns: bool) -> list[list[Example]]:
    """For each rule at most `EACH` explained sequences that keep it, the highest scores first.

    Parameters
    ----------
    run
        With ``grammar/motifs.meme`` and explanations; without either there are no examples.
    rules
        The rules.
    turns
        Whether an arrangement and its reverse complement are one.
    """
    path = run.path / "grammar" / "motifs.meme"
    methods = [m for m in explained(run) if not m.tracks]
    if not path.is_file() or not methods or not rules:
        return [[] for _ in rules]
    table = methods[0].names
    by = next((c for c in ("probability", "score") if c in table), None)
    score = np.zeros(len(table)) if by is None else read.numeric(table[by]).fillna(0).to_numpy()
    order = np.argsort(-score, kind="stable")[:MOST].tolist()
    names = [str(n) for n in table["name"]]
    sites = _sites(list(motifs.read_meme(path)), methods[0].codes(order))
    found = [
        [Example(names[row], *span) for k, row in enumerate(order)
         if (span := _kept(rule, sites[k], turns=turns)) is not None]
        for rule in rules
    ]  # fmt: skip
    return [examples[:EACH] for examples in found]


def _sites(known: list[Motif], codes: list[NDArray[np.uint8]]) -> list[dict[str, list[_Site]]]:
    """Of each sequence the sites of each motif, by the names that rules use."""
    texts = [_LETTERS[c].tobytes().decode() for c in codes]
    queries = [replace(m, name=str(i), id=str(i)) for i, m in enumerate(known)]
    rows: list[dict[str, list[_Site]]] = [{} for _ in codes]
    for hit in motifs.scan(texts, queries, p=MAX_P).to_dict("records"):
        site = _Site(int(hit["start"]), int(hit["end"]), str(hit["strand"]))
        name = known[int(hit["motif"])].name
        rows[int(hit["sequence"])].setdefault(name, []).append(site)
    return rows


def _kept(rule: Rule, sites: Mapping[str, list[_Site]], *, turns: bool) -> tuple[int, int] | None:
    """Where a sequence keeps a rule first; None where it does not."""
    if len(rule.motifs) == 1:
        own = _apart(sites.get(rule.motifs[0], []))
        runs = (_run(rule, own, i, turns=turns) for i in range(len(own)))
        return next((span for span in runs if span is not None), None)
    first, second = (sites.get(m, []) for m in rule.motifs)
    ways = [(first, second, rule.strands)]
    if turns:
        ways.append((second, first, rule.strands[::-1].translate(_TURN)))
    for left, right, strands in ways:
        for a in left:
            for b in right:
                if _fits(rule, a, b, strands):
                    return a.start, b.end
    return None


def _run(rule: Rule, own: list[_Site], i: int, *, turns: bool) -> tuple[int, int] | None:
    """So many copies from the i-th site on, each at the rule's distance from the one before."""
    ways = [rule.strands or ".."]
    if turns:
        ways.append(ways[0][::-1].translate(_TURN))
    for strands in ways:
        last = own[i]
        for _ in range((rule.copies or 1) - 1):
            after = (b for b in own if b.start >= last.end and _fits(rule, last, b, strands))
            if (found := next(after, None)) is None:
                break
            last = found
        else:
            return own[i].start, last.end
    return None


def _fits(rule: Rule, a: _Site, b: _Site, strands: str) -> bool:
    gap = b.start - a.end
    low, high = (0 if rule.low is None else rule.low), rule.high
    return (
        gap >= low
        and (high is None or gap <= high)
        and all(w in (".", s) for w, s in zip(strands, (a.strand, b.strand), strict=True))
    )


def _apart(sites: list[_Site]) -> list[_Site]:
    """Sites that do not overlap, from left to right: a palindrome counts once."""
    kept: list[_Site] = []
    for site in sorted(sites, key=lambda s: s.start):
        if not kept or site.start >= kept[-1].end:
            kept.append(site)
    return kept


def address(example: Example) -> str:
    """The part of the page that shows an example, with a margin about it."""
    from urllib.parse import quote

    start, end = max(0, example.start - MARGIN), example.end + MARGIN
    return f"#sequences?name={quote(example.name, safe='')}&from={start}&to={end}"
