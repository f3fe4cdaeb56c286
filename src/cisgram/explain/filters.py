"""Filters of the first convolution as motifs: what the field's systems each do, in one function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.types import OneHot
from cisgram.explain.base import ready
from cisgram.models.probe import core, first_convolution, recorded
from cisgram.models.state import untouched
from cisgram.motifs import Motif, MotifSet


@dataclass(frozen=True, slots=True)
class Convention:
    """How a filter's sites are chosen and counted.

    Attributes
    ----------
    sites
        ``all`` positions above the threshold, or the ``best`` position of each sequence.
    threshold
        ``("share", s)``: above s * maximum over all sequences; ``("centered", s)``: above
        s * (maximum - mean) + mean; ``("absolute", a)``: above a.
    pseudocount
        Added to every count.
    max_sites
        The threshold rises until no more than these are left.
    min_sites
        Filters with fewer sites give no motif.
    """

    sites: Literal["all", "best"] = "all"
    threshold: tuple[Literal["share", "centered", "absolute"], float] = ("share", 0.5)
    pseudocount: float = 0.0
    max_sites: int | None = None
    min_sites: int = 1


CONVENTIONS = {
    "deepbind": Convention(sites="best", threshold=("absolute", 0.0), pseudocount=1e-4),
    "danq": Convention(sites="best", threshold=("absolute", 0.0), pseudocount=1e-4),
    "basset": Convention(threshold=("centered", 0.5), pseudocount=1.0, min_sites=10),
    "basset-paper": Convention(threshold=("share", 0.5), pseudocount=1.0, min_sites=10),
    "ai-tac": Convention(threshold=("share", 0.5)),
    "explainn": Convention(threshold=("share", 0.5)),
    "deepcpg": Convention(threshold=("centered", 0.5), max_sites=25_000),
}


def filter_motifs(
    model: nn.Module,
    x: OneHot,
    *,
    convention: str | Convention = "basset-paper",
    select: Tensor | None = None,
    batch_size: int = 256,
) -> MotifSet:
    """Motif of each filter of the first convolution, counted from the sites that activate it.

    For filter k with activation a_k(n, t) (after its nonlinearity), the count of base b at
    position j of the motif is the sum of x[n, b, t + j] over the chosen sites (n, t).

    Parameters
    ----------
    model
        With a ``Conv1d`` over the four bases; of an ensemble or a two-strand mean, the (first)
        model inside is read.
    x
        (n, 4, length) one-hot. The systems differ in what they give here: DeepBind and Basset
        the test set, AI-TAC and ExplaiNN what is predicted well (see ``select``).
    convention
        A name of ``CONVENTIONS`` (``deepbind``, ``danq``, ``basset`` as its code does,
        ``basset-paper``, ``ai-tac``, ``explainn``, ``deepcpg``) or a `Convention`.
    select
        (n,) boolean: sequences to use.
    batch_size
        Sequences run at once; the result does not depend on it.

    Returns
    -------
    MotifSet
        Motifs named ``filter_<k>``, k from 0, in the order of the filters; filters without
        enough sites are named in ``skipped``. ``n_sites`` is the number of sites. A network that
        scores both strands itself (DeepBind) is read on the strand that won.

    Raises
    ------
    InputError
        When the model has no such convolution, or no sequence is selected.

    References
    ----------
    DeepBind (Alipanahi 2015), Basset (Kelley 2016), DanQ (Quang & Xie 2016), DeepCpG
    (Angermueller 2017), AI-TAC (Maslova 2020), ExplaiNN (Novakovsky 2023); the activation is
    rectified where the network does not do so. Positions beyond the ends of a sequence count as
    the network's own padding: nothing, or a quarter of each base for DeepBind.
    """
    check_positive(batch_size, name="batch_size")
    how = _convention(convention)
    x = ready(model, x)
    if select is not None:
        x = _selected(x, select)
    inner = core(model)
    conv, activation = first_convolution(inner, length=x.shape[2])
    with untouched(inner), torch.inference_mode():
        highest, mean, pool = _ranges(inner, conv, activation, x, batch_size, how)
        cut = _cut(how, highest, mean, pool)
        counts = torch.zeros(conv.out_channels, 4, conv.kernel_size[0], dtype=torch.float64)
        sites = torch.zeros(conv.out_channels, dtype=torch.float64)
        for letters, a in _maps(inner, conv, activation, x, batch_size):
            chosen = a > cut[:, None]
            if how.sites == "best":
                chosen &= torch.zeros_like(chosen).scatter_(2, a.argmax(2, keepdim=True), True)
            counts += _letters_under(conv, letters, chosen.float()).double().cpu()
            sites += chosen.sum((0, 2)).double().cpu()
    return _motifs(counts.numpy(), sites.numpy(), how)


def _convention(convention: str | Convention) -> Convention:
    if isinstance(convention, Convention):
        return convention
    if convention not in CONVENTIONS:
        what = "convention"
        raise unknown(what, convention, CONVENTIONS)
    return CONVENTIONS[convention]


def _selected(x: OneHot, select: Tensor) -> OneHot:
    if select.dtype != torch.bool or select.shape != (len(x),):
        msg = f"select must be a boolean ({len(x)},); got {select.dtype} {tuple(select.shape)}."
        raise InputError(msg)
    x = x[select.to(x.device)]
    if len(x) == 0:
        msg = "no sequence is selected."
        raise InputError(msg)
    return x


def _maps(
    model: nn.Module, conv: nn.Conv1d, activation: nn.Module, x: Tensor, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """What the convolution reads (n, 4, length) and its activation (n, f, t), batch by batch."""
    for part in torch.split(x, batch_size):
        with recorded(conv) as read, recorded(activation) as gave:
            model(part)
        letters, a = read[0][0], gave[0][1]
        strand = getattr(model, "strand", None)
        if len(read) == 2 and callable(strand):  # a network that scores both strands itself
            won = (strand(part.flip(1, 2)) > strand(part)).any(1)[:, None, None]
            letters = torch.where(won, read[1][0], letters)
            a = torch.where(won, gave[1][1], a)
        yield letters, torch.relu(a)


def _ranges(
    model: nn.Module,
    conv: nn.Conv1d,
    activation: nn.Module,
    x: Tensor,
    batch_size: int,
    how: Convention,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """(f,) maximum and mean of each activation; with ``max_sites``, its largest values (f, m)."""
    highest: Tensor | None = None
    total = torch.zeros(conv.out_channels, dtype=torch.float64)
    n = 0
    pool: Tensor | None = None
    for _, a in _maps(model, conv, activation, x, batch_size):
        flat = a.transpose(0, 1).flatten(1)  # (f, n * t)
        top = flat.max(1).values
        highest = top if highest is None else torch.maximum(highest, top)
        total += flat.double().sum(1).cpu()
        n += flat.shape[1]
        if how.max_sites is not None:
            sites = flat if how.sites == "all" else a.amax(2).T
            every = sites if pool is None else torch.cat([pool, sites], 1)
            pool = every.topk(min(how.max_sites + 1, every.shape[1]), dim=1).values
    assert highest is not None
    return highest, (total / n).to(highest), pool


def _cut(how: Convention, highest: Tensor, mean: Tensor, pool: Tensor | None) -> Tensor:
    """(f,) the activation that a site has to exceed."""
    kind, s = how.threshold
    if kind == "share":
        cut = s * highest
    elif kind == "centered":
        cut = s * (highest - mean) + mean
    else:
        cut = torch.full_like(highest, s)
    if pool is not None and how.max_sites is not None and pool.shape[1] > how.max_sites:
        cut = torch.maximum(cut, pool[:, -1])
    return cut


def _letters_under(conv: nn.Conv1d, letters: Tensor, chosen: Tensor) -> Tensor:
    """(f, 4, k) sums of the letters under the chosen sites (n, f, t).

    This is the gradient of a convolution's weights when ``chosen`` is the gradient of its output,
    which torch computes in one product.
    """
    padding = conv.padding if not isinstance(conv.padding, str) else _same_padding(conv)
    found: Tensor = torch.nn.grad.conv1d_weight(  # type: ignore[attr-defined]  # torch has no stub
        letters,
        (conv.out_channels, 4, conv.kernel_size[0]),
        chosen,
        stride=conv.stride,
        padding=padding,
        dilation=conv.dilation,
    )
    return found


def _same_padding(conv: nn.Conv1d) -> tuple[int]:
    if conv.padding == "valid":
        return (0,)
    reach = conv.dilation[0] * (conv.kernel_size[0] - 1)
    if reach % 2:
        msg = "a convolution with padding='same' needs an odd reach for its filters to be read."
        raise InputError(msg)
    return (reach // 2,)


def _motifs(
    counts: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    sites: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    how: Convention,
) -> MotifSet:
    found, skipped = [], []
    for k, (c, n) in enumerate(zip(counts, sites.tolist(), strict=True)):
        name = f"filter_{k}"
        if n < max(how.min_sites, 1) or c.sum() == 0:
            skipped.append(f"{name}: {int(n)} sites")
            continue
        motif = Motif.from_counts(
            np.clip(c, 0, None), name=name, pseudocount=how.pseudocount, origin="filters"
        )
        found.append(Motif(motif.ppm, name, n_sites=n, origin="filters"))
    return MotifSet(found, origin="filters", skipped=skipped)
