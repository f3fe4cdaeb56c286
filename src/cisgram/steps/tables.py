"""Markdown tables of benchmark results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core.seeds import generator

RESAMPLES = 1000


def score_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """One line a cell: published and measured scores with their intervals, sizes, seconds."""
    lines = [
        "| set | network | published AUROC | AUROC (95 %) | AUPRC (95 %) | validation AUROC | "
        "training positives | parameters | seconds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        published = "" if r["published"] is None else f"{r['published']:.3f}"
        lines.append(
            f"| {r['experiment']} | {r['network']} | {published} | "
            f"{_between(r['auroc'], r['auroc_interval'])} | "
            f"{_between(r['auprc'], r['auprc_interval'])} | {r['valid_auroc']:.3f} | "
            f"{'' if r['positives'] is None else format(r['positives'], ',')} | "
            f"{r['parameters']:,} | {_seconds(r['seconds'])} |"
        )
    return lines


def _between(value: float, ends: Sequence[float] | None) -> str:
    return f"{value:.3f}" + (f" ({ends[0]:.3f}-{ends[1]:.3f})" if ends else "")


def mean_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Mean scores by network over the sets that all of them have."""
    networks = list(dict.fromkeys(r["network"] for r in rows))
    if not networks:
        return []
    lines = [
        "| network | sets | mean AUROC | mean AUPRC | mean validation AUROC |",
        "|---|---|---|---|---|",
    ]
    shared = set.intersection(
        *({r["experiment"] for r in rows if r["network"] == n} for n in networks)
    )
    for network in networks:
        mine = [r for r in rows if r["network"] == network and r["experiment"] in shared]
        if mine:
            means = [
                f"{np.mean([r[k] for r in mine]):.4f}" for k in ("auroc", "auprc", "valid_auroc")
            ]
            lines.append(f"| {network} | {len(mine)} | {' | '.join(means)} |")
    return [*lines, ""]


def _seconds(seconds: float | None) -> str:
    return "resumed" if seconds is None else f"{seconds:.0f}"


def mean_interval(
    values: Sequence[float] | NDArray[np.float64], purpose: str
) -> tuple[float, float]:
    """95 % bootstrap interval of a mean: the percentiles of 1,000 resamples.

    Parameters
    ----------
    values
        (n,) one value a sequence, set, neuron or whatever could have been drawn otherwise.
    purpose
        Of the random numbers, as in `cisgram.core.seeds.generator`.

    Examples
    --------
    >>> mean_interval([0.5, 0.5, 0.5], "example")
    (0.5, 0.5)
    """
    each = np.asarray(values, dtype=np.float64)
    random = generator(0, purpose, len(each))
    means = each[random.integers(0, len(each), (RESAMPLES, len(each)))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def share_interval(k: int, n: int) -> tuple[float, float]:
    """Exact 95 % interval (Clopper and Pearson) of a share, k of n.

    Examples
    --------
    >>> [round(v, 3) for v in share_interval(18, 20)]
    [0.683, 0.988]
    """
    from scipy.stats import binomtest

    ends = binomtest(k, n).proportion_ci()
    return float(ends.low), float(ends.high)
