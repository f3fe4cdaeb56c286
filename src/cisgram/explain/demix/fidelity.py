"""How much of a neuron its motifs explain: the neuron against the best match of any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cisgram.core.seeds import generator
from cisgram.explain.demix.leaves import profile
from cisgram.explain.demix.reader import Codes, Reader
from cisgram.explain.demix.sample import Sample

Rows = NDArray[np.int64]

MOST = 4000  # windows that the neuron is asked on, at most
PSEUDO = 0.05  # uniform share of a profile, so that no letter is impossible


@dataclass(frozen=True, slots=True)
class Fidelity:
    """A model of the neuron made of nothing but its motifs, against the neuron.

    The model's score of a window is its best log-likelihood ratio over all leaves. It is made
    from one half of the sample and asked on windows made from the other half: each letter of an
    active window is replaced by a random one with a probability that differs from window to
    window, so that all degrees of activation occur.

    Attributes
    ----------
    r2
        Share of the variance of the neuron's rectified value that an isotonic function of the
        score explains.
    auroc
        Probability that an active window scores higher than one that is not.
    control_r2, control_auroc
        The same with sequences dealt out to leaves of the same sizes at random.
    n
        Windows asked.
    """

    r2: float
    auroc: float
    control_r2: float
    control_auroc: float
    n: int


def fidelity(
    sample: Sample,
    groups: Sequence[Rows],
    read: Reader,
    neuron: int,
    *,
    bins: int,
    most: int = MOST,
    seed: int = 0,
) -> Fidelity | None:
    """How well the leaves explain the neuron; None where the sample is too small to halve.

    At most ``most`` windows are asked.
    """
    n = len(sample.value)
    rng = generator(seed, "fidelity")
    half = rng.permutation(n) % 2 == 0
    made = [rows[half[rows]] for rows in groups]
    made = [rows for rows in made if len(rows)]
    rest = np.flatnonzero(~half)
    if not made or len(rest) < 20:
        return None
    asked = sample.codes[rng.permutation(rest)[:most]]
    changed = rng.random(asked.shape) < rng.random((len(asked), 1))
    asked = np.where(changed, rng.integers(0, 4, asked.shape, dtype=np.uint8), asked)
    value = np.maximum(read.values(asked, [neuron])[:, 0] - sample.threshold, 0)
    shuffled = rng.permutation(np.concatenate(made))
    dealt = np.split(shuffled, np.cumsum([len(rows) for rows in made])[:-1])
    ours, control = (_explained(_best(sample, g, asked, bins), value) for g in (made, dealt))
    return Fidelity(ours[0], ours[1], control[0], control[1], len(asked))


def _best(sample: Sample, groups: Sequence[Rows], asked: Codes, bins: int) -> NDArray[np.float64]:
    """(n,) best log2-likelihood ratio of each window over all leaves."""
    width = asked.shape[1]
    place = asked.astype(np.int64) * width + np.arange(width)
    best = np.full(len(asked), -np.inf)
    for rows in groups:
        value = sample.value[rows] - sample.threshold
        ppm = profile(sample.codes[rows], value, bins=bins)
        weight = np.log2((1 - PSEUDO) * ppm * 4 + PSEUDO).ravel()
        np.maximum(best, weight[place].sum(1), out=best)
    return best


def _explained(score: NDArray[np.float64], value: NDArray[np.float32]) -> tuple[float, float]:
    from sklearn.isotonic import IsotonicRegression
    from sklearn.metrics import roc_auc_score

    total = float(((value - value.mean()) ** 2).sum())
    fitted = IsotonicRegression().fit_transform(score, value)
    r2 = 1 - float(((value - fitted) ** 2).sum()) / total if total > 0 else np.nan
    active = value > 0
    auroc = float(roc_auc_score(active, score)) if 0 < active.sum() < len(active) else np.nan
    return r2, auroc
