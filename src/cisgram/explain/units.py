"""What the units of an ExplaiNN say: each alone, and two together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.types import OneHot
from cisgram.explain.base import ready
from cisgram.explain.filters import Convention, convention_of, site_threshold, sites_of
from cisgram.explain.reader import Reader
from cisgram.models.probe import core
from cisgram.models.state import untouched
from cisgram.models.zoo.explainn import ExplaiNN

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Sites = NDArray[np.bool_]


def unit_importances(
    model: nn.Module,
    x: OneHot,
    *,
    convention: str | Convention = "explainn",
    names: Sequence[str] | None = None,
    batch_size: int = 256,
) -> pd.DataFrame:
    """What each unit adds to each output: its weight, and the median of weight times output.

    The importance of unit u for output t is the median of w_tu a_u(x) over the sequences x that
    hold a site of the unit's filter.

    Parameters
    ----------
    model
        An ``explainn``, trained; of an ensemble or a two-strand mean the (first) one inside.
    x
        (n, 4, length) one-hot; give sequences that carry the signal, for example positives.
    convention
        What is a site, as in `filter_motifs`.
    names
        Of the units; default ``filter_0``, ``filter_1``, ..., as `filter_motifs` names them.
    batch_size
        Sequences run at once.

    Returns
    -------
    DataFrame
        One row a unit and output: ``unit``, ``output`` (from 0), ``weight``, ``importance`` (units
        of the output; NaN where no sequence has a site), ``sequences`` with a site. With
        ``.pivot(index="unit", columns="output", values="importance")`` it is a matrix.

    Raises
    ------
    InputError
        When the model has no units whose outputs are added up.

    References
    ----------
    Novakovsky et al. 2023, Genome Biol 24:154, "unit importance". Their code takes sequences of one
    class at a time and has 100 units and 50 classes written into it.

    Examples
    --------
    >>> from cisgram.models import create
    >>> model = create("explainn", units=2, width=3, layers=0, length=8, n_outputs=3)
    >>> table = unit_importances(model, torch.eye(4)[torch.arange(16).view(2, 8) % 4].mT)
    >>> table.pivot(index="unit", columns="output", values="weight").shape
    (2, 3)
    """
    import pandas as pd

    net = _units_of(model)
    labels = _names(net, names)
    a, sites = _said(net, ready(net, x), convention, batch_size)
    weights = net.unit_head.weights.detach().double().cpu().numpy()  # (t, units)
    rows = []
    for u, label in enumerate(labels):
        said = a[sites[:, u], u]
        middle = float(np.median(said)) if len(said) else np.nan
        rows += [(label, t, w, w * middle, len(said)) for t, w in enumerate(weights[:, u])]
    return pd.DataFrame(rows, columns=["unit", "output", "weight", "importance", "sequences"])


def unit_pairs(
    model: nn.Module,
    x: OneHot,
    *,
    convention: str | Convention = "explainn",
    names: Sequence[str] | None = None,
    batch_size: int = 256,
) -> pd.DataFrame:
    """What two units do together beyond what each does alone, for every pair, the largest first.

    A pair adds W_tuv z_u z_v to output t. With o_u what unit u says where it has no site (the
    median; 0 where every sequence has one), both motifs together are worth, beyond each alone,
    W_tuv (a_u - o_u) (a_v - o_v) over the product of the two standard deviations, whatever the
    means in z are: the ``effect``.

    Parameters
    ----------
    model
        An ``explainn`` that was made and trained with ``pairs=True``.
    x, convention, names, batch_size
        As in `unit_importances`.

    Returns
    -------
    DataFrame
        One row a pair and output: ``first``, ``second``, ``output``, ``weight`` (units of the
        output for one standard deviation of either), ``effect`` (its median over the sequences
        that hold sites of both filters; NaN without any) and ``sequences``, their number. Sorted
        by the size of the weight.

    Raises
    ------
    InputError
        When the model has no units, or no weights for pairs of them.
    """
    import pandas as pd

    net = _units_of(model)
    pairs = net.unit_head.pairs
    if pairs is None:
        msg = "This model has no weights for pairs of units; train it with pairs=True."
        raise InputError(msg)
    labels = np.array(_names(net, names), dtype=object)
    a, sites = _said(net, ready(net, x), convention, batch_size)
    first, second = pairs.first.cpu().numpy(), pairs.second.cpu().numpy()
    a = a - _without(a, sites)
    middle, n = np.full(len(first), np.nan), np.zeros(len(first), dtype=np.int64)
    for p, (u, v) in enumerate(zip(first, second, strict=True)):
        both = sites[:, u] & sites[:, v]
        n[p] = both.sum()
        if n[p]:
            middle[p] = np.median(a[both, u] * a[both, v])
    weights, raw = (w.detach().double().cpu().numpy() for w in (pairs.weights, pairs.raw_weights))
    tables = [
        pd.DataFrame(
            {
                "first": labels[first],
                "second": labels[second],
                "output": t,
                "weight": weights[t],
                "effect": raw[t] * middle + 0.0,  # no minus zero
                "sequences": n,
            }
        )
        for t in range(len(weights))
    ]
    table = pd.concat(tables, ignore_index=True)
    order = np.argsort(-table["weight"].abs().to_numpy(), kind="stable")
    return table.iloc[order].reset_index(drop=True)


def _without(a: Array, sites: Sites) -> Array:
    """(units,) median of what each says of sequences without a site of its filter."""
    absent = [a[~has, u] for u, has in enumerate(sites.T)]
    return np.array([np.median(said) if len(said) else 0.0 for said in absent])


def _units_of(model: nn.Module) -> ExplaiNN:
    net = core(model)
    if not isinstance(net, ExplaiNN):
        msg = (
            f"{type(net).__name__} has no units whose outputs are added up; train --model "
            "explainn, or distill a network into one (cisgram distill)."
        )
        raise InputError(msg)
    return net


def _names(net: ExplaiNN, names: Sequence[str] | None) -> list[str]:
    n = net.unit_head.weights.shape[1]
    if names is not None and len(names) != n:
        msg = f"names must be one a unit, {n}; got {len(names)}."
        raise InputError(msg)
    return [f"filter_{u}" for u in range(n)] if names is None else list(names)


def _said(
    net: ExplaiNN, x: OneHot, convention: str | Convention, batch_size: int
) -> tuple[Array, Sites]:
    """(n, units) outputs of the units, and whether each sequence holds a site of each filter."""
    check_positive(batch_size, name="batch_size")
    how = convention_of(convention)
    read = Reader.of(net, None, length=x.shape[2])
    with untouched(net), torch.inference_mode():
        cut = site_threshold(read, x, how, batch_size)
        has = [sites_of(m.a, cut, how).any(2).cpu() for m in read.maps(x, batch_size)]
        said = [net.unit_outputs(part).double().cpu() for part in torch.split(x, batch_size)]
    return torch.cat(said).numpy(), torch.cat(has).numpy()
