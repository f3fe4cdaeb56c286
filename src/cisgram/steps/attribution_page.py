"""The page of the table of attribution methods, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cisgram.steps.planted import ELEMENTS, Truth

Row = dict[str, Any]


TITLES = {
    "grammar": f"Three motifs near each other ({', '.join(ELEMENTS)}), simulated",
    "interaction-sim": "Two words (ELF1, SIX5) together, `interaction-sim`",
}


def section_of(name: str, truth: Truth, networks: Sequence[Row], rows: Sequence[Row]) -> list[str]:
    """The lines of one set: its networks, the scores, the motifs that come back, the controls."""
    n, length = truth.codes.shape
    title = f"## {TITLES[name]}: {n} held-out positives of {length} bp"
    scores = [*_score_table(rows), "", *_recovery_table(rows), ""]
    return [title, "", *_network_table(networks), "", *scores, *_control_table(rows)]


def _network_table(rows: Sequence[Row]) -> list[str]:
    lines = [
        "| network | fitted to | parameters | test AUROC | planted pairs in its rules | rules | "
        "not planted |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        auroc = "" if r["test"] is None else f"{r['test']['auroc']:.3f}"
        rules = " |  | "
        if "pairs" in r:
            rules = f"{len(r['pairs'])} of {r['n_pairs']} | {r['n_rules']} | {r['untrue']}"
        what = r["fitted"].replace("-", " ")
        lines.append(f"| {r['network']} | {what} | {r['parameters']:,} | {auroc} | {rules} |")
    return lines


def _score_table(rows: Sequence[Row]) -> list[str]:
    """A line a method, best mean first: average precision, its interval, time a sequence."""
    mine = [r for r in rows if r["fitted"] == "labels"]
    networks = list(dict.fromkeys(r["network"] for r in mine))
    if not mine:
        return []
    found = {(r["method"], r["network"]): r for r in mine}
    best = {n: max(r.get("auprc", 0) for r in mine if r["network"] == n) for n in networks}
    means = {
        m: np.mean([found.get((m, n), {}).get("auprc", np.nan) for n in networks])
        for m in dict.fromkeys(r["method"] for r in mine)
    }
    lines = [f"| method | {' | '.join(networks)} | mean |", "|---" * (len(networks) + 2) + "|"]
    for method in sorted(means, key=lambda m: -np.nan_to_num(means[m])):
        cells = [_score_text(found.get((method, n)), best[n]) for n in networks]
        mean = "" if np.isnan(means[method]) else f"{means[method]:.3f}"  # where all are there
        lines.append(f"| {method} | {' | '.join(cells)} | {mean} |")
    scored = [r for r in mine if "auprc" in r]
    if scored:
        flat = f"{scored[0]['chance']:.3f} (share of planted bases {scored[0]['share']:.3f})"
        lines.append(f"| *chance* |{' |' * len(networks)} {flat} |")
    return lines


def _recovery_table(rows: Sequence[Row]) -> list[str]:
    """A line a method, most motifs first: planted ones that come back as patterns, and others."""
    mine = [r for r in rows if r["fitted"] == "labels" and "auprc" in r]
    networks = list(dict.fromkeys(r["network"] for r in mine))
    if not mine:
        return []
    found = {(r["method"], r["network"]): r for r in mine}
    of = {
        m: [r for r in mine if r["method"] == m] for m in dict.fromkeys(r["method"] for r in mine)
    }
    heads = " | ".join(f"motifs, sites: {n}" for n in networks)
    lines = [f"| method | {heads} | motifs | others |", "|---" * (len(networks) + 3) + "|"]
    for method in sorted(of, key=lambda m: (-_n_recovered(of[m]), _n_others(of[m]))):
        cells = [_recovered_text(found.get((method, n))) for n in networks]
        total = sum(r["n_planted"] for r in of[method])
        lines.append(
            f"| {method} | {' | '.join(cells)} | {_n_recovered(of[method])} of {total} | "
            f"{_n_others(of[method])} |"
        )
    return lines


def _n_recovered(rows: Sequence[Row]) -> int:
    return sum(len(r["recovered"]) for r in rows)


def _n_others(rows: Sequence[Row]) -> int:
    return sum(r["others"] for r in rows)


def _recovered_text(row: Row | None) -> str:
    if row is None:
        return ""
    return f"{len(row['recovered'])} of {row['n_planted']}, {row['sites']:.0%}"


def overall_table(rows: Sequence[Row]) -> list[str]:
    """A line a method, best first: its mean over every network that all methods were run on."""
    mine = [r for r in rows if r["fitted"] == "labels" and "auprc" in r]
    found = {(r["method"], r["set"], r["network"]): r["auprc"] for r in mine}
    named = list(dict.fromkeys(r["method"] for r in mine))
    places = list(dict.fromkeys((r["set"], r["network"]) for r in mine))
    shared = [p for p in places if all((m, *p) in found for m in named)]
    if len({name for name, _ in shared}) < len(TITLES):
        return []
    means = {m: float(np.mean([found[m, *p] for p in shared])) for m in named}
    best = {p: max(found[m, *p] for m in named) for p in shared}
    lines = [
        f"## Over both sets, {len(shared)} networks",
        "",
        "| method | mean | furthest below the best of a network | planted motifs | others |",
        "|---|---|---|---|---|",
    ]
    for m in sorted(means, key=lambda m: -means[m]):
        below = max(best[p] - found[m, *p] for p in shared)
        of = [r for r in mine if r["method"] == m and (r["set"], r["network"]) in shared]
        back = f"{_n_recovered(of)} of {sum(r['n_planted'] for r in of)} | {_n_others(of)}"
        lines.append(f"| {m} | {means[m]:.3f} | {below:.3f} | {back} |")
    return [*lines, ""]


def _between(row: Row | None) -> str:
    if row is None:
        return ""
    low, high = row["auprc_interval"]
    return f"{row['auprc']:.3f} ({low:.3f}-{high:.3f})"


def _score_text(row: Row | None, best: float) -> str:
    if row is None:
        return ""
    if "refused" in row:
        return "refused"
    value, interval = _between(row).split(" ")
    value = f"**{value}**" if row["auprc"] == best else value
    return f"{value} {interval}, {_time(row['seconds'])}"


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def _control_table(rows: Sequence[Row]) -> list[str]:
    """Average precision where there is nothing to explain: it must be chance."""
    mine = [r for r in rows if r["fitted"] != "labels" and "auprc" in r]
    columns = list(dict.fromkeys((r["network"], r["fitted"]) for r in mine))
    if not columns:
        return []
    found = {(r["method"], r["network"], r["fitted"]): r for r in mine}
    heads = [f"{n}, {f.replace('-', ' ')}" for n, f in columns]
    lines = [f"| method | {' | '.join(heads)} |", "|---" * (len(columns) + 1) + "|"]
    for method in dict.fromkeys(r["method"] for r in mine):
        cells = [_between(found.get((method, *c))) for c in columns]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    n_planted = sum(r["n_planted"] for r in mine)
    said = f"Planted motifs that come back from these: {_n_recovered(mine)} of {n_planted}; other "
    said += f"patterns: {_n_others(mine)}."
    chance = f"| *chance* | {mine[0]['chance']:.3f} |" + " |" * (len(columns) - 1)
    return [*lines, chance, "", said, ""]
