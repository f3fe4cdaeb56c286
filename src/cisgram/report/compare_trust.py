"""What to believe of each of two runs: the verdicts of `cisgram trust` danger by danger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cisgram.report import read
from cisgram.report.compare_pair import Pair
from cisgram.report.section import Section
from cisgram.report.sections.trust import NEEDS
from cisgram.report.text import render

if TYPE_CHECKING:
    import pandas as pd

WORDS = {"yes": "found", "no": "not found"}
UNKNOWN = "cannot be said"


def verdicts(pair: Pair) -> Section | None:
    """One row a danger; those that one run has and the other has not come first."""
    tables = [read.table(run.path / "trust" / "flags.tsv", needs=NEEDS) for run in pair]
    if all(t is None for t in tables):
        return None
    absent = [name for name, t in zip(pair.names, tables, strict=True) if t is None]
    found = [{} if t is None else _flags(t) for t in tables]
    rows = [
        {"name": name, "cells": [f.get(name) for f in found]}
        for name in dict.fromkeys([*found[0], *found[1]])
    ]
    rows.sort(key=_rank)
    return Section(
        render("compare_trust.html", names=pair.names, rows=rows, absent=absent),
        tables={"trust": _table(rows)},
    )


def _flags(table: pd.DataFrame) -> dict[str, dict[str, str]]:
    return {
        str(r["name"]): {"word": WORDS.get(str(r["raised"]), UNKNOWN), "said": str(r["said"])}
        for r in table.to_dict("records")
    }


def _rank(row: dict[str, Any]) -> int:
    """Differing verdicts, then dangers that both have, then the rest."""
    words = [c["word"] if c else "" for c in row["cells"]]
    if words[0] != words[1]:
        return 0
    return 1 if words[0] == WORDS["yes"] else 2


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    found = [
        (r["name"], *(v for c in r["cells"] for v in ((c["word"], c["said"]) if c else ("", ""))))
        for r in rows
    ]
    columns = ["danger", "first", "first_said", "second", "second_said"]
    return pd.DataFrame(found, columns=columns)
