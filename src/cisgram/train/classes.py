"""Scores of a label that is one of several classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core.seeds import generator
from cisgram.train import metrics
from cisgram.train.tasks import scores_of

Array = NDArray[np.float64]
Index = NDArray[np.int64]
TINY = 1e-15


def macro_f1(truth: Index, called: Index) -> float:
    """Mean over classes of F1 = 2 TP / (2 TP + FP + FN); classes never true nor called left out.

    Examples
    --------
    >>> round(macro_f1(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])), 4)
    0.7778
    """
    n = int(max(truth.max(), called.max())) + 1
    right = np.bincount(truth[truth == called], minlength=n)
    both = np.bincount(truth, minlength=n) + np.bincount(called, minlength=n)
    return float((2 * right[both > 0] / both[both > 0]).mean())


def macro_auroc(y: Array, scores: Array) -> float:
    """Mean over classes of the AUROC of a class against the rest; NaN where no class has both.

    Parameters
    ----------
    y, scores
        (n, t) one-hot labels and `scores_of` a multiclass task.
    """
    found = [
        metrics.auroc(column, score)
        for column, score in zip(y.T, scores.T, strict=True)
        if np.ptp(column) > 0
    ]
    return float(np.mean(found)) if found else float("nan")


def evaluate_classes(
    y: Array,
    out: Array,
    *,
    outputs: Sequence[str],
    probabilities: Array | None = None,
    seed: int = 0,
    intervals: bool = True,
) -> dict[str, Any]:
    """Accuracy, macro AUROC, macro F1 and log loss; ``per_output`` each class against the rest.

    Parameters
    ----------
    y, out
        (n, t) one-hot labels, NaN in rows whose label is missing, and logits.
    outputs
        Names of the t classes.
    probabilities
        (n, t) calibrated ones; by default the softmax of the logits.
    seed
        Of the bootstrap over sequences.
    intervals
        False leaves them out.
    """
    known = ~np.isnan(y).any(1)
    scores = scores_of(out[known], "multiclass")
    p = metrics.sigmoid(scores) if probabilities is None else probabilities[known]
    y, out = y[known], out[known]
    found: dict[str, Any] = {"n": len(y), "classes": len(outputs)}
    truth, called = y.argmax(1), out.argmax(1)
    measures: dict[str, Callable[[Index], float]] = {
        "accuracy": lambda rows: float((truth[rows] == called[rows]).mean()),
        "auroc": lambda rows: macro_auroc(y[rows], scores[rows]),
        "f1": lambda rows: macro_f1(truth[rows], called[rows]),
        "log_loss": lambda rows: _log_loss(p[rows, truth[rows]]),
    }
    for name, measure in measures.items():
        value = measure(np.arange(len(y))) if len(y) else float("nan")
        found[name] = value if np.isfinite(value) else None
        if intervals:
            found[f"{name}_interval"] = _interval(measure, len(y), seed=seed) if len(y) else None
    found["per_output"] = [
        {"output": name}
        | metrics.evaluate_output(
            y[:, i],
            scores[:, i],
            task="classification",
            threshold=0.5,
            seed=seed,
            intervals=intervals,
            probability=p[:, i],
        )
        | {"f1": _class_f1(truth == i, called == i)}
        for i, name in enumerate(outputs)
    ]
    return found


def _log_loss(p: Array) -> float:
    """Mean of -log of the probability of the true class."""
    return float(-np.log(np.maximum(p, TINY)).mean())


def _class_f1(true: NDArray[np.bool_], called: NDArray[np.bool_]) -> float | None:
    n = int(true.sum() + called.sum())
    return 2 * int((true & called).sum()) / n if n else None


def _interval(measure: Callable[[Index], float], n: int, *, seed: int) -> list[float] | None:
    random = generator(seed, "bootstrap", n)
    drawn = [measure(random.integers(0, n, n)) for _ in range(metrics.RESAMPLES)]
    finite = [value for value in drawn if np.isfinite(value)]
    if len(finite) < metrics.RESAMPLES / 2:
        return None
    low, high = np.percentile(finite, [2.5, 97.5])
    return [float(low), float(high)]
