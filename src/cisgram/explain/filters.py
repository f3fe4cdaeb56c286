"""Filters as motifs: what the field's systems each do, in one function, for any layer."""

from __future__ import annotations

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
from cisgram.explain.reader import Reader
from cisgram.models.probe import core
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
    layer: str | None = None,
    select: Tensor | None = None,
    batch_size: int = 256,
) -> MotifSet:
    """Motif of each filter of a layer, counted from the sites that activate it.

    For filter k with activation a_k(n, t) (after its nonlinearity), the count of base b at
    position j of the motif is the sum of x[n, b, t + j] over the chosen sites (n, t). In a deeper
    layer position t reads the letters from offset + stride * t on, as far as its receptive field
    reaches, and the motif is counted over all of that: its outer columns may say nothing
    (`Motif.trimmed` takes them away).

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
    layer
        Path of a module of the model (``features.4``); default: the convolution over the four
        bases. A convolution is read after the norm and the nonlinearity that follow it, any other
        module as it is.
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
        When the model has no such convolution or layer, when each unit of the layer reads the
        whole sequence, or when no sequence is selected.

    References
    ----------
    DeepBind (Alipanahi 2015), Basset (Kelley 2016), DanQ (Quang & Xie 2016), DeepCpG
    (Angermueller 2017), AI-TAC (Maslova 2020), ExplaiNN (Novakovsky 2023); the activation is
    rectified where the network does not do so. Positions beyond the ends of a sequence count as
    the network's own padding: nothing, or a quarter of each base for DeepBind.
    """
    check_positive(batch_size, name="batch_size")
    how = convention_of(convention)
    x = ready(model, x)
    if select is not None:
        x = _selected(x, select)
    inner = core(model)
    read = Reader.of(inner, layer, length=x.shape[2])
    with untouched(inner), torch.inference_mode():
        cut = site_threshold(read, x, how, batch_size)
        counts = torch.zeros(read.n_units, 4, read.width, dtype=torch.float64)
        sites = torch.zeros(read.n_units, dtype=torch.float64)
        for letters, a, _ in read.maps(x, batch_size):
            chosen = sites_of(a, cut, how)
            counts += read.letters_under(letters, chosen.float()).double().cpu()
            sites += chosen.sum((0, 2)).double().cpu()
    return _motifs(counts.numpy(), sites.numpy(), how)


def sites_of(a: Tensor, cut: Tensor, how: Convention) -> Tensor:
    """(n, f, t) whether each position is a site, of activations (n, f, t)."""
    chosen = a > cut[:, None]
    if how.sites == "best":
        chosen &= torch.zeros_like(chosen).scatter_(2, a.argmax(2, keepdim=True), True)
    return chosen


def convention_of(convention: str | Convention) -> Convention:
    """The convention of a name."""
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


def site_threshold(read: Reader, x: OneHot, how: Convention, batch_size: int) -> Tensor:
    """(f,) the activation that a site has to exceed, over all of ``x``."""
    highest: Tensor | None = None
    total = torch.zeros(read.n_units, dtype=torch.float64)
    n = 0
    pool: Tensor | None = None
    for _, a, _ in read.maps(x, batch_size):
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
    return _cut(how, highest, (total / n).to(highest), pool)


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
