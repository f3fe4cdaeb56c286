"""What lies below a neuron that makes it blind to a choice or a shift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cisgram.explain.demix.window import below
from cisgram.models.graph import Graph, Operation, Value

_POOLS = frozenset({"max_pool2d_with_indices", "max_pool1d", "max_pool1d_with_indices"})
_MEANS = frozenset({"avg_pool1d", "avg_pool2d", "_adaptive_avg_pool2d", "adaptive_avg_pool1d"})
_GLOBAL = frozenset({"max", "amax", "mean", "sum", "adaptive_max_pool1d", "adaptive_max_pool2d"})


@dataclass(frozen=True, slots=True)
class Level:
    """An operation below a neuron that makes it blind to a choice or a shift.

    Attributes
    ----------
    kind
        ``max_pool``, ``mean_pool``, ``stride``, ``sum`` (of a residual branch).
    module
        Path of the module that runs it.
    choices
        How many positions or branches it chooses between.
    entering
        The map that enters it, after the nonlinearity.
    raw
        The same map before the nonlinearity (NeuronMotif's features).
    """

    kind: Literal["max_pool", "mean_pool", "stride", "sum"]
    module: str
    choices: int
    entering: Value
    raw: Value


def stride_of(graph: Graph, tap: Value) -> int:
    """Base pairs between neighboring positions of a tap: the product of the strides below it."""
    steps: dict[int, int] = {-1: 1}
    for i in below(graph, tap):
        operation = graph.operations[i]
        own, below_it = 1, max((steps[v.operation] for v in operation.inputs), default=1)
        if operation.name == "convolution":
            own = _of_positions(operation, operation.args[3])
            if operation.args[6]:  # transposed: positions in between
                own, below_it = 1, max(1, below_it // own)
        elif operation.name in _POOLS | _MEANS and not operation.name.startswith(("_ad", "ad")):
            strides = operation.args[2] if len(operation.args) > 2 and operation.args[2] else None
            own = _of_positions(operation, strides or operation.args[1])
        steps[i] = own * below_it
    return steps[tap.operation]


def position_axis(shape: Sequence[int]) -> int:
    """The axis of positions, from the end: the last, or of maps (n, channels, length, 1) -2."""
    return -2 if len(shape) > 3 and shape[-1] == 1 and shape[-2] > 1 else -1


def _of_positions(operation: Operation, options: Sequence[int]) -> int:
    out = operation.outputs[0]
    axis = -1 if out is None or len(options) < 2 else position_axis(out.shape)
    return int(options[axis])


def levels_below(graph: Graph, tap: Value, taps: dict[int, Value]) -> tuple[Level, ...]:
    """The levels below a tap, deepest first; ``taps`` are all layers' by their convolution."""
    found = []
    own = set(_trail(graph, tap, taps))
    for i in below(graph, tap):
        operation = graph.operations[i]
        if i in own or not operation.inputs:
            continue
        kind, choices = _invariance(graph, operation)
        entering = operation.inputs[0]
        if kind is None or choices < 2 or not _is_map(graph, entering):
            continue
        found.append(Level(kind, operation.module, choices, entering, _raw(graph, entering, taps)))
    return tuple(reversed(found))


def _is_map(graph: Graph, value: Value) -> bool:
    """Whether a convolution made it; choices among letters are no level."""
    return any(graph.operations[i].name == "convolution" for i in below(graph, value))


def _trail(graph: Graph, tap: Value, taps: dict[int, Value]) -> list[int]:
    """The operations between a layer's convolution and its tap: no level of its own."""
    sources = {t: c for c, t in taps.items() if graph.operations[c].name == "convolution"}
    return list(range(sources[tap] + 1, tap.operation + 1)) if tap in sources else []


def _invariance(
    graph: Graph, operation: Operation
) -> tuple[Literal["max_pool", "mean_pool", "stride", "sum"] | None, int]:
    name = operation.name
    if name in _POOLS or name in _MEANS:
        shape, out = graph.tensor(operation.inputs[0]).shape, operation.outputs[0]
        axis = position_axis(shape)
        share = shape[axis] // out.shape[axis] if out is not None and out.shape[axis] else 1
        return ("max_pool" if name in _POOLS else "mean_pool"), share
    if name in _GLOBAL:
        before = graph.tensor(operation.inputs[0]).shape
        over = operation.args[1] if len(operation.args) > 1 else range(len(before))
        axes = {a % len(before) for a in ([over] if isinstance(over, int) else over)}
        axis = position_axis(before)
        if len(before) < 3 or len(before) + axis not in axes:
            return None, 1
        return ("mean_pool" if name in ("mean", "sum") else "max_pool"), before[axis]
    if name == "convolution":
        is_transposed = operation.args[6]  # which leaves nothing out
        return "stride", 1 if is_transposed else _of_positions(operation, operation.args[3])
    if name == "add" and len(operation.inputs) > 1:
        shape = graph.tensor(operation.inputs[0]).shape
        return ("sum", 2) if len(shape) > 2 and shape[position_axis(shape)] > 1 else (None, 1)
    return None, 1


def _raw(graph: Graph, entering: Value, taps: dict[int, Value]) -> Value:
    """The pre-activation behind a map: the nearest tap below it on a straight line."""
    known = set(taps.values())
    value = entering
    while value not in known and value.operation >= 0:
        inputs = graph.operations[value.operation].inputs
        if len(inputs) != 1:
            return entering
        value = inputs[0]
    return value if value in known else entering
