"""Method notes: how to read the numbers, and what to cite."""

from __future__ import annotations

from typing import Any

from cisgram.core.run import Run
from cisgram.report import read
from cisgram.report.matches import sources
from cisgram.report.pack import explained
from cisgram.report.section import SECTIONS, Section
from cisgram.report.text import render


@SECTIONS.register(title="Method notes and how to cite", place=7, step=None)
def cite(run: Run) -> Section | None:
    """Only the notes that this run needs."""
    metrics = read.mapping(run.path / "metrics.json") or {}
    of_sets = [m for m in metrics.values() if isinstance(m, dict)]
    models = [read.mapping(folder / "model.toml") or {} for folder in run.members()]
    return Section(
        render(
            "cite.html",
            classified=any(m.get("auroc") is not None for m in of_sets),
            compared=any(s.compared for s in sources(run)),
            explained=[(m.title, _reference(m.options)) for m in explained(run)],
            model=_reference(models[0]) if models else "",
        )
    )


def _reference(facts: Any) -> str:
    return str(facts.get("cite") or facts.get("reference") or "")
