"""A neuron as a function of the window that it sees: the part of a network below it, cut out.

A deep neuron sees a stretch of the sequence, its receptive field. Its value there must be read
without the ends of the sequence, where a network pads. `Window` replays the operations below a
neuron (`cisgram.models.graph`) on windows of just that width with all padding taken away, and
lines up branches (residual sums) by the positions that they stand for. Where the network cannot
be cut like this (attention, norms over positions), the whole sequence is the window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from cisgram.models.graph import INPUT, Graph, Operation, Value

# operations that treat every position alike, whatever the number of positions
POINTWISE = frozenset(
    {
        "_to_copy",
        "abs",
        "add",
        "addcmul",
        "alias",
        "alpha_dropout",
        "celu",
        "clamp",
        "clamp_max",
        "clamp_min",
        "clone",
        "contiguous",
        "detach",
        "div",
        "dropout",
        "elu",
        "exp",
        "gelu",
        "hardsigmoid",
        "hardswish",
        "hardtanh",
        "leaky_relu",
        "log",
        "log1p",
        "log_sigmoid",
        "mish",
        "mul",
        "native_batch_norm",
        "_native_batch_norm_legit_no_training",
        "neg",
        "pow",
        "prelu",
        "_prelu_kernel",
        "reciprocal",
        "relu",
        "relu6",
        "rsqrt",
        "rsub",
        "selu",
        "sigmoid",
        "silu",
        "softplus",
        "sqrt",
        "square",
        "sub",
        "tanh",
        "threshold",
    }
)
# their constants are weights, whose first axis is no batch
_WEIGHTED = frozenset({"addmm", "convolution", "mm", "native_batch_norm", "native_layer_norm"})
RESHAPING = frozenset({"view", "_unsafe_view", "reshape", "expand"})


class NotLocal(Exception):
    """A network that cannot be cut to the window of a neuron; the message says why."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A tensor of the window's run, and where its positions lie in the run on whole sequences.

    Attributes
    ----------
    tensor
        As in the whole run but for the number of positions.
    axis
        Its axis of positions; None once there is none left.
    first
        Index in the whole run of the position that comes first here.
    """

    tensor: Tensor
    axis: int | None
    first: int


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
            for j, placed in enumerate(self._step(operation, held)):
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

    def _step(self, operation: Operation, held: Mapping[Value, Placed]) -> list[Placed | None]:
        inputs = [held[v] for v in operation.inputs]
        if self.is_whole:
            return _replayed(operation, held, len(inputs[0].tensor), len(self.graph.x))
        rule = _RULES.get(operation.name)
        if rule is None and operation.name in POINTWISE:
            rule = _pointwise
        if rule is None:
            msg = f"{operation.name} is no operation on neighboring positions"
            raise NotLocal(msg)
        return rule(operation, held)


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


def _called(operation: Operation, held: Mapping[Value, Tensor], **changed: Any) -> Any:
    """The operation on other tensors; ``changed`` replaces arguments by their schema's name."""
    names = [a.name for a in operation.op._schema.arguments]
    given = dict(zip(names, operation.args, strict=False)) | dict(operation.kwargs)
    given |= changed
    given = tree_map(
        lambda v: held[v] if isinstance(v, Value) else v,
        given,
        is_leaf=lambda v: isinstance(v, Value),
    )
    positional = [a.name for a in operation.op._schema.arguments if not a.kwarg_only]
    while positional and positional[-1] not in given:
        positional.pop()
    arguments = [
        given.pop(name) if name in given else _default(operation, name) for name in positional
    ]
    return operation.op(*arguments, **given)


def _default(operation: Operation, name: str) -> Any:
    (argument,) = [a for a in operation.op._schema.arguments if a.name == name]
    return argument.default_value


def _listed(out: Any) -> list[Tensor | None]:
    outs = out if isinstance(out, tuple | list) else (out,)
    return [o if isinstance(o, Tensor) else None for o in outs]


def _replayed(
    operation: Operation, held: Mapping[Value, Placed], n: int, recorded: int
) -> list[Placed | None]:
    """The same operation on n whole sequences instead of the recorded ones."""
    tensors = {v: held[v].tensor for v in operation.inputs}
    changed = {}
    if operation.name in RESHAPING and n != recorded:
        sizes = list(operation.args[1])
        # a batch merged into a larger axis keeps its place there
        sizes[0] = sizes[0] if sizes[0] < 0 else sizes[0] * n // recorded
        name = operation.op._schema.arguments[1].name
        changed = {name: sizes}
    elif (
        n != recorded
        and operation.name not in _WEIGHTED
        and any(
            isinstance(a, Tensor) and a.ndim and a.shape[0] == recorded and recorded > 1
            for a in operation.args
        )
    ):
        msg = f"{operation.name} reads a constant of the size of the batch"
        raise NotLocal(msg)
    out = _listed(_called(operation, tensors, **changed))
    return [None if o is None else Placed(o, None, 0) for o in out]


# ---- one rule an operation: what it does to the positions ---------------------------------

Held = Mapping[Value, Placed]


def _argument(operation: Operation, name: str) -> Any:
    for i, argument in enumerate(operation.op._schema.arguments):
        if argument.name == name:
            if i < len(operation.args):
                return operation.args[i]
            return operation.kwargs.get(name, argument.default_value)
    raise KeyError(name)


def _pointwise(operation: Operation, held: Held) -> list[Placed | None]:
    inputs = [(v, held[v]) for v in operation.inputs]
    axis = inputs[0][1].axis
    if axis is None:
        out = _called(operation, {v: p.tensor for v, p in inputs})
        return [None if o is None else Placed(o, None, 0) for o in _listed(out)]
    rank = inputs[0][1].tensor.ndim
    if any(p.axis != axis or p.tensor.ndim != rank for _, p in inputs):
        msg = f"{operation.name} joins values of unlike shape"
        raise NotLocal(msg)
    _refuse_positional(operation, axis - rank)
    first = max(p.first for _, p in inputs)
    end = min(p.first + p.tensor.shape[axis] for _, p in inputs)
    if end <= first:
        msg = f"the branches that {operation.name} joins do not overlap in the window"
        raise NotLocal(msg)
    tensors = {v: p.tensor.narrow(axis, first - p.first, end - first) for v, p in inputs}
    out = _listed(_called(operation, tensors))
    return [Placed(o, axis, first) if o is not None and o.ndim == rank else None for o in out]


def _refuse_positional(operation: Operation, axis: int) -> None:
    """A constant that differs along the positions belongs to whole sequences."""
    if operation.name.startswith(("native_batch_norm", "_native_batch_norm")):
        if _argument(operation, "training") if operation.name == "native_batch_norm" else False:
            msg = "a batch norm in training mode mixes sequences"
            raise NotLocal(msg)
        return
    for a in operation.args:
        if isinstance(a, Tensor) and a.ndim >= -axis and a.shape[axis] > 1:
            msg = f"{operation.name} uses a constant that differs along the sequence"
            raise NotLocal(msg)


def _sliding(operation: Operation, held: Held, *, width: str, name: str) -> list[Placed | None]:
    """A convolution or a pooling: no padding, and steps in phase with the whole run."""
    (value,) = operation.inputs
    p = held[value]
    if p.axis is None or p.axis != p.tensor.ndim - 1:
        msg = f"{operation.name} does not run along the last axis"
        raise NotLocal(msg)
    stride, padding, dilation = (
        _last(_argument(operation, a), d) if _has(operation, a) else d
        for a, d in (("stride", 1), ("padding", 0), ("dilation", 1))
    )
    size = (
        _argument(operation, "weight").shape[-1]
        if width == "weight"
        else _last(_argument(operation, width), 1)
    )
    if name == "pool" and not _argument(operation, "stride"):
        stride = size
    if _has(operation, "ceil_mode") and _argument(operation, "ceil_mode"):
        msg = f"{operation.name} with ceil_mode has windows that hang over the end"
        raise NotLocal(msg)
    skip = -(p.first + padding) % stride
    reach = (size - 1) * dilation + 1
    if p.tensor.shape[-1] - skip < reach:
        msg = "the window is narrower than what it has to hold"
        raise NotLocal(msg)
    cut = p.tensor.narrow(-1, skip, p.tensor.shape[-1] - skip)
    changed = {}
    if padding:
        was = list(_argument(operation, "padding"))
        changed["padding"] = [*was[:-1], 0]
    out = _listed(_called(operation, {value: cut}, **changed))
    first = (p.first + skip + padding) // stride
    return [Placed(o, o.ndim - 1, first) if o is not None else None for o in out]


def _convolution(operation: Operation, held: Held) -> list[Placed | None]:
    if _argument(operation, "transposed"):
        msg = "a transposed convolution is not cut to windows"
        raise NotLocal(msg)
    return _sliding(operation, held, width="weight", name="convolution")


def _pool(operation: Operation, held: Held) -> list[Placed | None]:
    return _sliding(operation, held, width="kernel_size", name="pool")


def _has(operation: Operation, name: str) -> bool:
    return any(a.name == name for a in operation.op._schema.arguments)


def _last(v: Any, default: int) -> int:
    if isinstance(v, int):
        return v
    return int(v[-1]) if len(v) else default


def _unsqueeze(operation: Operation, held: Held) -> list[Placed | None]:
    (value,) = operation.inputs
    p = held[value]
    out = _called(operation, {value: p.tensor})
    at = int(operation.args[1]) % out.ndim
    axis = None if p.axis is None else p.axis + (at <= p.axis)
    return [Placed(out, axis, p.first)]


def _squeeze(operation: Operation, held: Held) -> list[Placed | None]:
    (value,) = operation.inputs
    p = held[value]
    dims = operation.args[1]
    gone = {int(d) % p.tensor.ndim for d in ([dims] if isinstance(dims, int) else dims)}
    if p.axis in gone:
        msg = "squeeze takes away the axis of positions"
        raise NotLocal(msg)
    out = _called(operation, {value: p.tensor})
    axis = (
        None if p.axis is None else p.axis - sum(d < p.axis for d in gone if p.tensor.shape[d] == 1)
    )
    return [Placed(out, axis, p.first)]


def _moved(operation: Operation, held: Held) -> list[Placed | None]:
    """permute, transpose: the axis of positions goes elsewhere."""
    (value,) = operation.inputs
    p = held[value]
    out = _called(operation, {value: p.tensor})
    if p.axis is None:
        return [Placed(out, None, 0)]
    marker = torch.zeros(*range(2, 2 + p.tensor.ndim), device="meta")  # sizes name the axes
    order = _called(operation, {value: marker}).shape
    return [Placed(out, list(order).index(2 + p.axis), p.first)]


def _flip(operation: Operation, held: Held) -> list[Placed | None]:
    (value,) = operation.inputs
    p = held[value]
    out = _called(operation, {value: p.tensor})
    whole = operation.outputs[0]
    if p.axis is None or whole is None or p.axis not in {d % out.ndim for d in operation.args[1]}:
        return [Placed(out, p.axis, p.first)]
    return [Placed(out, p.axis, whole.shape[p.axis] - p.first - p.tensor.shape[p.axis])]


def _padded(operation: Operation, held: Held) -> list[Placed | None]:
    """Padding shifts the index of every position and is itself never reached."""
    (value,) = operation.inputs
    p = held[value]
    pads = operation.args[1]
    if p.axis != p.tensor.ndim - 1 or any(pads[2:]):
        msg = "padding along another axis than that of positions"
        raise NotLocal(msg)
    return [Placed(p.tensor, p.axis, p.first + int(pads[0]))]


def _reduced(operation: Operation, held: Held) -> list[Placed | None]:
    """A sum, mean or maximum over channels, position by position."""
    (value,) = operation.inputs
    p = held[value]
    over, keeps = _argument(operation, "dim"), _argument(operation, "keepdim")
    axes = {a % p.tensor.ndim for a in ([over] if isinstance(over, int) else over or ())}
    if p.axis is None or p.axis in axes or not axes or not keeps:
        msg = f"{operation.name} joins all positions"
        raise NotLocal(msg)
    return [
        None if o is None else Placed(o, p.axis, p.first)
        for o in _listed(_called(operation, {value: p.tensor}))
    ]


def _layer_norm(operation: Operation, held: Held) -> list[Placed | None]:
    """A norm over channels; one over positions has no window."""
    (value,) = operation.inputs
    p = held[value]
    normed = len(_argument(operation, "normalized_shape"))
    if p.axis is None or p.axis >= p.tensor.ndim - normed:
        msg = "a norm over positions sees the whole sequence"
        raise NotLocal(msg)
    out = _listed(_called(operation, {value: p.tensor}))
    return [Placed(o, p.axis, p.first) if o is not None else None for o in out[:1]]


_RULES: dict[str, Callable[[Operation, Held], list[Placed | None]]] = {
    "convolution": _convolution,
    "max_pool2d_with_indices": _pool,
    "max_pool1d": _pool,
    "max_pool1d_with_indices": _pool,
    "avg_pool1d": _pool,
    "avg_pool2d": _pool,
    "constant_pad_nd": _padded,
    "flip": _flip,
    "native_layer_norm": _layer_norm,
    "amax": _reduced,
    "mean": _reduced,
    "sum": _reduced,
    "unsqueeze": _unsqueeze,
    "squeeze": _squeeze,
    "permute": _moved,
    "transpose": _moved,
    "t": _moved,
}


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
