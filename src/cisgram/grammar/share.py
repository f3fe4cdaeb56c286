"""Share: how much of what sequences have lies in their sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cisgram.core.errors import InputError
from cisgram.grammar.experiment import Experiment
from cisgram.grammar.knock_out import GIVEN
from cisgram.grammar.necessity import NOTHING
from cisgram.grammar.paired import ratios, resamples

if TYPE_CHECKING:
    import pandas as pd


def share(experiment: Experiment, *, scale: str | None = None, seed: int = 0) -> pd.DataFrame:
    """The part of the way from nothing (shuffled) to given that sites carry, in amounts.

    For `necessity` what is lost without them, (given - arm) / (given - nothing); for
    `sufficiency` what they do alone, (arm - nothing) / (given - nothing).

    Parameters
    ----------
    experiment
        Of `necessity` or `sufficiency`.
    scale
        How the output is scaled, where the experiment does not say or another is meant.
    seed
        Of the resamples.

    Returns
    -------
    DataFrame
        One row for the sites and one for their control: ``arm``, ``share`` (a ratio of means over
        the sequences), ``low``, ``high`` (its 95 % interval, percentiles of 2,000 resamples of
        the sequences; without ends where given and nothing are not surely apart).

    Raises
    ------
    InputError
        When the experiment is another, or the scale was not said or does not fit.

    Examples
    --------
    >>> import torch
    >>> from cisgram.grammar import necessity
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(32, 1, bias=False))
    >>> _ = model[1].weight.data.zero_()
    >>> model[1].weight.data[0, 0] = 1  # A at position 0
    >>> e = necessity(model, ["ACGCGCGC", "AGGCCGTT"], (4, 5), k=1, scale="linear")
    >>> float(share(e)["share"][0])
    0.0
    """
    ways = {"necessity": (GIVEN, -1), "sufficiency": (NOTHING, 1)}
    if experiment.name not in ways:
        msg = f"A share is one of necessity or sufficiency; this experiment is {experiment.name}."
        raise InputError(msg)
    first, sign = ways[experiment.name]
    arms = [arm for arm in experiment.arms if arm.name not in (GIVEN, NOTHING)]
    tops = [{arm.name: sign, first: -sign} for arm in arms]
    whole = [{GIVEN: 1, NOTHING: -1}] * len(arms)
    scale = scale or experiment.scale or ""
    top, bottom = (
        experiment.differences(experiment.weights(sums), scale=scale or None)
        for sums in (tops, whole)
    )
    found = ratios(top, bottom, resamples(experiment.sequences, seed=seed))
    out = experiment.described(arms)
    out["share"], out["low"], out["high"] = found
    return out
