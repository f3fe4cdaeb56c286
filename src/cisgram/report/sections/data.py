"""Data: how many sequences, how they were split, what was dropped, what leaked."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from cisgram.core.run import Run
from cisgram.report import read
from cisgram.report.section import SECTIONS, Section
from cisgram.report.text import render

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 50
SETS = ("train", "valid", "test")
FILES = tuple(f"data/{name}" for name in ("summary.json", "split.tsv", "dropped.tsv", "leaks.tsv"))


@SECTIONS.register(title="Data", view="overview", place=3, step="cisgram train")
def data(run: Run) -> Section | None:
    """Counts a set, reasons for dropped rows, sequences shared between sets."""
    folder = run.path / "data"
    split = read.table(folder / "split.tsv", needs=("name", "set"))
    dropped = read.table(folder / "dropped.tsv", needs=("name", "reason"))
    leaks = read.table(folder / "leaks.tsv", needs=("first", "second", "kind", "action"))
    summary = read.mapping(folder / "summary.json")
    if all(part is None for part in (split, dropped, leaks, summary)):
        return None
    sets = set_counts(split) if split is not None else []
    positive = _positive(summary or {})
    found_dropped, found_leaks = _dropped(dropped), _leaks(leaks)
    return Section(
        render(
            "data.html",
            sets=sets,
            positive=positive,
            dropped=found_dropped,
            leaks=found_leaks,
            summary=summary or {},
            shown=SHOWN,
        ),
        files=FILES,
        tables=_tables(sets, positive, found_dropped, found_leaks),
    )


def _tables(
    sets: list[tuple[str, int]],
    positive: dict[str, Any],
    dropped: dict[str, Any] | None,
    leaks: dict[str, Any] | None,
) -> dict[str, pd.DataFrame]:
    """The counts, as far as there are any."""
    import pandas as pd

    counted = [(name, n, positive.get(name)) for name, n in sets]
    found = {
        "sets": (["set", "sequences", "positive"], counted),
        "dropped": (["reason", "sequences"], dropped["reasons"] if dropped else []),
        "leaks": (["kind", "action", "pairs"], leaks["kinds"] if leaks else []),
    }
    return {k: pd.DataFrame(rows, columns=columns) for k, (columns, rows) in found.items() if rows}


def set_counts(split: pd.DataFrame) -> list[tuple[str, int]]:
    """Sequences of each set: train, valid, test, then others."""
    counts = {str(k): int(n) for k, n in split["set"].value_counts().items()}
    order = [*SETS, *sorted(counts.keys() - set(SETS))]
    return [(name, counts[name]) for name in order if name in counts]


def _positive(summary: dict[str, Any]) -> dict[str, Any]:
    """Positives of each set, as far as the summary counts them."""
    sets = summary.get("sets")
    if not isinstance(sets, dict):
        return {}
    return {k: v["positive"] for k, v in sets.items() if isinstance(v, dict) and "positive" in v}


def _dropped(rows: pd.DataFrame | None) -> dict[str, Any] | None:
    if rows is None:
        return None
    reasons = [(str(k), int(n)) for k, n in rows["reason"].value_counts().items()]
    return {"n": len(rows), "reasons": reasons, "rows": rows.head(SHOWN).to_dict("records")}


def _leaks(rows: pd.DataFrame | None) -> dict[str, Any] | None:
    if rows is None:
        return None
    kinds = Counter(zip(rows["kind"], rows["action"], strict=True))
    return {
        "n": len(rows),
        "kinds": [(k, a, n) for (k, a), n in sorted(kinds.items())],
        "columns": list(rows.columns),
        "rows": rows.head(SHOWN).to_dict("records"),
    }
