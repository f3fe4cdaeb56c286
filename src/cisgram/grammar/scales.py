"""Scales of an output, and the way back to amounts, of which alone ratios may be formed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.core.registry import unknown

Array: TypeAlias = NDArray[np.float64]
SCALES: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    # name: the amount, and how much it changes a unit of the output
    "linear": (lambda v: v, np.ones_like),
    "log": (np.exp, np.exp),
    "log2": (np.exp2, lambda v: np.exp2(v) * np.log(2)),
    "log10": (lambda v: 10.0**v, lambda v: 10.0**v * np.log(10)),
    "log1p": (np.expm1, np.exp),
    "logit": (np.exp, np.exp),
}


def check_scale(scale: str | None) -> None:
    """Refuse a scale that is not known.

    Raises
    ------
    UnknownName
        With the nearest, and the list.
    """
    if scale is not None and scale not in SCALES:
        what = "scale of an output"
        raise unknown(what, str(scale), list(SCALES))


def amounts(values: Array, scale: str | None) -> tuple[Array, Array]:
    """Outputs as amounts, and the amount that one unit of output is worth at each.

    Logits become odds; logarithms are undone.

    Raises
    ------
    InputError
        When the scale was not said, or the amounts are too large to be numbers.

    Examples
    --------
    >>> amounts(np.array([0.0, 3.0]), "log2")[0].tolist()
    [1.0, 8.0]
    """
    if scale is None:
        msg = (
            "A ratio is one of amounts, and it was not said how the output is scaled: give scale, "
            f"one of {', '.join(SCALES)} (logits become odds, logarithms are undone). What needs "
            "no ratio, differences in units of the output, stands in Experiment.interactions()."
        )
        raise InputError(msg)
    check_scale(scale)
    back, slope = SCALES[scale]
    with np.errstate(over="ignore"):
        out, worth = back(values), slope(values)
    if not np.isfinite(out).all():
        msg = (
            f"Outputs up to {float(values.max()):g} are too large to be of the scale {scale!r}: "
            "the amounts would be infinite. Say how the model's output is scaled."
        )
        raise InputError(msg)
    return out, worth
