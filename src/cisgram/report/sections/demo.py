"""Planted against found: only on the page of ``cisgram demo``."""

from __future__ import annotations

from cisgram.core.run import Run
from cisgram.report import read
from cisgram.report.section import SECTIONS, Section
from cisgram.report.text import render


@SECTIONS.register(title="Planted and found", view="overview", place=1, step=None)
def demo(run: Run) -> Section | None:
    """What was planted into the simulated sequences, and what of it came back."""
    truth = read.mapping(run.path / "demo.json")
    if truth is None:
        return None
    import pandas as pd

    planted = truth.get("planted", [])
    return Section(
        render("demo.html", planted=planted, summary=truth.get("summary", "")),
        files=("demo.json",),
        tables={"planted": pd.DataFrame(planted)} if planted else {},
    )
