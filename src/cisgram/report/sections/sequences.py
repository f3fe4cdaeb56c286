"""Sequences: a table to search, and each one drawn as a logo of its attributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cisgram.core.run import Run
from cisgram.report.pack import MAX_ROWS, Explained, explained, joined, payload
from cisgram.report.section import SECTIONS, Section
from cisgram.report.text import render

if TYPE_CHECKING:
    import pandas as pd

STATIC_ROWS = 25
"""Rows of the plain table that a reader without scripts gets."""


@SECTIONS.register(title="Sequences", place=6, step="cisgram explain saliency RUN")
def sequences(run: Run) -> Section | None:
    """Every explained sequence, as many as the page has room for."""
    methods = explained(run)
    if not methods:
        return None
    table = joined(run, methods)
    return _drawn(table, methods, n=min(len(table), MAX_ROWS))


def _drawn(table: pd.DataFrame, methods: list[Explained], *, n: int) -> Section:
    content = payload(table.head(n), methods)
    html = render("sequences.html", content=content, n=n, total=len(table), static=STATIC_ROWS)

    def shrink(max_bytes: int) -> Section:
        smaller, size = n, len(html.encode())
        drawn = Section(html)
        while smaller and size > max_bytes:
            smaller = min(smaller - 1, int(smaller * 0.97 * max_bytes / size))
            drawn = _drawn(table, methods, n=max(0, smaller))
            size = len(drawn.html.encode())
        return drawn

    return Section(html, shrink)
