"""LSTM and GRU layers: gates are products and rescaled functions, all steps at once where they can.

The states are known from the forward pass, so every factor of every step is formed in a few
operations on whole tensors; only the recurrence of the multipliers runs step by step.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from cisgram.explain.propagation.elementwise import SMOOTH
from cisgram.explain.propagation.multipliers import Multipliers, Step, unflatten
from cisgram.explain.propagation.rules import rule
from cisgram.models.graph import Graph, Value


def _chord(y: Tensor, s: Tensor, change: Tensor, d: Tensor, d_r: Tensor) -> Tensor:
    return torch.where(change.abs() < SMOOTH, (d + d_r) / 2, (y - s) / change)


def _sigmoid(a: Tensor, r: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Sigmoid of both, and the slope between them."""
    y, s = a.sigmoid(), r.sigmoid()
    return (y, s), _chord(y, s, a - r, y * (1 - y), s * (1 - s))


def _tanh(a: Tensor, r: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
    y, s = a.tanh(), r.tanh()
    return (y, s), _chord(y, s, a - r, 1 - y * y, 1 - s * s)


class _Layer:
    """The numbers of one recurrent layer on examples or references, time first."""

    def __init__(self, graph: Graph, step: Step) -> None:
        def value(v: Any) -> Any:
            return graph.tensor(v) if isinstance(v, Value) else v

        x, states, w, u, b, v = graph.operations[step.at].args
        self.states = [value(s) for s in states]
        self.y = graph.tensor(step.out())  # (length, n, size)
        self.before = torch.cat([self.states[0][None], self.y[:-1]])
        self.by_input = value(x) @ w.t()
        self.by_state = self.before @ u.t()
        if b is not None:
            self.by_input += b
            self.by_state += v

    def cells(self, gates: Tensor) -> Tensor:
        """The states of the cell, (length + 1, n, size), the first one included."""
        i, f, g, _ = gates.chunk(4, 2)
        f, add, c = f.sigmoid(), i.sigmoid() * g.tanh(), self.states[1]
        out = [c]
        for t in range(len(f)):
            c = torch.addcmul(add[t], f[t], c)
            out.append(c)
        return torch.stack(out)


def _paired(step: Step, parts: list[tuple[Tensor, ...]]) -> list[tuple[Tensor, Tensor]]:
    """Each part on the examples, (length, n, 1, size), and on references (.., repeats, size)."""
    both = list(zip(*parts, strict=True))
    if step.repeats == 1:
        return [(a, r) for a, r in both]
    return [(a[:, :, None], unflatten(r, 1, (step.n, step.repeats))) for a, r in both]


def _side_by_side(step: Step, *factors: Tensor) -> Tensor:
    """(length, n * repeats, how many, size)."""
    out = torch.stack(factors, -2)
    return out if step.repeats == 1 else out.flatten(1, 2)


def _mean(pair: tuple[Tensor, Tensor]) -> Tensor:
    return (pair[0] + pair[1]) / 2


@rule("lstm_layer")
def _lstm(step: Step, m: list[Tensor | None]) -> Multipliers:
    """The step c' = f c + i g, h' = o tanh(c')."""
    w, u = step.args[2:4]
    parts: list[tuple[Tensor, ...]] = []
    for graph in (step.x, step.r):
        layer = _Layer(graph, step)
        gates = layer.by_input + layer.by_state
        cells = layer.cells(gates)
        parts.append((*gates.chunk(4, 2), cells[1:], cells[:-1]))
    i, f, g, o, cell, before = _paired(step, parts)
    i, by_i = _sigmoid(*i)
    f, by_f = _sigmoid(*f)
    o, by_o = _sigmoid(*o)
    g, by_g = _tanh(*g)
    e, by_e = _tanh(*cell)
    by_cell = _side_by_side(step, _mean(g) * by_i, _mean(before) * by_f, _mean(i) * by_g)
    direct = _side_by_side(step, _mean(e) * by_o, _mean(o) * by_e, _mean(f))
    rows, size = direct.shape[1], direct.shape[3]
    by_gates = direct.new_empty(len(direct), rows, 4, size)
    m_y, m_h, m_c = m
    h = direct.new_zeros(rows, size) if m_h is None else m_h
    c = direct.new_zeros(rows, size) if m_c is None else m_c
    for t in range(len(direct) - 1, -1, -1):
        h = h if m_y is None else h + m_y[t]
        c = torch.addcmul(c, h, direct[t, :, 1])
        torch.mul(by_cell[t], c[:, None], out=by_gates[t, :, :3])
        torch.mul(direct[t, :, 0], h, out=by_gates[t, :, 3])
        h = by_gates[t].flatten(1) @ u
        c = c * direct[t, :, 2]
    return _inputs(step, by_gates.flatten(2) @ w, [h, c])


@rule("gru_layer")
def _gru(step: Step, m: list[Tensor | None]) -> Multipliers:
    """The step h' = n + z (h - n), n = tanh(from the input + r * from the state)."""
    w, u = step.args[2:4]
    parts: list[tuple[Tensor, ...]] = []
    for graph in (step.x, step.r):
        layer = _Layer(graph, step)
        r_x, z_x, n_x = layer.by_input.chunk(3, 2)
        r_h, z_h, n_h = layer.by_state.chunk(3, 2)
        reset = r_x + r_h
        parts.append((reset, z_x + z_h, n_x + reset.sigmoid() * n_h, n_h, layer.before))
    reset_in, keep_in, new_in, n_h2, before = _paired(step, parts)
    reset2, by_r = _sigmoid(*reset_in)
    keep2, by_z = _sigmoid(*keep_in)
    new, by_n = _tanh(*new_in)
    keep = _mean(keep2)
    to_new = (1 - keep) * by_n
    factors = _side_by_side(
        step,
        to_new * _mean(n_h2) * by_r,
        (_mean(before) - _mean(new)) * by_z,
        to_new * _mean(reset2),
        to_new,
        keep,
    )
    by_gates = torch.empty_like(factors[:, :, :4])
    m_y, m_h = m
    h = torch.zeros_like(factors[0, :, 0]) if m_h is None else m_h
    for t in range(len(factors) - 1, -1, -1):
        h = h if m_y is None else h + m_y[t]
        torch.mul(factors[t, :, :4], h[:, None], out=by_gates[t])
        h = torch.addcmul(by_gates[t, :, :3].flatten(1) @ u, h, factors[t, :, 4])
    to_input = torch.cat([by_gates[:, :, :2], by_gates[:, :, 3:]], 2).flatten(2)
    return _inputs(step, to_input @ w, [h])


def _inputs(step: Step, x: Tensor, states: list[Tensor]) -> Multipliers:
    given = [step.args[0], *step.args[1]]
    return [(v, t) for v, t in zip(given, [x, *states], strict=True) if isinstance(v, Value)]
