"""The page of Table 4 in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cisgram.steps.tables import mean_interval

Row = dict[str, Any]
NETWORKS = ("demo-cnn", "demo-rnn", "demo-cnn-rnn")
# name of a reading, what it is, and the published shares by network
WINDOWS: tuple[tuple[str, str, tuple[float | None, ...]], ...] = (
    ("saliency", "saliency, as published", (0.488, 0.277, 0.336)),
    ("saliency-corrected", "saliency of the output, corrected", (None, None, None)),
    ("activation", "convolution activation, the strongest filter", (0.347, None, 0.148)),
    ("activation-sum", "convolution activation, the strongest sum over filters", (None,) * 3),
    ("temporal", "temporal, forwards, as published", (None, 0.107, 0.226)),
    ("temporal-both", "temporal, both directions, in logits", (None, None, None)),
)
SITE = ("site", "the best site of the factor's own matrix")  # no reading of a network
OPTIMA: tuple[tuple[str, int, str, tuple[float | None, ...]], ...] = (
    ("published", 1, "class optimization, as published", (0.33, 0.19, 0.23)),
    ("letters", 1, "class optimization by letters, the strongest motif", (None, None, None)),
    ("letters", 3, "class optimization by letters, any of the first three", (None, None, None)),
)
HEAD = (
    "| method | network | sets | published | own or family matrix | 95 % over sets | own matrix | "
    "letters in another order | other factors | q < 0.5 | letters in another order |"
)


def page_of(
    rows: Sequence[Row], sizes: Mapping[str, tuple[int, int]], *, sets: Sequence[str]
) -> str:
    """Means over sets, then one line a set and network, then what counts for each factor."""
    shared = _shared(rows)
    missing = [name for name in sets if name not in shared]
    lines = [
        "## Means over the sets that all three networks were measured on",
        "",
        f"{len(shared)} sets: {', '.join(shared) or 'none'}."
        + (f" Not measured on all three: {', '.join(missing)}." if missing else ""),
        "",
        HEAD,
        "|---" * 11 + "|",
    ]
    inside = [r for r in rows if r["set"] in shared]
    for key, title, published in WINDOWS:
        lines += _lines(inside, title, published, _window(key))
    key, title = SITE
    once = [_window(key)(r) for r in inside if r["network"] == NETWORKS[0]]  # alike for all
    lines += _line(title, "none", None, once)
    for key, first, title, published in OPTIMA:
        lines += _lines(inside, title, published, _optimum(key, first))
    lines += ["", "## Every set", "", *_sets(rows)]
    return "\n".join([*lines, "", "## What counts", "", *_accepted(sizes), ""])


def _shared(rows: Sequence[Row]) -> list[str]:
    names = dict.fromkeys(r["set"] for r in rows)
    has = {(r["set"], r["network"]) for r in rows if "windows" in r}
    return [name for name in names if all((name, n) in has for n in NETWORKS)]


def _window(key: str) -> Callable[[Row], Row | None]:
    def of(row: Row) -> Row | None:
        found: Row | None = row.get("windows", {}).get(key)
        return found

    return of


def _optimum(key: str, first: int) -> Callable[[Row], Row | None]:
    """A hit is one of the first motifs; chance is that of all of them together."""

    def of(row: Row) -> Row | None:
        if "optimum" not in row:
            return None
        head = row["optimum"][key][:first]
        hit = {k: float(any(m[k] for m in head)) for k in ("own", "family")}
        chance = {k: 1 - float(np.prod([1 - m[k] for m in head])) for k in ("shuffled", "others")}
        return hit | chance

    return of


def _lines(
    rows: Sequence[Row],
    title: str,
    published: Sequence[float | None],
    of: Callable[[Row], Row | None],
) -> list[str]:
    lines = []
    for network, before in zip(NETWORKS, published, strict=True):
        found = [of(r) for r in rows if r["network"] == network]
        lines += _line(title, network, before, found)
    return lines


def _line(
    title: str, network: str, published: float | None, found: Sequence[Row | None]
) -> list[str]:
    """Means over what was measured: one line, or none."""
    given = [f for f in found if f is not None]
    if not given:
        return []
    mean = {k: np.mean([f[k] for f in given]) for k in given[0]}
    low, high = mean_interval([f["family"] for f in given], "bootstrap over sets")
    return [
        f"| {title} | {network} | {len(given)} | {_percent(published)} | "
        f"**{_percent(mean['family'])}** | {100 * low:.0f}-{100 * high:.0f} % | "
        f"{_percent(mean['own'])} | "
        f"{_percent(mean['shuffled'])} | {_percent(mean['others'])} | "
        f"{_percent(mean.get('loose'))} | {_percent(mean.get('loose_shuffled'))} |"
    ]


def _sets(rows: Sequence[Row]) -> list[str]:
    short = ("best site", "saliency", "corrected", "activation", "sum", "temporal", "both")
    lines = [
        "| set | network | AUROC | " + " | ".join(short) + " | as published | by letters |",
        "|---|---|---|" + "---|" * (len(short) + 2),
    ]
    for r in rows:
        shares = [_window(key)(r) for key in (SITE[0], *(w[0] for w in WINDOWS))]
        cells = [_percent(s["family"] if s else None) for s in shares]
        optimum = r.get("optimum", {"published": [], "letters": []})
        dense, letters = optimum["published"], optimum["letters"]
        best = [f"`{m['consensus']}`" + (" ✓" if m["family"] else "") for m in letters[:1]]
        lines.append(
            f"| {r['set']} | {r['network']} | {r['auroc']:.3f} | {' | '.join(cells)} | "
            f"{'✓' if dense and dense[0]['family'] else ''} | {', '.join(best)} |"
        )
    return lines


def _accepted(sizes: Mapping[str, tuple[int, int]]) -> list[str]:
    lines = ["| factor | matrices with its name | with its family's |", "|---|---|---|"]
    return [*lines, *(f"| {f} | {own} | {family} |" for f, (own, family) in sorted(sizes.items()))]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"
