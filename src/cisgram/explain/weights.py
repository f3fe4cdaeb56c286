"""Motifs from the weights of filters alone: a quick look that needs no sequences."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from cisgram.core.errors import InputError, NoFiltersError
from cisgram.core.seeds import generator
from cisgram.core.types import OneHot
from cisgram.explain.filters import filter_motifs
from cisgram.models.probe import convolution_over_bases, core
from cisgram.motifs import Motif, MotifSet
from cisgram.seq.alphabet import one_hot

Floats = NDArray[np.float64]
RANDOM = (1000, 100)  # sequences that a scale is fitted on where none are given, and their length


def weight_motifs(
    model: nn.Module,
    x: OneHot | None = None,
    *,
    scale: float | str = 1.0,
    background: tuple[float, float, float, float] = (0.25, 0.25, 0.25, 0.25),
    seed: int = 0,
) -> MotifSet:
    """Motif of each filter of the first convolution, transformed from its weights.

    p_bj = q_b exp(s V_bj) / sum over bases, with V the weights less each column's mean, q the
    background and s the scale: the filter then is s times the log-odds of the motif. Weights have
    no scale of their own, so that only the order of the letters and of the columns can be
    trusted; `filter_motifs` counts what the filter does respond to.

    Parameters
    ----------
    model
        With a ``Conv1d`` over the four bases; of an ensemble or a two-strand mean, the (first)
        model inside is read.
    x
        (n, 4, length) one-hot sequences that ``scale="fitted"`` counts sites on; default: 1,000
        random sequences, on which the rectified convolution is read alone.
    scale
        A number; or ``fitted``: of each filter, the scale at which its motif makes the sites most
        likely that reach half of its largest activation.
    background
        Shares of A C G T.
    seed
        Of the random sequences.

    Returns
    -------
    MotifSet
        Motifs ``filter_<k>`` in the order of the filters; those of equal weights are in
        ``skipped``.

    Raises
    ------
    InputError
        When the model has no such convolution, or the scale is neither positive nor ``fitted``.

    References
    ----------
    Alipanahi et al. (2015): the viewer of DeepBind centers columns alike, with scale 1. The fit
    is our own.

    Examples
    --------
    >>> import torch
    >>> net = nn.Conv1d(4, 1, 2)
    >>> _ = net.weight.data.copy_(torch.tensor([[[3.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]]))
    >>> weight_motifs(net)[0].ppm.round(3).tolist()[:2]
    [[0.711, 0.25], [0.096, 0.25]]
    """
    if isinstance(scale, bool) or not (
        scale == "fitted" or (isinstance(scale, int | float) and 0 < scale < math.inf)
    ):
        msg = f"scale must be a positive number or 'fitted'; got {scale!r}."
        raise InputError(msg)
    if x is not None and scale != "fitted":
        msg = "x is read for scale='fitted' alone; leave it out."
        raise InputError(msg)
    conv = _convolution(model)
    w = conv.weight.detach().double().cpu().numpy()  # (f, 4, k)
    w = w - w.mean(1, keepdims=True)
    q = np.asarray(background, dtype=np.float64)
    if q.shape != (4,) or not (q > 0).all():
        msg = f"background must be four positive shares of A C G T; got {background}."
        raise InputError(msg)
    q = (q / q.sum())[:, None]
    sites = _sites(model, conv, x, seed) if scale == "fitted" else None
    found, skipped = [], []
    for k, v in enumerate(w):
        name = f"filter_{k}"
        if not v.any():
            skipped.append(f"{name}: all weights of a column are equal")
            continue
        if sites is not None and name not in sites.names:
            skipped.append(f"{name}: no sites to fit its scale to")
            continue
        s = _fitted(v, sites[name].ppm, q) if sites is not None else float(scale)
        ppm = _transformed(v, s, q)
        found.append(Motif(ppm, name, background=tuple(q[:, 0]), origin="weights"))
    return MotifSet(found, origin="weights", skipped=skipped)


def weight_consensus(model: nn.Module) -> list[str]:
    """Of each filter of the first convolution, the letter of the largest weight of each column.

    N where no weight is above zero, as in Basset (Kelley 2016).

    Examples
    --------
    >>> import torch
    >>> net = nn.Conv1d(4, 1, 2)
    >>> _ = net.weight.data.copy_(torch.tensor([[[3.0, -1.0], [1.0, 0], [1.0, 0], [1.0, -2.0]]]))
    >>> weight_consensus(net)
    ['AN']
    """
    w = _convolution(model).weight.detach().cpu().numpy()
    letters = np.where(w.max(1) > 0, np.array(list("ACGT"))[w.argmax(1)], "N")
    return ["".join(row) for row in letters]


def _convolution(model: nn.Module) -> nn.Conv1d:
    inner = core(model)
    found = convolution_over_bases(inner.modules())
    if found is not None:
        return found
    msg = (
        f"{type(inner).__name__} has no convolution over the four bases, so it has no weights of "
        "letters to read. Explain its output instead, for example with ism or saliency."
    )
    raise NoFiltersError(msg)


def _sites(model: nn.Module, conv: nn.Conv1d, x: OneHot | None, seed: int) -> MotifSet:
    """Motifs of the sites that reach half of each filter's largest activation."""
    if x is not None:
        return filter_motifs(model, x, convention="ai-tac")
    n, length = RANDOM
    reach = conv.dilation[0] * (conv.kernel_size[0] - 1)
    codes = generator(seed, "weights").integers(0, 4, (n, length + reach)).astype(np.uint8)
    side_by_side = nn.Sequential(_Copies(conv.groups), conv) if conv.in_channels > 4 else conv
    return filter_motifs(nn.Sequential(side_by_side), one_hot(codes), convention="ai-tac")


class _Copies(nn.Module):
    """The letters once for each group of a convolution."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n

    def forward(self, x: Tensor) -> Tensor:
        return x.repeat(1, self.n, 1)


def _transformed(v: Floats, s: float, q: Floats) -> Floats:
    """(4, k) background times exp(s V), columns summing to 1."""
    e = q * np.exp(s * (v - v.max(0)))
    out: Floats = e / e.sum(0)
    return out


def _fitted(v: Floats, counted: Floats, q: Floats) -> float:
    """The scale of the largest likelihood: where the motif's mean weight is that of the sites.

    The likelihood is concave in the scale, so that bisection finds its one maximum.
    """
    wanted = float((v * counted).sum())
    low, high = 0.0, 50.0 / float(np.ptp(v, axis=0).max())
    for _ in range(60):
        middle = (low + high) / 2
        if float((v * _transformed(v, middle, q)).sum()) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2
