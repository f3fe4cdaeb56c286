"""Grammar: the rules that the model holds, as sentences, as trees and beside what data say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from cisgram.core.grammar_tree import sites, to_text
from cisgram.core.run import Run
from cisgram.grammar import Evidence, Rule, Rules, said
from cisgram.grammar.found import Distances
from cisgram.grammar.said import place
from cisgram.report import read
from cisgram.report.curves import Axis, Line, chart
from cisgram.report.experiments import intervals_svg
from cisgram.report.rule_examples import address, rule_examples
from cisgram.report.section import SECTIONS, Section
from cisgram.report.text import interval, number, plural, render
from cisgram.report.trees import syntax_svg

FILES = ("rules.tsv", "rules.json", "distances.tsv", "check.tsv", "check.json")
CHARTS = 12  # pairs whose distances are drawn
LABEL = 30  # letters beside an interval
SHOWN = 40  # rules of a list; all are in the files
TABLED = 100  # rules of the table
GROUPS = (
    ("confirmed", "Held by the model, and there in the sequences"),
    ("model only", "Held by the model; the sequences do not show it"),
    ("data only", "In the sequences; the model does not hold it"),
)
CHECKED = {
    "confirmed": "holds in both",
    "model only": "holds in this model",
    "data only": "holds in these sequences",
    "not confirmed": "does not hold",
}


@SECTIONS.register(title="Grammar", place=4.2, step="cisgram grammar RUN", job="kind=grammar")
def grammar(run: Run) -> Section | None:
    """Rules and syntax trees; rules of another run, where they were checked."""
    found = _rules(run, "rules")
    checked = _rules(run, "check")
    if found is None and checked is None:
        return None
    return Section(
        render(
            "grammar.html",
            summary="" if found is None else _summary(found),
            why="" if found is None else found.facts.get("not_asked", ""),
            trees=[] if found is None else _trees(found),
            effects=None if found is None else _effects(found.known),
            histograms=[] if found is None else _histograms(found.distances[:CHARTS]),
            groups=[] if found is None else _groups(found),
            rows=[] if found is None else _rows(run, found),
            n_rules=0 if found is None else len(found),
            checked=[] if checked is None else [(CHECKED[r.verdict], said(r)) for r in checked],
        ),
        files=tuple(f"grammar/{name}" for name in FILES),
    )


def _rules(run: Run, name: str) -> Rules | None:
    value = read.mapping(run.path / "grammar" / f"{name}.json")
    return None if value is None else Rules.from_json(value)


def _summary(found: Rules) -> str:
    facts = found.facts
    n = len(facts.get("motifs", {}))
    counts = {verdict: sum(r.verdict == verdict for r in found) for verdict, _ in GROUPS}
    return (
        f"{plural(n, 'motif')} in {plural(facts.get('sequences', 0), 'sequence')} of interest: "
        f"{plural(len(found.known), 'rule')} that the model holds at a false discovery rate of "
        f"{facts.get('fdr', 0.05):g}, {counts['confirmed']} of them seen in the sequences too."
    ) + _left_out(facts)


def _left_out(facts: Mapping[str, Any]) -> str:
    """Motifs that were given and that nothing was asked of, with the reason."""
    reasons = [
        *(f"{m} (has the sites of {of})" for m, of in facts.get("same_sites", {}).items()),
        *(f"{m} (no more sites than chance gives)" for m in facts.get("absent", ())),
    ]
    return f" Given as well, and not asked: {', '.join(reasons)}." if reasons else ""


def _trees(found: Rules) -> list[tuple[Markup, str]]:
    """Each tree of several motifs, drawn and as text."""
    some = [t for t in found.trees if len(list(sites(t))) > 1]
    return [(syntax_svg(t, styles=["holds"] * len(list(sites(t)))), to_text(t)) for t in some]


def _histograms(pairs: Sequence[Distances]) -> list[dict[str, Any]]:
    return [_histogram(pair, f"grammar-distances-{i}") for i, pair in enumerate(pairs)]


def _histogram(pair: Distances, name: str) -> dict[str, Any]:
    """Pairs at each distance, seen and expected, up to where nearly all of them are."""
    shown = 1 + max([i for i, n in enumerate(pair.seen) if n], default=0)
    at = list(range(shown))
    both = f"{pair.first} and {pair.second}"
    top = max(at, key=lambda i: pair.seen[i])
    svg = chart(
        [
            Line("seen", at, pair.seen[:shown], style=1),
            Line("expected", at, pair.expected[:shown], style=2),
        ],
        name=name,
        x=Axis("bp from end to start"),
        y=Axis("pairs of sites"),
        description=f"Distances of {both}: most pairs, {pair.seen[top]}, lie {top} bp apart, where "
        f"{pair.expected[top]:.3g} are expected.",
        legend=True,
    )
    return {"title": both, "svg": svg, "name": name, "pairs": sum(pair.seen)}


def _effects(known: Sequence[Rule]) -> Markup | None:
    import pandas as pd

    rows = [
        {"arm": _short(f"{r.kind}: {', '.join(r.motifs)}"), "effect": r.model.effect,
         "low": r.model.low, "high": r.model.high, "q": r.model.q}
        for r in known[:SHOWN]
        if r.model is not None
    ]  # fmt: skip
    if not rows:
        return None
    return intervals_svg(
        pd.DataFrame(rows),
        name="grammar-effects",
        title=f"Effects of {plural(len(rows), 'rule')} with their 95 % intervals",
        label="what the arrangement gives, units of the output",
    )


def _rows(run: Run, found: Rules) -> list[dict[str, Any]]:
    """The table: one row a rule, those that the model holds first."""
    order = sorted(found, key=lambda r: [v for v, _ in GROUPS].index(r.verdict)
                   if r.verdict in dict(GROUPS) else len(GROUPS))[:TABLED]  # fmt: skip
    turns = bool(found.facts.get("both_strands", True))
    examples = rule_examples(run, order, turns=turns)
    charts = {
        frozenset((d.first, d.second)): f"grammar-distances-{i}"
        for i, d in enumerate(found.distances[:CHARTS])
    }
    return [
        {
            "rule": rule,
            "place": place(rule),
            "model": _evidence(rule, rule.model),
            "data": _evidence(rule, rule.data),
            "chart": charts.get(frozenset(rule.motifs)) if len(rule.motifs) == 2 else None,
            "examples": [(e.name, address(e)) for e in own],
        }
        for rule, own in zip(order, examples, strict=True)
    ]


def _evidence(rule: Rule, e: Evidence | None) -> dict[str, Any] | None:
    """What was found, in words; shares as percentages beside what is expected."""
    if e is None:
        return None
    if e.unit == "share":
        said = f"{100 * e.effect:.0f} %"
        ends = f"{100 * e.low:.0f} to {100 * e.high:.0f} %, expected {100 * e.expected:.0f} %"
    else:
        said, ends = number(e.effect), interval([e.low, e.high])
        ends += ", odds ratio" if e.unit == "odds ratio" else ""
    unit = "pairs of sites" if e.unit == "share" and len(rule.motifs) > 1 else "sequences"
    return {"effect": e.effect, "said": said, "ends": ends, "q": e.q, "n": e.n, "holds": e.holds,
            "unit": unit}  # fmt: skip


def _short(label: str) -> str:
    return label if len(label) <= LABEL else label[: LABEL - 1] + "…"


def _groups(found: Rules) -> list[dict[str, Any]]:
    out = []
    for verdict, title in GROUPS:
        some = [r for r in found if r.verdict == verdict]
        if some:
            out.append(
                {
                    "title": title,
                    "rules": [(r.kind, said(r)) for r in some[:SHOWN]],
                    "more": max(0, len(some) - SHOWN),
                    "is_open": verdict != "data only",
                }
            )
    return out
