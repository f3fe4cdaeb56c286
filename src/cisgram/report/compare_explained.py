"""How alike the explanations of two runs are, on the sequences that both explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cisgram.report.agreement import agreement
from cisgram.report.compare_pair import Pair
from cisgram.report.curves import Axis, Line, chart
from cisgram.report.explained import Explained, explained, joined
from cisgram.report.pack import MAX_ROWS
from cisgram.report.section import Section
from cisgram.report.text import render

if TYPE_CHECKING:
    import pandas as pd
    from markupsafe import Markup

Array = NDArray[np.float64]
EACH = 5  # most and least agreeing sequences of a method
CURVES = 6  # methods in one chart: as many as there are styles


def explanations(pair: Pair) -> Section | None:
    """Rank correlation of the scores of the same bases, method by method."""
    found = [{m.name: m for m in explained(run)} for run in pair]
    if not all(found):
        return None
    shared = [n for n in found[0] if n in found[1]]
    methods = [_method(pair, found[0][n], found[1][n]) for n in shared]
    drawn = [m for m in methods if m["n"]]
    why = [(m["title"], m["why"]) for m in methods if not m["n"]]
    why += [
        (f[n].title, f"only {pair.names[i]} has it.")
        for i, f in enumerate(found)
        for n in f
        if n not in shared
    ]
    return Section(
        render("compare_explained.html", names=pair.names, methods=drawn, why=why,
               svg=_chart(drawn) if drawn else None),
        tables={"explanations": _table(drawn), "explained-sequences": _sequence_table(drawn)},
    )  # fmt: skip


def _method(pair: Pair, first: Explained, second: Explained) -> dict[str, Any]:
    """One method in both runs; ``why`` where it cannot be compared."""
    title = first.title
    if bool(first.tracks) or bool(second.tracks):
        return {"title": title, "n": 0, "why": "it scores no bases; see it in each run's page."}
    outputs = [str(m.options.get("output", m.options.get("target", ""))) for m in (first, second)]
    if outputs[0] != outputs[1]:
        said = f"the runs explain other outputs with it ({outputs[0]}; {outputs[1]})."
        return {"title": title, "n": 0, "why": said}
    rows = joined(pair.first, [first, second])
    rows = rows[(rows["row:0"] >= 0) & (rows["row:1"] >= 0)].reset_index(drop=True)
    shared, rows = len(rows), rows.head(MAX_ROWS)
    agreed = agreement(rows, [first, second]) if len(rows) else None
    r = agreed.correlation[:, 0] if agreed is not None else np.empty(0)
    known = np.flatnonzero(np.isfinite(r))
    if not len(known):
        return {"title": title, "n": 0, "why": "no sequence was explained in both runs with it."}
    order = known[np.argsort(r[known], kind="stable")]
    names = [str(name) for name in rows["name"]]
    low, middle, high = np.quantile(r[known], [0.25, 0.5, 0.75]).tolist()
    return {
        "name": first.name,
        "title": title,
        "n": len(known),
        "left_out": shared - len(rows),
        "r": r[known],
        "names": [names[k] for k in known],
        "median": middle,
        "low": low,
        "high": high,
        "least": [(names[k], float(r[k])) for k in order[:EACH]],
        "most": [(names[k], float(r[k])) for k in order[::-1][:EACH]],
        "differ": _options(first, second),
    }


def _options(first: Explained, second: Explained) -> str:
    """Options in which the two differ, which a correlation would then be about, too."""
    both = [dict(m.options.get("options", {})) for m in (first, second)]
    keys = sorted(k for k in {*both[0], *both[1]} if both[0].get(k) != both[1].get(k))
    return ", ".join(k for k in keys if k not in ("path", "why"))


def _chart(methods: list[dict[str, Any]]) -> Markup:
    """Share of the sequences up to each correlation, a line a method."""
    lines = []
    for style, m in enumerate(methods[:CURVES], 1):
        r = np.sort(m["r"])
        share = np.arange(1, len(r) + 1) / len(r)
        keep = np.unique(np.linspace(0, len(r) - 1, min(len(r), 200)).astype(int))
        x, y = np.r_[r[0], r[keep]], np.r_[0.0, share[keep]]
        lines.append(Line(m["title"], x, y, style))
    said = "; ".join(f"{m['title']} median {m['median']:.2f}" for m in methods[:CURVES])
    return chart(
        lines, name="compare-explained", x=Axis("Rank correlation"), y=Axis(
            "Share of the sequences up to it", (0.0, 1.0)),
        description=f"Agreement of explanations: {said}.",
    )  # fmt: skip


def _table(methods: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    rows = [(m["name"], m["n"], m["median"], m["low"], m["high"]) for m in methods]
    columns = ["method", "sequences", "correlation", "low_quartile", "high_quartile"]
    return pd.DataFrame(rows, columns=columns)


def _sequence_table(methods: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (m["name"], name, r)
        for m in methods
        for name, r in zip(m["names"], m["r"].tolist(), strict=True)
    ]
    return pd.DataFrame(rows, columns=["method", "name", "correlation"])
