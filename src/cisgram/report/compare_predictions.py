"""Predictions of two runs, sequence by sequence: agreement, and where they disagree most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cisgram.report.compare_pair import Pair
from cisgram.report.compare_shared import Shared, threshold
from cisgram.report.curves import Axis, Line, chart
from cisgram.report.section import Section
from cisgram.report.text import number, plural, render

if TYPE_CHECKING:
    import pandas as pd
    from markupsafe import Markup

Array = NDArray[np.float64]
DOTS = 1500  # drawn of a scatter
OUTPUTS = 4  # outputs that are drawn; all are in the tables
MOST = 12  # sequences of a list
CALLS = (("both right", True, True), ("first alone right", True, False),
         ("second alone right", False, True), ("both wrong", False, False))  # fmt: skip


def predictions(
    pair: Pair, both: Shared | str, *, bases: tuple[str, str] = ("", "")
) -> Section | None:
    """Of each shared output a scatter, the calls crossed, and the strongest disagreements.

    ``bases`` are the addresses of the pages of both runs, where there are such pages.
    """
    if isinstance(both, str):
        return None
    outputs = [_output(pair, both, t) for t in range(len(both.outputs)) if _finite(both, t).any()]
    if not outputs:
        return None
    drawn = [o | {"svg": _scatter(pair, o, f"agree-{i}")} for i, o in enumerate(outputs[:OUTPUTS])]
    return Section(
        render("compare_predictions.html", names=pair.names, outputs=drawn, n=len(outputs),
               of=both.of, bases=bases),
        tables={
            "agreement": _agreement_table(outputs),
            "disagreements": _disagreement_table(outputs),
        },
    )  # fmt: skip


def _finite(both: Shared, t: int) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(both.scores[:, :, t]).all(0))


def _output(pair: Pair, both: Shared, t: int) -> dict[str, Any]:
    there = _finite(both, t)
    names = [name for name, kept in zip(both.names, there, strict=True) if kept]
    scores, y = both.scores[:, there, t], both.y[there, t]
    chances = both.probabilities[:, there, t]
    return {
        "output": both.outputs[t],
        "names": names,
        "scores": scores,
        "y": y,
        "correlation": _spearman(scores),
        "calls": _calls(pair, both, t, chances, y) if both.is_classification else None,
        "most": _disagreements(names, scores, y, chances),
    }


def _spearman(scores: Array) -> float:
    from scipy.stats import spearmanr

    if scores.shape[1] < 3 or not np.ptp(scores, axis=1).all():
        return float("nan")
    return float(spearmanr(scores[0], scores[1]).statistic)


def _calls(pair: Pair, both: Shared, t: int, chances: Array, y: Array) -> dict[str, Any] | None:
    """Sequences that both, one or none of the runs calls rightly, each at its own threshold."""
    from scipy.stats import binomtest

    known = np.isfinite(y) & np.isfinite(chances).all(0)
    if not known.any():
        return None
    cuts = [threshold(run, both.of, both.outputs[t]) for run in pair]
    right = [(chances[i, known] > cuts[i]) == (y[known] > 0.5) for i in (0, 1)]
    counts = {
        said: int(((right[0] == one) & (right[1] == other)).sum()) for said, one, other in CALLS
    }
    alone = counts["first alone right"], counts["second alone right"]
    p = float(binomtest(alone[0], sum(alone)).pvalue) if sum(alone) else 1.0
    return {"counts": counts, "cuts": cuts, "n": int(known.sum()), "p": p}


def _disagreements(names: list[str], scores: Array, y: Array, chances: Array) -> list[Any]:
    """Sequences whose places in the two orders lie farthest apart.

    Places rather than scores: the scale of a logit is the network's own.
    """
    from scipy.stats import rankdata

    place = rankdata(scores, axis=1) / scores.shape[1]
    apart = place[0] - place[1]
    order = np.argsort(-np.abs(apart), kind="stable")[:MOST]
    return [
        {
            "name": names[i],
            "label": "–" if np.isnan(y[i]) else f"{y[i]:g}",
            "scores": scores[:, i].tolist(),
            "chances": chances[:, i].tolist(),
            "places": place[:, i].tolist(),
            "apart": float(apart[i]),
        }
        for i in order.tolist()
        if apart[i] != 0
    ]


def _scatter(pair: Pair, o: dict[str, Any], name: str) -> Markup:
    """First against second; classes in two styles where there are classes."""
    x, y = o["scores"]
    groups = [("dots", np.ones(len(x), bool), 1)]
    if o["calls"]:
        groups = [("positive", o["y"] > 0.5, 1), ("negative", o["y"] <= 0.5, 2)]
    lines = []
    for label, chosen, style in groups:
        at = np.flatnonzero(chosen)
        at = at[np.linspace(0, len(at) - 1, min(len(at), DOTS // len(groups))).astype(int)]
        lines.append(Line(label, x[at], y[at], style, [1.8] * len(at), joined=False))
    said = f"Scores of {pair.names[1]} against {pair.names[0]}, {plural(len(x), 'sequence')}; "
    said += f"rank correlation {number(o['correlation'])}."
    return chart(
        lines, name=name, x=Axis(_axis(pair.names[0])), y=Axis(_axis(pair.names[1])),
        description=said, legend=len(lines) > 1,
    )  # fmt: skip


def _axis(name: str, most: int = 36) -> str:
    """A run's name as the label of an axis, its end kept: that is where seeds differ."""
    return name if len(name) <= most else "…" + name[-most + 1 :]


def _agreement_table(outputs: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (o["output"], len(o["names"]), o["correlation"],
         *([*o["calls"]["counts"].values(), o["calls"]["p"]] if o["calls"] else [None] * 5))
        for o in outputs
    ]  # fmt: skip
    calls = [said.replace(" ", "_") for said, _, _ in CALLS]
    columns = ["output", "sequences", "rank_correlation", *calls, "mcnemar_p"]
    return pd.DataFrame(rows, columns=columns)


def _disagreement_table(outputs: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (o["output"], m["name"], m["label"], *m["scores"], *m["chances"], *m["places"], m["apart"])
        for o in outputs
        for m in o["most"]
    ]
    both = [f"{run}_{f}" for f in ("score", "probability", "place") for run in ("first", "second")]
    return pd.DataFrame(rows, columns=["output", "name", "label", *both, "places_apart"])
