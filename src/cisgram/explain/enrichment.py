"""In which sequences, and where in them, a filter finds its sites."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.types import OneHot
from cisgram.explain.base import ready
from cisgram.explain.filters import Convention, convention_of, site_threshold
from cisgram.explain.reader import Reader
from cisgram.models.probe import core
from cisgram.models.receptive import receptive_field
from cisgram.models.state import untouched

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


def filter_enrichment(
    model: nn.Module,
    x: OneHot,
    labels: Tensor | NDArray[np.generic],
    *,
    layer: str | None = None,
    convention: str | Convention = "basset-paper",
    batch_size: int = 256,
) -> pd.DataFrame:
    """How much more often each filter fires in positive sequences than in negative ones.

    A sequence has a site when the filter's largest activation in it exceeds the threshold of the
    convention over all of ``x``. Fisher's exact test (two-sided) compares the shares; ``auroc`` is
    the chance that a positive has a larger maximum than a negative, without any threshold.

    Parameters
    ----------
    model, layer, convention, batch_size
        As for `filter_motifs`; of a convention the threshold counts.
    x
        (n, 4, length) one-hot, positives and negatives.
    labels
        (n,) 1 or True for positives, 0 or False for negatives.

    Returns
    -------
    DataFrame
        One row a filter: ``motif`` (``filter_<k>``), ``in_positives`` and ``in_negatives`` (shares
        with a site), ``odds_ratio`` (half a sequence added to each of the four counts),
        ``enrichment_p``, ``enrichment_q`` (Benjamini-Hochberg over the filters), ``auroc``.

    Raises
    ------
    InputError
        As `filter_motifs`; when labels do not fit or one class is missing.
    """
    import pandas as pd
    from scipy.stats import false_discovery_control, fisher_exact, rankdata

    check_positive(batch_size, name="batch_size")
    x = ready(model, x)
    positive = _labels(labels, len(x))
    how = convention_of(convention)
    read = Reader.of(core(model), layer, length=x.shape[2])
    with untouched(read.model), torch.inference_mode():
        cut = site_threshold(read, x, how, batch_size).cpu()
        most = torch.cat([m.a.amax(2).cpu() for m in read.maps(x, batch_size)])  # (n, f)
    has = (most > cut).numpy()
    ranks = rankdata(most.double().numpy(), axis=0)
    n, m = int(positive.sum()), int((~positive).sum())
    rows = []
    for k in range(read.n_units):
        a, b = int(has[positive, k].sum()), int(has[~positive, k].sum())
        odds = (a + 0.5) * (m - b + 0.5) / ((b + 0.5) * (n - a + 0.5))
        p = float(fisher_exact([[a, n - a], [b, m - b]])[1])
        auroc = (ranks[positive, k].sum() - n * (n + 1) / 2) / (n * m)
        rows.append((f"filter_{k}", a / n, b / m, odds, min(p, 1.0), auroc))
    columns = ["motif", "in_positives", "in_negatives", "odds_ratio", "enrichment_p", "auroc"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(5, "enrichment_q", false_discovery_control(table["enrichment_p"]))
    return table


def filter_positions(
    model: nn.Module,
    x: OneHot,
    *,
    layer: str | None = None,
    convention: str | Convention = "basset-paper",
    bins: int = 10,
    batch_size: int = 256,
) -> pd.DataFrame:
    """Where along the sequences each filter has its best site.

    In every sequence the position of the largest activation counts, where it exceeds the
    threshold of the convention; equal ones share the count. The test compares the counts of
    ``bins`` equal stretches with those of sites thrown uniformly over all positions (chi-square).

    Parameters
    ----------
    model, x, layer, convention, batch_size
        As for `filter_motifs`.
    bins
        Stretches that the positions of the layer are cut into; fewer where there are fewer.

    Returns
    -------
    DataFrame
        One row a filter: ``motif``, ``sequences`` (with a site), ``position`` (median of the
        sites' middles, bp from the start of the sequence), ``position_low``, ``position_high``
        (their quartiles), ``position_p``, ``position_q`` (Benjamini-Hochberg), and ``at_<bp>``:
        the share of sites in the stretch whose middle lies there. NaN where no sequence has one.

    Raises
    ------
    InputError
        As `filter_motifs`.
    """
    import pandas as pd
    from scipy.stats import chisquare, false_discovery_control

    check_positive(batch_size, name="batch_size")
    check_positive(bins, name="bins")
    x = ready(model, x)
    how = convention_of(convention)
    inner = core(model)
    read = Reader.of(inner, layer, length=x.shape[2])
    field = receptive_field(inner, read.layer, length=x.shape[2])
    middles = field.starts() + (field.width - 1) / 2  # (t,)
    counts = np.zeros((read.n_units, field.positions))
    with untouched(inner), torch.inference_mode():
        cut = site_threshold(read, x, how, batch_size)
        for m in read.maps(x, batch_size):
            a = m.as_given()
            best = (a == a.amax(2, keepdim=True)) & (a > cut[:, None])
            share = best.double() / best.sum(2, keepdim=True).clamp(min=1)
            counts += share.sum(0).cpu().numpy()
    edges = np.linspace(0, field.positions, min(bins, field.positions) + 1).round().astype(int)
    binned = np.add.reduceat(counts, edges[:-1], axis=1)  # (f, bins)
    expected = np.diff(edges) / field.positions
    rows = []
    for k, stretch in enumerate(binned):
        each: Array = counts[k]
        n = float(each.sum())
        if n == 0:
            rows.append((f"filter_{k}", 0, *[np.nan] * (4 + len(stretch))))
            continue
        quartiles = _quantiles(middles, each / n, (0.5, 0.25, 0.75))
        p = float(chisquare(stretch, n * expected).pvalue) if len(stretch) > 1 else 1.0
        rows.append((f"filter_{k}", round(n), *quartiles, p, *(stretch / n)))
    at = [f"at_{np.mean(middles[a:b]):g}" for a, b in pairwise(edges)]
    columns = ["motif", "sequences", "position", "position_low", "position_high", "position_p"]
    table = pd.DataFrame(rows, columns=columns + at)
    known = table["position_p"].notna()
    q = np.full(len(table), np.nan)
    q[known] = false_discovery_control(table.loc[known, "position_p"])
    table.insert(6, "position_q", q)
    return table


def _quantiles(
    values: NDArray[np.floating], shares: NDArray[np.floating], at: tuple[float, ...]
) -> list[float]:
    """The least of the values up to which at least each share lies."""
    return [float(values[np.searchsorted(shares.cumsum(), a - 1e-9)]) for a in at]


def _labels(labels: Tensor | NDArray[np.generic], n: int) -> NDArray[np.bool_]:
    y = np.asarray(labels.cpu() if isinstance(labels, Tensor) else labels)
    if y.shape != (n,) or not np.isin(y, (0, 1)).all():
        msg = f"labels must be ({n},) of 0 and 1; got {y.shape} of {y.dtype}."
        raise InputError(msg)
    positive = y == 1
    if positive.all() or not positive.any():
        msg = f"both classes are needed; got {int(positive.sum())} positives of {n} sequences."
        raise InputError(msg)
    return np.asarray(positive)
