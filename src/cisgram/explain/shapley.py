"""Shapley values of the features of a sequence, by complete enumeration."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.types import OneHot
from cisgram.explain.base import Target, ready, scalar
from cisgram.explain.features import Feature, Sources, features_of
from cisgram.explain.fills import check_fill
from cisgram.explain.knockouts import Knockouts
from cisgram.explain.overwrite import outputs
from cisgram.explain.pairs import in_sequences, mean_interval
from cisgram.models.state import untouched
from cisgram.seq.alphabet import codes_of

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

MOST = 6  # features of a sequence: 2^6 subsets, each in so many copies
ORDERS = (1, 2)


def shapley(
    model: nn.Module,
    x: OneHot,
    sources: Sources,
    *,
    target: Target | None = None,
    order: int = 1,
    by: str = "sequence",
    p: float = 1e-4,
    fill: str = "words",
    copies: int = 10,
    most: int = MOST,
    batch_size: int = 256,
    seed: int = 0,
) -> pd.DataFrame:
    r"""What each feature of a sequence gives, or each two together, over all company they may keep.

    With v(S) the mean output of the sequence in which only the features S of all N stand,

    .. math:: \phi_i = \sum_{S \subseteq N \setminus i} \frac{|S|! (|N| - |S| - 1)!}{|N|!}
              (v(S \cup i) - v(S))

    and, for two, the interaction index: the mean over S of v(S+ij) - v(S+i) - v(S+j) + v(S) with
    weights |S|! (|N| - |S| - 2)! / (|N| - 1)!. Where a sequence has two features it is `epistasis`.

    Parameters
    ----------
    model, x, sources, target, by, p, fill, copies, batch_size, seed
        As for `epistasis`. A position that belongs to several features goes with any of them.
    order
        1: values of single features; 2: the interaction index of pairs.
    most
        Features of a sequence, at most: 2^most subsets are asked about, each in every version.

    Returns
    -------
    DataFrame
        Order 1, one row a feature: ``sequence``, ``feature``, ``start``, ``end`` (of the first and
        last of its sites), ``sites``, ``value`` with its 95 % interval over the versions ``low``
        and ``high``, ``output`` f(x), ``empty`` (mean output without any feature); the values of
        a sequence add up to output - empty. Order 2, one row a pair: ``sequence``, ``a``, ``b``,
        ``interaction``, ``low``, ``high``.

    Raises
    ------
    InputError
        As `epistasis`; when a sequence has more features than ``most``.

    References
    ----------
    .. [1] Shapley LS (1953). A value for n-person games. Contributions to the Theory of Games II.
    .. [2] Grabisch M, Roubens M (1999). An axiomatic approach to the concept of interaction among
       players in cooperative games. Int J Game Theory 28:547-565.

    Examples
    --------
    f = 2 (A at 0) (C at 2): the two share what they give.

    >>> from cisgram.seq import encode
    >>> class Both(nn.Module):
    ...     def forward(self, x):
    ...         return 2 * (x[:, 0, 0] * x[:, 1, 2])[:, None]
    >>> shapley(Both(), encode(["AGCG"]), 1)["value"].tolist()
    [1.0, 0.0, 1.0, 0.0]
    """
    import pandas as pd

    check_positive(batch_size, name="batch_size")
    check_positive(most, name="most")
    check_fill(fill, copies)
    if order not in ORDERS or isinstance(order, bool):
        msg = f"order must be 1 (features) or 2 (pairs); got {order!r}."
        raise InputError(msg)
    x = ready(model, x)
    codes = codes_of(x)
    groups = list(in_sequences(features_of(codes, sources, by=by, p=p)))
    _check_most(groups, most)
    with untouched(model), torch.inference_mode():
        f = scalar(model, target)
        whole = outputs(f, codes, x.device, batch_size=batch_size)
        knocked = Knockouts(
            f, codes, x.device, fill=fill, copies=copies, seed=seed, batch_size=batch_size
        )
        knocked.remember(
            lost for g in groups for k in range(1, len(g) + 1) for lost in combinations(g, k)
        )
    rows = []
    for own in groups:
        values = _game(own, whole[own[0].sequence], knocked)
        rows += _singles(own, values) if order == 1 else _pairs(own, values)
    singles = ["sequence", "feature", "start", "end", "sites", "value", "low", "high"]
    singles += ["output", "empty"]
    pairs = ["sequence", "a", "b", "interaction", "low", "high"]
    return pd.DataFrame(rows, columns=singles if order == 1 else pairs)


def _check_most(groups: list[list[Feature]], most: int) -> None:
    many = [g for g in groups if len(g) > most]
    if many:
        msg = (
            f"{len(many)} sequences have more than most={most} features (the first is sequence "
            f"{many[0][0].sequence}, with {len(many[0])}), and every subset of them would be asked "
            "about. Take by='sequence', fewer or surer motifs, or a larger most."
        )
        raise InputError(msg)


def _game(own: list[Feature], whole: float, knocked: Knockouts) -> Array:
    """(2^m, copies) outputs with each set of features present, numbered by its bits."""
    m = len(own)
    out = np.full((2**m, knocked.copies), whole)
    for present in range(2**m - 1):
        out[present] = knocked.of(*(f for i, f in enumerate(own) if not present >> i & 1))
    return out


def _indexed(values: Array, players: tuple[int, ...]) -> Array:
    """(copies,) Shapley value of one player, or interaction index of two."""
    m, k = int(np.log2(len(values))), len(players)
    sets = np.arange(len(values))
    mask = sum(1 << i for i in players)
    rest = sets[sets & mask == 0]
    total = np.zeros(values.shape[1])
    for s in rest.tolist():
        size = s.bit_count()
        weight = factorial(size) * factorial(m - size - k) / factorial(m - k + 1)
        change = values[s | mask] - values[s]
        if k == 2:
            first, second = (1 << i for i in players)
            change = values[s | mask] - values[s | first] - values[s | second] + values[s]
        total += weight * change
    return total


def _singles(own: list[Feature], values: Array) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for i, f in enumerate(own):
        each = _indexed(values, (i,))
        where = (f.sequence, f.name, f.spans[0][0], f.spans[-1][1], len(f.spans))
        ends = (float(values[-1].mean()), float(values[0].mean()))
        rows.append((*where, float(each.mean()), *mean_interval(each), *ends))
    return rows


def _pairs(own: list[Feature], values: Array) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for i, j in combinations(range(len(own)), 2):
        each = _indexed(values, (i, j))
        names = sorted((own[i].name, own[j].name))
        rows.append((own[i].sequence, *names, float(each.mean()), *mean_interval(each)))
    return rows
