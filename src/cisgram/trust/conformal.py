"""Intervals and label sets that hold the truth as often as they promise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.trust.calibration import wilson

Array = NDArray[np.float64]
LEVELS = (0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often a promise was kept.

    Attributes
    ----------
    level
        What was promised.
    threshold
        Half the width of an interval; of label sets, the largest 1 - p of a label in them.
    covered, low, high
        Share of the test sequences whose truth was held, with Wilson's 95 % interval.
    size
        Mean width of an interval; of label sets, the mean number of labels.
    certain
        Of label sets, the share with exactly one label; of intervals, NaN.
    n, n_calibration
        Sequences of test and calibration.
    p
        Probability that so few or fewer are held when test and calibration sequences are alike:
        both are samples, so the share held varies about the level by more than the test's own
        interval.
    """

    level: float
    threshold: float
    covered: float
    low: float
    high: float
    size: float
    certain: float
    n: int
    n_calibration: int
    p: float


def quantile(scores: Array, level: float) -> float:
    """The ceil((n + 1) level)-th smallest score; infinite where there are too few for the level.

    References
    ----------
    Vovk, Gammerman and Shafer 2005, Algorithmic Learning in a Random World; Lei, G'Sell, Rinaldo,
    Tibshirani and Wasserman 2018, JASA 113:1094, algorithm 2 (split conformal).

    Examples
    --------
    >>> quantile(np.arange(1.0, 10.0), 0.8), quantile(np.arange(1.0, 10.0), 0.95)
    (8.0, inf)
    """
    if not 0 < level < 1:
        msg = f"level must be within 0 and 1, ends left out; got {level}."
        raise InputError(msg)
    k = math.ceil((len(scores) + 1) * level - 1e-12)
    return float(np.sort(scores)[k - 1]) if k <= len(scores) else math.inf


def chance_of(held: int, n: int, *, n_calibration: int, level: float) -> float:
    """Probability that at most ``held`` of n are held: beta-binomial, whatever the model.

    References
    ----------
    Vovk 2012, ACML, proposition 2a (the coverage of a given calibration set is beta-distributed).

    Examples
    --------
    >>> round(chance_of(0, 1, n_calibration=9, level=0.8), 3)  # 8 of 10 places are inside
    0.2
    """
    from scipy.stats import betabinom

    k = math.ceil((n_calibration + 1) * level - 1e-12)
    if k > n_calibration:
        return 1.0  # an infinite interval holds everything
    return float(betabinom.cdf(held, n, k, n_calibration + 1 - k))


def interval_coverage(
    calibration: tuple[Array, Array], test: tuple[Array, Array], *, level: float
) -> Coverage:
    """Prediction +- the calibration set's quantile of |label - prediction|, on a test set.

    Parameters
    ----------
    calibration, test
        (labels, predictions), each (n,).
    level
        Promised share, within 0 and 1.

    Raises
    ------
    InputError
        When a set is empty or the level out of range.
    """
    _check(calibration, test)
    half = quantile(np.abs(calibration[0] - calibration[1]), level)
    held = np.abs(test[0] - test[1]) <= half
    low, high = wilson(float(held.sum()), len(held))
    return Coverage(
        level, half, float(held.mean()), low, high, 2 * half, math.nan, len(held),
        len(calibration[0]), _p(held, len(calibration[0]), level),
    )  # fmt: skip


def set_coverage(
    calibration: tuple[Array, Array], test: tuple[Array, Array], *, level: float
) -> Coverage:
    """Sets of the labels whose probability is large enough, on a test set.

    A label is in the set when 1 - p(label) is at most the quantile of the calibration set's
    1 - p(true label). A set may hold both labels (the model cannot tell) or neither.

    Parameters
    ----------
    calibration, test
        (labels 0 or 1, probabilities of 1), each (n,).
    level
        Promised share, within 0 and 1.

    Raises
    ------
    InputError
        As `interval_coverage`.

    References
    ----------
    Sadinle, Lei and Wasserman 2019, JASA 114:223 (least ambiguous sets).
    """
    _check(calibration, test)
    (y, p), (label, probability) = calibration, test
    most = quantile(1 - np.where(y > 0.5, p, 1 - p), level)
    holds = np.stack([probability, 1 - probability], 1) <= most  # labels 0 and 1: 1 - p(label)
    held = np.where(label > 0.5, holds[:, 1], holds[:, 0])
    low, high = wilson(float(held.sum()), len(held))
    size = holds.sum(1)
    return Coverage(
        level, most, float(held.mean()), low, high, float(size.mean()),
        float((size == 1).mean()), len(held), len(y), _p(held, len(y), level),
    )  # fmt: skip


def _p(held: NDArray[np.bool_], n_calibration: int, level: float) -> float:
    return chance_of(int(held.sum()), len(held), n_calibration=n_calibration, level=level)


def _check(calibration: tuple[Array, Array], test: tuple[Array, Array]) -> None:
    for name, (y, said) in (("calibration", calibration), ("test", test)):
        if not len(y) or y.shape != said.shape:
            msg = f"The {name} set needs a label a prediction; got {y.shape} and {said.shape}."
            raise InputError(msg)
