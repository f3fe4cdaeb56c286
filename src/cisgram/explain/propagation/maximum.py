"""Maxima: what changes is credited to the position that wins.

With y the maximum on the example and y' on the reference, the larger of the two says who wins: its
own position p gets y - y', all of it, as a multiple of the change at p. That change is at least as
large, so no multiplier exceeds 1, and windows may overlap.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cisgram.explain.propagation.multipliers import Multipliers, Step, unflatten
from cisgram.explain.propagation.rules import dense, integrated, rule, unbroadcast
from cisgram.models.graph import Value


def winners(
    m: Tensor,
    a: Tensor,
    r: Tensor,
    places: tuple[Tensor, Tensor],
    best: tuple[Tensor, Tensor],
    *,
    sign: int = 1,
) -> Tensor:
    """Multipliers (..., length) of the inputs of maxima.

    Parameters
    ----------
    m
        (..., windows) multipliers of the maxima.
    a, r
        (..., length) inputs on examples and references.
    places
        (..., windows) where the maximum lies in each.
    best
        (..., windows) the maxima.
    sign
        -1 for minima.
    """
    shape = (*r.shape[:-1], -1)
    at, at_r = (p.expand(shape) for p in places)
    y, s = best
    gain = y - s
    wins = gain * sign > 0
    at_reference, there = r.gather(-1, at), a.expand_as(r).gather(-1, at_r)
    change = torch.where(wins, y - at_reference, there - s)
    share = torch.where(change == 0, 0, gain / change)
    out = torch.zeros_like(r)  # in memory as r lies
    out.scatter_add_(-1, torch.where(wins, at, at_r), m * share)
    # a winner that does not change keeps the derivative; it contributes nothing
    still = at_reference == y
    return out.scatter_add_(-1, at, m * still) if still.any() else out


@rule("max_pool2d_with_indices", "adaptive_max_pool2d")
def _pooled(step: Step, m: list[Tensor | None]) -> Multipliers:
    value = step.args[0]
    a, r = step.pair(value)
    at, at_r = (t.flatten(-2) for t in step.pair(step.out(1)))
    y, s = (t.flatten(-2) for t in step.pair(step.out()))
    g = step.split(dense(m), step.out()).flatten(-2)
    found = winners(g, a.flatten(-2), r.flatten(-2), (at, at_r), (y, s))
    return [(value, step.joined(unflatten(found, -1, r.shape[-2:]), value))]


@rule("max", "min", "amax", "amin")
def _largest(step: Step, m: list[Tensor | None]) -> Multipliers:
    """The maximum over one axis, several, or all of a sequence's numbers."""
    value, second, name = step.args[0], step.arg(1), step.operation.name
    if isinstance(second, Tensor | Value):
        return _larger(step, m)
    g, ndim = dense(m), step.reference(value).ndim
    dims = [second] if isinstance(second, int) else list(second or range(ndim))
    if not step.arg(2, False):
        for d in sorted(d % ndim for d in dims):
            g = g.unsqueeze(d)
    if step.rows(value) in {d % ndim for d in dims}:
        return integrated(step, m)  # mixes sequences; shown by its gap
    over = [step.axis(value, d) for d in dims]
    a, r = (_last(t, over) for t in step.pair(value))
    sign = 1 if "max" in name else -1
    at, at_r = _best(a, sign), _best(r, sign)
    best = a.gather(-1, at), r.gather(-1, at_r)
    g = _last(_split_like(step, g, value), over)
    found = winners(g, a, r, (at, at_r), best, sign=sign)
    return [(value, step.joined(_unlast(found, step.pair(value)[1], over), value))]


def _best(t: Tensor, sign: int) -> Tensor:
    return t.argmax(-1, keepdim=True) if sign > 0 else t.argmin(-1, keepdim=True)


def _split_like(step: Step, t: Tensor, value: Value) -> Tensor:
    """``t`` has the axes of ``value``, some of length 1: with the axes of `Step.pair`."""
    rows = step.rows(value)
    if rows is None:
        return t
    each = t.shape[rows] // (step.n * step.repeats)
    parts = (step.n, step.repeats, each) if each > 1 else (step.n, step.repeats)
    return unflatten(t, rows, parts)


def _last(t: Tensor, over: list[int]) -> Tensor:
    """The axes ``over`` (negative) as one at the end."""
    rest = [d for d in range(-t.ndim, 0) if d not in over]
    kept = [t.shape[d] for d in rest]
    return t.permute([d % t.ndim for d in [*rest, *sorted(over)]]).reshape(*kept, -1)


def _unlast(t: Tensor, like: Tensor, over: list[int]) -> Tensor:
    rest = [d for d in range(-like.ndim, 0) if d not in over]
    order = [d % like.ndim for d in [*rest, *sorted(over)]]
    spread = t.reshape([like.shape[d] for d in order])
    return spread.permute([order.index(d) for d in range(like.ndim)])


@rule("maximum", "minimum", "fmax", "fmin")
def _larger(step: Step, m: list[Tensor | None]) -> Multipliers:
    """max(a, b) = b + relu(a - b), min(a, b) = a - relu(a - b), with relu rescaled."""
    g = dense(m)
    (a, ar), (b, br) = (
        (step.example(t), step.reference(t)) if isinstance(t, Value) else (t, t)
        for t in step.args[:2]
    )
    u, v = a - b, ar - br
    tiny = torch.finfo(u.dtype).tiny
    share = (u.clamp(min=0) + v.clamp(min=0)) / (u.abs() + v.abs() + tiny)
    share = torch.where((u == 0) & (v == 0), 0.5, share)
    if "min" in step.operation.name:
        share = 1 - share
    return [
        (t, unbroadcast(g * w, step.reference(t)))
        for t, w in ((step.args[0], share), (step.args[1], 1 - share))
        if isinstance(t, Value)
    ]
