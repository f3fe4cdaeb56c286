"""A neuron as a function of the window that it sees: the part of a network below it, cut out.

A deep neuron sees a stretch of the sequence, its receptive field. Its value there must be read
without the ends of the sequence, where a network pads. `Window` replays the operations below a
neuron (`cisgram.models.graph`) on windows of just that width with all padding taken away, and
lines up branches (residual sums) by the positions that they stand for. Where the network cannot
be cut like this (attention, norms over positions), the whole sequence is the window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from cisgram.explain.demix.positions import NotLocal, Placed, called, listed, positions
from cisgram.models.graph import INPUT, Graph, Operation, Value

# their constants are weights, whose first axis is no batch
_WEIGHTED = frozenset({"addmm", "convolution", "mm", "native_batch_norm", "native_layer_norm"})
RESHAPING = frozenset({"view", "_unsafe_view", "reshape", "expand"})


def multiplications(f: Callable[[], object]) -> int:
    """Multiplications in the convolutions and matrix products that a function runs."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        f()
    return int(counter.get_total_flops()) // 2


class Window:
    """The value of one tap of a network on windows (n, 4, width).

    Parameters
    ----------
    graph
        A recorded run on one or more whole sequences (n, 4, length).
    tap
        The value whose channels are the neurons.
    position
        Position of the tap (index along its axis of positions), or None for a tap without
        positions.
    start, width
        The window: receptive field of that position.
    is_whole
        Replay without cutting: the window is the whole sequence.
    """

    def __init__(
        self,
        graph: Graph,
        tap: Value,
        *,
        position: int | None,
        start: int,
        width: int,
        is_whole: bool = False,
    ) -> None:
        self.graph, self.tap, self.position = graph, tap, position
        self.start, self.width, self.is_whole = start, width, is_whole
        self.needed = below(graph, tap)

    @cached_property
    def cost(self) -> int:
        """Multiplications of one window's pass."""
        x = torch.zeros(1, 4, self.width, device=self.graph.x.device)
        return multiplications(lambda: self(x))

    def __call__(self, x: Tensor) -> Tensor:
        """(n, channels) values of the tap at its position."""
        return self.values(x, ())[0]

    def values(self, x: Tensor, at: Sequence[Value]) -> tuple[Tensor, list[Tensor]]:
        """The tap (n, channels), and other values on the way to it, flat (n, d)."""
        wanted = set(at)
        last_use = _last_uses(self.graph, self.needed, wanted | {self.tap})
        held: dict[Value, Placed] = {INPUT: Placed(x, None if self.is_whole else 2, self.start)}
        kept: dict[Value, Placed] = {}
        for i in self.needed:
            operation = self.graph.operations[i]
            for j, placed in enumerate(self._step(operation, held, len(x))):
                if placed is not None:
                    held[Value(i, j)] = placed
            for value in (*wanted, self.tap):
                if value.operation == i:
                    kept[value] = held[value]
            for value in last_use.get(i, ()):
                held.pop(value, None)
        return self._read(kept[self.tap], len(x)), [kept[v].tensor.reshape(len(x), -1) for v in at]

    def _read(self, placed: Placed, n: int) -> Tensor:
        if placed.axis is None or self.position is None:
            return placed.tensor.reshape(n, -1)
        at = self.position - placed.first
        if not 0 <= at < placed.tensor.shape[placed.axis]:
            msg = "the window does not reach the neuron"
            raise NotLocal(msg)
        return placed.tensor.select(placed.axis, at).reshape(n, -1)

    def _step(
        self, operation: Operation, held: Mapping[Value, Placed], n: int
    ) -> list[Placed | None]:
        if self.is_whole:
            return _replayed(operation, held, n, len(self.graph.x))
        return positions(operation, held)


def below(graph: Graph, tap: Value) -> list[int]:
    """The operations that a value depends on, in order."""
    found, todo = set(), [tap.operation]
    while todo:
        i = todo.pop()
        if i >= 0 and i not in found:
            found.add(i)
            todo += [v.operation for v in graph.operations[i].inputs]
    return sorted(found)


def _last_uses(graph: Graph, needed: Iterable[int], kept: set[Value]) -> dict[int, list[Value]]:
    last: dict[Value, int] = {}
    for i in needed:
        for v in graph.operations[i].inputs:
            last[v] = i
    out: dict[int, list[Value]] = {}
    for v, i in last.items():
        if v not in kept:
            out.setdefault(i, []).append(v)
    return out


def _replayed(
    operation: Operation, held: Mapping[Value, Placed], n: int, recorded: int
) -> list[Placed | None]:
    """The same operation on n whole sequences instead of the recorded ones."""
    tensors = {v: held[v].tensor for v in operation.inputs}
    changed = _for_rows(operation, n, recorded) if n != recorded else {}
    out = listed(called(operation, tensors, **changed))
    return [None if o is None else Placed(o, None, 0) for o in out]


def _for_rows(operation: Operation, n: int, recorded: int) -> dict[str, Any]:
    """Arguments that hold the number of sequences, by their name, for ``n`` of them."""
    names = [a.name for a in operation.op._schema.arguments]
    if operation.name in RESHAPING:
        sizes = list(operation.args[1])
        # a batch merged into a larger axis keeps its place there
        sizes[0] = sizes[0] if sizes[0] < 0 else sizes[0] * n // recorded
        return {names[1]: sizes}
    if operation.name == "native_group_norm":
        return {"N": n}
    changed = {}
    for name, a in zip(names, operation.args, strict=False):
        is_batch = isinstance(a, Tensor) and a.ndim and a.shape[0] == recorded > 1
        if operation.name in _WEIGHTED or not is_batch:
            continue
        if a.stride(0) != 0:
            msg = f"{operation.name} reads a constant of the size of the batch"
            raise NotLocal(msg)
        changed[name] = a[:1].expand(n, *a.shape[1:])  # the weights of a linear layer
    return changed


def check_same(window: Window, of: Callable[[Tensor], Tensor], x: Tensor, within: float) -> None:
    """Raise `NotLocal` unless the window gives what the whole network gives there.

    Parameters
    ----------
    window
        Cut out.
    of
        The tap (n, channels) at the window's position, read from the whole network.
    x
        (n, 4, length) sequences to compare on.
    within
        Largest difference, as a share of the largest value.
    """
    with torch.no_grad():
        ours = window(x[:, :, window.start : window.start + window.width])
        theirs = of(x)
    gap = float((ours - theirs).abs().max())
    if not gap <= within * max(float(theirs.abs().max()), 1e-12):
        msg = f"cut out of the network, the neuron's values differ by {gap:.3g}"
        raise NotLocal(msg)
