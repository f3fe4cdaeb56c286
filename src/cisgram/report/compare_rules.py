"""Grammar rules that two runs share, and those of one alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cisgram.grammar import Rule, Rules
from cisgram.grammar.said import place
from cisgram.report import read
from cisgram.report.compare_pair import Pair
from cisgram.report.section import Section
from cisgram.report.text import interval, number, render

if TYPE_CHECKING:
    import pandas as pd

    from cisgram.core.run import Run

SHOWN = 40
SHARED, FIRST, SECOND = "shared", "first", "second"


def shared_rules(pair: Pair) -> Section | None:
    """Rules that the models hold, matched by their kind and their motifs."""
    found = [_rules(run) for run in pair]
    if found[0] is None and found[1] is None:
        return None
    if found[0] is None or found[1] is None:
        without = pair.names[0 if found[0] is None else 1]
        why = f"{without} has no rules: run 'cisgram grammar' on it, then compare again."
        return Section(render("compare_rules.html", names=pair.names, why=why, rows=[], n={}))
    rows = _rows(found[0], found[1])
    return Section(
        render(
            "compare_rules.html",
            names=pair.names,
            why="",
            rows=rows[:SHOWN],
            n={kind: sum(r["in"] == kind for r in rows) for kind in (SHARED, FIRST, SECOND)},
        ),
        tables={"rules": _table(rows)},
    )


def _rules(run: Run) -> Rules | None:
    value = read.mapping(run.path / "grammar" / "rules.json")
    return None if value is None else Rules.from_json(value)


def known_name(motif: str) -> str:
    """A motif of a rule without the number that its own network gives it.

    Examples
    --------
    >>> known_name("CTCF/filter_37"), known_name("filter_8")
    ('CTCF', 'filter_8')
    """
    return motif.rsplit("/", 1)[0] if "/" in motif else motif


def _key(rule: Rule) -> tuple[str, frozenset[str], int]:
    names = [known_name(m) for m in rule.motifs]
    return rule.kind, frozenset(names), len(names)


def _rows(first: Rules, second: Rules) -> list[dict[str, Any]]:
    """One row a rule: what each run says of it, shared ones first."""
    by_key: dict[Any, tuple[list[Rule], list[Rule]]] = {}
    for side, rules in enumerate((first, second)):
        for rule in rules.known:
            by_key.setdefault(_key(rule), ([], []))[side].append(rule)
    rows = []
    for one, other in by_key.values():
        kind = SHARED if one and other else FIRST if one else SECOND
        # unnamed filters of two networks have the same numbers by accident alone
        if kind == SHARED and not all(_is_named(r) for r in (one[0], other[0])):
            rows += [_row(FIRST, one[0], None, first, second)]
            rows += [_row(SECOND, None, other[0], first, second)]
            continue
        rows.append(_row(kind, one[0] if one else None, other[0] if other else None, first, second))
    return sorted(rows, key=lambda r: (SHARED, FIRST, SECOND).index(r["in"]))


def _is_named(rule: Rule) -> bool:
    """Whether every motif has the name of a known one: ``CTCF/filter_37``, not ``filter_8``."""
    return all("/" in m or not m.startswith(("filter_", "positive_", "negative_")) for m in
               rule.motifs)  # fmt: skip


def _row(
    kind: str, one: Rule | None, other: Rule | None, first: Rules, second: Rules
) -> dict[str, Any]:
    rule = one or other
    cells = [_cell(one, other, first), _cell(other, one, second)]
    return {"in": kind, "kind": rule.kind if rule else "", "cells": cells}


def _cell(rule: Rule | None, other: Rule | None, own: Rules) -> dict[str, Any]:
    """What a run says of a rule; where it holds none, whether it could have found it."""
    if rule is not None and rule.model is not None:
        m = rule.model
        return {"place": place(rule), "effect": number(m.effect), "q": m.q,
                "ends": interval([m.low, m.high]), "values": (m.effect, m.low, m.high, m.q),
                "n": m.n, "verdict": rule.verdict, "why": ""}  # fmt: skip
    have = {known_name(m) for m in own.facts.get("motifs", {})}
    wanted = [known_name(m) for m in other.motifs] if other is not None else []
    absent = [n for n in dict.fromkeys(wanted) if n not in have]
    why = f"not looked for: no motif {', '.join(absent)}" if absent else "looked for, not held"
    if own.facts.get("not_asked"):
        why = "the model was not asked"
    return {"place": "", "effect": "", "q": None, "ends": "", "values": (None,) * 4, "n": None,
            "verdict": "", "why": why}  # fmt: skip


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    fields = ("rule", "effect", "low", "high", "q", "sequences", "verdict", "note")
    columns = ["in", "kind", *(f"{run}_{f}" for run in ("first", "second") for f in fields)]
    found = [
        (r["in"], r["kind"],
         *(v for c in r["cells"] for v in (c["place"], *c["values"], c["n"], c["verdict"],
                                           c["why"])))
        for r in rows
    ]  # fmt: skip
    return pd.DataFrame(found, columns=columns)
