"""DeepLIFT's RevealCancel rule: what pushes a unit up and what pushes it down, kept apart.

Shrikumar et al. (2017), section 3.5.3. A function f of a number a that goes from a' by
d = p + q, p >= 0 the sum of all that raises it, q <= 0 of all that lowers it:

    up   = ((f(a' + p) - f(a')) + (f(a' + p + q) - f(a' + q))) / 2
    down = ((f(a' + q) - f(a')) + (f(a' + p + q) - f(a' + p))) / 2

p and q are told at the linear layer (convolution or matrix product with constant weights) that the
number comes from, through whatever scales, shifts or moves it in between. Where there is none,
the rule is Rescale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from cisgram.explain.propagation.elementwise import FUNCTIONS, slope_at
from cisgram.explain.propagation.kernels import convolution, convolution_back
from cisgram.explain.propagation.multipliers import Multipliers, Rule, Step
from cisgram.explain.propagation.rules import RULES, dense, named
from cisgram.models.graph import Operation, Value

_MOVES = named(
    "view _unsafe_view reshape unsqueeze squeeze permute transpose t clone alias detach slice "
    "select"
)
_SCALES = named("add sub rsub mul div neg native_batch_norm _native_batch_norm_legit")

Linear = Callable[[Tensor, Tensor], Tensor]


def reveal_cancel(operation: Operation) -> Rule | None:
    """The rule of a function of one number; None for every other operation."""
    return _revealed if operation.name in FUNCTIONS else None


def _revealed(step: Step, m: list[Tensor | None]) -> Multipliers:
    value, g = step.args[0], dense(m)
    if any(v != value for v in step.operation.inputs):
        return RULES[step.operation.name](step, m)
    between, root = _source(step, value)
    layer = _linear(root) if root is not None else None
    if root is None or layer is None:
        return RULES[step.operation.name](step, m)
    source, weight, forwards, back = layer
    d = step.change(source)
    up, down = d.clamp(min=0), d.clamp(max=0)
    gains, losses = weight.clamp(min=0), weight.clamp(max=0)
    p = _through(between, forwards(up, gains) + forwards(down, losses))
    q = _through(between, forwards(up, losses) + forwards(down, gains))
    turned = p < q  # a negative scale in between
    p, q = torch.maximum(p, q), torch.minimum(p, q)
    m_p, m_q = (g * s for s in _slopes(step, value, p, q))
    m_up = _back_through(between, torch.where(turned, m_q, m_p))
    m_down = _back_through(between, torch.where(turned, m_p, m_q))
    rising = back(m_up, gains) + back(m_down, losses)  # of inputs that grow
    falling = back(m_down, gains) + back(m_up, losses)
    m_d = torch.where(d > 0, rising, torch.where(d < 0, falling, (rising + falling) / 2))
    return [(source, m_d)]


def _slopes(step: Step, value: Value, p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    r = step.reference(value)

    def f(a: Tensor) -> Tensor:
        out: Tensor = step.operation.run({value: a})[0]
        return out

    start, up, down, end = f(r), f(r + p), f(r + q), f(r + p + q)
    still = slope_at(step, value, r + (p + q) / 2)
    return (
        torch.where(p == 0, still, ((up - start) + (end - down)) / (2 * p)),
        torch.where(q == 0, still, ((down - start) + (end - up)) / (2 * q)),
    )


def _source(step: Step, value: Value) -> tuple[list[Step], Step | None]:
    """The operations between a value and the linear layer it comes from, and that layer."""
    between: list[Step] = []
    while value.operation >= 0:
        at = replace(step, at=value.operation)
        if len(at.operation.inputs) != 1:
            return between, None
        if at.operation.name not in _MOVES | _SCALES:
            return between, at
        if at.operation.name == "div" and not isinstance(at.args[0], Value):
            return between, None
        if "batch_norm" in at.operation.name and at.args[5]:
            return between, None
        between.append(at)
        value = at.operation.inputs[0]
    return between, None


def _through(between: list[Step], change: Tensor) -> Tensor:
    """A change of the linear layer's output as it arrives."""
    for at in reversed(between):
        (value,) = at.operation.inputs
        zero = torch.zeros_like(change)
        change = at.operation.run({value: change})[0] - at.operation.run({value: zero})[0]
    return change


def _back_through(between: list[Step], m: Tensor) -> Tensor:
    for at in between:
        outs: list[Tensor | None] = [m, *[None] * (len(at.operation.outputs) - 1)]
        ((_, m),) = RULES[at.operation.name](at, outs)
    return m


def _linear(at: Step) -> tuple[Value, Tensor, Linear, Linear] | None:
    """Input and weight of a linear layer, and how it goes forwards and back with a weight."""
    name, args = at.operation.name, at.args
    if name == "convolution" and isinstance(args[0], Value):
        how, x = args[3:], at.reference(args[0])
        return (
            args[0],
            args[1],
            lambda d, w: convolution(d, w, None, *how),
            lambda m, w: convolution_back(m, x, w, *how),
        )
    scaled = any(at.operation.kwargs.get(k, 1) != 1 for k in ("alpha", "beta"))
    a, b = args[-2:] if name in {"mm", "addmm"} else (None, None)
    if isinstance(a, Value) and isinstance(b, Tensor) and not scaled:
        return a, b, lambda d, w: d @ w, lambda m, w: m @ w.t()
    return None
