"""LSTM and GRU layers: gates are products and rescaled functions, all steps at once where they can.

The states are known from the forward pass, so every factor of every step is formed in a few
operations on whole tensors; only the recurrence of the multipliers runs step by step.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from cisgram.explain.propagate import Multipliers, Step
from cisgram.explain.rules import rule
from cisgram.explain.rules_elementwise import SMOOTH
from cisgram.models.graph import Graph, Value


def _chord(y: Tensor, s: Tensor, change: Tensor, d: Tensor, d_r: Tensor) -> Tensor:
    return torch.where(change.abs() < SMOOTH, (d + d_r) / 2, (y - s) / change)


def _sigmoid(a: Tensor, r: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sigmoid of both, and the slope between them."""
    y, s = a.sigmoid(), r.sigmoid()
    return y, s, _chord(y, s, a - r, y * (1 - y), s * (1 - s))


def _tanh(a: Tensor, r: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    y, s = a.tanh(), r.tanh()
    return y, s, _chord(y, s, a - r, 1 - y * y, 1 - s * s)


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


def _pairs(step: Step, *both: tuple[Tensor, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """(length, n, 1, size) and (length, n, repeats, size) of each."""
    if step.repeats == 1:
        return list(both)
    return [(a[:, :, None], r.unflatten(1, (step.n, step.repeats))) for a, r in both]


def _together(step: Step, *factors: Tensor) -> Tensor:
    """Factors side by side: (length, n * repeats, how many, size)."""
    out = torch.stack(factors, -2)
    return out if step.repeats == 1 else out.flatten(1, 2)


@rule("lstm_layer")
def _lstm(step: Step, m: list[Tensor | None]) -> Multipliers:
    _, _, w, u, _, _ = step.args
    both = [_Layer(step.x, step), _Layer(step.r, step)]
    gates = [layer.by_input + layer.by_state for layer in both]
    cells = [layer.cells(g) for layer, g in zip(both, gates, strict=True)]
    parts = [(*g.chunk(4, 2), c[1:], c[:-1]) for g, c in zip(gates, cells, strict=True)]
    i, f, g, o, c, before = _pairs(step, *zip(*parts, strict=True))
    (i, i_r, by_i), (f, f_r, by_f), (o, o_r, by_o) = (_sigmoid(*t) for t in (i, f, o))
    (g, g_r, by_g), (e, e_r, by_c) = (_tanh(*t) for t in (g, c))
    to_cell = _together(
        step,
        (g + g_r) / 2 * by_i,
        (before[0] + before[1]) / 2 * by_f,
        (i + i_r) / 2 * by_g,
    )
    direct = _together(step, (e + e_r) / 2 * by_o, (o + o_r) / 2 * by_c, (f + f_r) / 2)
    rows, size = direct.shape[1], direct.shape[3]
    by_gates = torch.empty(len(direct), rows, 4, size, dtype=u.dtype, device=u.device)
    m_y, m_h, m_c = (t if t is not None else None for t in m)
    h = u.new_zeros(rows, size) if m_h is None else m_h
    c = u.new_zeros(rows, size) if m_c is None else m_c
    for t in range(len(direct) - 1, -1, -1):
        h = h if m_y is None else h + m_y[t]
        c = torch.addcmul(c, h, direct[t, :, 1])
        torch.mul(to_cell[t], c[:, None], out=by_gates[t, :, :3])
        torch.mul(direct[t, :, 0], h, out=by_gates[t, :, 3])
        h = by_gates[t].flatten(1) @ u
        c = c * direct[t, :, 2]
    return _inputs(step, by_gates.flatten(2) @ w, [h, c])


def _inputs(step: Step, x: Tensor, states: list[Tensor]) -> Multipliers:
    given = [step.args[0], *step.args[1]]
    return [(v, t) for v, t in zip(given, [x, *states], strict=True) if isinstance(v, Value)]


@rule("gru_layer")
def _gru(step: Step, m: list[Tensor | None]) -> Multipliers:
    """The step h' = n + z (h - n), n = tanh(from the input + r * from the state)."""
    _, _, w, u, _, _ = step.args
    both = [_Layer(step.x, step), _Layer(step.r, step)]
    parts = []
    for layer in both:
        r_x, z_x, n_x = layer.by_input.chunk(3, 2)
        r_h, z_h, n_h = layer.by_state.chunk(3, 2)
        parts.append((r_x + r_h, z_x + z_h, n_x + (r_x + r_h).sigmoid() * n_h, n_h, layer.before))
    r, z, n, n_h, before = _pairs(step, *zip(*parts, strict=True))
    (r, r_r, by_r), (z, z_r, by_z) = (_sigmoid(*t) for t in (r, z))
    n, n_r, by_n = _tanh(*n)
    keep = (z + z_r) / 2
    to_n = (1 - keep) * by_n
    factors = _together(
        step,
        to_n * ((n_h[0] + n_h[1]) / 2) * by_r,
        (before[0] - n + before[1] - n_r) / 2 * by_z,
        to_n * (r + r_r) / 2,
        to_n,
        keep.expand_as(to_n),
    )
    by_gates = torch.empty_like(factors[..., :4, :])
    m_y, m_h = m
    h = torch.zeros_like(factors[0, :, 0]) if m_h is None else m_h
    for t in range(len(factors) - 1, -1, -1):
        h = h if m_y is None else h + m_y[t]
        torch.mul(factors[t, :, :4], h[:, None], out=by_gates[t])
        h = torch.addcmul(by_gates[t, :, :3].flatten(1) @ u, h, factors[t, :, 4])
    to_input = torch.cat([by_gates[:, :, :2], by_gates[:, :, 3:]], 2).flatten(2)
    return _inputs(step, to_input @ w, [h])
