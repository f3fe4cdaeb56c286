"""The rule of each operation: contributions of its inputs add up to those of its outputs.

What is linear keeps its derivative. A product of two values takes each at the mean of the other,
a b - a' b' = (b + b') / 2 (a - a') + (a + a') / 2 (b - b'), which is the derivative half way; so do
matrix products, attention and squares. Functions of one number are in `elementwise`, maxima
in `maximum`, softmax and norms in `norms`, recurrent layers in `recurrent`. An
operation without a rule is integrated along the straight line from reference to example, which
is right where it is smooth; whether it was is measured in the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cisgram.explain.propagation.kernels import convolution_back
from cisgram.explain.propagation.multipliers import Multipliers, Rule, Step
from cisgram.models.graph import Value

RULES: dict[str, Rule] = {}
NODES = 16  # of Gauss-Legendre quadrature: exact for polynomials up to degree 31


def named(text: str) -> frozenset[str]:
    """Names of operations, written in one string."""
    return frozenset(text.split())


# linear in all that depends on the sequence, so long as indices, masks and weights do not
LINEAR = named(
    "_adaptive_avg_pool2d _adaptive_avg_pool3d _fft_c2r _fft_r2c as_strided avg_pool1d avg_pool2d "
    "avg_pool3d cat col2im constant_pad_nd cumsum diag_embed diagonal flip gather im2col "
    "index index_add index_put index_select pixel_shuffle reflection_pad1d "
    "reflection_pad2d repeat replication_pad1d replication_pad2d roll rot90 scatter scatter_add "
    "select select_scatter slice slice_scatter split split_with_sizes stack take tril triu unbind "
    "unfold unsafe_split unsafe_split_with_sizes unsafe_chunk upsample_linear1d upsample_nearest1d "
    "upsample_nearest2d upsample_bilinear2d narrow"
)
# exact at the middle: products of two values, or squares
QUADRATIC = named("addbmm addcmul addmv baddbmm convolution dot mv vdot bilinear cross")


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Makes a function the rule of the operations that are named."""

    def add(f: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, f))
        return f

    return add


def unbroadcast(m: Tensor, like: Tensor) -> Tensor:
    """The sum over what was broadcast."""
    return m if m.shape == like.shape else m.sum_to_size(like.shape)


def dense(m: list[Tensor | None]) -> Tensor:
    """The multiplier of the only output that counts."""
    return next(t for t in m if t is not None)


# -- what moves, adds up or scales ------------------------------------------------------------


@rule("clone", "alias", "detach", "_to_copy", "contiguous", "lift_fresh", "lift", "positive")
def _same(step: Step, m: list[Tensor | None]) -> Multipliers:
    value = step.args[0]
    to = step.reference(value)
    return [(value, dense(m).to(to.dtype))] if to.is_floating_point() else [(value, dense(m))]


@rule("view", "_unsafe_view", "reshape", "_reshape_alias", "unsqueeze", "squeeze")
def _reshaped(step: Step, m: list[Tensor | None]) -> Multipliers:
    return [(step.args[0], dense(m).reshape(step.reference(step.args[0]).shape))]


@rule("permute")
def _permuted(step: Step, m: list[Tensor | None]) -> Multipliers:
    n = len(step.args[1])
    back = np.argsort([d % n for d in step.args[1]]).tolist()
    return [(step.args[0], dense(m).permute(back))]


@rule("transpose")
def _transposed(step: Step, m: list[Tensor | None]) -> Multipliers:
    return [(step.args[0], dense(m).transpose(step.args[1], step.args[2]))]


@rule("t")
def _turned(step: Step, m: list[Tensor | None]) -> Multipliers:
    return [(step.args[0], dense(m).t())]


@rule("expand")
def _expanded(step: Step, m: list[Tensor | None]) -> Multipliers:
    return [(step.args[0], unbroadcast(dense(m), step.reference(step.args[0])))]


@rule("copy")
def _copied(step: Step, m: list[Tensor | None]) -> Multipliers:
    source = step.args[1]
    if not isinstance(source, Value):
        return []
    return [(source, unbroadcast(dense(m), step.reference(source)))]


@rule("neg")
def _negated(step: Step, m: list[Tensor | None]) -> Multipliers:
    return [(step.args[0], -dense(m))]


@rule("add", "sub", "rsub")
def _added(step: Step, m: list[Tensor | None]) -> Multipliers:
    g, name = dense(m), step.operation.name
    alpha = step.operation.kwargs.get("alpha", step.arg(2, 1))
    scale = {"add": (1, alpha), "sub": (1, -alpha), "rsub": (-alpha, 1)}[name]
    return [
        (v, unbroadcast(g if s == 1 else g * s, step.reference(v)))
        for v, s in zip(step.args[:2], scale, strict=True)
        if isinstance(v, Value)
    ]


@rule("sum", "mean")
def _reduced(step: Step, m: list[Tensor | None]) -> Multipliers:
    value, dims = step.args[0], step.arg(1)
    r, g = step.reference(value), dense(m)
    over = _dims(dims, r.ndim)
    if not step.arg(2, False):
        for d in over:
            g = g.unsqueeze(d)
    if step.operation.name == "mean":
        g = g / math.prod(r.shape[d] for d in over)
    return [(value, g.expand(r.shape))]


def _dims(dims: Any, ndim: int) -> list[int]:
    if dims is None or dims == []:
        return list(range(ndim))
    return sorted(d % ndim for d in ([dims] if isinstance(dims, int) else dims))


# -- products ---------------------------------------------------------------------------------


def half_way(step: Step, a: Any) -> Any:
    """An argument as a product sees it: a constant, or the middle of a value."""
    return step.middle(a) if isinstance(a, Value) else a


def multiplied(step: Step, m: list[Tensor | None]) -> Multipliers:
    """Each factor at the mean of the other."""
    g, (a, b) = dense(m), step.args[:2]
    return [
        (v, unbroadcast(g * half_way(step, w), step.reference(v)))
        for v, w in ((a, b), (b, a))
        if isinstance(v, Value)
    ]


@rule("div")
def _divided(step: Step, m: list[Tensor | None]) -> Multipliers:
    """A quotient a / b is a times 1 / b, and 1 / b - 1 / b' = -(b - b') / (b b')."""
    if step.operation.kwargs.get("rounding_mode"):
        return []
    g, (a, b) = dense(m), step.args[:2]
    if not isinstance(b, Value):
        return [(a, unbroadcast(g / b, step.reference(a)))]
    x, r = step.pair(b)
    out: Multipliers = []
    if isinstance(a, Value):
        inverse = step.joined((1 / x + 1 / r) / 2, b)
        out.append((a, unbroadcast(g * inverse, step.reference(a))))
    fall = step.joined(-1 / (x * r), b)
    out.append((b, unbroadcast(g * half_way(step, a) * fall, step.reference(b))))
    return out


@rule("mm", "bmm")
def _matrix_product(step: Step, m: list[Tensor | None]) -> Multipliers:
    return _product(step, dense(m), *step.args[:2])


@rule("addmm", "baddbmm")
def _affine(step: Step, m: list[Tensor | None]) -> Multipliers:
    g, (c, a, b) = dense(m), step.args[:3]
    beta, alpha = (step.operation.kwargs.get(k, 1) for k in ("beta", "alpha"))
    out = _product(step, g if alpha == 1 else g * alpha, a, b)
    if isinstance(c, Value):
        out.append((c, unbroadcast(g if beta == 1 else g * beta, step.reference(c))))
    return out


def _product(step: Step, g: Tensor, a: Any, b: Any) -> Multipliers:
    out: Multipliers = []
    if isinstance(a, Value):
        out.append((a, g @ half_way(step, b).transpose(-1, -2)))
    if isinstance(b, Value):
        out.append((b, half_way(step, a).transpose(-1, -2) @ g))
    return out


@rule("convolution")
def _convolved(step: Step, m: list[Tensor | None]) -> Multipliers:
    value, weight = step.args[:2]
    if not isinstance(value, Value) or any(isinstance(a, Value) for a in step.args[1:]):
        return _at_the_middle(step, m)
    return [(value, convolution_back(dense(m), step.reference(value), weight, *step.args[3:]))]


# -- by autograd on the one operation ---------------------------------------------------------


def back(step: Step, m: list[Tensor | None], at: dict[Value, Tensor]) -> Multipliers:
    """Multipliers from the derivatives of the operation where its inputs are ``at``."""
    with torch.enable_grad():
        points = {v: t.detach().requires_grad_() for v, t in at.items() if t.is_floating_point()}
        outs = step.operation.run({**at, **points})
        pairs = [(o, g) for o, g in zip(outs, m, strict=True) if g is not None and _follows(o)]
        if not pairs or not points:
            return []
        found = torch.autograd.grad(
            [o for o, _ in pairs],
            list(points.values()),
            [g.to(o) for o, g in pairs],
            allow_unused=True,
        )
    return [(v, g) for v, g in zip(points, found, strict=True) if g is not None]


def _follows(out: Any) -> bool:
    return isinstance(out, Tensor) and out.requires_grad


def _at_the_references(step: Step, m: list[Tensor | None]) -> Multipliers:
    return back(step, m, {v: step.reference(v) for v in step.operation.inputs})


def _at_the_middle(step: Step, m: list[Tensor | None]) -> Multipliers:
    return back(step, m, {v: _between(step, v, 0.5) for v in step.operation.inputs})


def _between(step: Step, v: Value, share: float) -> Tensor:
    """On the line from reference (0) to example (1); masks and indices stay as they are."""
    a, r = step.pair(v)
    if not r.is_floating_point():
        return step.reference(v)
    return step.joined(torch.lerp(r, a.expand_as(r), share), v)


def integrated(step: Step, m: list[Tensor | None]) -> Multipliers:
    """Mean of the derivative on the straight line, by Gauss-Legendre quadrature."""
    outs = step.operation.outputs
    if not any(
        g is not None and o is not None and o.is_floating_point()
        for o, g in zip(outs, m, strict=True)
    ):
        return []  # a comparison or an index: nothing to go back by
    total: dict[Value, Tensor] = {}
    for share, weight in _quadrature():
        points = {v: _between(step, v, share) for v in step.operation.inputs}
        for v, g in back(step, m, points):
            total[v] = g * weight + total[v] if v in total else g * weight
    return list(total.items())


@cache
def _quadrature() -> tuple[tuple[float, float], ...]:
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return tuple(zip(((nodes + 1) / 2).tolist(), (weights / 2).tolist(), strict=True))


def _enter(names: Iterable[str], what: Rule) -> None:
    for name in names:
        RULES.setdefault(name, what)


_enter(LINEAR, _at_the_references)
_enter(QUADRATIC, _at_the_middle)
