"""Motifs: each learned one as a logo over its best known match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from cisgram.core.run import Run
from cisgram.motifs import Motif, MotifSet
from cisgram.motifs.logo import logo_svg
from cisgram.report.matches import Learned, Source, aligned, known_motifs, sources
from cisgram.report.occurrence import Occurrence, occurrence_table, occurrences
from cisgram.report.section import SECTIONS, Section
from cisgram.report.sites import filter_names
from cisgram.report.text import as_float, number, render, title

MAX_DRAWN = 150
"""Motifs of one source that are drawn; the files of the run hold them all."""
MEASURED = {
    "influence": "Influence: mean loss of output without the filter.",
    "effect": "Effect: mean loss of output when the sites of the motif are overwritten.",
    "contribution": "Contribution: mean of what its sites add up to by the attributions.",
}
"""Columns of the facts table that are drawn beside the logos, with their 95 % intervals."""
OWN_COLUMNS = {"n_sites", *(k + e for k in MEASURED for e in ("", "_low", "_high"))}


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One motif, drawn."""

    learned: Learned
    logo: Markup
    target_logo: Markup | None
    is_turned: bool
    n_sites: float | None
    facts: list[tuple[str, str]]
    where: Occurrence | None
    filter: str | None

    @property
    def neuron(self) -> tuple[str, str] | None:
        """Layer and neuron of a motif that was demixed."""
        facts = self.learned.facts
        found = facts.get("layer", ""), facts.get("neuron", "")
        return found if all(found) else None


@SECTIONS.register(title="Motifs", place=5, step="cisgram motifs RUN", job="kind=motifs")
def motifs(run: Run) -> Section | None:
    """One table a source, matched motifs first, best first."""
    import pandas as pd

    found = sources(run)
    if not found:
        return None
    names = filter_names(run)
    tables = [_table(run, source, names) for source in found]
    where = [occurrence_table(t["where"], t["source"].name) for t in tables if t["where"]]
    return Section(
        render("motifs.html", tables=tables, max_drawn=MAX_DRAWN),
        files=tuple(f for source in found for f in source.files),
        tables={"occurrences": pd.concat(where, ignore_index=True)} if where else {},
    )


def _table(run: Run, source: Source, names: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    order = sorted(
        source.motifs,
        key=lambda m: (not m.is_match, m.is_weak, m.best_q if m.best_q is not None else 2.0),
    )
    known = known_motifs(run, source) if source.compared else MotifSet([])
    by_id = {m.id: m for m in known}
    where = occurrences(run, source, order[:MAX_DRAWN])
    rows = [
        _row(m, by_id, where.get(m.motif.name), names.get((source.name, m.motif.name)))
        for m in order[:MAX_DRAWN]
    ]
    return {
        "source": source,
        "rows": rows,
        "where": where,
        "n": len(order),
        "n_matched": sum(m.is_match for m in order),
        "measured": [(k, v) for k, v in MEASURED.items() if any(m.facts.get(k) for m in order)],
    }


def _row(
    learned: Learned, known: dict[str, Motif], where: Occurrence | None, filtered: str | None
) -> Row:
    motif, best = learned.motif, learned.matches[0] if learned.matches else {}
    target = known.get(best.get("target_id", ""))
    offset = as_float(best.get("offset"))
    target_logo, turned = None, False
    if learned.is_match and target is not None and offset is not None:
        turned = best["strand"] == "-"
        motif, target = aligned(motif, target, offset=int(offset), strand=best["strand"])
        target_logo = _logo(target, f"Logo of {target.name}")
    sites = as_float(learned.facts.get("n_sites")) or learned.motif.n_sites
    return Row(
        learned=learned,
        logo=_logo(motif, f"Logo of {motif.name}, consensus {learned.motif.consensus}"),
        target_logo=target_logo,
        is_turned=turned,
        n_sites=int(sites) if sites is not None and sites == int(sites) else sites,
        facts=[
            (title(k), _fact(v)) for k, v in learned.facts.items() if k not in OWN_COLUMNS and v
        ],
        where=where,
        filter=filtered,
    )


def _fact(value: str) -> str:
    v = as_float(value)
    return value if v is None else number(v)


def _logo(motif: Motif, shown: str) -> Markup:
    return Markup(logo_svg(motif, kind="bits", title=shown))  # noqa: S704 (made by us, its text escaped there)
