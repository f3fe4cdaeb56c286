"""DeepLIFT's Rescale rule for functions of one number: change out over change in."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from cisgram.explain.propagation.multipliers import Multipliers, Step
from cisgram.explain.propagation.rules import (
    RULES,
    dense,
    integrated,
    multiplied,
    named,
    rule,
    unbroadcast,
)
from cisgram.models.graph import Value

# Where in and out hardly change, their ratio is rounding noise; the derivative half way is as good
# up to f''' d^2 / 24. Smooth functions of inputs of order one: below this change.
SMOOTH = 1e-3
_SMOOTH = named(
    "sigmoid tanh exp exp2 expm1 gelu silu softplus mish log_sigmoid_forward log_sigmoid erf erfc "
    "sin cos atan asinh sinh cosh logit special_expit"
)
# Smooth functions that know no scale: below this change relative to the input.
_SCALED = named("log log2 log10 log1p pow reciprocal sqrt rsqrt lgamma digamma acosh atanh")
# With kinks: only where nothing changes at all.
_KINKED = named(
    "leaky_relu abs clamp clamp_min clamp_max hardtanh hardsigmoid hardswish relu6 softshrink "
    "hardshrink elu celu selu threshold _prelu_kernel prelu sgn sign round floor ceil trunc "
    "frac erfinv asin acos tan rrelu_with_noise"
)


@rule("relu")
def _relu(step: Step, m: list[Tensor | None]) -> Multipliers:
    """Change of relu(a) over change of a = (relu(a) + relu(a')) / (abs(a) + abs(a')).

    The two are equal, but the second form takes no difference of near numbers, and needs no
    exception where nothing changes: it then is the derivative.
    """
    value, g = step.args[0], dense(m)
    a, r = step.pair(value)
    y, s = step.pair(step.out())
    tiny = torch.finfo(r.dtype).tiny
    slope = y + s
    slope /= r.abs().add_(a.abs() + tiny)
    return [(value, step.joined(slope, value) * g)]


def rescale(step: Step, m: list[Tensor | None], *, below: float, relative: bool) -> Multipliers:
    """Multiplier times the slope of the chord; the derivative half way on short chords."""
    value, g = step.args[0], dense(m)
    if any(v != value for v in step.operation.inputs) or not isinstance(value, Value):
        return integrated(step, m)  # an exponent or a bound that depends on the sequence too
    a, r = step.pair(value)
    y, s = step.pair(step.out())
    change = a - r
    slope = (y - s) / change
    size = below * r.abs() if relative else below
    short = (change.abs() <= size).logical_or_(~change.isfinite())
    if short.any():
        middle = torch.lerp(a.expand_as(r), r, 0.5)
        slope = torch.where(short, slope_at(step, value, middle), slope)
    slope = step.joined(slope, value)
    return [(value, unbroadcast(g * slope, step.reference(value)))]


def slope_at(step: Step, value: Value, at: Tensor) -> Tensor:
    """The derivative of a function of one number."""
    with torch.enable_grad():
        point = at.detach().requires_grad_()
        y = step.operation.run({value: point})[0]
        (d,) = torch.autograd.grad(y.sum(), point) if y.requires_grad else (torch.zeros_like(at),)
    return torch.nan_to_num(d)


def _smooth(step: Step, m: list[Tensor | None]) -> Multipliers:
    return rescale(step, m, below=SMOOTH, relative=False)


def _scaled(step: Step, m: list[Tensor | None]) -> Multipliers:
    return rescale(step, m, below=SMOOTH, relative=True)


def _kinked(step: Step, m: list[Tensor | None]) -> Multipliers:
    return rescale(step, m, below=0.0, relative=False)


for _names, _rule in ((_SMOOTH, _smooth), (_SCALED, _scaled), (_KINKED, _kinked)):
    RULES.update(dict.fromkeys(_names, _rule))
FUNCTIONS = _SMOOTH | _SCALED | _KINKED | {"relu"}


@rule("where")
def _where(step: Step, m: list[Tensor | None]) -> Multipliers:
    return _choice(step, dense(m), *step.args[:3])


@rule("masked_fill")
def _filled(step: Step, m: list[Tensor | None]) -> Multipliers:
    a, mask, fill = step.args[:3]
    if isinstance(mask, Value):
        return _choice(step, dense(m), mask, fill, a)
    return [(a, unbroadcast(dense(m).masked_fill(mask, 0), step.reference(a)))]


@rule("mul")
def _masked(step: Step, m: list[Tensor | None]) -> Multipliers:
    """A product with a mask that depends on the sequence is a choice between a and 0."""
    for a, mask in (step.args[:2], step.args[1::-1]):
        if isinstance(mask, Value) and step.reference(mask).dtype == torch.bool:
            return _choice(step, dense(m), mask, a, 0.0)
    return multiplied(step, m)


def _choice(step: Step, g: Tensor, mask: Any, yes: Any, no: Any) -> Multipliers:
    """Rescaled: b + u where the mask holds, b elsewhere, with u = a - b."""
    (c, cr), (a, ar), (b, br) = (_sides(step, t) for t in (mask, yes, no))
    u, v = a - b, ar - br
    moved = torch.where(c, u, 0) - torch.where(cr, v, 0)
    share = torch.where(c == cr, c.to(g.dtype), moved / (u - v))
    return [
        (t, unbroadcast(g * w, step.reference(t)))
        for t, w in ((yes, share), (no, 1 - share))
        if isinstance(t, Value)
    ]


def _sides(step: Step, t: Any) -> tuple[Any, Any]:
    """Example and reference of an argument; a constant is the same for both."""
    return (step.example(t), step.reference(t)) if isinstance(t, Value) else (t, t)


@rule("glu")
def _glu(step: Step, m: list[Tensor | None]) -> Multipliers:
    """A product a sigmoid(b), of the two halves of the input."""
    value, g = step.args[0], dense(m)
    dim = step.axis(value, step.arg(1, -1))
    (a, b), (ar, br) = (t.chunk(2, dim) for t in step.pair(value))
    s, sr = torch.sigmoid(b), torch.sigmoid(br)
    change = b - br
    slope = torch.where(change.abs() < SMOOTH, (s * (1 - s) + sr * (1 - sr)) / 2, (s - sr) / change)
    both = torch.cat([(s + sr) / 2, slope * (a + ar) / 2], dim)
    twice = torch.cat([g, g], step.arg(1, -1))
    return [(value, twice * step.joined(both, value))]
