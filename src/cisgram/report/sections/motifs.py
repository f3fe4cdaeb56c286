"""Motifs: each learned one as a logo over its best known match."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from cisgram.core.run import Run
from cisgram.motifs import Motif, MotifSet
from cisgram.motifs.logo import logo_svg
from cisgram.report.matches import Learned, Source, aligned, known_motifs, sources
from cisgram.report.section import SECTIONS, Section
from cisgram.report.text import as_float, number, render, title

MAX_DRAWN = 150
"""Motifs of one source that are drawn; the files of the run hold them all."""
MEASURED = {
    "influence": "Influence: mean loss of output without the filter.",
    "effect": "Effect: mean loss of output when the sites of the motif are overwritten.",
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


@SECTIONS.register(title="Motifs", place=5, step="cisgram motifs RUN")
def motifs(run: Run) -> Section | None:
    """One table a source, matched motifs first, best first."""
    found = sources(run)
    if not found:
        return None
    tables = [_table(run, source) for source in found]
    return Section(
        render("motifs.html", tables=tables, max_drawn=MAX_DRAWN),
        files=tuple(f for source in found for f in source.files),
    )


def _table(run: Run, source: Source) -> dict[str, object]:
    order = sorted(
        source.motifs,
        key=lambda m: (not m.is_match, m.is_weak, m.best_q if m.best_q is not None else 2.0),
    )
    known = known_motifs(run, source) if source.compared else MotifSet([])
    by_id = {m.id: m for m in known}
    rows = [_row(m, by_id) for m in order[:MAX_DRAWN]]
    return {
        "source": source,
        "rows": rows,
        "n": len(order),
        "n_matched": sum(m.is_match for m in order),
        "measured": [(k, v) for k, v in MEASURED.items() if any(m.facts.get(k) for m in order)],
    }


def _row(learned: Learned, known: dict[str, Motif]) -> Row:
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
    )


def _fact(value: str) -> str:
    v = as_float(value)
    return value if v is None else number(v)


def _logo(motif: Motif, shown: str) -> Markup:
    return Markup(logo_svg(motif, kind="bits", title=shown))  # noqa: S704 (made by us, its text escaped there)
