"""What a model loses without single units, pairs of them, and groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.types import OneHot
from cisgram.explain.base import Target, ready, scalar
from cisgram.models.memory import remembered
from cisgram.models.probe import Layer, core, find_layer, member, outputs_of, silenced
from cisgram.models.receptive import unit_axis
from cisgram.models.state import untouched

if TYPE_CHECKING:
    import pandas as pd

Array: TypeAlias = NDArray[np.float64]
Units: TypeAlias = (
    Literal["all", "pairs"] | Iterable[int | Iterable[int]] | Mapping[str, Iterable[int]]
)
FILLS = ("zero", "mean")
METRICS = ("output", "loss", "r2", "correlation")
ABLATIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "output": {"fill": "zero", "metric": "output"},
        "basset": {"fill": "mean", "metric": "loss"},
        "ai-tac": {"fill": "mean", "metric": "correlation"},
    }
)
"""Fill and metric as in published systems: ``ablate(model, x, **ABLATIONS["basset"])``."""


def ablate(
    model: nn.Module,
    x: OneHot,
    *,
    target: Target | None = None,
    layer: str | None = None,
    units: Units = "all",
    fill: str = "zero",
    metric: str = "output",
    labels: Tensor | NDArray[np.floating] | None = None,
    batch_size: int = 256,
) -> pd.DataFrame:
    """What is lost without units of a layer: one row a unit, pair or group.

    With f(x; S) the output when the activations a_k, k in S, are replaced at every position:

    - ``output``: effect_S = mean over sequences of f(x) - f(x; S);
    - ``loss``: mean of loss(x; S) - loss(x), of logits where all labels are 0 or 1, else squared;
    - ``r2``: R2 - R2 without S, with R2 = 1 - sum (y - f)^2 / sum (y - mean y)^2;
    - ``correlation``: mean of (r(x; S) - r(x))^2, r being a sequence's correlation of all outputs
      with its labels.

    Filters are redundant: what one of them does another does too, so that two together may cost
    what neither does alone. ``interaction`` = effect_S - sum over k in S of effect_k tells it.

    Parameters
    ----------
    model, x, target
        As everywhere in this room. Units are replaced in every call of the layer, so on both
        strands of a network that reads both; of an ensemble, the first member is asked: its
        filters are the ones that `filter_motifs` reads.
    layer
        Path of a module of the model inside; default: the first convolution. A convolution's
        units are replaced after the norm and the nonlinearity that follow it.
    units
        ``all``: each alone; ``pairs``: each pair; or units, or groups of them:
        ``[3, 5, (3, 5)]``, ``{"CTCF": [1, 7, 9]}``.
    fill
        What the activations are replaced by: ``zero``, or each unit's ``mean`` over ``x`` and
        positions.
    metric
        What is measured; see above.
    labels
        (n,) for ``loss`` and ``r2``; (n, t) for ``correlation``, which needs no target.
    batch_size
        Sequences run at once; the result does not depend on it.

    Returns
    -------
    DataFrame
        ``units`` (``filter_3``, ``filter_3+filter_5``, or a group's name), ``n_units``,
        ``effect``, ``effect_low``, ``effect_high``; for several units ``sum``, ``interaction``,
        ``interaction_low``, ``interaction_high`` (NaN for one). Intervals are 95 % (normal,
        over sequences).

    Raises
    ------
    InputError
        When a unit, a label or a setting does not fit.

    References
    ----------
    Basset (Kelley 2016) fills with the mean of a batch, here with the mean over ``x``. AI-TAC
    (Maslova 2020) fills maps after the pooling with the mean before it, a mismatch that is not
    repeated; both are in ``ABLATIONS``.

    Notes
    -----
    Whatever the model computes before the layer is computed once.

    Examples
    --------
    >>> from cisgram.seq import encode
    >>> net = nn.Sequential(nn.Conv1d(4, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(4, 1))
    >>> for p in net.parameters(): _ = p.data.fill_(1.0)
    >>> ablate(net, encode(["AC", "CG"]), units=[0, (0, 1)])["effect"].tolist()
    [4.0, 8.0]
    """
    check_positive(batch_size, name="batch_size")
    for what, name, known in (("fill", fill, FILLS), ("metric", metric, METRICS)):
        if name not in known:
            raise unknown(what, name, known)
    x = ready(model, x)
    y = _labels(labels, metric, target, len(x))
    if metric == "loss":  # told by all labels, as a batch may hold no others than 0 and 1
        metric = "logits" if y is not None and bool(((y == 0) | (y == 1)).all()) else "squares"
    model = member(model)
    inner = core(model)
    where = find_layer(inner, layer, length=x.shape[2])
    axis = unit_axis(inner, where, length=x.shape[2])
    n_units = where.shape[axis - 1]
    groups = _groups(units, n_units)
    asked = [g for _, g in groups]
    alone: list[tuple[int, ...]] = [(k,) for g in asked if len(g) > 1 for k in g]
    sets = list(dict.fromkeys(asked + alone))
    f = model if metric == "correlation" else scalar(model, target)
    with untouched(model):
        means = _means(inner, where, x, axis, batch_size) if fill == "mean" else None
        ablation = _Ablation(model, inner, where, axis, sets, means)
        changes = np.concatenate(
            [
                ablation.changes(f, part, metric, None if y is None else y[i : i + len(part)])
                for i, part in _parts(x, batch_size)
            ],
            axis=1,
        )
    if metric == "r2":
        assert y is not None
        changes = _shares(changes, y.numpy())
    return _table(groups, dict(zip(sets, changes, strict=True)))


def filter_influence(
    model: nn.Module,
    x: OneHot,
    *,
    target: Target | None = None,
    layer: str | None = None,
    batch_size: int = 256,
) -> pd.DataFrame:
    """Mean loss of output when one filter is silenced: `ablate` for each unit, fill zero.

    influence_k = mean over sequences of f(x) - f(x; a_k = 0), with its 95 % interval (normal).

    Parameters
    ----------
    model, x, target, layer, batch_size
        As for `ablate`.

    Returns
    -------
    DataFrame
        One row a filter: ``motif`` (``filter_<k>``), ``influence``, ``influence_low``,
        ``influence_high``, in units of the target.
    """
    found = ablate(model, x, target=target, layer=layer, batch_size=batch_size)
    names = {
        "units": "motif",
        "effect": "influence",
        "effect_low": "influence_low",
        "effect_high": "influence_high",
    }
    return found[list(names)].rename(columns=names)


@dataclass(frozen=True, slots=True, eq=False)
class _Ablation:
    """A model, and the sets of units that are replaced in turn."""

    model: nn.Module
    inner: nn.Module
    layer: Layer
    axis: int
    sets: Sequence[tuple[int, ...]]
    means: Tensor | None

    def changes(
        self, f: Callable[[Tensor], Tensor], part: Tensor, metric: str, y: Tensor | None
    ) -> Array:
        """(sets, n) what each sequence of a batch loses."""
        rows = []
        with remembered(self.model, self.layer):
            part = part.clone()  # no tensor of inference mode: its changes could not be seen
            whole = f(part).double().cpu()
            for units in self.sets:
                at = torch.tensor(units, device=part.device)
                fill = 0.0 if self.means is None else self.means[at]
                with silenced(
                    self.layer.module, self.layer.activation, at, fill=fill, axis=self.axis
                ):
                    rows.append(_change(metric, whole, f(part).double().cpu(), y).numpy())
        return np.stack(rows)


def _change(metric: str, whole: Tensor, after: Tensor, y: Tensor | None) -> Tensor:
    """(n,) what each sequence loses, of outputs (n,); for ``correlation`` of outputs (n, t)."""
    if metric == "output":
        return whole - after
    assert y is not None
    if metric == "correlation":
        return (_correlation(after, y) - _correlation(whole, y)) ** 2
    if metric == "logits":
        losses = [F.softplus(-(2 * y - 1) * out) for out in (after, whole)]
    else:
        losses = [(y - out) ** 2 for out in (after, whole)]
    return losses[0] - losses[1]


def _correlation(out: Tensor, y: Tensor) -> Tensor:
    """(n,) Pearson correlation of each row; 0 where either is constant."""
    if out.shape != y.shape:
        msg = f"labels have the shape {tuple(y.shape)}, the model's output {tuple(out.shape)}."
        raise InputError(msg)
    a, b = (v - v.mean(1, keepdim=True) for v in (out, y))
    size = a.norm(dim=1) * b.norm(dim=1)
    return torch.where(size > 0, (a * b).sum(1) / size.clamp(min=1e-300), 0.0)


def _shares(changes: Array, y: Array) -> Array:
    """Squared errors as shares of the variance of the labels.

    The mean of a row is the loss of R2, its spread that of the ratio (delta method).
    """
    square = (y - y.mean()) ** 2
    variance = square.mean()
    if variance == 0:
        msg = "metric='r2' needs labels that differ; all are the same."
        raise InputError(msg)
    mean = changes.mean(1, keepdims=True) / variance
    out: Array = changes / variance - mean * (square / variance - 1)
    return out


def _labels(
    labels: Tensor | NDArray[np.floating] | None, metric: str, target: Target | None, n: int
) -> Tensor | None:
    if (labels is not None) != (metric != "output"):
        msg = f"labels are needed for every metric but 'output'; got metric={metric!r}."
        raise InputError(msg)
    if labels is None:
        return None
    y = torch.as_tensor(labels).double().cpu()
    wanted = 2 if metric == "correlation" else 1
    if y.ndim != wanted or len(y) != n or not bool(y.isfinite().all()):
        shape = f"({n}, t)" if wanted == 2 else f"({n},)"
        msg = f"metric={metric!r} needs finite labels of shape {shape}; got {tuple(y.shape)}."
        raise InputError(msg)
    if metric == "correlation" and target is not None:
        msg = "metric='correlation' compares all outputs, so it takes no target."
        raise InputError(msg)
    return y


def _groups(units: Units, n_units: int) -> list[tuple[str, tuple[int, ...]]]:
    """Names and units of what is asked for."""
    if isinstance(units, str) and units not in {"all", "pairs"}:
        what = "set of units"
        raise unknown(what, units, ("all", "pairs"))
    found: list[tuple[str | None, tuple[int, ...]]] = []
    if isinstance(units, Mapping):
        found += [(str(name), tuple(group)) for name, group in units.items()]
    elif isinstance(units, str):
        together = 1 if units == "all" else 2
        found += [(None, group) for group in combinations(range(n_units), together)]
    else:
        found += [(None, tuple(u) if isinstance(u, Iterable) else (u,)) for u in units]
    out = []
    for name, group in found:
        wrong = [k for k in group if not _is_number(k) or not 0 <= k < n_units]
        if wrong or not group or len(set(group)) < len(group):
            msg = (
                f"a group holds different units from 0 to {n_units - 1}; got "
                f"{list(group) if name is None else f'{name}: {list(group)}'}."
            )
            raise InputError(msg)
        numbers = tuple(int(k) for k in group)
        out.append((name or "+".join(f"filter_{k}" for k in numbers), numbers))
    if not out:
        msg = "units names no unit."
        raise InputError(msg)
    return out


def _is_number(k: object) -> bool:
    return isinstance(k, int | np.integer) and not isinstance(k, bool)


def _parts(x: Tensor, batch_size: int) -> Iterable[tuple[int, Tensor]]:
    return zip(range(0, len(x), batch_size), torch.split(x, batch_size), strict=True)


def _means(inner: nn.Module, layer: Layer, x: Tensor, axis: int, batch_size: int) -> Tensor:
    """(units,) mean activation over sequences and positions."""
    total, n = torch.zeros((), dtype=torch.float64), 0
    with torch.inference_mode():
        for part in torch.split(x, batch_size):
            for _, a in outputs_of(inner, layer, part):
                flat = a.movedim(axis, 0).flatten(1)
                total = total + flat.double().sum(1).cpu()
                n += flat.shape[1]
    return (total / n).clone()


def _table(
    groups: list[tuple[str, tuple[int, ...]]], changes: dict[tuple[int, ...], Array]
) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for name, group in groups:
        low, mid, high = mean_interval(changes[group])
        together = [np.nan] * 4
        if len(group) > 1:
            alone = np.sum([changes[(k,)] for k in group], axis=0)
            a, b, c = mean_interval(changes[group] - alone)
            together = [float(alone.mean()), b, a, c]
        rows.append((name, len(group), mid, low, high, *together))
    columns = ["units", "n_units", "effect", "effect_low", "effect_high", "sum"]
    columns += ["interaction", "interaction_low", "interaction_high"]
    return pd.DataFrame(rows, columns=columns)


def mean_interval(values: Array) -> tuple[float, float, float]:
    """Low end, mean and high end of a normal 95 % interval of a mean."""
    mean = float(values.mean())
    half = 1.96 * float(values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return mean - half, mean, mean + half
