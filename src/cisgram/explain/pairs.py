"""Pairs of features: how they are listed, tested against a null, and summed up over sequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cisgram.core.errors import InputError
from cisgram.explain.features import Feature, Sources

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Pair = tuple[Feature, Feature]


def in_sequences(features: Sequence[Feature]) -> Iterator[list[Feature]]:
    """The features of each sequence that has any."""
    groups: dict[int, list[Feature]] = {}
    for f in features:
        groups.setdefault(f.sequence, []).append(f)
    yield from groups.values()


def pairs_of(features: Sequence[Feature], *, ordered: bool) -> list[Pair]:
    """Pairs within each sequence, by name within an unordered pair.

    Ordered pairs whose second is covered by the first, and unordered ones that share a position,
    are left out: what belongs to both cannot interact with itself.
    """
    found: list[Pair] = []
    for own in in_sequences(features):
        for i, a in enumerate(own):
            for j, b in enumerate(own):
                if i == j or (not ordered and (a.name, i) > (b.name, j)):
                    continue
                if a.overlaps(b) and not (ordered and _reaches_out(b, a)):
                    continue
                found.append((a, b))
    return found


def _reaches_out(b: Feature, a: Feature) -> bool:
    return len(np.setdiff1d(b.positions, a.positions)) > 0


def described(pairs: Sequence[Pair]) -> dict[str, list[Any]]:
    """Columns that say which features a pair has and where they lie.

    ``sequence``, ``a``, ``b``; ``a_start``, ``a_end``, ``b_start``, ``b_end``: of several sites
    the two nearest; ``distance``: bp between these; ``a_sites``, ``b_sites``: how many.
    """
    near = [a.nearest(b) for a, b in pairs]
    return {
        "sequence": [a.sequence for a, _ in pairs],
        "a": [a.name for a, _ in pairs],
        "b": [b.name for _, b in pairs],
        "a_start": [s[0] for s, _, _ in near],
        "a_end": [s[1] for s, _, _ in near],
        "b_start": [s[0] for _, s, _ in near],
        "b_end": [s[1] for _, s, _ in near],
        "distance": [d for _, _, d in near],
        "a_sites": [len(a.spans) for a, _ in pairs],
        "b_sites": [len(b.spans) for _, b in pairs],
    }


def null_p(found: Array, null: Array, groups: Sequence[object]) -> Array:
    """Two-sided p of each value: the share of its group's null values that are as large.

    p = (1 + those of at least the value's size) / (1 + all), so that it is never 0 and, for values
    that come from the null themselves, at most as often below any level as that level says.

    Parameters
    ----------
    found
        (m,) values.
    null
        (m, r) values without interaction, NaN where there is none.
    groups
        (m,) what is compared with what: the null values of a group are pooled.

    Returns
    -------
    Array
        (m,); NaN where a group has no null value.

    Examples
    --------
    >>> null_p(np.array([-3.0, 1.0]), np.array([[1.0, -2.0], [0.0, 0.5]]), ["x", "x"]).tolist()
    [0.2, 0.6]
    """
    p = np.full(len(found), np.nan)
    members: dict[object, list[int]] = {}
    for i, group in enumerate(groups):
        members.setdefault(group, []).append(i)
    for own in members.values():
        sizes = np.abs(null[own]).ravel()
        sizes = np.sort(sizes[~np.isnan(sizes)])
        if len(sizes):
            above = len(sizes) - np.searchsorted(sizes, np.abs(found[own]), side="left")
            p[own] = (1 + above) / (1 + len(sizes))
    return p


def benjamini_hochberg(p: Array) -> Array:
    """q-values over all tests that have a p; NaN elsewhere."""
    from scipy.stats import false_discovery_control

    q = np.full(len(p), np.nan)
    known = ~np.isnan(p)
    if known.any():
        q[known] = false_discovery_control(p[known])
    return q


def null_groups(pairs: Sequence[Pair], sources: Sources) -> list[object]:
    """What each pair's null is pooled over: its two names; for windows of one width, all pairs."""
    return ["any" if isinstance(sources, int) else (a.name, b.name) for a, b in pairs]


def against_null(found: Array, null: Sequence[Array], groups: Sequence[object]) -> dict[str, Array]:
    """The columns ``interaction``, ``null`` (mean size), ``p`` and ``q``; NaN without a null."""
    every = np.stack(null, 1) if null else np.full((len(found), 1), np.nan)
    p = null_p(found, every, groups)
    size = np.abs(every).mean(1)
    return {"interaction": found, "null": size, "p": p, "q": benjamini_hochberg(p)}


def interacting(table: pd.DataFrame, *, least: float = 0.5, level: float = 0.05) -> pd.DataFrame:
    r"""Which pairs interact, over all sequences: one row a pair, the surest first.

    A pair is said to interact in at least a share of the sequences that hold both. With the
    sequences' p-values in ascending order, u = ceil(least * n), the hypothesis that fewer than u
    of them are real is tested by

    .. math:: p = \min_{i = 1 \ldots n - u + 1} \frac{n - u + 1}{i} p_{(u - 1 + i)}

    so that neither many sequences, each a little off the null, nor a few that are far off make a
    pair significant.

    Parameters
    ----------
    table
        What `dfim`, `epistasis` or `attention_pairs` gave, of many sequences.
    least
        Share of the sequences.
    level
        FDR at which a single sequence counts in ``share``.

    Returns
    -------
    DataFrame
        ``a``, ``b``; ``sequences`` that hold both; ``mean`` of the interaction over them, ``low``
        and ``high`` (95 % interval of the mean, Student's t); ``null`` (mean size where there is
        no interaction); ``share`` of sequences with q <= ``level``; ``distance`` (median, bp);
        ``p``; ``q`` (Benjamini-Hochberg over the pairs). NaN where there is no p.

    Raises
    ------
    InputError
        When a column is missing or ``least`` or ``level`` is no share.

    References
    ----------
    .. [1] Benjamini Y, Heller R (2008). Screening for partial conjunction hypotheses. Biometrics
       64:1215-1222. Equation 5 (Simes).

    Examples
    --------
    >>> import pandas as pd
    >>> one = {"a": "A", "b": "B", "distance": 7, "null": 0.1, "q": 0.01}
    >>> rows = [{**one, "sequence": i, "interaction": 2.0, "p": 0.01} for i in range(4)]
    >>> interacting(pd.DataFrame(rows))[["a", "b", "sequences", "mean", "p"]].values.tolist()
    [['A', 'B', 4, 2.0, 0.01]]
    """
    import pandas as pd

    for name, value in (("least", least), ("level", level)):
        if not 0 < value <= 1:
            msg = f"{name} must lie above 0 and at most at 1; got {value!r}."
            raise InputError(msg)
    needed = ["sequence", "a", "b", "distance", "interaction", "null", "p", "q"]
    if missing := [c for c in needed if c not in table.columns]:
        msg = (
            f"The table lacks {', '.join(missing)}; give what explain.dfim, explain.epistasis or "
            "explain.attention_pairs gave."
        )
        raise InputError(msg)
    rows = []
    for (a, b), group in table.groupby(["a", "b"], sort=True):
        own = group.groupby("sequence", sort=True)
        mean = own["interaction"].mean().to_numpy(dtype=float)
        low, high = mean_interval(mean)
        p = np.minimum(own["p"].min().to_numpy(dtype=float) * own["p"].count().to_numpy(), 1.0)
        share = float((own["q"].min() <= level).mean()) if not np.isnan(p).all() else np.nan
        between = float(group["distance"].median())
        rest = (float(group["null"].mean()), share, between, partial_conjunction(p, least))
        rows.append((a, b, len(mean), float(mean.mean()), low, high, *rest))
    columns = ["a", "b", "sequences", "mean", "low", "high", "null", "share", "distance", "p"]
    found = pd.DataFrame(rows, columns=columns)
    found["q"] = benjamini_hochberg(found["p"].to_numpy(dtype=float))
    return found.sort_values(["p", "a", "b"], ignore_index=True)


def partial_conjunction(p: Array, least: float) -> float:
    """P of the hypothesis that fewer than ``ceil(least * n)`` of n hypotheses are false.

    Examples
    --------
    >>> partial_conjunction(np.array([0.001, 0.001, 0.9, 0.8]), 0.5)
    0.003
    >>> partial_conjunction(np.array([0.001, 0.9, 0.9, 0.8]), 0.5)
    0.9
    """
    p = np.sort(p[~np.isnan(p)])
    if len(p) == 0:
        return float("nan")
    u = int(np.ceil(least * len(p) - 1e-9))
    rest = p[u - 1 :]
    return float(min((len(rest) / np.arange(1, len(rest) + 1) * rest).min(), 1.0))


def mean_interval(values: Array) -> tuple[float, float]:
    """95 % interval of a mean, NaN for fewer than two values."""
    from scipy.stats import t

    n = len(values)
    if n < 2:
        return float("nan"), float("nan")
    half = float(t.ppf(0.975, n - 1)) * float(values.std(ddof=1)) / np.sqrt(n)
    return float(values.mean() - half), float(values.mean() + half)
