"""Figures of a layer's demixed neurons, with intervals over the neurons."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cisgram.core.seeds import generator
from cisgram.explain.demix.record import number
from cisgram.motifs import Motif
from cisgram.steps.demix_matches import known

Neurons: TypeAlias = Sequence[Mapping[str, Any]]

RESAMPLES = 1000
LEAST = 6  # values below which no interval of a median can hold it with 95 %
Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Figure:
    """What is compared.

    Attributes
    ----------
    title
        In words, ``{among}`` for the number of neurons among which families are counted.
    better
        Which way is cleaner.
    """

    title: str
    better: Literal["higher", "lower"]


FIGURES = {
    "read": Figure("share of neurons that are read", "higher"),
    "dead": Figure("share dead", "lower"),
    "duplicate": Figure("share duplicate", "lower"),
    "no_motif": Figure("share driven by sequences that form no motif", "lower"),
    "poorly_explained": Figure("share poorly explained", "lower"),
    "ratio_gain": Figure("median ratio minus its control", "higher"),
    "r2_gain": Figure("median R2 minus its control", "higher"),
    "named_gain": Figure("share with a known motif minus that with shuffled columns", "higher"),
    "families": Figure("families of known motifs among {among} neurons", "higher"),
    "information": Figure("median information of a motif (bits)", "higher"),
}


@dataclass(frozen=True, slots=True)
class Value:
    """A figure with its 95 % interval.

    Attributes
    ----------
    value
        NaN where it is not defined.
    low, high
        NaN where there are too few neurons for an interval.
    """

    value: float
    low: float = math.nan
    high: float = math.nan

    def plain(self) -> dict[str, float | None]:
        """For JSON."""
        return {k: number(getattr(self, k)) for k in ("value", "low", "high")}


def figures(
    found: Neurons,
    *,
    max_q: float,
    among: int,
    family: Callable[[Mapping[str, Any]], Sequence[str]],
    seed: int = 0,
) -> dict[str, Value]:
    """All of `FIGURES` for the demixed neurons of one layer.

    Shares have Wilson's interval and their difference Newcombe's, because a bootstrap of 0 of n
    has no width; medians a bootstrap over neurons, the motifs of a neuron together; the number
    of families that of the jackknife.

    Parameters
    ----------
    found
        Neurons as their files have them, at least one.
    max_q
        Below this a motif counts as known.
    among
        Neurons among which families are counted: at most as many as there are.
    family
        The families of a motif that is known.
    seed
        Of the bootstrap.
    """
    n = len(found)
    kinds = Counter(d["kind"] for d in found)
    out = {k: share(kinds[k.replace("_", " ")], n) for k in list(FIGURES)[:5]}
    out["ratio_gain"] = median([_gain(d, "ratio", "control_ratio") for d in found], seed)
    out["r2_gain"] = median([_gain(d["fidelity"] or {}, "r2", "control_r2") for d in found], seed)
    named, shuffled = (
        share(sum(any(known(m, max_q)[i] for m in d["motifs"]) for d in found), n) for i in (0, 1)
    )
    out["named_gain"] = difference(named, shuffled)
    own = [{f for m in d["motifs"] if known(m, max_q)[0] for f in family(m)} for d in found]
    out["families"] = rarefied(own, among)
    out["information"] = median([[_bits(m) for m in d["motifs"]] for d in found], seed)
    return out


def share(k: int, n: int) -> Value:
    """K of n with Wilson's interval.

    Examples
    --------
    >>> v = share(0, 8)
    >>> v.value, v.low, round(v.high, 3)
    (0.0, 0.0, 0.324)
    """
    p, z2 = k / n, Z**2 / n
    middle, half = p + z2 / 2, Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n))
    low = (middle - half) / (1 + z2) if k else 0.0  # exact at the ends, where rounding is seen
    return Value(p, low, (middle + half) / (1 + z2) if k < n else 1.0)


def difference(a: Value, b: Value) -> Value:
    """The first share minus the second, with Newcombe's interval.

    References
    ----------
    Newcombe RG (1998). Interval estimation for the difference between independent proportions.
    Statistics in Medicine 17:873-890, method 10. Of shares of the same neurons, which go
    together, it is too wide rather than too narrow.
    """
    d = a.value - b.value
    low = d - math.hypot(a.value - a.low, b.high - b.value)
    return Value(d, low, d + math.hypot(a.high - a.value, b.value - b.low))


def median(values: Sequence[Sequence[float]], seed: int) -> Value:
    """Median over all values, with the percentiles of a bootstrap over neurons.

    Parameters
    ----------
    values
        For each neuron its values; none, one or several.
    seed
        Of the bootstrap; neurons are drawn by their order alone.
    """
    own = [np.array(v, dtype=np.float64) for v in values if len(v)]
    if not own:
        return Value(math.nan)
    middle = float(np.median(np.concatenate(own)))
    if len(own) < LEAST:
        return Value(middle)
    rows = generator(seed, "neurons", len(own)).integers(0, len(own), (RESAMPLES, len(own)))
    drawn = [np.median(np.concatenate([own[i] for i in row])) for row in rows]
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
    return Value(middle, low, high)


def rarefied(own: Sequence[set[str]], among: int) -> Value:
    """Families expected among some of the neurons, drawn without replacement.

    With n neurons of which n_f have family f, sum over f of 1 - C(n - n_f, m) / C(n, m): layers
    of different size are compared at the same number m. The interval is 1.96 standard errors of
    the jackknife (leave one neuron out), cut at 0; none where all neurons are drawn.

    Examples
    --------
    >>> rarefied([{"Ets"}, {"Ets"}, set(), {"HOX"}], 2).value
    1.3333333333333335
    """
    n, m = len(own), among
    value = _expected(own, m)
    if not m < n or n < LEAST:
        return Value(value)
    left = np.array([_expected([*own[:i], *own[i + 1 :]], m) for i in range(n)])
    error = math.sqrt((n - 1) / n * float(((left - left.mean()) ** 2).sum()))
    return Value(value, max(0.0, value - Z * error), value + Z * error)


def _expected(own: Sequence[set[str]], m: int) -> float:
    n = len(own)
    counts = Counter(f for families in own for f in families)
    return sum(1 - math.comb(n - k, m) / math.comb(n, m) for _, k in sorted(counts.items()))


def _gain(d: Mapping[str, Any], of: str, over: str) -> list[float]:
    """A neuron's figure minus its control; nothing where it lacks one."""
    a, b = d.get(of), d.get(over)
    return [] if a is None or b is None else [float(a) - float(b)]


def _bits(m: Mapping[str, Any]) -> float:
    ppm: NDArray[np.float64] = np.array(m["ppm"], dtype=np.float64)
    return float(Motif(ppm / ppm.sum(0), str(m["name"])).information.sum())
