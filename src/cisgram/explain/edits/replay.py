"""Recorded operations carried out on other rows than those recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor

from cisgram.models.graph import Graph, Operation, Value, mapped

_VIEWED = {"view", "_unsafe_view"}
_SHAPED = _VIEWED | {"reshape", "expand"}


class Program:
    """Some operations of a graph, in order, ready to be run many times.

    Parameters
    ----------
    graph
        Where they were recorded.
    operations
        Their places in it, in order.
    """

    def __init__(self, graph: Graph, operations: Iterable[int]) -> None:
        calls = [_Call(graph.operations[i], i, len(graph.x)) for i in operations]
        self.operations = [c.operation for c in calls]
        last = {v: i for i, c in enumerate(calls) for v in c.operation.inputs}
        self._calls = [(c, [v for v, at in last.items() if at == i]) for i, c in enumerate(calls)]

    def run(self, given: Mapping[Value, Tensor], m: int) -> Iterator[tuple[Value, Tensor]]:
        """Every value that they make of ``m`` rows; what nothing reads any more is let go."""
        values = dict(given)
        for call, done in self._calls:
            out = call.run(values, m)
            made = out if call.several else (out,)
            for output in call.tensors:
                value = Value(call.place, output)
                values[value] = made[output]
                yield value, made[output]
            for v in done:
                values.pop(v, None)


class _Call:
    """One operation; all that can be known before it runs is."""

    def __init__(self, operation: Operation, place: int, rows: int) -> None:
        self.operation, self.place, self.rows = operation, place, rows
        self.name, args = operation.name, operation.args
        self.tensors = [i for i, t in enumerate(operation.outputs) if t is not None]
        self.several = len(operation.op._schema.returns) != 1 or len(operation.outputs) != 1
        self.slots = [(i, a) for i, a in enumerate(args) if isinstance(a, Value)]
        self.nested = len(self.slots) < len(operation.inputs)
        self.shaped = self.name in _SHAPED and bool(args[1]) and args[1][0] == rows
        self.normed = self.name == "native_group_norm" and args[3] == rows

    def run(self, values: Mapping[Value, Tensor], m: int) -> Any:
        """What it gives; what was made for the rows recorded is made for ``m``."""
        o = self.operation
        args: list[Any] = list(o.args)
        kwargs = o.kwargs
        if self.nested:
            args = mapped(lambda a: values[a] if isinstance(a, Value) else a, args)
            kwargs = mapped(lambda a: values[a] if isinstance(a, Value) else a, dict(kwargs))
        for i, v in self.slots:
            args[i] = values[v]
        if self.shaped:
            shape = [m, *args[1][1:]]
            return args[0].expand(shape) if self.name == "expand" else args[0].reshape(shape)
        if self.name in _VIEWED:
            return args[0].reshape(args[1])
        if self.name == "bmm":  # a constant matrix repeated for each row, as linear layers have it
            args = [self._for_rows(a, m) for a in zip(o.args, args, strict=True)]
        elif self.normed:
            args[3] = m
        return o.op(*args, **kwargs)

    def _for_rows(self, a: tuple[Any, Tensor], m: int) -> Tensor:
        recorded, now = a
        constant = isinstance(recorded, Tensor) and recorded.stride(0) == 0
        repeated = constant and recorded.shape[0] == self.rows
        return now[:1].expand(m, -1, -1) if repeated else now
