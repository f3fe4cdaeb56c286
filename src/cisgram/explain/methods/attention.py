"""Attention weights along the sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.results import Interaction, Tracks
from cisgram.core.types import OneHot
from cisgram.explain.attended import Attended, Places, attentions, places, weights_of
from cisgram.explain.base import METHODS, Target, check_finite, plain_options, ready, scalar
from cisgram.models.graph import record
from cisgram.models.probe import core
from cisgram.models.state import untouched

SPREADS = ("center", "field")


@METHODS.register(gives="tracks", needs="attention", complete=False, signed=False, cite="ullah2021")
def attention(
    model: nn.Module,
    x: OneHot,
    *,
    target: Target | None = None,
    layer: str | None = None,
    spread: str = "center",
    batch_size: int = 32,
) -> Tracks:
    """Attention that each position receives: of every layer and head, and their means.

    r_t = mean over queries q of a[q, t], with a[q] = softmax over t of the scores of query q;
    additive attention, a = softmax of u . tanh(W h_t), has one query. Whatever softmax over
    positions weighs values of the sequence is an attention, as a module, a function or a formula.

    Parameters
    ----------
    model
        Left in the mode and on the device that it came in.
    x
        (n, 4, length) one-hot, bases A C G T, N as zeros.
    target
        Taken, and checked, as by every method: attention is the same for every output.
    layer
        Name of one attention, as in the names of the tracks; default: all of them.
    spread
        Where the weight of position t lies: shared equally by the letters in the ``center`` of
        its receptive field, as many as lie between two positions (the pooling and the strides
        before it); or by its whole ``field``.
    batch_size
        Sequences run at once; the result does not depend on it.

    Returns
    -------
    Tracks
        ``values`` (n, k, length), each track summing to 1 along the sequence, less what goes to
        tokens without letters. ``names``: ``mean`` where there are several attentions, then each
        attention by the path of its module, followed by its heads where there are several. A
        network that runs an attention twice, as on both strands, has ``NAME`` and ``NAME #2``.

    Raises
    ------
    InputError
        When the model has no attention over positions, or nothing tells where they lie.

    References
    ----------
    .. [1] Vaswani A et al. (2017). Attention is all you need. NeurIPS 30.
    .. [2] Park S, Min S, Choi H-S, Yoon S (2017). Deep recurrent neural network-based
       identification of precursor microRNAs. NeurIPS 30 (additive attention over a sequence).

    Notes
    -----
    Weights tell what is read together, not what it does: a position may be attended to and change
    nothing, and layers after the first attend to what earlier ones have mixed.

    Examples
    --------
    >>> from cisgram.seq import encode
    >>> class Look(nn.Module):
    ...     def forward(self, x):
    ...         h = x.transpose(1, 2)  # attends to G: e times as much as to the others
    ...         return (torch.softmax(h[..., 2], 1)[..., None] * h).sum(1)
    >>> found = attention(Look(), encode(["ACGT"])).values[0, 0].tolist()
    >>> [round(a * (3 + torch.e), 3) for a in found]
    [1.0, 1.0, 2.718, 1.0]
    """
    check_positive(batch_size, name="batch_size")
    if spread not in SPREADS:
        what = "spread"
        raise unknown(what, spread, SPREADS)
    given, x = x, ready(model, x)
    with torch.inference_mode(mode=False), torch.no_grad(), untouched(model):
        found, where = _located(model, x, target, layer)
        shares = [p.shares(x.shape[2], whole_field=spread == "field").to(x.device) for p in where]
        parts = []
        for weights in _weights(model, x, found, batch_size):
            tracks = [a.mean(2).double() @ s for a, s in zip(weights, shares, strict=True)]
            parts.append([t.float().cpu() for t in tracks])  # each (n, heads, length)
        values, names = _stacked([torch.cat(t) for t in zip(*parts, strict=True)], found)
    return Tracks(
        values=values,
        names=names,
        sequences=given,
        method="attention",
        options=plain_options(target=target, layer=layer, spread=spread),
    )


def attention_map(
    model: nn.Module,
    x: OneHot,
    *,
    layer: str | None = None,
    head: int | None = None,
    batch_size: int = 32,
) -> Interaction:
    """Weight of every query for every position: (n, queries, positions) of one attention.

    Parameters
    ----------
    model, x, batch_size
        As for `attention`.
    layer
        Name of the attention; may be left out where there is only one.
    head
        Number of a head; default: the mean of all.

    Returns
    -------
    Interaction
        ``values`` (n, q, k), rows summing to 1; ``rows`` and ``columns`` say where each query and
        position lies, ``start-stop`` in bp. Queries that are no positions are ``query 0``, ...

    Raises
    ------
    InputError
        As `attention`; when there are several attentions and none is asked for.
    """
    check_positive(batch_size, name="batch_size")
    x = ready(model, x)
    with torch.inference_mode(mode=False), torch.no_grad(), untouched(model):
        found, where = _located(model, x, None, layer)
        if len(found) > 1:
            msg = (
                f"The model has several attentions; say which: {', '.join(a.name for a in found)}."
            )
            raise InputError(msg)
        parts = [weights[0].cpu() for weights in _weights(model, x, found, batch_size)]
    a = torch.cat(parts)  # (n, heads, q, k)
    if head is not None and (isinstance(head, bool) or not 0 <= head < a.shape[1]):
        msg = f"head must be from 0 to {a.shape[1] - 1}; got {head!r}."
        raise InputError(msg)
    columns = where[0].names(x.shape[2])
    rows = columns if a.shape[2] == a.shape[3] else tuple(f"query {i}" for i in range(a.shape[2]))
    return Interaction(
        values=a.mean(1) if head is None else a[:, head].clone(),
        rows=rows,
        columns=columns,
        method="attention_map",
        options={"layer": found[0].name, "head": head},
    )


def _located(
    model: nn.Module, x: Tensor, target: Target | None, layer: str | None
) -> tuple[list[Attended], list[Places]]:
    """The attentions that are asked for, and where their positions lie."""
    if target is not None:
        with torch.inference_mode():
            scalar(model, target)(x[:1])
    f = _first_tensor(model)
    graph = record(f, x[:1], model=model, whole_layers=True)
    check_finite(graph.tensor(graph.result).reshape(1, -1).float().sum(1))
    every = attentions(graph)
    where = places(f, model, x, every) if every else []
    # a softmax over what is no position, as over channels, is a gate
    found = [(a, p) for a, p in zip(every, where, strict=True) if p is not None]
    if not found:
        msg = (
            f"{type(core(model)).__name__} has no attention over positions: no softmax along the "
            "sequence weighs what the model reads there. Explain its output instead, for example "
            "with ism or deep_lift."
        )
        raise InputError(msg)
    names = [a.name for a, _ in found]
    if layer is not None and layer not in names:
        what = "attention"
        raise unknown(what, layer, names)
    kept = [(a, p) for a, p in found if layer in (None, a.name)]
    return [a for a, _ in kept], [p for _, p in kept]


def _weights(
    model: nn.Module, x: Tensor, found: list[Attended], batch_size: int
) -> Iterator[list[Tensor]]:
    """(n, heads, queries, positions) of each attention, batch by batch."""
    f = _first_tensor(model)
    names = [a.name for a in found]
    for part in torch.split(x, batch_size):
        graph = record(f, part, model=model, whole_layers=True)
        by_name = {a.name: a for a in attentions(graph)}
        yield [weights_of(graph, by_name[name]) for name in names]


def _first_tensor(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """The model as a function that gives one tensor: of several outputs the first."""

    def f(x: Tensor) -> Tensor:
        out: Tensor = next(v for v in tree_flatten(model(x))[0] if isinstance(v, Tensor))
        return out

    return f


def _stacked(tracks: list[Tensor], found: list[Attended]) -> tuple[Tensor, tuple[str, ...]]:
    """All tracks (n, k, length) and their names: the mean, each attention, each head."""
    values: list[Tensor] = []
    names: list[str] = []
    if len(found) > 1:
        values.append(torch.stack([t.mean(1) for t in tracks]).mean(0))
        names.append("mean")
    for heads, attended in zip(tracks, found, strict=True):
        values.append(heads.mean(1))
        names.append(attended.name)
        if heads.shape[1] > 1:
            values += heads.unbind(1)
            names += [f"{attended.name} head {i}" for i in range(heads.shape[1])]
    return torch.stack(values, 1), tuple(names)
