"""What each operation does to positions, when a network runs on a window without its padding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from cisgram.models.graph import Operation, Value

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


class NotLocal(Exception):
    """A network that cannot be cut to the window of a neuron; the message says why."""


Held: TypeAlias = Mapping[Value, Placed]


def called(operation: Operation, held: Mapping[Value, Tensor], **changed: Any) -> Any:
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


def listed(out: Any) -> list[Tensor | None]:
    """The outputs of an operation; None in place of what is no tensor."""
    outs = out if isinstance(out, tuple | list) else (out,)
    return [o if isinstance(o, Tensor) else None for o in outs]


def argument(operation: Operation, name: str) -> Any:
    """An argument of an operation by its schema's name, or its default."""
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
        out = called(operation, {v: p.tensor for v, p in inputs})
        return [None if o is None else Placed(o, None, 0) for o in listed(out)]
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
    out = listed(called(operation, tensors))
    return [Placed(o, axis, first) if o is not None and o.ndim == rank else None for o in out]


def _joined(operation: Operation, held: Held) -> list[Placed | None]:
    """Branches side by side along the channels, lined up like those of a sum."""
    p = held[operation.inputs[0]]
    if p.axis is not None and int(argument(operation, "dim")) % p.tensor.ndim == p.axis:
        msg = "cat lays pieces of the sequence behind one another"
        raise NotLocal(msg)
    if any(isinstance(a, Tensor) for a in operation.args[0]):
        msg = "cat adds a constant"
        raise NotLocal(msg)
    return _pointwise(operation, held)


def _sliced(operation: Operation, held: Held) -> list[Placed | None]:
    """Positions that are cut off at the start shift the index of those that are left."""
    (value,) = operation.inputs
    p = held[value]
    dim, start, step = (argument(operation, a) for a in ("dim", "start", "step"))
    if p.axis is None or dim % p.tensor.ndim != p.axis:
        return [Placed(called(operation, {value: p.tensor}), p.axis, p.first)]
    if step != 1 or (start or 0) < 0:
        msg = "a slice takes positions that are counted from the end, or leaves some out"
        raise NotLocal(msg)
    return [Placed(p.tensor, p.axis, p.first - (start or 0))]


def _refuse_positional(operation: Operation, axis: int) -> None:
    """A constant that differs along the positions belongs to whole sequences."""
    if operation.name.startswith(("native_batch_norm", "_native_batch_norm")):
        if argument(operation, "training") if operation.name == "native_batch_norm" else False:
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
    if p.axis is None or p.axis < 2:
        msg = f"{operation.name} does not run along the axis of positions"
        raise NotLocal(msg)
    at = p.axis - p.tensor.ndim
    stride, padding, dilation = (
        _along(argument(operation, a), at, d) if _has(operation, a) else d
        for a, d in (("stride", 1), ("padding", 0), ("dilation", 1))
    )
    size = (
        argument(operation, "weight").shape[at]
        if width == "weight"
        else _along(argument(operation, width), at, 1)
    )
    if name == "pool" and not argument(operation, "stride"):
        stride = size
    if _has(operation, "ceil_mode") and argument(operation, "ceil_mode"):
        msg = f"{operation.name} with ceil_mode has windows that hang over the end"
        raise NotLocal(msg)
    skip = -(p.first + padding) % stride
    reach = (size - 1) * dilation + 1
    if p.tensor.shape[at] - skip < reach:
        msg = "the window is narrower than what it has to hold"
        raise NotLocal(msg)
    cut = p.tensor.narrow(at, skip, p.tensor.shape[at] - skip)
    changed = {}
    if padding:
        changed["padding"] = list(argument(operation, "padding"))
        changed["padding"][at] = 0
    out = listed(called(operation, {value: cut}, **changed))
    first = (p.first + skip + padding) // stride
    return [Placed(o, p.axis, first) if o is not None else None for o in out]


def _convolution(operation: Operation, held: Held) -> list[Placed | None]:
    if argument(operation, "transposed"):
        msg = "a transposed convolution is not cut to windows"
        raise NotLocal(msg)
    return _sliding(operation, held, width="weight", name="convolution")


def _pool(operation: Operation, held: Held) -> list[Placed | None]:
    return _sliding(operation, held, width="kernel_size", name="pool")


def _has(operation: Operation, name: str) -> bool:
    return any(a.name == name for a in operation.op._schema.arguments)


def _along(v: Any, axis: int, default: int) -> int:
    """An option of a sliding operation on an axis (from the end)."""
    if isinstance(v, int):
        return v
    return int(v[axis if len(v) > 1 else 0]) if len(v) else default


def _unsqueeze(operation: Operation, held: Held) -> list[Placed | None]:
    (value,) = operation.inputs
    p = held[value]
    out = called(operation, {value: p.tensor})
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
    out = called(operation, {value: p.tensor})
    axis = (
        None if p.axis is None else p.axis - sum(d < p.axis for d in gone if p.tensor.shape[d] == 1)
    )
    return [Placed(out, axis, p.first)]


def _moved(operation: Operation, held: Held) -> list[Placed | None]:
    """permute, transpose: the axis of positions goes elsewhere."""
    (value,) = operation.inputs
    p = held[value]
    out = called(operation, {value: p.tensor})
    if p.axis is None:
        return [Placed(out, None, 0)]
    marker = torch.zeros(*range(2, 2 + p.tensor.ndim), device="meta")  # sizes name the axes
    order = called(operation, {value: marker}).shape
    return [Placed(out, list(order).index(2 + p.axis), p.first)]


def _flip(operation: Operation, held: Held) -> list[Placed | None]:
    (value,) = operation.inputs
    p = held[value]
    out = called(operation, {value: p.tensor})
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
    over, keeps = argument(operation, "dim"), argument(operation, "keepdim")
    axes = {a % p.tensor.ndim for a in ([over] if isinstance(over, int) else over or ())}
    if p.axis is None or p.axis in axes or not axes or not keeps:
        msg = f"{operation.name} joins all positions"
        raise NotLocal(msg)
    return [
        None if o is None else Placed(o, p.axis, p.first)
        for o in listed(called(operation, {value: p.tensor}))
    ]


def _layer_norm(operation: Operation, held: Held) -> list[Placed | None]:
    """A norm over channels; one over positions has no window."""
    (value,) = operation.inputs
    p = held[value]
    normed = len(argument(operation, "normalized_shape"))
    if p.axis is None or p.axis >= p.tensor.ndim - normed:
        msg = "a norm over positions sees the whole sequence"
        raise NotLocal(msg)
    out = listed(called(operation, {value: p.tensor}))
    return [Placed(o, p.axis, p.first) if o is not None else None for o in out[:1]]


RULES: dict[str, Callable[[Operation, Held], list[Placed | None]]] = {
    "convolution": _convolution,
    "max_pool2d_with_indices": _pool,
    "max_pool1d": _pool,
    "max_pool1d_with_indices": _pool,
    "avg_pool1d": _pool,
    "avg_pool2d": _pool,
    "constant_pad_nd": _padded,
    "cat": _joined,
    "slice": _sliced,
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


def positions(operation: Operation, held: Held) -> list[Placed | None]:
    """The outputs of an operation on a window, and where they lie.

    Raises
    ------
    NotLocal
        When the operation mixes positions that do not lie side by side.
    """
    rule = RULES.get(operation.name)
    if rule is None and operation.name in POINTWISE:
        rule = _pointwise
    if rule is None:
        msg = f"{operation.name} is no operation on neighboring positions"
        raise NotLocal(msg)
    return rule(operation, held)
