"""Scores: the figures with their intervals, and the curves behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from cisgram.core.run import Run
from cisgram.report import read
from cisgram.report.curves import Axis, Line, chart, thin
from cisgram.report.section import SECTIONS, Section
from cisgram.report.text import as_float, number, plural, render
from cisgram.report.text import title as heading

if TYPE_CHECKING:
    import pandas as pd

SETS = {"test": "Test", "valid": "Validation", "train": "Training"}
CLASSIFICATION = ("auroc", "auprc", "accuracy", "f1", "brier", "log_loss")
REGRESSION = ("pearson", "spearman", "r2", "mse", "deviance")
PROFILE = ("jsd", "jsd_average", "jsd_lead")
UNIT = (0.0, 1.0)
MAX_OUTPUTS = 6
"""Outputs drawn in one chart: as many as there are colors that all readers can tell apart."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with what stands under it; ``legend`` holds (style, name, value)."""

    title: str
    svg: Markup
    caption: str
    legend: list[tuple[int, str, str]]


@SECTIONS.register(title="Scores", view="overview", place=2, step="cisgram evaluate RUN")
def scores(run: Run) -> Section | None:
    """Table of every set, then ROC, precision-recall, calibration and training curves."""
    metrics = read.mapping(run.path / "metrics.json")
    predictions = read.table(
        run.path / "predictions.tsv", needs=("name", "set", "output", "label", "score")
    )
    history = read.table(run.path / "history.tsv", needs=("epoch",))
    if metrics is None and predictions is None and (history is None or not len(history)):
        return None
    metrics = metrics or {}
    rows = [(SETS[s], metrics[s]) for s in SETS if isinstance(metrics.get(s), dict)]
    names = [
        k
        for k in (*PROFILE, *CLASSIFICATION, *REGRESSION)
        if any(m.get(k) is not None for _, m in rows)
    ]
    figures = _curves(predictions) if predictions is not None else []
    figures += _calibration(metrics)
    figures += _spread(predictions) if predictions is not None else []
    figures += _history(history) if history is not None else []
    return Section(
        render(
            "scores.html", rows=rows, names=names, figures=figures, outputs=_outputs(metrics, names)
        ),
        files=("metrics.json", "predictions.tsv", "history.tsv"),
        tables={"scores": _table(metrics, names)} if names else {},
    )


def _table(metrics: dict[str, Any], names: list[str]) -> pd.DataFrame:
    """One row a set, output and score; ``mean`` where a set has several outputs."""
    import pandas as pd

    rows = []
    for key in SETS:
        of_set = metrics.get(key)
        if not isinstance(of_set, dict):
            continue
        each = of_set.get("per_output") or []
        parts = [(str(m.get("output", "")), m) for m in each]
        if len(each) != 1:
            parts.insert(0, ("mean", of_set))
        for output, m in parts:
            for name in names:
                low, high = m.get(f"{name}_interval") or (None, None)
                if m.get(name) is not None:
                    rows.append((key, output, name, m[name], low, high, m.get("n")))
    return pd.DataFrame(rows, columns=["set", "output", "score", "value", "low", "high", "n"])


def _outputs(metrics: dict[str, Any], names: list[str]) -> tuple[str, list[dict[str, Any]]]:
    for key, title in SETS.items():
        of_set = metrics.get(key)
        per_output = of_set.get("per_output") if isinstance(of_set, dict) else None
        if per_output and len(per_output) > 1 and names:
            return title, per_output
    return "", []


def _curves(predictions: pd.DataFrame) -> list[Figure]:
    """ROC and precision-recall of the sets (one output) or of the outputs (one set)."""
    lines = _scored(predictions)
    if not lines:
        return _scatter(predictions)
    from sklearn import metrics

    roc, pr, roc_legend, pr_legend = [], [], [], []
    for i, (name, label, score) in enumerate(lines, 1):
        fpr, tpr, _ = metrics.roc_curve(label, score)
        precision, recall, _ = metrics.precision_recall_curve(label, score)
        roc.append(Line(name, *thin(fpr, tpr), style=i))
        pr.append(Line(name, *thin(recall[::-1], precision[::-1]), style=i))
        roc_legend.append((i, name, f"AUROC {number(metrics.roc_auc_score(label, score))}"))
        pr_legend.append(
            (i, name, f"AUPRC {number(metrics.average_precision_score(label, score))}")
        )
    first, label, _ = lines[0]
    n = f"{first}: {plural(len(label), 'sequence')}, {int(label.sum()):,} positive"
    prevalence = float(label.mean())
    return [
        Figure(
            "ROC curve",
            chart(
                roc, name="roc", x=Axis("False positive rate", UNIT),
                y=Axis("True positive rate", UNIT), diagonal=True,
                description=f"ROC curve. {'; '.join(f'{a}: {v}' for _, a, v in roc_legend)}.",
            ),
            f"{n}. Dashed: chance.",
            roc_legend,
        ),
        Figure(
            "Precision and recall",
            chart(
                pr, name="pr", x=Axis("Recall", UNIT), y=Axis("Precision", UNIT),
                level=prevalence,
                description=f"Precision-recall. {'; '.join(f'{a}: {v}' for _, a, v in pr_legend)}.",
            ),
            f"{n}. Dashed: prevalence {number(prevalence)}, the precision of guessing.",
            pr_legend,
        ),
    ]  # fmt: skip


def _spread(predictions: pd.DataFrame) -> list[Figure]:
    """Where the scores of positives and of negatives lie, for one output."""
    lines = _scored(predictions)
    if not lines or predictions["output"].nunique() > 1:
        return []
    name, label, score = lines[0]
    bins = int(np.clip(np.sqrt(len(score)), 8, 24))
    edges = np.linspace(score.min(), score.max() + 1e-9, bins + 1)
    drawn, legend = [], []
    for style, wanted, title in ((1, 1, "Positive"), (2, 0, "Negative")):
        of_class = score[label == wanted]
        share = np.histogram(of_class, edges)[0] / len(of_class)
        x = np.repeat(edges, 2)
        y = np.concatenate([[0], np.repeat(share, 2), [0]])
        drawn.append(Line(title, x, y, style=style))
        legend.append((style, title, f"median {number(np.median(of_class))}"))
    svg = chart(
        drawn, name="spread", x=Axis("Score"), y=Axis("Share of its class"),
        description="Distribution of the scores of positives and of negatives.",
    )  # fmt: skip
    return [Figure("Scores by class", svg, f"{name}: the less they overlap, the better.", legend)]


Scored = tuple[str, np.ndarray[Any, Any], np.ndarray[Any, Any]]


def _scored(predictions: pd.DataFrame) -> list[Scored]:
    """(name, 0/1 labels, scores) of each line that has both classes; empty for regression."""
    label, score = read.numeric(predictions["label"]), read.numeric(predictions["score"])
    good = label.notna() & score.notna()
    if not good.any() or not label[good].isin([0, 1]).all():
        return []
    by_set = list(dict.fromkeys(predictions["set"]))
    outputs = list(dict.fromkeys(predictions["output"]))
    held_out = next((s for s in SETS if s in by_set), None)
    if len(outputs) > 1:
        parts = [
            (o, (predictions["set"] == held_out) & (predictions["output"] == o)) for o in outputs
        ]
    else:
        parts = [(SETS[s], predictions["set"] == s) for s in SETS if s in by_set]
    found = []
    for name, chosen in parts:
        y, s = label[chosen & good].to_numpy(), score[chosen & good].to_numpy()
        if len(np.unique(y)) == 2:
            found.append((str(name), y, s))
    return found[:MAX_OUTPUTS]


def _scatter(predictions: pd.DataFrame) -> list[Figure]:
    """Prediction against measurement, for regression; at most 1,500 dots."""
    held_out = next((s for s in SETS if s in set(predictions["set"])), None)
    rows = predictions[predictions["set"] == held_out]
    label, score = read.numeric(rows["label"]), read.numeric(rows["score"])
    good = (label.notna() & score.notna()).to_numpy()
    if held_out is None or good.sum() < 2:
        return []
    x, y = label[good].to_numpy(), score[good].to_numpy()
    kept = np.linspace(0, len(x) - 1, min(len(x), 1500)).astype(int)
    span = (float(min(x.min(), y.min())), float(max(x.max(), y.max())))
    span = span if span[1] > span[0] else (span[0] - 0.5, span[1] + 0.5)
    dots = Line("dots", x[kept], y[kept], sizes=[1.8] * len(kept), joined=False)
    svg = chart(
        [dots], name="scatter", x=Axis("Measured", span), y=Axis("Predicted", span), diagonal=True,
        description=f"Predicted against measured, {plural(len(x), 'value')}.",
    )  # fmt: skip
    caption = f"{SETS[held_out]}: {plural(len(x), 'value')}, {len(kept):,} drawn. Dashed: y = x."
    return [Figure("Predicted and measured", svg, caption, [])]


def _calibration(metrics: dict[str, Any]) -> list[Figure]:
    lines, legend = [], []
    for i, (key, title) in enumerate(SETS.items(), 1):
        of_set = metrics.get(key)
        bins = of_set.get("calibration") if isinstance(of_set, dict) else None
        if not isinstance(of_set, dict) or not bins or key == "train":
            continue
        most = max(as_float(b.get("n")) or 1 for b in bins)
        sizes = [1.5 + 3.5 * ((as_float(b.get("n")) or 0) / most) ** 0.5 for b in bins]
        x, y = ([_or_nan(b.get(k)) for b in bins] for k in ("predicted", "observed"))
        lines.append(Line(title, x, y, style=i, sizes=sizes))
        legend.append((i, title, f"Brier {number(of_set.get('brier'))}"))
    if not lines:
        return []
    svg = chart(
        lines, name="calibration", x=Axis("Predicted probability", UNIT),
        y=Axis("Observed share of positives", UNIT), diagonal=True,
        description="Calibration: observed share of positives against predicted probability.",
    )  # fmt: skip
    caption = "Dot size: sequences in the bin. On the dashed line a probability means what it says."
    return [Figure("Calibration", svg, caption, legend)]


def _or_nan(value: Any) -> float:
    v = as_float(value)
    return np.nan if v is None else v


def _history(history: pd.DataFrame) -> list[Figure]:
    """Losses, and the validation score that the table carries."""
    epoch = read.numeric(history["epoch"]).to_numpy()
    if len(epoch) < 2:
        return []
    losses = [("valid_loss", "Validation loss", 1), ("train_loss", "Training loss", 2)]
    found = [_epochs(history, losses, name="loss", label="Loss", title="Training: loss")]
    for column in [c for c in history.columns if c.startswith("valid_") and c != "valid_loss"][:1]:
        label = heading(column.removeprefix("valid_"))
        wanted = [(column, f"Validation {label}", 1)]
        found.append(_epochs(history, wanted, name="gain", label=label, title=f"Training: {label}"))
    return [f for f in found if f is not None]


def _epochs(
    history: pd.DataFrame, wanted: list[tuple[str, str, int]], *, name: str, label: str, title: str
) -> Figure | None:
    epoch = read.numeric(history["epoch"]).to_numpy()
    there = [
        (read.numeric(history[c]).to_numpy(), t, i) for c, t, i in wanted if c in history.columns
    ]
    lines = [Line(t, epoch, y, style=i) for y, t, i in there if np.isfinite(y).any()]
    if not lines:
        return None
    svg = chart(
        lines, name=name, x=Axis("Epoch"), y=Axis(label),
        description=f"{label} by epoch: {', '.join(line.name for line in lines)}.",
    )  # fmt: skip
    legend = [(line.style, line.name, f"last {number(np.asarray(line.y)[-1])}") for line in lines]
    return Figure(title, svg, f"{plural(len(epoch), 'epoch')}.", legend)
