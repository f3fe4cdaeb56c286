"""Scores of predictions against labels, with bootstrap intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.seeds import generator
from cisgram.train.resampled import Resampled, any_of, auprc_of, auroc_of

Array = NDArray[np.float64]
Score = Callable[[Array, Array], float]
RESAMPLES = 500
AT_ONCE = 1 << 20  # rows of resamples that are looked at together
BINS = 10
LARGEST = 80.0  # log rate, so that no exponential overflows


def sigmoid(logits: Array) -> Array:
    """Probability of a logit."""
    from scipy.special import expit

    return np.asarray(expit(logits), dtype=np.float64)


def auroc(y: Array, score: Array) -> float:
    """Area under the ROC curve; ties count one half (mid-ranks).

    Examples
    --------
    >>> auroc(np.array([0., 1, 1]), np.array([.1, .1, .9]))
    0.75
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y, score))


def auprc(y: Array, score: Array) -> float:
    """Average precision: area under the precision-recall curve without interpolation."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(y, score))


AT_ONCE_BY: dict[Score, Callable[[Array, Array], Resampled]] = {auroc: auroc_of, auprc: auprc_of}


def brier(y: Array, probability: Array) -> float:
    """Mean squared difference of probability and label."""
    return float(np.mean((probability - y) ** 2))


def pearson(y: Array, score: Array) -> float:
    """Pearson correlation; NaN where one side is constant."""
    if not (np.ptp(y) and np.ptp(score)):
        return math.nan
    return float(np.corrcoef(y, score)[0, 1])


def spearman(y: Array, score: Array) -> float:
    """Spearman rank correlation; NaN where one side is constant."""
    from scipy.stats import spearmanr

    if not (np.ptp(y) and np.ptp(score)):
        return math.nan
    return float(spearmanr(y, score).statistic)


def mse(y: Array, score: Array) -> float:
    """Mean squared error."""
    return float(np.mean((y - score) ** 2))


def r2(y: Array, score: Array) -> float:
    """Share of the variance of y that is explained; may be negative."""
    from sklearn.metrics import r2_score

    return float(r2_score(y, score))


def deviance(y: Array, log_rate: Array) -> float:
    """Mean Poisson deviance of counts, 2 (y log(y / m) - y + m), m the exponential of the output.

    Examples
    --------
    >>> deviance(np.array([0.0, 2.0]), np.log([1.0, 2.0]))
    1.0
    """
    from scipy.special import xlogy

    return float(2 * np.mean(xlogy(y, y) - y * log_rate - y + np.exp(log_rate)))


def best_threshold(y: Array, probability: Array) -> float:
    """The probability above which calling "bound" is right most often.

    Halfway between two neighboring predictions; of several equally good, the one nearest 0.5.
    """
    order = np.argsort(probability, kind="stable")
    p, label = probability[order], y[order] > 0.5
    right = np.r_[label.sum(), label.sum() + np.cumsum(np.where(label, -1, 1))]
    edges = np.r_[p[0] - 1e-6, (p[1:] + p[:-1]) / 2, p[-1] + 1e-6]
    usable = np.r_[True, p[1:] > p[:-1], True]  # a threshold cannot part equal predictions
    best = np.flatnonzero(usable & (right == right[usable].max()))
    return float(np.clip(edges[best[np.abs(edges[best] - 0.5).argmin()]], 0.0, 1.0))


def calibration(y: Array, probability: Array) -> list[dict[str, float]]:
    """Mean prediction and observed share in ten bins of equal width; empty ones are left out."""
    which = np.minimum((probability * BINS).astype(int), BINS - 1)
    return [
        {
            "predicted": float(probability[which == b].mean()),
            "observed": float(y[which == b].mean()),
            "n": int((which == b).sum()),
        }
        for b in range(BINS)
        if (which == b).any()
    ]


def interval(score: Score, y: Array, prediction: Array, *, seed: int) -> list[float] | None:
    """95 % bootstrap interval (percentiles of 500 resamples of the sequences).

    ``None`` where fewer than half of the resamples have a score.
    """
    return mean_interval([(score, prediction)], y[:, None], seed=seed)


def mean_interval(
    scores: Sequence[tuple[Score, Array]], y: Array, *, seed: int
) -> list[float] | None:
    """95 % bootstrap interval of the mean of a score over outputs.

    The sequences are resampled once for all outputs, whose errors are correlated; the mean of a
    resample is over the outputs whose score it defines.

    Parameters
    ----------
    scores
        t pairs of the score and the predictions (n,) that it judges.
    y
        (n, t) labels; NaN where one is missing.
    seed
        Of the bootstrap.
    """
    random, n = generator(seed, "bootstrap", len(y)), len(y)
    judges = [_resampled(*pair, column) for pair, column in zip(scores, y.T, strict=True)]
    values = np.full((RESAMPLES, len(scores)), np.nan)
    step = max(1, AT_ONCE // max(n, 1))
    for first in range(0, RESAMPLES, step):
        last = min(first + step, RESAMPLES)
        rows = np.stack([random.integers(0, n, n) for _ in range(first, last)])
        for i, judge in enumerate(judges):
            values[first:last, i] = judge(rows)
    values[~np.isfinite(values)] = np.nan
    defined = ~np.isnan(values).all(1)
    if defined.sum() < RESAMPLES / 2:
        return None
    means = np.nanmean(values[defined], axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return [float(low), float(high)]


def _resampled(score: Score, prediction: Array, y: Array) -> Resampled:
    """The score of many resamples: those that can be had at once by counting, others one by one."""
    if score in AT_ONCE_BY:
        return AT_ONCE_BY[score](y, prediction)
    return any_of(score, y, prediction)


def evaluate_output(
    y: Array,
    out: Array,
    *,
    task: str,
    threshold: float | None,
    seed: int,
    intervals: bool = True,
    probability: Array | None = None,
) -> dict[str, Any]:
    """Scores of one output; rows without a label are left out.

    Parameters
    ----------
    y, out
        (n,) labels and model outputs (logits for ``classification``, log rates for ``counts``).
    task
        ``classification``, ``regression`` or ``counts``.
    threshold
        Probability above which a sequence counts as bound; chosen on these data when None.
    seed
        Of the bootstrap.
    intervals
        False leaves them out.
    probability
        (n,) for ``classification``; by default the sigmoid of the outputs.
    """
    known = ~np.isnan(y)
    p = sigmoid(out) if probability is None else probability
    y, out, p = y[known].astype(np.float64), out[known].astype(np.float64), p[known]
    found: dict[str, Any] = {"n": len(y)}
    cut = 0.5
    if task == "classification":
        both = len(y) > 0 and np.ptp(y) > 0
        cut = threshold if threshold is not None else best_threshold(y, p) if both else 0.5
        found |= {"n_positive": int((y > 0.5).sum()), "threshold": cut}
    scores = _scores(out, p, task, cut)
    defined = len(y) > 1 and np.ptp(y) > 0
    for name, (score, prediction) in scores.items():
        found[name] = _finite(score(y, prediction)) if defined else None
        if intervals:
            found[f"{name}_interval"] = (
                interval(score, y, prediction, seed=seed) if defined else None
            )
    if task == "classification" and len(y):
        found["calibration"] = calibration(y, p)
    return found


def _scores(out: Array, p: Array, task: str, cut: float) -> dict[str, tuple[Score, Array]]:
    """The scores of a task, each with the predictions that it judges."""
    if task == "regression":
        return {
            "pearson": (pearson, out),
            "spearman": (spearman, out),
            "mse": (mse, out),
            "r2": (r2, out),
        }
    if task == "counts":
        return {
            "pearson": (pearson, np.exp(np.minimum(out, LARGEST))),
            "spearman": (spearman, out),
            "deviance": (deviance, np.minimum(out, LARGEST)),
        }
    return {
        "auroc": (auroc, out),
        "auprc": (auprc, out),
        "accuracy": (lambda a, b: float(np.mean((b > cut) == (a > 0.5))), p),
        "brier": (brier, p),
    }


def evaluate(
    y: Array,
    out: Array,
    *,
    outputs: Sequence[str],
    task: str,
    thresholds: Sequence[float] | None = None,
    seed: int = 0,
    intervals: bool = True,
    probabilities: Array | None = None,
) -> dict[str, Any]:
    """Scores of all outputs: ``per_output``, and their means at the top.

    A mean is over the outputs that have the score; its interval is that of `mean_interval`.

    Parameters
    ----------
    y, out
        (n, t) labels (NaN: missing) and model outputs.
    outputs
        t names.
    task, thresholds, seed, intervals
        As in `evaluate_output`; one threshold an output. A ``multiclass`` task, whose labels are
        one-hot, is that of `classes.evaluate_classes`.
    probabilities
        (n, t) calibrated ones; by default those of the outputs.

    Raises
    ------
    InputError
        When the shapes differ.
    """
    if y.shape != out.shape or y.shape[1] != len(outputs):
        msg = f"labels {y.shape}, outputs {out.shape} and {len(outputs)} names do not fit."
        raise InputError(msg)
    if task == "multiclass":
        from cisgram.train.classes import evaluate_classes  # it scores each class with this module

        return evaluate_classes(
            y, out, outputs=outputs, probabilities=probabilities, seed=seed, intervals=intervals
        )
    p = sigmoid(out) if probabilities is None else probabilities
    per_output = [
        {"output": name}
        | evaluate_output(
            y[:, i],
            out[:, i],
            task=task,
            threshold=None if thresholds is None else thresholds[i],
            seed=seed,
            intervals=intervals,
            probability=p[:, i],
        )
        for i, name in enumerate(outputs)
    ]
    if len(per_output) == 1:
        only = dict(per_output[0])
        del only["output"]
        return only | {"per_output": per_output}
    top: dict[str, Any] = {"n": max(o["n"] for o in per_output), "outputs": len(per_output)}
    every = [
        _scores(out[:, i], p[:, i], task, o.get("threshold", 0.5)) for i, o in enumerate(per_output)
    ]
    for name in every[0]:
        used = [i for i, o in enumerate(per_output) if o[name] is not None]
        top[name] = float(np.mean([per_output[i][name] for i in used])) if used else None
        if intervals:
            pairs = [every[i][name] for i in used]
            top[f"{name}_interval"] = mean_interval(pairs, y[:, used], seed=seed) if used else None
    return top | {"per_output": per_output}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
