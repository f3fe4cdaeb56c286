"""Trust: what to believe of this run, what not, and the number and file behind each sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from cisgram.core.run import Run
from cisgram.report import read
from cisgram.report.curves import Axis, Line, chart
from cisgram.report.section import SECTIONS, Section
from cisgram.report.text import as_float, number, plural, render, title

if TYPE_CHECKING:
    import pandas as pd

NEEDS = ("part", "name", "raised", "value", "low", "high", "rule", "said", "file")
SHOWN = 50  # rows of a table; all are in its file
MOST_METHODS = 4  # curves beside that of random orders

TABLES = {
    "baselines": "The network beside models without a network, on the test set",
    "gc-matched": "What is left when GC content says nothing",
    "leaks": "Test sequences with a copy or near copy in the training set",
    "faithfulness": "Area between the curves of a method and those of random orders",
    "sensitivity": "Sensitivity-n: correlation of summed scores with what the output loses",
    "random-weights": "How alike the scores of networks with random weights are",
    "random-labels": "How alike the scores of a network trained on labels in random order are",
    "reliability": "Predicted probability and observed share of positives",
    "calibration": "Calibration error, and the Brier score taken apart",
    "conformal": "Promised and kept coverage of conformal intervals or label sets",
    "stability": "Agreement of members, and of sets of references (rank correlation)",
    "motif-stability": "Known motifs by how many members found them",
    "rule-stability": "Rules by how many members hold them, each asked alone",
}
"""Tables in the order of the page; each is the file ``trust/NAME.tsv``."""
FIRST = ("baselines", "gc-matched")  # open; the rest behind a line to click on
WITH_ENDS = ("score", "correlation", "likeness", "agreement", "covered", "observed", "share")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the run as the page draws it."""

    name: str
    title: str
    columns: list[tuple[str, bool]]
    rows: list[list[tuple[str, str]]]
    total: int


@SECTIONS.register(title="Trust", place=4.5, step="cisgram trust RUN", job="kind=trust")
def trust(run: Run) -> Section | None:
    """Flags in plain words, the tables behind them, the curves of removal."""
    folder = run.path / "trust"
    flags = read.table(folder / "flags.tsv", needs=NEEDS)
    if flags is None:
        return None
    rows = flags.to_dict("records")
    groups = {word: [_flag(r) for r in rows if r["raised"] == word] for word in ("yes", "no")}
    tables = [t for name in TABLES if (t := _table(run, name)) is not None]
    return Section(
        render(
            "trust.html",
            doubted=groups["yes"],
            believed=groups["no"],
            unknown=[_flag(r) for r in rows if r["raised"] not in ("yes", "no")],
            first=[t for t in tables if t.name in FIRST],
            rest=[t for t in tables if t.name not in FIRST],
            figures=_figures(read.table(folder / "curves.tsv", needs=("share",))),
            rules=[(_capital(str(r["name"])), r["rule"]) for r in rows if r["rule"]],
            shown=SHOWN,
            drawn={f"trust/{t.name}.tsv": t.name for t in tables},
        ),
        files=("trust/flags.tsv", *(f"trust/{t.name}.tsv" for t in tables), "trust/curves.tsv"),
    )


def _flag(row: dict[Any, Any]) -> dict[str, str]:
    """A flag as text; markup in a name stays text."""
    name = str(row["name"])
    return {"name": name, "heading": _capital(name), "said": row["said"], "file": row["file"]}


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _table(run: Run, name: str) -> Table | None:
    found = read.table(run.path / "trust" / f"{name}.tsv")
    if found is None or found.empty:
        return None
    ends = _ends(list(found.columns))
    hidden = {c for pair in ends.values() for c in pair}
    columns = [c for c in found.columns if c not in hidden]
    is_number = {c: read.numeric(found[c]).notna().any() for c in columns}
    rows = [
        [(_cell(row[c]), _between(row, ends.get(c))) for c in columns]
        for row in found.head(SHOWN).to_dict("records")
    ]
    heads = [(title(c), bool(is_number[c])) for c in columns]
    return Table(name, TABLES[name], heads, rows, len(found))


def _ends(columns: list[str]) -> dict[str, tuple[str, str]]:
    """Which columns hold the interval of which."""
    found = {
        c: (f"{c}_low", f"{c}_high") for c in columns if {f"{c}_low", f"{c}_high"} <= set(columns)
    }
    if {"low", "high"} <= set(columns):
        found |= {c: ("low", "high") for c in columns if c in WITH_ENDS}
    return found


def _cell(value: Any) -> str:
    return str(value) if as_float(value) is None else number(value)


def _between(row: dict[Any, Any], ends: tuple[str, str] | None) -> str:
    if ends is None:
        return ""
    low, high = (as_float(row[c]) for c in ends)
    return "" if low is None or high is None else f"{number(low)} to {number(high)}"


def _figures(curves: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Deletion and insertion, the random order first."""
    if curves is None:
        return []
    share = read.numeric(curves["share"]).to_numpy()
    methods = [
        c.removesuffix("_deletion")
        for c in curves.columns
        if c.endswith("_deletion") and c != "random_deletion"
    ]
    figures = []
    for kind, what in (
        ("deletion", "bases replaced by shuffled ones, the highest scores first"),
        ("insertion", "bases put back into shuffled ones, the highest scores first"),
    ):
        names = [m for m in ("random", *methods[:MOST_METHODS]) if f"{m}_{kind}" in curves.columns]
        lines = [
            Line(m, share, read.numeric(curves[f"{m}_{kind}"]).to_numpy(), style=i)
            for i, m in enumerate(names, 1)
        ]
        if not lines:
            continue
        svg = chart(
            lines, name=f"trust-{kind}", x=Axis("Share of the bases", (0.0, 1.0)),
            y=Axis("Mean output"),
            description=f"{_capital(kind)} curves of {', '.join(names)}: {what}.",
        )  # fmt: skip
        figures.append({"title": _capital(kind), "svg": svg, "caption": _caption(kind, methods),
                        "legend": [(i, _name(m)) for i, m in enumerate(names, 1)]})  # fmt: skip
    return figures


def _caption(kind: str, methods: list[str]) -> str:
    falls = "below" if kind == "deletion" else "above"
    more = len(methods) - MOST_METHODS
    left = f" {plural(more, 'method')} more in the file." if more > 0 else ""
    return f"A method that says what the model does runs {falls} the random order.{left}"


def _name(method: str) -> Markup | str:
    return "random order" if method == "random" else title(method)
