"""Models without a network: one number a sequence, or a bag of its words."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.seeds import generator
from cisgram.train import metrics
from cisgram.trust.features import (
    gapped_counts,
    gc_share,
    known_bases,
    low_complexity,
    word_counts,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Array = NDArray[np.float64]
Codes = NDArray[np.uint8]
MOST = 20_000  # training sequences that a baseline is fitted to
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # scikit-learn's C; of the ridge, 1 / alpha
ITERATIONS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Labeled:
    """Sequences with one known label each.

    Attributes
    ----------
    codes
        (n, length) uint8.
    y
        (n,) float64, no NaN.
    """

    codes: Codes
    y: Array

    def __len__(self) -> int:
        return len(self.y)

    def at_most(self, n: int, *, seed: int) -> Labeled:
        """All of them, or n drawn at random, in their order."""
        if len(self) <= n:
            return self
        rows = np.sort(generator(seed, "baseline", len(self)).choice(len(self), n, replace=False))
        return Labeled(self.codes[rows], self.y[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What a model without a network says of the test sequences.

    Attributes
    ----------
    name
        For example ``GC content``.
    score
        (n,) higher where it expects a positive, or a larger value.
    about
        How it was fitted and chosen.
    """

    name: str
    score: Array
    about: str


def composition_baselines(train: Labeled, test: Labeled, *, task: str) -> list[Baseline]:
    """GC content, length and low complexity, each alone, as a quadratic of the one number.

    A number that does not vary over the training sequences is left out. The quadratic lets a
    class whose GC lies in the middle be told from one that has both ends.

    Raises
    ------
    InputError
        When the training sequences are all of one label.
    """
    _check_labels(train)
    numbers = {
        "GC content": gc_share,
        "length": known_bases,
        "low complexity": low_complexity,
    }
    found = []
    for name, number in numbers.items():
        fitted, asked = number(train.codes), number(test.codes)
        if np.ptp(fitted) == 0:
            continue
        middle, spread = fitted.mean(), fitted.std()
        x, z = (_quadratic((v - middle) / spread) for v in (fitted, asked))
        model = _model(task, 1.0)
        model.fit(x, train.y)
        about = f"a quadratic of it, fitted to {len(train):,} training sequences"
        found.append(Baseline(name, _decide(model, z), about))
    return found


def word_baseline(
    train: Labeled,
    valid: Labeled,
    test: Labeled,
    *,
    k: int,
    task: str,
    name: str,
    width: int | None = None,
    strands: str = "both",
    seed: int = 0,
) -> Baseline:
    """A linear model of the counts of all words of up to k letters, both strands as one.

    Logistic regression (classification) or ridge regression on counts over their standard
    deviation; its strength is the one that scores best on the validation set.

    Parameters
    ----------
    train
        At most 20,000 of them are used, drawn at random.
    valid
        Chooses the strength; the middle one is taken where it holds a single label.
    test
        What is scored.
    k
        Longest word, 1 to 8.
    task
        ``classification`` or ``regression``.
    name
        Of the baseline.
    width
        Count words of k letters with gaps, up to so many bp long, instead.
    strands
        ``both``, or ``given``: a word and its reverse complement are two, as in RNA.
    seed
        Of the draw.

    Raises
    ------
    InputError
        When the training sequences are all of one label, or k is out of range.

    References
    ----------
    gkm-SVM, Ghandi et al. 2014, PLoS Comput Biol 10:e1003711 (words, with and without gaps, as a
    model of regulatory sequence); here linear in their counts.
    """
    _check_labels(train)
    if not 1 <= k <= 8:
        msg = f"k must be 1 to 8 letters; got {k}."
        raise InputError(msg)
    train = train.at_most(MOST, seed=seed)
    count = partial(word_counts, k=k, strands=strands)
    if width is not None:
        count = partial(gapped_counts, k=k, width=width, strands=strands)
    x = count(train.codes)
    scale = _scale(x)
    x, xv, xt = (m @ scale for m in (x, count(valid.codes), count(test.codes)))
    score = metrics.auroc if task == "classification" else metrics.pearson
    judged = len(valid) > 1 and np.ptp(valid.y) > 0
    strengths = STRENGTHS if judged else STRENGTHS[len(STRENGTHS) // 2 :][:1]
    tried: list[tuple[float, float, Array]] = []
    for strength in strengths:
        model = _model(task, strength)
        with warnings.catch_warnings():
            # one that stops before its end is one more candidate, and the validation set judges
            warnings.filterwarnings("ignore", module="sklearn")
            model.fit(x, train.y)
        worth = score(valid.y, _decide(model, xv)) if judged else 0.0
        tried.append((float(np.nan_to_num(worth)), strength, _decide(model, xt)))
    best = max(tried, key=lambda t: t[0])
    about = (
        f"words of {'1 to ' if width is None else ''}{k} letters"
        f"{'' if width is None else f' in up to {width} bp'}, {x.shape[1]:,} of them, "
        f"{len(train):,} training sequences; "
        f"strength {best[1]:g}"
        + (f" by the validation set ({best[0]:.3f})" if judged else ", not chosen")
    )
    return Baseline(name, best[2], about)


def _check_labels(train: Labeled) -> None:
    if len(train) < 2 or np.ptp(train.y) == 0:
        msg = (
            f"A baseline needs training sequences of more than one label; got {len(train)} of "
            "one. Give negatives (--negatives), or labels that vary."
        )
        raise InputError(msg)


def _scale(x: csr_array) -> Any:
    """Diagonal matrix of one over the standard deviation of each column; 0 where it is constant."""
    from scipy.sparse import dia_array

    mean = np.asarray(x.mean(axis=0)).ravel()
    square = np.asarray(x.multiply(x).mean(axis=0)).ravel()
    sd = np.sqrt(np.maximum(square - mean**2, 0))
    inverse = np.where(sd > 1e-9, 1 / np.where(sd > 1e-9, sd, 1), 0)
    return dia_array((inverse[None], [0]), shape=(len(inverse), len(inverse)))


def _quadratic(v: Array) -> Array:
    return np.stack([v, v**2], 1)


def _model(task: str, strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    if task == "classification":
        return LogisticRegression(C=strength, max_iter=ITERATIONS)
    return Ridge(alpha=1 / strength)


def _decide(model: Any, x: Any) -> Array:
    decide = getattr(model, "decision_function", model.predict)
    return np.asarray(decide(x), dtype=np.float64)
