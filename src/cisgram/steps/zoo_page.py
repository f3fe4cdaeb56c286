"""The page of the zoo: a table a set, read from its runs and its baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cisgram.core import files
from cisgram.core.run import Run
from cisgram.models import build, read_card
from cisgram.steps.zoo_cells import SETS, Cell

SAID = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "accuracy": "accuracy",
    "pearson": "Pearson",
    "spearman": "Spearman",
}
Shown = Mapping[str, Sequence[tuple[Cell, Run]]]


def page_of(shown: Shown) -> str:
    """Markdown: how the networks stand to the baselines, then a table a set.

    Parameters
    ----------
    shown
        The finished cells of each set, with their runs.
    """
    lines = [
        "| set | score | one motif | k-mers | best network | which | published | networks below |",
        "|---|---|---|---|---|---|---|---|",
    ]
    parts = []
    for name, cells in shown.items():
        first = SETS[name].scores[0]
        base = files.read_json(cells[0][1].path.parent / "baselines.json")
        known = {b: found["scores"][first] for b, found in base.items()}
        tests = [(files.read_json(run.path / "metrics.json")["test"], cell) for cell, run in cells]
        best, winner = max(tests, key=lambda t: t[0][first])
        below = [cell for test, cell in tests if test[first] < max(known.values())]
        published = ", ".join(f"{value:.3f}" for _, value, _ in SETS[name].published)
        lines.append(
            f"| {name} | {SAID[first]} | {known['one motif']:.3f} | {known['k-mers']:.3f} | "
            f"{scored(best, first)} | {winner.network} | {published} | "
            f"{len(below)} of {len(cells)} |"
        )
        parts += ["", *_section(name, cells, base, below)]
    return "\n".join([*lines, *parts]) + "\n"


def _section(
    name: str, cells: Sequence[tuple[Cell, Run]], base: dict[str, Any], below: Sequence[Cell]
) -> list[str]:
    of = SETS[name]
    first, second = of.scores
    summary = files.read_json(cells[0][1].path / "data" / "summary.json")
    rows = {part: summary["sets"][part]["sequences"] for part in ("train", "valid", "test")}
    lines = [
        f"## {name}", "",
        of.about + " " + ", ".join(f"{n:,} {part}" for part, n in rows.items())
        + f" sequences; {_outputs(cells[0][1])}.", "",
        f"| | {SAID[first]} (95 %) | {SAID[second]} (95 %) | training rows | epochs (best) | "
        "parameters | CPU s | MB |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for who, value, source in of.published:
        lines.append(f"| *{who}* ({source}) | {value:.3f} | | | | | | |")
    for who, found in base.items():
        test = found["scores"]
        both = f"{scored(test, first)} | {scored(test, second)}"
        lines.append(f"| *{who}* | {both} | {rows['train']:,} | | | {found['cpu_s']:.0f} | |")
    lines += [_line(cell, run, first, second) for cell, run in cells]
    said = [f"*{cell.network}* is below a baseline: {_word(cell)}" for cell in below]
    return [*lines, *(["", *said] if said else [])]


def _outputs(run: Run) -> str:
    n = len(read_card(run.member(0)).outputs)
    return "one output" if n == 1 else f"means over {n} outputs"


def _word(cell: Cell) -> str:
    return cell.word or "**nobody has looked why.**"


def _line(cell: Cell, run: Run, first: str, second: str) -> str:
    test = files.read_json(run.path / "metrics.json")["test"]
    cost = files.read_json(run.path / "cost.json")
    card = read_card(run.member(0))
    parameters = sum(p.numel() for p in build(card).parameters())
    history = run.read_table("history.tsv")
    best = int(history.loc[history["best"] == 1, "epoch"].iloc[0])
    rows = files.read_json(run.path / "data" / "summary.json")["sets"]["train"]["sequences"]
    seconds = f"{cost['cpu_s']:.0f}" + (" (resumed)" if cost["is_resumed"] else "")
    return (
        f"| {_named(cell, run)} | {scored(test, first)} | {scored(test, second)} | "
        f"{rows:,} | {len(history)} ({best}) | {parameters:,} | "
        f"{seconds} | {cost['memory'] / 1e6:,.0f} |"
    )


def _named(cell: Cell, run: Run) -> str:
    """The network, and what of it is smaller than published."""
    options = read_card(run.member(0)).options
    less = [f"{k}={options[k]}" for k in cell.reduced if options.get(k) == cell.reduced[k]]
    return cell.network + (f" ({', '.join(less)})" if less else "")


def scored(scores: Mapping[str, Any], name: str) -> str:
    """A score with its interval.

    Examples
    --------
    >>> scored({"auroc": 0.9, "auroc_interval": [0.88, 0.92]}, "auroc")
    '0.900 (0.880 to 0.920)'
    """
    value, ends = scores[name], scores.get(f"{name}_interval")
    if value is None:
        return "–"
    return f"{value:.3f}" + (f" ({ends[0]:.3f} to {ends[1]:.3f})" if ends else "")
