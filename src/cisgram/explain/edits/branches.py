"""Networks with one convolution before their reductions: which they are, and what a letter writes.

Up to the convolution's map everything is linear and a letter writes the same numbers wherever it
stands, so that one small table holds all that mutagenesis has to know about the weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cisgram.explain.edits.ends import End, Highest, Summed
from cisgram.explain.edits.maps import Plan
from cisgram.explain.edits.steps import (
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
from cisgram.models.graph import Value


@dataclass(frozen=True, slots=True)
class Branch:
    """From the letters to one end: linear steps up to ``map``, then functions of single cells."""

    end: End
    map: Value
    written: Written
    cellwise: list[Pointwise]


@dataclass(frozen=True, slots=True)
class Written:
    """What each letter at position i writes, in the order of the sequence as given.

    Attributes
    ----------
    table
        (4, width, f): into cell i + first + j of the map, for j from 0 to width - 1.
    first
        The first cell, relative to the letter's position.
    turned
        The map belongs to the other strand: its cells have to be read from the last to the first.
    """

    table: Tensor
    first: int
    turned: bool


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
        found.append(Branch(end, at, _written(p, linear, at), cellwise))
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


def _written(p: Plan, linear: list[Step], at: Value) -> Written:
    """What a letter writes into a map: four letters through the linear steps up to it."""
    length = p.graph.x.shape[2]
    eye = torch.eye(4, device=p.graph.x.device)[:, None]  # (4 letters, 1 cell, 4)
    chunk = Chunk(torch.zeros(1, dtype=torch.long), 4, {})
    windows: dict[Value, Window] = {}
    for step in linear:
        given = []
        for v in step.inputs:
            first = Window(Span(np.zeros(1, np.int64), 1), eye, length, clean=True)
            given.append(windows.get(v, first))
        span = step.span([w.span for w in given])
        windows[step.out] = Window(span, step.run(chunk, given, span), step.length, clean=True)
    last = windows[at]
    table, first_cell = last.delta, int(last.span.start[0])
    if p.maps[at].strand == "+":
        return Written(table, first_cell, turned=False)
    # position i, cell c of the turned strand are length - 1 - i, cells - 1 - c of the one given
    shift = p.maps[at].length - length - first_cell - (table.shape[1] - 1)
    return Written(table.flip(0, 1), shift, turned=True)
