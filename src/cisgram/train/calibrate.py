"""Probabilities that mean what they say: one number, or a monotone map, fitted on held-out data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.train.metrics import sigmoid
from cisgram.train.tasks import scores_of

Array = NDArray[np.float64]
WIDEST = 5.0  # natural logarithm of a temperature, at most and at least its negative
EDGE = 1e-4  # of an isotonic probability: labels that were all alike are no certainty
FEW = 10  # labels of each kind


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A map from a model's outputs to scores whose sigmoid is a calibrated probability.

    Attributes
    ----------
    method
        ``temperature``: outputs over a number T, of each output, or one for all classes.
        ``isotonic``: a monotone map of the probability of each output.
    task
        ``classification`` or ``multiclass``.
    parts
        For each output T alone, or the knots: probabilities before and after.
    """

    method: str
    task: str
    parts: tuple[tuple[tuple[float, ...], ...], ...]

    def __call__(self, out: Array) -> Array:
        """(..., t) scores for (..., t) outputs; the order within an output stays."""
        if self.method == "temperature":
            return scores_of(out / np.array([part[0][0] for part in self.parts]), self.task)
        p = sigmoid(scores_of(out, self.task))
        columns = [
            np.interp(p[..., i], before, after) for i, (before, after) in enumerate(self.parts)
        ]
        fitted = np.stack(columns, axis=-1)
        return np.log(fitted) - np.log1p(-fitted)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` reads them."""
        return {"method": self.method, "task": self.task, "parts": self.parts}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Calibrator:
        """A calibrator from what `to_json` gave."""
        parts = tuple(tuple(tuple(map(float, line)) for line in part) for part in value["parts"])
        return cls(str(value["method"]), str(value["task"]), parts)


def calibrator(
    y: Array, out: Array, *, method: str, task: str, outputs: Sequence[str]
) -> Calibrator:
    """The calibrator of a method that fits these labels best.

    Temperature scaling divides logits by the T of the largest likelihood. Isotonic regression
    takes the monotone map of the least squared error. Neither changes which of two sequences has
    the higher score, so AUROC and AUPRC of the scores stay; isotonic probabilities have ties.

    Parameters
    ----------
    y, out
        (n, t) labels 0 and 1 (NaN: missing) and outputs of sequences that were not trained on.
    method
        ``temperature`` or ``isotonic``.
    task
        ``classification`` or ``multiclass``.
    outputs
        Names of the t outputs.

    Raises
    ------
    InputError
        When the task has no probabilities, or an output has fewer than 10 labels of a kind.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger 2017, ICML, arXiv:1706.04599, section 4.2; Zadrozny and Elkan
    2002, KDD (isotonic regression).
    """
    check_calibration(y, method=method, task=task, outputs=outputs)
    if method == "isotonic":
        p = sigmoid(scores_of(out, task))
        knots = tuple(_isotonic(y[:, i], p[:, i]) for i in range(len(outputs)))
        return Calibrator(method, task, knots)
    known = ~np.isnan(y)
    if task == "multiclass":
        rows = known.all(1)
        one = _temperature(y[rows], out[rows], task)
        return Calibrator(method, task, (((one,),),) * len(outputs))
    each = [
        _temperature(y[known[:, i], i, None], out[known[:, i], i, None], task)
        for i in range(len(outputs))
    ]
    return Calibrator(method, task, tuple(((value,),) for value in each))


def check_calibration(y: Array, *, method: str, task: str, outputs: Sequence[str]) -> None:
    """Raise `InputError` unless these validation labels can calibrate such a task."""
    if task not in ("classification", "multiclass"):
        msg = f"train.calibrate={method} is about probabilities; a {task} task has none. Leave out."
        raise InputError(msg)
    for i, name in enumerate(outputs):
        kinds = [int((y[:, i] == kind).sum()) for kind in (0, 1)]
        if min(kinds) < FEW:
            msg = (
                f"train.calibrate={method} needs at least {FEW} validation sequences with each "
                f"label; {name} has {kinds[1]} positives and {kinds[0]} negatives. Hold out more "
                "(data.valid_fraction), or leave it out."
            )
            raise InputError(msg)


def _temperature(y: Array, out: Array, task: str) -> float:
    from scipy.optimize import minimize_scalar

    def loss(log_t: float) -> float:
        score = scores_of(out / np.exp(log_t), task)
        total = np.logaddexp(0, -score)[y == 1].sum()
        if task == "classification":  # of classes, the true one alone
            total += np.logaddexp(0, score)[y == 0].sum()
        return float(total)

    return float(np.exp(minimize_scalar(loss, bounds=(-WIDEST, WIDEST), method="bounded").x))


def _isotonic(y: Array, p: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    from sklearn.isotonic import IsotonicRegression

    known = ~np.isnan(y)
    fitted = IsotonicRegression(y_min=EDGE, y_max=1 - EDGE, out_of_bounds="clip")
    fitted.fit(p[known], y[known])
    return tuple(map(float, fitted.X_thresholds_)), tuple(map(float, fitted.y_thresholds_))
