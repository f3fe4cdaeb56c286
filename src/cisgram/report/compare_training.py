"""Training of two runs in one frame each: losses, and the score that chose the epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cisgram.report import read
from cisgram.report.compare_pair import Pair
from cisgram.report.curves import Axis, Line, chart
from cisgram.report.section import Section
from cisgram.report.text import number, plural, render
from cisgram.report.text import title as heading

if TYPE_CHECKING:
    import pandas as pd

LOSSES = (("valid_loss", "validation", (1, 2)), ("train_loss", "training", (6, 5)))


def training(pair: Pair) -> Section | None:
    """The curves of both runs overlaid; a run without ``history.tsv`` is left out and named."""
    found = [read.table(run.path / "history.tsv", needs=("epoch",)) for run in pair]
    there = [(i, t) for i, t in enumerate(found) if t is not None and len(t)]
    if not there:
        return None
    figures = [_figure(pair, there, LOSSES, "Loss", "compare-loss")]
    for column in _scores(there):
        label = heading(column.removeprefix("valid_"))
        wanted = ((column, "validation", (1, 2)),)
        figures.append(_figure(pair, there, wanted, label, f"compare-{len(figures)}"))
    absent = [pair.names[i] for i, t in enumerate(found) if t is None or not len(t)]
    return Section(
        render("compare_training.html", figures=[f for f in figures if f], absent=absent,
               losses=_losses(pair) if len(there) > 1 else ""),
        tables={"training": _table(there)},
    )  # fmt: skip


def _scores(there: list[tuple[int, pd.DataFrame]]) -> list[str]:
    """The first validation score that all the tables have."""
    columns = [c for c in there[0][1].columns if c.startswith("valid_") and c != "valid_loss"]
    return [c for c in columns if all(c in t.columns for _, t in there)][:1]


def _losses(pair: Pair) -> str:
    """A caution where the losses are not the same quantity."""
    said = []
    for run in pair:
        settings = run.read().get("settings", {})
        said.append(settings.get("train", {}).get("loss") if isinstance(settings, dict) else None)
    tasks = [(read.mapping(run.member(0) / "model.toml") or {}).get("task") for run in pair]
    if said[0] == said[1] and tasks[0] == tasks[1]:
        return ""
    return "The runs were trained with other losses or for other tasks: heights do not compare."


def _figure(
    pair: Pair,
    there: list[tuple[int, pd.DataFrame]],
    wanted: tuple[tuple[str, str, tuple[int, int]], ...],
    label: str,
    name: str,
) -> dict[str, Any] | None:
    lines, legend = [], []
    for i, table in there:
        epoch = read.numeric(table["epoch"]).to_numpy()
        for column, what, styles in wanted:
            y = read.numeric(table[column]).to_numpy() if column in table.columns else np.array([])
            if len(epoch) < 2 or not np.isfinite(y).any():
                continue
            lines.append(Line(f"{pair.names[i]} {what}", epoch, y, styles[i]))
            last = f"{what}, last {number(y[-1])} after {plural(len(epoch), 'epoch')}"
            legend.append((styles[i], pair.names[i], last))
    if not lines:
        return None
    said = f"{label} by epoch: {', '.join(line.name for line in lines)}."
    svg = chart(lines, name=name, x=Axis("Epoch"), y=Axis(label), description=said)
    return {"title": label, "svg": svg, "legend": legend}


def _table(there: list[tuple[int, pd.DataFrame]]) -> pd.DataFrame:
    import pandas as pd

    parts = [t.assign(run=("first", "second")[i]) for i, t in there]
    return pd.concat(parts, ignore_index=True)
