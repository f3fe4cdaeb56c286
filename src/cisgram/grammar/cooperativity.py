"""Cooperativity: what arms give together over what an additive model would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cisgram.core.registry import unknown
from cisgram.grammar.experiment import Experiment
from cisgram.grammar.paired import (
    Interval,
    adjusted,
    means,
    medians,
    ratios,
    resamples,
    signed_rank,
)
from cisgram.grammar.scales import amounts

if TYPE_CHECKING:
    import pandas as pd

CENTERS = ("mean", "median")


def cooperativity(
    experiment: Experiment, *, center: str = "mean", scale: str | None = None, seed: int = 0
) -> pd.DataFrame:
    """Together over the additive twin, AB / (A + B - b), in amounts: 1 for an additive model.

    Parameters
    ----------
    experiment
        Any whose arms have twins: `spacing`, `order`, `orientation` of a pair, `copies`,
        `flanks`, `context`, `knock_out` of two.
    center
        ``mean``: the mean of AB over the mean of its twin, over all sequences. ``median``: the
        median over sequences of each one's own ratio, as published.
    scale
        How the output is scaled, where the experiment does not say or another is meant:
        logarithms are undone, logits become odds, before anything is added or divided.
    seed
        Of the resamples.

    Returns
    -------
    DataFrame
        One row an arm: its facts, ``together`` and ``twin`` (amounts, each with ``_low`` and
        ``_high``), ``cooperativity`` with its 95 % band ``low`` to ``high`` (percentiles of 2,000
        resamples of the sequences, all arms together), ``p`` (Wilcoxon's signed-rank test of AB
        against the twin, paired by sequence) and ``q`` (Benjamini-Hochberg over the rows). NaN
        where the twin is not above 0: there is no ratio then. A band without ends is one whose
        resamples reach 0 in the twin.

    Raises
    ------
    InputError
        When no arm has a twin, or the scale was not said or does not fit.

    References
    ----------
    .. [1] de Almeida BP, Reiter F, Pagani M, Stark A (2022). DeepSTARR predicts enhancer activity
       from DNA sequence. Nat Genet 54:613-624.
    .. [2] Novakovsky G, Fornes O, Saraswat M, Mostafavi S, Wasserman WW (2023). ExplaiNN:
       interpretable and transparent neural networks for genomics. Genome Biol 24:154. Their
       notebook forms the ratio of log2 outputs as they are; the mean, the band and the test are
       ours.

    Examples
    --------
    >>> from cisgram.grammar import Arm
    >>> arms = (Arm("b"), Arm("A"), Arm("B"), Arm("AB", twin={"A": 1, "B": 1, "b": -1}))
    >>> values = np.log2([[1.0, 2, 3, 8], [1, 2, 3, 8]])
    >>> e = Experiment("pair", arms, values, np.zeros((2, 1), np.uint8), scale="log2")
    >>> table = cooperativity(e)[["together", "twin", "cooperativity", "low", "high"]]
    >>> table.to_numpy().round(9).tolist()
    [[8.0, 4.0, 2.0, 2.0, 2.0]]
    """
    if center not in CENTERS:
        what = "center of cooperativity"
        raise unknown(what, str(center), CENTERS)
    arms = experiment.with_twin()
    scale = scale or experiment.scale
    linear, _ = amounts(experiment.values, scale)
    excess = experiment.differences(experiment.departures(arms), scale=scale)
    twin = linear @ experiment.weights([arm.twin for arm in arms])
    together = twin + excess
    picks = resamples(experiment.sequences, seed=seed)
    average = means if center == "mean" else medians
    out = experiment.described(arms)
    for name, found in (("together", average(together, picks)), ("twin", average(twin, picks))):
        out[name], out[f"{name}_low"], out[f"{name}_high"] = found
    if center == "mean":
        ratio = ratios(together, twin, picks)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            own = np.where(twin > 0, together / twin, np.inf)
        ratio = medians(own, picks)
    is_there = out["twin"].to_numpy() > 0
    ratio = Interval(*(np.where(is_there, v, np.nan) for v in ratio))
    out["cooperativity"], out["low"], out["high"] = ratio
    p = np.where(is_there, signed_rank(excess), np.nan)
    out["p"], out["q"] = p, adjusted(p)
    return out
