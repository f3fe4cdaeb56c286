"""Sequences: a table to search, each one under all methods, and where the methods agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from cisgram.core.run import Run
from cisgram.motifs.logo import logo_svg
from cisgram.report.agreement import Agreement, agreement
from cisgram.report.explained import Explained, explained, joined
from cisgram.report.matches import Learned, sources
from cisgram.report.pack import MAX_ROWS, payload
from cisgram.report.section import SECTIONS, Section
from cisgram.report.sites import MAX_P, Sites, named_sites, packed_sites, used_sites
from cisgram.report.text import as_float, render

if TYPE_CHECKING:
    import pandas as pd

STATIC_ROWS = 25
"""Rows of the plain table that a reader without scripts gets."""
OPTIMA = 4
"""Class optima that are drawn below the sequences; the motifs section has them all."""


@dataclass(frozen=True, slots=True, eq=False)
class _Content:
    """Everything of the section but how many sequences there is room for."""

    table: pd.DataFrame
    methods: list[Explained]
    agreement: Agreement | None
    sites: Sites | None
    hits: Sites | None
    optima: list[Learned]


@SECTIONS.register(
    title="Sequences",
    place=6,
    step="cisgram explain saliency RUN",
    job="kind=explain&method=saliency",
)
def sequences(run: Run) -> Section | None:
    """Every explained sequence, as many as the page has room for."""
    methods = explained(run)
    if not methods:
        return None
    table = joined(run, methods)
    first = table.head(MAX_ROWS)
    optima = [s for s in sources(run) if s.name == "class_optimization"]
    content = _Content(
        table,
        methods,
        agreement(first, methods),
        named_sites(run, _codes(first, methods)),
        used_sites(run, [str(name) for name in first["name"]]),
        [m for s in optima for m in s.motifs][:OPTIMA],
    )
    return _drawn(content, n=len(first))


def _codes(table: pd.DataFrame, methods: list[Explained]) -> list[NDArray[np.uint8]]:
    """Base codes of each row, from the first method that explains it."""
    found: list[NDArray[np.uint8]] = [np.zeros(0, np.uint8)] * len(table)
    missing = np.ones(len(table), bool)
    for i, method in enumerate(methods):
        rows = table[f"row:{i}"].to_numpy()
        at = np.flatnonzero((rows >= 0) & missing)
        if len(at):
            for j, codes in zip(at.tolist(), method.codes(rows[at].tolist()), strict=True):
                found[j] = codes
            missing[at] = False
    return found


def _drawn(content: _Content, *, n: int) -> Section:
    packed = payload(content.table.head(n), content.methods)
    packed["sites"] = packed_sites(content.sites, n)
    packed["hits"] = packed_sites(content.hits, n)
    packed["optima"] = [_packed_optimum(m) for m in content.optima]
    packed["agreement"] = _packed_agreement(content, packed["methods"], n)
    html = render(
        "sequences.html",
        content=packed,
        n=n,
        total=len(content.table),
        static=STATIC_ROWS,
        agreement=_agreement_rows(content),
        compared=0 if content.agreement is None else len(content.agreement.correlation),
        optima=[(m, _logo(m)) for m in content.optima],
        sites=content.sites,
        max_p=MAX_P,
    )

    def shrink(max_bytes: int) -> Section:
        smaller, size = n, len(html.encode())
        drawn = Section(html)
        while smaller and size > max_bytes:
            smaller = min(smaller - 1, int(smaller * 0.97 * max_bytes / size))
            drawn = _drawn(content, n=max(0, smaller))
            size = len(drawn.html.encode())
        return drawn

    folders = tuple(f"explain/{m.name}" for m in content.methods)
    files = (*folders, "predictions.tsv", "motifs/patterns.hits.tsv")
    return Section(html, shrink, files, _tables(content))


def _tables(content: _Content) -> dict[str, pd.DataFrame]:
    """Agreement of each pair of methods, where there are two."""
    import pandas as pd

    found = content.agreement
    if found is None:
        return {}
    cells, names = found.matrix(), [content.methods[i].name for i in found.methods]
    rows = [(names[i], names[j], *(cells[i][j] or (None,) * 3)) for i, j in found.pairs]
    columns = ["first", "second", "correlation", "low_quartile", "high_quartile"]
    contested = pd.DataFrame({"method": names, "contested": found.contested})
    return {"agreement": pd.DataFrame(rows, columns=columns), "contested": contested}


def _packed_optimum(learned: Learned) -> dict[str, Any]:
    """Name and frequencies (4, k) of a class optimum, in thousandths of accuracy."""
    return {"name": learned.motif.name, "ppm": np.round(learned.motif.ppm, 3).tolist()}


def _packed_agreement(
    content: _Content, packed: list[dict[str, Any]], n: int
) -> dict[str, Any] | None:
    """Correlations in hundredths by pair of method names, and the contested positions."""
    found = content.agreement
    if found is None:
        return None
    names = [content.methods[i].name for i in found.methods]
    shown = {m["name"] for m in packed}
    kept = [p for p, (a, b) in enumerate(found.pairs) if {names[a], names[b]} <= shown]
    hundredths = np.rint(100 * found.correlation[:n, kept])
    return {
        "pairs": [[names[found.pairs[p][0]], names[found.pairs[p][1]]] for p in kept],
        "rows": [[int(v) if np.isfinite(v) else None for v in row] for row in hundredths.tolist()],
        "conflicts": found.conflicts[:n],
    }


def _agreement_rows(content: _Content) -> list[dict[str, Any]]:
    """The table over all sequences: one row a method, one column a method."""
    found = content.agreement
    if found is None:
        return []
    own = [content.methods[i] for i in found.methods]
    return [
        {
            "method": method,
            "cells": cells,
            "contested": as_float(contested),
            "gap": _gap(method.options),
        }
        for method, cells, contested in zip(
            own, found.matrix(), found.contested.tolist(), strict=True
        )
    ]


def _gap(options: Mapping[str, Any]) -> float | None:
    said = options.get("completeness")
    return as_float(said.get("mean")) if isinstance(said, Mapping) else None


def _logo(learned: Learned) -> Markup:
    shown = f"Class optimum {learned.motif.name}, consensus {learned.motif.consensus}"
    return Markup(logo_svg(learned.motif, kind="bits", title=shown))  # noqa: S704 (made by us, its text escaped there)
