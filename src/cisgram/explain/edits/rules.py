"""What each ATen operation is to edited copies: a step on windows, a view, or the end of a map.

A rule answers False for what it cannot follow; the operation is then done as recorded.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from cisgram.explain.edits.ends import Highest, Product, Summed
from cisgram.explain.edits.maps import Map, Plan
from cisgram.explain.edits.steps import (
    Convolution,
    Joined,
    MaxPool,
    MeanPool,
    Moved,
    Operand,
    Pointwise,
    Scaled,
    Step,
    Total,
)
from cisgram.models.graph import Operation, Value

_SAME = {"clone", "detach", "alias", "contiguous", "_to_copy", "lift_fresh"}
_RISING = {"relu", "sigmoid", "tanh", "exp", "leaky_relu", "softplus", "elu", "hardtanh"}
_CELLWISE = _RISING | {
    *("gelu", "silu", "mish", "hardswish", "hardsigmoid", "log_sigmoid_forward"),
    *("log", "log1p", "expm1", "sqrt", "rsqrt", "reciprocal", "abs", "pow", "square", "erf"),
    *("clamp", "clamp_min", "clamp_max", "sin", "cos", "maximum", "minimum", "mul", "div"),
    *("_prelu_kernel", "relu6"),
}


def follow(p: Plan, out: Value, o: Operation) -> bool:
    """Whether the operation has become a step, a view or an end."""
    read = o.inputs
    if o.name in {"addmm", "mm"}:
        return _dense(p, out, o)
    if not read or any(v not in p.maps for v in read):
        return False
    maps = [p.maps[v] for v in read]
    if o.name in _HANDLERS:
        return _HANDLERS[o.name](p, out, o, maps)
    if o.name in _CELLWISE:
        return _pointwise(p, out, o, maps)
    return False


def _add(p: Plan, step: Step, like: Map, channels: int | None = None, scale: int = 1) -> bool:
    p.steps.append(step)
    p.maps[step.out] = replace(
        like,
        source=step.out,
        length=step.length,
        channels=channels or like.channels,
        scale=like.scale * scale,
    )
    return True


def _alike(maps: list[Map]) -> bool:
    """Whether cells of the same number stand for the same place."""
    return len({(m.length, m.scale, m.strand, m.axes) for m in maps}) == 1


def _view(p: Plan, out: Value, o: Operation, maps: list[Map]) -> bool:
    """Same numbers in the same order of positions: another name of the map."""
    m, shape = maps[0], p.graph.tensor(out).shape
    ndim = len(m.axes)
    if o.name in _SAME:
        axes: str | None = m.axes if p.graph.tensor(out).dtype == p.graph.x.dtype else None
    elif o.name == "unsqueeze":
        at = o.args[1] % (ndim + 1)
        axes = m.axes[:at] + "1" + m.axes[at:]
    elif o.name == "squeeze":
        dims = [o.args[1]] if isinstance(o.args[1], int) else list(o.args[1])
        gone = {d % ndim for d in dims if p.graph.tensor(o.inputs[0]).shape[d] == 1}
        axes = "".join(a for i, a in enumerate(m.axes) if i not in gone)
    elif o.name == "transpose":
        order = list(range(ndim))
        a, b = o.args[1] % ndim, o.args[2] % ndim
        order[a], order[b] = b, a
        axes = "".join(m.axes[i] for i in order)
    elif o.name == "permute":
        axes = "".join(m.axes[d % ndim] for d in o.args[1])
    else:
        return _reshaped(p, out, m, tuple(shape))
    if axes is None or sorted(axes.replace("1", "")) != ["c", "l", "n"]:
        return False
    p.maps[out] = replace(m, axes=axes)
    return True


def _reshaped(p: Plan, out: Value, m: Map, shape: tuple[int, ...]) -> bool:
    letters = [a for a in m.axes if a != "1"]
    size = {"n": len(p.graph.x), "c": m.channels, "l": m.length}
    sizes = [size[a] for a in letters]
    if list(shape) == [size[letters[0]], size[letters[1]] * size[letters[2]]]:
        if letters[0] != "n":
            return False
        p.flat[out] = (_named(p, m), "".join(letters[1:]))
        return True
    axes, due = "", list(zip(letters, sizes, strict=True))
    for s in shape:
        if due and s == due[0][1]:
            axes += due.pop(0)[0]
        elif s == 1:
            axes += "1"
        else:
            return False
    if due:
        return False
    p.maps[out] = replace(m, axes=axes)
    return True


def _named(p: Plan, m: Map) -> Value:
    """The value that is this map with these axes."""
    return next(v for v, other in p.maps.items() if other == m)


def _flip(p: Plan, out: Value, o: Operation, maps: list[Map]) -> bool:
    m = maps[0]
    if m.source not in p.letters or m.axes != "ncl" or sorted(d % 3 for d in o.args[1]) != [1, 2]:
        return False
    p.letters.append(out)
    p.maps[out] = replace(m, source=out, strand="+-"[m.strand == "+"])
    return True


def _convolution(p: Plan, out: Value, o: Operation, maps: list[Map]) -> bool:
    x, weight, _, stride, padding, dilation, transposed, _, groups = o.args
    m = maps[0]
    if not isinstance(x, Value) or not isinstance(weight, Tensor) or transposed:
        return False
    if m.axes == "ncl" and weight.ndim == 3:
        weight = weight.unsqueeze(2)
    elif m.axes != "nc1l" or weight.shape[2] != 1 or padding[0] != 0:
        return False
    step = Convolution(
        out,
        (m.source,),
        p.graph.tensor(out).shape[-1],
        weight=weight.detach().contiguous(memory_format=torch.channels_last),
        stride=stride[-1],
        padding=padding[-1],
        dilation=dilation[-1],
        groups=groups,
    )
    return _add(p, step, m, weight.shape[0], stride[-1])


def _norm(p: Plan, out: Value, o: Operation, maps: list[Map]) -> bool:
    _, weight, _, mean, variance, *rest = o.args
    m = maps[0]
    training = rest[0] if o.name == "native_batch_norm" else False
    if training or not m.axes.startswith("nc") or not isinstance(variance, Tensor) or mean is None:
        return False
    factor = (variance + rest[-1]).rsqrt()
    factor = factor if weight is None else factor * weight
    before = next((s for s in p.steps if s.out == m.source), None)
    if isinstance(before, Convolution):  # one step instead of two
        scaled = (before.weight * factor[:, None, None, None]).contiguous(
            memory_format=torch.channels_last
        )
        return _add(p, replace(before, out=out, weight=scaled), m)
    return _add(p, Scaled(out, (m.source,), m.length, factor=factor), m)


def _window(p: Plan, out: Value, o: Operation, maps: list[Map]) -> bool:
    """Max and average pooling."""
    m = maps[0]
    if m.axes not in ("ncl", "nc1l"):
        return False
    options = dict(zip(("kernel", "stride", "padding"), o.args[1:4], strict=False))
    kernel, stride = options["kernel"], options.get("stride") or options["kernel"]
    padding = options.get("padding", [0])
    if len(kernel) == 2 and (kernel[0] != 1 or (len(padding) == 2 and padding[0] != 0)):
        return False
    shape = p.graph.tensor(out).shape
    if not o.name.startswith("max"):
        ceil = o.args[4] if len(o.args) > 4 else False
        include = o.args[5] if len(o.args) > 5 else True
        if ceil or not (include or padding[-1] == 0) or len(o.args) > 6:
            return False
        mean = MeanPool(
            out, (m.source,), shape[-1], kernel=kernel[-1], stride=stride[-1], padding=padding[-1]
        )
        return _add(p, mean, m, scale=stride[-1])
    source, after = _before(p, m)
    step = MaxPool(
        out,
        (source,),
        shape[-1],
        compares=(source, out),
        kernel=kernel[-1],
        stride=stride[-1],
        padding=padding[-1],
        dilation=o.args[4][-1] if len(o.args) > 4 else 1,
        after=after,
        in_length=m.length,
    )
    return _add(p, step, m, scale=stride[-1])


def _before(p: Plan, m: Map) -> tuple[Value, Pointwise | None]:
    """The map ahead of a rising function, and that function: max and it may change places."""
    step = next((s for s in p.steps if s.out == m.source), None)
    if isinstance(step, Pointwise) and step.rising:
        return step.inputs[0], step
    return m.source, None


def _padded(p: Plan, out: Value, o: Operation, maps: list[Map]) -> bool:
    m, pads = maps[0], list(o.args[1])
    if m.axes[-1] != "l" or any(pads[2:]):
        return False
    length = m.length + pads[0] + pads[1]
    return _add(p, Moved(out, (m.source,), length, by=pads[0]), m)


def _slice(p: Plan, out: Value, o: Operation, maps: list[Map]) -> bool:
    m = maps[0]
    given = list(o.args[1:])
    defaults: list[int | None] = [0, None, None, 1]
    dim, start, stop, step = given + defaults[len(given) :]
    if m.axes[dim % len(m.axes)] != "l" or step != 1:
        return False
    low, high, _ = slice(start, stop).indices(m.length)
    return _add(p, Moved(out, (m.source,), high - low, by=-low), m)


def _cat(p: Plan, out: Value, o: Operation, maps: list[Map]) -> bool:
    dim = o.args[1] if len(o.args) > 1 else 0
    values = o.args[0]
    if len(values) != len(maps) or not _alike(maps) or maps[0].axes[dim % len(maps[0].axes)] != "c":
        return False
    step = Joined(out, tuple(m.source for m in maps), maps[0].length)
    return _add(p, step, maps[0], sum(m.channels for m in maps))


def _sum(p: Plan, out: Value, o: Operation, maps: list[Map]) -> bool:
    """Sum and mean over positions (an end) or over channels (a step)."""
    m = maps[0]
    ndim = len(m.axes)
    dims = o.args[1] if len(o.args) > 1 and o.args[1] is not None else list(range(ndim))
    over = {m.axes[d % ndim] for d in dims} - {"1"}
    keep = len(o.args) > 2 and bool(o.args[2])
    count = {"c": m.channels, "l": m.length}
    if "n" in over:
        return False
    factor = 1.0 / math.prod(count[a] for a in over) if o.name == "mean" else 1.0
    if over == {"c"} and keep and factor == 1.0:
        step = Total(out, (m.source,), m.length, factors=(1.0,), over_channels=True)
        return _add(p, step, m, 1)
    if "l" not in over:
        return False
    shape = tuple(p.graph.tensor(out).shape[1:])
    end = Summed(out, m.source, m.length, shape, factor=factor, over_channels="c" in over)
    p.ends.append(end)
    return True


def _max(p: Plan, out: Value, o: Operation, maps: list[Map]) -> bool:
    m = maps[0]
    shape = tuple(p.graph.tensor(out).shape[1:])
    if o.name == "adaptive_max_pool2d":
        over = {"l"} if math.prod(o.args[1]) == 1 and m.axes == "nc1l" else set()
    else:
        dims = o.args[1] if len(o.args) > 1 else []
        dims = [dims] if isinstance(dims, int) else dims
        over = {m.axes[d % len(m.axes)] for d in dims} - {"1"}
    if over != {"l"}:
        return False
    source, after = _before(p, m)
    p.ends.append(Highest(out, source, m.length, shape, after=after))
    return True


def _dense(p: Plan, out: Value, o: Operation) -> bool:
    value, weight = o.args[-2:]
    if value not in p.flat or not isinstance(weight, Tensor) or o.kwargs or len(o.inputs) != 1:
        return False
    inner, order = p.flat[value]
    m = p.maps[inner]
    columns = weight.detach()
    if order == "cl":
        columns = columns.view(m.channels, m.length, -1).transpose(0, 1)
    else:
        columns = columns.view(m.length, m.channels, -1)
    shape = tuple(p.graph.tensor(out).shape[1:])
    p.ends.append(Product(out, m.source, m.length, shape, weight=columns.contiguous()))
    return True


def _combined(p: Plan, out: Value, o: Operation, maps: list[Map]) -> bool:
    """Sums of two maps, and sums and products with constants."""
    a, b = o.args[0], o.args[1]
    alpha = float(o.kwargs.get("alpha", o.args[2] if len(o.args) > 2 else 1))
    sums = o.name in ("add", "sub", "rsub")
    if len(maps) == 2 and o.name in ("add", "sub") and _alike(maps):
        wide = max(maps, key=lambda m: m.channels)
        sign = alpha if o.name == "add" else -alpha
        step = Total(out, tuple(m.source for m in maps), wide.length, factors=(1.0, sign))
        return _add(p, step, wide)
    if len(maps) == 2 or o.kwargs.get("rounding_mode"):
        return not sums and _pointwise(p, out, o, maps)
    m, first = maps[0], isinstance(a, Value)
    if p.graph.tensor(out).shape != p.graph.tensor(o.inputs[0]).shape:
        return False
    if sums:  # a constant that is added changes nothing about a change
        sign = -1.0 if o.name == "rsub" or (o.name == "sub" and not first) else 1.0
        factor: Tensor | float | None = sign * (1.0 if first and o.name != "rsub" else alpha)
    elif o.name == "div" and not first:
        return _pointwise(p, out, o, maps)
    else:
        factor = _per_channel(b if first else a, m)
        if factor is not None and o.name == "div":
            factor = 1.0 / factor
    return factor is not None and _add(p, Scaled(out, (m.source,), m.length, factor=factor), m)


def _pointwise(p: Plan, out: Value, o: Operation, maps: list[Map]) -> bool:
    """Any function of single cells, of one map or of several that lie alike."""
    if not _alike(maps) or p.graph.tensor(out).numel() != max(
        p.graph.tensor(v).numel() for v in o.inputs
    ):
        return False
    wide = max(maps, key=lambda m: m.channels)
    args: list[Any] = []
    seen = 0
    for a in o.args:
        if isinstance(a, Value):
            args.append(Operand(None, seen))
            seen += 1
        elif isinstance(a, Tensor):
            constant = _per_channel(a, wide)
            if not isinstance(constant, Tensor):
                return False
            args.append(Operand(constant))
        else:
            args.append(a)
    if seen != len(maps) or any(isinstance(v, Tensor) for v in o.kwargs.values()):
        return False
    sources = tuple(m.source for m in maps)
    step = Pointwise(
        out,
        sources,
        wide.length,
        compares=(*sources, out),
        op=o.op,
        args=tuple(args),
        kwargs=o.kwargs,
        rising=o.name in _RISING and len(maps) == 1 and not any(o.args[1:]) and not o.kwargs,
    )
    return _add(p, step, wide)


def _per_channel(a: Tensor | float, m: Map) -> Tensor | float | None:
    """A constant as one number a channel (or one in all); None where it has positions."""
    if not isinstance(a, Tensor):
        return float(a)
    if a.numel() == 1:
        return a.detach().reshape(())
    full = (1,) * (len(m.axes) - a.ndim) + tuple(a.shape)
    sizes = {axis: s for axis, s in zip(m.axes, full, strict=True) if s != 1}
    return a.detach().reshape(-1) if set(sizes) == {"c"} else None


_HANDLERS = {
    **dict.fromkeys(_SAME, _view),
    **dict.fromkeys(("unsqueeze", "squeeze", "transpose", "permute"), _view),
    **dict.fromkeys(("view", "_unsafe_view", "reshape"), _view),
    "flip": _flip,
    "convolution": _convolution,
    "native_batch_norm": _norm,
    "_native_batch_norm_legit_no_training": _norm,
    "max_pool2d_with_indices": _window,
    "avg_pool1d": _window,
    "avg_pool2d": _window,
    "constant_pad_nd": _padded,
    "slice": _slice,
    "cat": _cat,
    "sum": _sum,
    "mean": _sum,
    "max": _max,
    "amax": _max,
    "adaptive_max_pool2d": _max,
    **dict.fromkeys(("add", "sub", "rsub", "mul", "div"), _combined),
}
