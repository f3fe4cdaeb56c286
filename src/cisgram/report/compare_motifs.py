"""Motifs that two runs share, and those of one alone: by their logos and by their known names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from cisgram.motifs import Motif
from cisgram.motifs.logo import logo_svg
from cisgram.report.compare_likeness import MAX_Q, Likeness, likeness
from cisgram.report.compare_pair import Pair
from cisgram.report.matches import Learned, Source, aligned, known_motifs, sources
from cisgram.report.section import Section
from cisgram.report.text import render

if TYPE_CHECKING:
    import pandas as pd

PAIRS = 40  # drawn of a source; all are in the table
ALONE = 24  # drawn of each run


def shared_motifs(pair: Pair) -> Section | None:
    """Each source of motifs that either run has."""
    found = [{s.name: s for s in sources(run)} for run in pair]
    names = list(dict.fromkeys([*found[0], *found[1]]))
    both = [n for n in names if all(n in f and f[n].motifs for f in found)]
    if not names:
        return None
    parts = [_Source(pair, found[0][n], found[1][n]) for n in both]
    missing = [_missing(pair, n, found) for n in names if n not in both]
    return Section(
        render(
            "compare_motifs.html",
            names=pair.names,
            parts=[p.drawn(pair.names) for p in parts],
            missing=missing,
            max_q=MAX_Q,
        ),
        tables={"motifs": _table(parts), "motif-names": _name_table(parts)},
    )


def _missing(pair: Pair, name: str, found: list[dict[str, Source]]) -> tuple[str, str]:
    """Title of a source that one run lacks, and which run lacks it or found nothing."""
    title = next(f[name].title for f in found if name in f)
    said = [
        f"{run} {'has none' if name not in f else 'found none'}"
        for run, f in zip(pair.names, found, strict=True)
        if name not in f or not f[name].motifs
    ]
    return title, ", ".join(said)


class _Source:
    """One source of motifs in both runs: what is alike, what is not."""

    def __init__(self, pair: Pair, first: Source, second: Source) -> None:
        self.title, self.name = first.title, first.name
        self.totals = len(first.motifs), len(second.motifs)
        self.learned: tuple[list[Learned], list[Learned]] = (
            [m for m in first.motifs if not m.is_weak],
            [m for m in second.motifs if not m.is_weak],
        )
        known = known_motifs(pair.first, first)
        self.like: Likeness = likeness(
            [m.motif for m in self.learned[0]], [m.motif for m in self.learned[1]], list(known)
        )
        self.compared = first.compared and second.compared
        self.databases = first.database, second.database
        self.named = tuple(dict.fromkeys(m.target_name for m in s.motifs if m.is_match)
                           for s in (first, second))  # fmt: skip

    def names(self) -> dict[str, list[str]]:
        """Known names of both runs, of the first alone, of the second alone."""
        one, other = self.named
        return {
            "both": [n for n in one if n in other],
            "first": [n for n in one if n not in other],
            "second": [n for n in other if n not in one],
        }

    def drawn(self, names: tuple[str, str]) -> dict[str, Any]:
        """What the template needs."""
        return {
            "title": self.title,
            "name": self.name,
            "totals": self.totals,
            "flat": [t - len(s) for t, s in zip(self.totals, self.learned, strict=True)],
            "strong": [len(s) for s in self.learned],
            "like": self.like,
            "pairs": [self._pair(m, names) for m in self.like.pairs[:PAIRS]],
            "alone": [[self._alone(s, k) for k in self.like.private[s][:ALONE]] for s in (0, 1)],
            "further": [
                [self.learned[s][k].motif.name for k in self.like.further[s]] for s in (0, 1)
            ],
            "known": self.names() if self.compared else None,
            "databases": self.databases,
        }

    def _pair(self, match: Any, names: tuple[str, str]) -> dict[str, Any]:
        one, other = self.learned[0][match.first], self.learned[1][match.second]
        left, right = aligned(one.motif, other.motif, offset=match.offset, strand=match.strand)
        return {
            "q": match.q,
            "is_turned": match.strand == "-",
            "names": [one.motif.name, other.motif.name],
            "targets": [m.target_name if m.is_match else "" for m in (one, other)],
            "logos": [_logo(m, f"Logo of {m.name}, {n}") for m, n in zip((left, right), names,
                                                                       strict=True)],
        }  # fmt: skip

    def _alone(self, side: int, number: int) -> dict[str, Any]:
        learned = self.learned[side][number]
        motif = learned.motif
        return {
            "name": motif.name,
            "target": learned.target_name if learned.is_match else "",
            "logo": _logo(motif, f"Logo of {motif.name}, consensus {motif.consensus}"),
        }

    def rows(self) -> list[tuple[Any, ...]]:
        """One row a pair and one a motif without partner."""
        rows: list[tuple[Any, ...]] = []
        for m in self.like.pairs:
            one, other = self.learned[0][m.first], self.learned[1][m.second]
            rows.append((self.name, "shared", *_named(one), *_named(other), m.q, m.offset,
                         m.strand))  # fmt: skip
        for kind, parts in (
            ("like a shared one", self.like.further),
            ("one run alone", self.like.private),
        ):
            for side in (0, 1):
                for k in parts[side]:
                    own = _named(self.learned[side][k])
                    sides = (*own, "", "") if side == 0 else ("", "", *own)
                    rows.append((self.name, kind, *sides, None, None, ""))
        return rows


def _named(learned: Learned) -> tuple[str, str]:
    return learned.motif.name, learned.target_name if learned.is_match else ""


def _logo(motif: Motif, shown: str) -> Markup:
    return Markup(logo_svg(motif, kind="bits", title=shown))  # noqa: S704 (made by us, its text escaped there)


def _table(parts: list[_Source]) -> pd.DataFrame:
    import pandas as pd

    columns = ["source", "kind", "first", "first_known", "second", "second_known", "q", "offset",
               "strand"]  # fmt: skip
    return pd.DataFrame([row for p in parts for row in p.rows()], columns=columns)


def _name_table(parts: list[_Source]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (p.name, kind, name) for p in parts for kind, found in p.names().items() for name in found
    ]
    return pd.DataFrame(rows, columns=["source", "in", "known_motif"])
