"""What a model computes, operation by operation: one forward pass written down as a graph.

Whatever a forward pass is made of (modules, functional calls, operators, loops), PyTorch carries
it out as a sequence of ATen operations on tensors. `record` runs the model once and notes them:
no module type is looked up, and nothing of the model has to be traceable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functionalize
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from cisgram.core.errors import InputError
from cisgram.models.recurrent import layers, splits


class Value(NamedTuple):
    """Output ``output`` of operation ``operation``; the model's input is operation -1."""

    operation: int
    output: int = 0


INPUT = Value(-1)


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One ATen operation whose result depends on the model's input.

    Attributes
    ----------
    op
        For example ``torch.ops.aten.convolution.default``; never one that changes its arguments.
    args, kwargs
        As given, with a `Value` in place of each tensor that depends on the input; tensors that
        are left (weights, masks, states of zeros) are constants.
    outputs
        What came out; ``None`` in place of what is no tensor.
    module
        Path of the innermost module that ran it, for example ``features.0``; empty outside.
    """

    op: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    outputs: list[Tensor | None]
    module: str = ""

    @property
    def name(self) -> str:
        """For messages: ``convolution``, ``relu``, ``_softmax``."""
        name: str = self.op._schema.name
        return name.partition("::")[2]

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The values that it reads, in the order of its arguments."""
        found: list[Value] = []
        mapped(lambda v: found.append(v) if isinstance(v, Value) else None, self.args)
        if self.kwargs:
            mapped(lambda v: found.append(v) if isinstance(v, Value) else None, self.kwargs)
        return tuple(found)

    def run(self, values: Mapping[Value, Tensor]) -> list[Any]:
        """What it gives on other values."""
        args = mapped(lambda v: values[v] if isinstance(v, Value) else v, self.args)
        kwargs = mapped(lambda v: values[v] if isinstance(v, Value) else v, self.kwargs)
        out = self.op(*args, **kwargs)
        return list(out) if isinstance(out, tuple | list) else [out]


@dataclass(slots=True, eq=False)
class Graph:
    """The operations of one forward pass in the order they ran, and what it gave.

    Attributes
    ----------
    x
        The model's input.
    operations
        Each reads only the input and the results of earlier ones.
    result
        The value that the function returned.
    """

    x: Tensor
    operations: list[Operation] = field(default_factory=list)
    result: Value = INPUT

    def tensor(self, value: Value) -> Tensor:
        """The tensor that stood for a value when the graph was recorded."""
        if value.operation < 0:
            return self.x
        out = self.operations[value.operation].outputs[value.output]
        if out is None:
            msg = f"output {value.output} of operation {value.operation} is no tensor."
            raise InputError(msg)
        return out

    def users(self) -> dict[Value, list[int]]:
        """For each value, the operations that read it."""
        out: dict[Value, list[int]] = {}
        for i, operation in enumerate(self.operations):
            for value in operation.inputs:
                out.setdefault(value, []).append(i)
        return out


def record(
    f: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    model: nn.Module | None = None,
    whole_layers: bool = False,
    kernels: Mapping[Any, Callable[..., Any]] | None = None,
) -> Graph:
    """Run ``f`` on ``x`` once and note every operation that depends on ``x``.

    Recurrent layers are noted step by step and attention as products and a softmax, because
    their fused forms are switched off for this run. Nothing else about the run is changed; no
    gradients are kept.

    Parameters
    ----------
    f
        A function of one tensor that gives one tensor, for example a model or the seam
        ``scalar(model, target)``.
    x
        The input.
    model
        Where given, operations carry the path of the module that ran them.
    whole_layers
        Note each layer and direction of an LSTM or GRU as one operation, ``cisgram.lstm_layer``
        or ``cisgram.gru_layer`` (see `cisgram.models.recurrent`), instead of step by step.
    kernels
        Quicker ways of running operations, by operation: the same arguments, the same values.

    Raises
    ------
    InputError
        When ``f`` gives no tensor, or one that does not depend on ``x``.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv1d(4, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4, 1))
    >>> [o.name for o in record(net, torch.zeros(1, 4, 4)).operations]
    ['convolution', 'relu', 'view', 'addmm']
    """
    graph = Graph(x.detach())
    paths = {m: path for path, m in model.named_modules()} if model is not None else {}
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(mode=False))
        stack.enter_context(torch.no_grad())
        stack.enter_context(_plain_kernels())
        running = stack.enter_context(_running(paths))
        stack.enter_context(_TakenApart(whole_layers))
        recorder = _Recorder(graph, running, kernels or {})
        with recorder:
            out = functionalize(f)(graph.x)
    found = recorder.values.get(id(out)) if isinstance(out, Tensor) else None
    if found is None:
        came = "no tensor" if not isinstance(out, Tensor) else "a tensor that ignores its input"
        msg = f"The model gave {came}, so there is nothing to explain."
        raise InputError(msg)
    graph.result = found
    return graph


# torch gives its modes no types: hence what is silenced here
class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes every operation below autograd; a change in place becomes a new value."""

    def __init__(
        self, graph: Graph, running: list[str], kernels: Mapping[Any, Callable[..., Any]]
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.graph, self.running, self.kernels = graph, running, kernels
        self.values: dict[int, Value] = {id(graph.x): INPUT}
        # a tensor's id is its name only while the tensor lives
        self.alive: list[Tensor] = [graph.x]
        self.noted: dict[int, list[Value]] = {}  # by the memory that they lie in
        self.made: set[int] = set()  # memory of constants that the model makes as it runs

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        tensors: list[Tensor] = []
        mapped(lambda a: tensors.append(a) if isinstance(a, Tensor) else None, (args, kwargs))
        changes = func._schema.is_mutable
        if changes:
            self._set_aside(args[0])
        if not any(id(a) in self.values for a in tensors):
            out = func(*args, **kwargs)
            self._constant(out, tensors)
            return out
        told = mapped(self._named, (args, kwargs))
        op = _out_of_place(func) if changes else func
        if op is None:
            msg = (
                f"The model changes a tensor in place with {func}, which has no form that leaves "
                "its arguments alone. Write it without the change in place."
            )
            raise InputError(msg)
        out = self.kernels.get(func, func)(*args, **kwargs)
        self._note(op, told, out)
        return out

    def _named(self, a: Any) -> Any:
        if not isinstance(a, Tensor):
            return a
        if id(a) in self.values:
            return self.values[id(a)]
        # what the model has made may be overwritten by it; weights are not
        return a.clone() if _memory(a) in self.made else a

    def _note(self, op: Any, told: Any, out: Any) -> None:
        outs = out if isinstance(out, tuple | list) else (out,)
        at = len(self.graph.operations)
        for i, o in enumerate(outs):
            if isinstance(o, Tensor):
                self.values[id(o)] = Value(at, i)
                self.alive.append(o)
                self.noted.setdefault(_memory(o), []).append(Value(at, i))
        self.graph.operations.append(
            Operation(
                op,
                tuple(told[0]),
                told[1],
                [o if isinstance(o, Tensor) else None for o in outs],
                self.running[-1] if self.running else "",
            )
        )

    def _set_aside(self, target: Tensor) -> None:
        """Copy every value that lies in memory about to be overwritten."""
        for operation, output in self.noted.pop(_memory(target), ()):
            outputs = self.graph.operations[operation].outputs
            kept = outputs[output]
            outputs[output] = None if kept is None else kept.clone()

    def _constant(self, out: Any, read: list[Tensor]) -> None:
        known = {_memory(a) for a in read}
        for o in out if isinstance(out, tuple | list) else (out,):
            if isinstance(o, Tensor):
                self.values.pop(id(o), None)
                self.alive.append(o)
                if _memory(o) not in known:
                    self.made.add(_memory(o))


def _memory(a: Tensor) -> int:
    return a.untyped_storage().data_ptr()


def _out_of_place(func: Any) -> Any | None:
    """``aten.relu.default`` for ``aten.relu_.default``; None where there is no such twin."""
    name = func._schema.name.partition("::")[2]
    packet = getattr(torch.ops.aten, name.removesuffix("_"), None) if name[-1] == "_" else None
    if packet is None:
        return None
    wanted = [str(a.type) for a in func._schema.arguments]
    for overload in packet.overloads():
        twin = getattr(packet, overload)
        if [str(a.type) for a in twin._schema.arguments] == wanted:
            return twin
    return None


class _TakenApart(TorchFunctionMode):
    """Takes LSTMs and GRUs apart, into steps or layers and directions, and circular padding."""

    def __init__(self, whole_layers: bool) -> None:
        super().__init__()
        self.whole_layers = whole_layers

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if name == "pad":
            given = {**dict(zip(("input", "pad", "mode"), args, strict=False)), **kwargs}
            if given.get("mode") == "circular" and min(given["pad"]) >= 0:
                return _around(given["input"], given["pad"])
        if name not in {"lstm", "gru", "rnn_tanh", "rnn_relu"}:
            return func(*args, **kwargs)
        if self.whole_layers and name in {"lstm", "gru"} and not kwargs and splits(args):
            return layers(name, args)
        with _no_mkldnn(), torch.backends.cudnn.flags(enabled=False):
            return func(*args, **kwargs)


def _around(x: Tensor, pad: Sequence[int]) -> Tensor:
    """Circular padding as pieces side by side; torch's own writes them into an empty tensor."""
    out = x
    for i in range(0, len(pad), 2):
        axis, (left, right) = -1 - i // 2, pad[i : i + 2]
        before = out.narrow(axis, out.shape[axis] - left, left)
        out = torch.cat([before, out, out.narrow(axis, 0, right)], axis)
    return out


@contextmanager
def _plain_kernels() -> Iterator[None]:
    """No fused attention for as long as this lasts."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@contextmanager
def _no_mkldnn() -> Iterator[None]:
    """OneDNN's whole LSTM is one opaque operation; torch's own is made of steps."""
    was = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(was)


@contextmanager
def _running(paths: Mapping[nn.Module, str]) -> Iterator[list[str]]:
    """The paths of the modules that are running now, outermost first."""
    stack: list[str] = []
    if not paths:
        yield stack
        return

    def enter(module: nn.Module, _: Any) -> None:
        stack.append(paths.get(module, stack[-1] if stack else ""))

    def leave(_: nn.Module, __: Any, ___: Any) -> None:
        stack.pop()

    before = register_module_forward_pre_hook(enter)
    after = register_module_forward_hook(leave, always_call=True)
    try:
        yield stack
    finally:
        before.remove()
        after.remove()


def mapped(f: Callable[[Any], Any], tree: Any) -> Any:
    """Arguments of an operation with ``f`` of each leaf; lists, tuples and dicts are gone into.

    Examples
    --------
    >>> mapped(lambda v: v if v is None else 2 * v, (1, [2, None], {"a": 3}))
    (2, [4, None], {'a': 6})
    """
    kind = type(tree)
    if kind is tuple:
        return tuple([mapped(f, v) for v in tree])
    if kind is list:
        return [mapped(f, v) for v in tree]
    if isinstance(tree, Mapping):
        return {k: mapped(f, v) for k, v in tree.items()}
    return f(tree)
