"""Scores of two runs: as each reports them, and paired where both saw the same sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core.seeds import generator
from cisgram.report import read
from cisgram.report.compare_pair import Pair, Verdict
from cisgram.report.compare_shared import Shared
from cisgram.report.section import Section
from cisgram.report.sections.scores import CLASSIFICATION, PROFILE, REGRESSION, SETS
from cisgram.report.text import as_float, interval, render

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Judge = Callable[[Array, Array], Callable[[NDArray[np.int64]], Array]]
AT_ONCE = 1 << 20  # rows of resamples that are looked at together
SHOWN = 40  # outputs of a table; all are in its file
SEED = 0


def scores(pair: Pair, both: Shared | str) -> Section | None:
    """Scores of every set with their intervals, then the paired differences."""
    metrics = [read.mapping(run.path / "metrics.json") for run in pair]
    reported = _reported([m or {} for m in metrics])
    paired = [] if isinstance(both, str) else differences(both)
    if not reported and not paired:
        return None
    return Section(
        render(
            "compare_scores.html",
            names=pair.names,
            reported=reported,
            paired=paired[:SHOWN],
            n_paired=len(paired),
            said=[row["verdict"].said(pair.names) for row in paired[:SHOWN]],
            both=None if isinstance(both, str) else both,
            why=both if isinstance(both, str) else "",
        ),
        tables={"scores": _reported_table(reported)}
        | ({"differences": _paired_table(paired, pair.names)} if paired else {}),
    )


def _reported(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a set and score that either run has; only what both name alike stands in one row."""
    rows = []
    for key, title in SETS.items():
        of_set: list[dict[str, Any]] = [m.get(key) or {} for m in metrics]
        for name in (*PROFILE, *CLASSIFICATION, *REGRESSION):
            if any(as_float(m.get(name)) is not None for m in of_set):
                cells = [_reported_cell(m, name) for m in of_set]
                rows.append({"set": title, "key": key, "score": name, "cells": cells})
    return rows


def _reported_cell(m: dict[str, Any], name: str) -> dict[str, Any]:
    ends = m.get(f"{name}_interval")
    both = ends if isinstance(ends, list) and len(ends) == 2 else (None, None)
    return {"value": as_float(m.get(name)), "ends": interval(ends), "low": both[0],
            "high": both[1], "n": m.get("n")}  # fmt: skip


def differences(both: Shared, *, seed: int = SEED) -> list[dict[str, Any]]:
    """Each score of both runs on the shared sequences, and first minus second.

    The sequences are resampled once for both runs and all outputs (500 times), so that what makes
    a sequence hard for both of them does not blur the difference. With several outputs the first
    rows are of the mean over outputs.

    Returns
    -------
    list of dict
        ``score``, ``output`` (``mean`` of several), ``n``, ``cells`` (value, low, high of each
        run), ``verdict`` (the difference); outputs whose labels are all alike are left out.
    """
    rows = []
    for name, judge in _judges(both).items():
        known = [t for t in range(len(both.outputs)) if _is_defined(both.y[:, t])]
        if not known:
            continue
        pairs = [judge(both.y[:, t], both.scores[i][:, t]) for i in (0, 1) for t in known]
        exact = _drawn(pairs, [np.arange(len(both.names))]).reshape(2, len(known))
        draws = _resampled(pairs, len(both.names), seed).reshape(-1, 2, len(known))
        counts = np.isfinite(both.y[:, known]).sum(0)
        if len(known) > 1:
            mean = _row(name, "mean", len(both.names), exact.mean(1), np.nanmean(draws, axis=2))
            rows.append(mean)
        rows += [
            _row(name, both.outputs[t], int(counts[k]), exact[:, k], draws[:, :, k])
            for k, t in enumerate(known)
        ]
    return rows


def _judges(both: Shared) -> dict[str, Judge]:
    """The scores of the task, for many resamples at once."""
    from cisgram.train import metrics
    from cisgram.train.resampled import any_of, auprc_of, auroc_of

    if both.is_classification:
        return {"auroc": auroc_of, "auprc": auprc_of}
    return {
        "pearson": lambda y, p: any_of(metrics.pearson, y, p),
        "spearman": lambda y, p: any_of(metrics.spearman, y, p),
    }


def _is_defined(y: Array) -> bool:
    known = y[np.isfinite(y)]
    return len(known) > 2 and bool(np.ptp(known) > 0)


def _resampled(judges: list[Any], n: int, seed: int) -> Array:
    """(resamples, judges): the same draws for all of them; those of ``metrics.json`` by number."""
    from cisgram.train.metrics import RESAMPLES

    random, step = generator(seed, "bootstrap", n), max(1, AT_ONCE // n)
    parts = []
    for first in range(0, RESAMPLES, step):
        size = min(step, RESAMPLES - first)
        parts.append(_drawn(judges, [random.integers(0, n, n) for _ in range(size)]))
    return np.concatenate(parts)


def _drawn(judges: list[Any], rows: list[NDArray[np.int64]]) -> Array:
    together = np.stack(rows)
    return np.stack([judge(together) for judge in judges], axis=1)


def _row(name: str, output: str, n: int, exact: Array, draws: Array) -> dict[str, Any]:
    """``exact`` (2,) scores and ``draws`` (resamples, 2) of one output."""
    cells = [_cell(float(v), draws[:, i]) for i, v in enumerate(exact)]
    lead = _cell(float(exact[0] - exact[1]), draws[:, 0] - draws[:, 1])
    verdict = Verdict(lead["value"], lead["low"], lead["high"])
    ends = interval([lead["low"], lead["high"]])
    return {"score": name, "output": output, "n": n, "cells": cells, "verdict": verdict,
            "ends": ends}  # fmt: skip


def _cell(value: float, draws: Array) -> dict[str, Any]:
    known = draws[np.isfinite(draws)]
    if len(known) < max(1, len(draws) / 2):
        low, high = np.nan, np.nan
    else:
        low, high = np.percentile(known, [2.5, 97.5]).tolist()
    return {"value": value, "low": low, "high": high, "ends": interval([low, high])}


def _reported_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    fields = ("value", "low", "high", "n")
    found = [(r["key"], r["score"], *(c[f] for c in r["cells"] for f in fields)) for r in rows]
    columns = [f"{run}_{f}" for run in ("first", "second") for f in fields]
    return pd.DataFrame(found, columns=["set", "score", *columns])


def _paired_table(rows: list[dict[str, Any]], names: tuple[str, str]) -> pd.DataFrame:
    import pandas as pd

    found = [
        (r["score"], r["output"], r["n"],
         *(c[f] for c in r["cells"] for f in ("value", "low", "high")),
         r["verdict"].value, r["verdict"].low, r["verdict"].high, r["verdict"].said(names))
        for r in rows
    ]  # fmt: skip
    ends = [f"{run}{e}" for run in ("first", "second", "difference") for e in ("", "_low", "_high")]
    return pd.DataFrame(found, columns=["score", "output", "n", *ends, "said"])
