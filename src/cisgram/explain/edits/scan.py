"""Every single letter at once, for networks with one convolution before their reductions.

A letter changes k cells of the convolution's map, each by the difference of two numbers of a
table. For all positions together that is k sweeps over the map, shifted by one cell each: no
window is ever gathered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cisgram.explain.edits.ends import End, Highest, Summed, running_maxima
from cisgram.explain.edits.maps import Plan
from cisgram.explain.edits.steps import (
    LOWEST,
    Chunk,
    Convolution,
    Moved,
    Operand,
    Pointwise,
    Scaled,
    Span,
    Step,
    Total,
    Window,
)
from cisgram.explain.edits.windows import Engine
from cisgram.models.graph import Value

SWEPT = 2**19  # numbers in a sweep: 2 MiB stay in a core's cache


@dataclass(frozen=True, slots=True)
class Branch:
    """From the letters to one end: linear steps up to ``map``, then functions of single cells."""

    end: End
    map: Value
    linear: list[Step]
    cellwise: list[Pointwise]


def branches(p: Plan) -> list[Branch] | None:
    """The network as branches with one convolution each; None where it is none such."""
    made = {s.out: s for s in p.steps}
    found = []
    for end in p.ends:
        if not isinstance(end, Highest | Summed) or getattr(end, "over_channels", False):
            return None
        cellwise: list[Pointwise] = []
        at = end.source
        while isinstance(step := made.get(at), Pointwise):
            if len(step.inputs) != 1 or any(_has_channels(a) for a in step.args):
                return None
            cellwise.insert(0, step)
            at = step.inputs[0]
        linear = _linear(p, made, at)
        if linear is None:
            return None
        found.append(Branch(end, at, linear, cellwise))
    return found or None


def _has_channels(a: object) -> bool:
    return isinstance(a, Operand) and a.constant is not None and a.constant.numel() > 1


def _linear(p: Plan, made: dict[Value, Step], at: Value) -> list[Step] | None:
    """The steps up to a map, where a letter writes the same wherever it stands; else None."""
    due, found = [at], list[Step]()
    while due:
        value = due.pop()
        step = made.get(value)
        if step is None or step in found:
            continue
        if isinstance(step, Convolution):
            if step.stride != 1:
                return None
        elif isinstance(step, Moved):
            if step.by < 0 or step.length < p.maps[step.inputs[0]].length + step.by:
                return None  # a letter that is cut off writes nothing
        elif not isinstance(step, Scaled | Total):
            return None
        found.append(step)
        due += step.inputs
    found.sort(key=lambda s: s.out.operation)
    convolved = [i for i, s in enumerate(found) if isinstance(s, Convolution)]
    if len(convolved) != 1 or any(isinstance(s, Moved | Total) for s in found[convolved[0] :]):
        return None
    return found


def every_letter(engine: Engine, parts: list[Branch]) -> Tensor:
    """(n, length, 4, ...) outputs with each letter at each position."""
    n, _, length = engine.x.shape
    widest = max(engine.base[b.map].shape[2] for b in parts)
    size = max(1, SWEPT // (4 * length * widest))
    out = torch.empty(n, length, 4, *engine.outputs.shape[1:], device=engine.x.device)
    tables = [_table(engine, b) for b in parts]
    for start in range(0, n, size):
        rows = slice(start, min(start + size, n))
        ends = {}
        for b, (table, offset) in zip(parts, tables, strict=True):
            turned = engine.plan.maps[b.map].strand == "-"
            x = engine.x[rows].flip(1, 2) if turned else engine.x[rows]
            swept = _swept(engine, b, x, rows, table, offset)  # (4, f, n, length)
            if turned:
                swept = swept.flip(0, 3)
            by_copy = swept.permute(2, 3, 0, 1).reshape(-1, *b.end.shape)
            ends[b.end.out] = by_copy
        m = (rows.stop - rows.start) * length * 4
        after = engine.after_ends(ends, m)
        out[rows] = after.view(-1, length, 4, *out.shape[3:])
    return out


def _table(engine: Engine, b: Branch) -> tuple[Tensor, int]:
    """(4, cells, f) what each letter writes, and the first cell relative to its position."""
    eye = torch.eye(4, device=engine.x.device)[:, None]  # (4 letters, 1 cell, 4)
    chunk = Chunk(torch.zeros(1, dtype=torch.long), 4, {})
    windows: dict[Value, Window] = {}
    for step in b.linear:
        given = []
        for v in step.inputs:
            first = Window(Span(np.zeros(1, np.int64), 1), eye, engine.x.shape[2], clean=True)
            given.append(windows.get(v, first))
        span = step.span([w.span for w in given])
        windows[step.out] = Window(span, step.run(chunk, given, span), step.length, clean=True)
    last = windows[b.map]
    return last.delta, int(last.span.start[0])


def _swept(engine: Engine, b: Branch, x: Tensor, rows: slice, table: Tensor, offset: int) -> Tensor:
    """(4, f, n, length) the value at the end with each letter at each position."""
    base = engine.base[b.map][rows].permute(2, 0, 1).contiguous()  # (f, n, cells)
    if isinstance(b.end, Highest):
        acc = _outside(engine, b, rows, table.shape[1], offset, x.shape[2]).expand(4, -1, -1, -1)
        acc = acc.contiguous()
        for value, gone in _cells(b, x, base, table, offset):
            here = value if gone is None else value.masked_fill_(gone, LOWEST)
            torch.maximum(acc, here, out=acc)
        return acc if b.end.after is None else b.end.after.apply([acc])
    assert isinstance(b.end, Summed)
    unedited = _through(b, base.clone())
    acc = base.new_zeros(4, len(base), *x.shape[::2])
    low, high = _beyond(base.shape[2], x.shape[2], table.shape[1], offset)
    padded = F.pad(unedited, (low, high))
    for j, (value, gone) in enumerate(_cells(b, x, base, table, offset)):
        at = offset + low + j
        change = value - padded[:, :, at : at + x.shape[2]]
        acc += change if gone is None else change.masked_fill_(gone, 0)
    whole = engine.complete[b.end.out][rows].reshape(x.shape[0], -1).T  # (f, n)
    return acc * b.end.factor + whole[:, :, None]


def _beyond(cells: int, length: int, width: int, offset: int) -> tuple[int, int]:
    """Cells to add at each end of a map so that every letter's window exists."""
    return max(0, -offset), max(0, length + offset + width - 1 - cells)


def _cells(
    b: Branch, x: Tensor, base: Tensor, table: Tensor, offset: int
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """For each cell of the window: (4, f, n, length) its value, and (length,) where it is none."""
    n, _, length = x.shape
    low, high = _beyond(base.shape[2], length, table.shape[1], offset)
    bare = isinstance(b.end, Highest) and not b.cellwise
    padded = F.pad(base, (low, high), value=LOWEST if bare else 0.0)
    letters = x.transpose(0, 1).reshape(4, -1)
    buffer = base.new_empty(4, len(base), n, length)
    bereft = base.new_empty(len(base), n, length)  # without the letter that is there
    for j in range(table.shape[1]):
        at = offset + low + j
        t = table[:, j]  # (4, f)
        torch.sub(padded[:, :, at : at + length], (t.T @ letters).view_as(bereft), out=bereft)
        torch.add(bereft, t[:, :, None, None], out=buffer)
        value = _through(b, buffer)
        first = offset + j
        if bare or 0 <= first <= base.shape[2] - length:
            yield value, None
        else:
            cells = torch.arange(first, first + length, device=x.device)
            yield value, (cells < 0) | (cells >= base.shape[2])


def _through(b: Branch, value: Tensor) -> Tensor:
    for step in b.cellwise:
        value = step.apply([value])
    return value


def _outside(
    engine: Engine, b: Branch, rows: slice, width: int, offset: int, length: int
) -> Tensor:
    """(f, n, length) the maximum over the cells that a letter does not reach."""
    base = engine.base[b.end.source][rows]
    before, behind = running_maxima(base)  # (n, cells + 1, f)
    start = torch.arange(length, device=base.device) + offset
    low = start.clamp(0, base.shape[1])
    high = (start + width).clamp(0, base.shape[1])
    return torch.maximum(before[:, low], behind[:, high]).permute(2, 0, 1)
