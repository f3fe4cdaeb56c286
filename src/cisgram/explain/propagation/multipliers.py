"""DeepLIFT multipliers by graph: one reverse pass over the operations of a forward pass.

The model is recorded once on the examples and once on their references. Going backwards, each
operation turns the multipliers of its outputs into multipliers of its inputs, by a rule under
which the contributions of the inputs add up to those of the outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from cisgram.core.errors import InputError
from cisgram.models.graph import Graph, Operation, Value

Multipliers: TypeAlias = list[tuple[Value, Tensor]]
Rule: TypeAlias = Callable[["Step", list[Tensor | None]], Multipliers]


class CannotPair(Exception):
    """The rows of examples and references cannot be matched: run the examples repeated."""


def unflatten(t: Tensor, axis: int, sizes: tuple[int, ...]) -> Tensor:
    """``t`` with one axis made into several."""
    axis %= t.ndim
    return t.reshape(*t.shape[:axis], *sizes, *t.shape[axis + 1 :])


@dataclass(frozen=True, slots=True)
class Step:
    """One operation as it ran on the examples and on the references.

    Attributes
    ----------
    x, r
        The two recordings.
    at
        Which operation.
    n
        Examples; each has as many references, which follow one another.
    repeats
        References an example. 1 also where the examples were run repeated.
    """

    x: Graph
    r: Graph
    at: int
    n: int
    repeats: int

    @property
    def operation(self) -> Operation:
        """The operation, with the arguments that it had on the references."""
        return self.r.operations[self.at]

    @property
    def args(self) -> tuple[Any, ...]:
        """Its arguments, a `Value` for each tensor that depends on the sequence."""
        return self.operation.args

    def arg(self, i: int, default: Any = None) -> Any:
        """Argument ``i``, where it was given."""
        return self.args[i] if i < len(self.args) else default

    def out(self, i: int = 0) -> Value:
        """An output."""
        return Value(self.at, i)

    def reference(self, value: Value) -> Tensor:
        """A value on the references, (n * repeats, ...)."""
        return self.r.tensor(value)

    def pair(self, value: Value) -> tuple[Tensor, Tensor]:
        """A value on examples and references, with axes (n, 1, ...) and (n, repeats, ...)."""
        a, r = self.x.tensor(value), self.r.tensor(value)
        if self.repeats == 1:
            if a.shape != r.shape:
                raise CannotPair
            return a, r
        axis, rest = self._rows(a, r)
        split = (self.n, self.repeats, rest) if rest > 1 else (self.n, self.repeats)
        one = (self.n, 1, rest) if rest > 1 else (self.n, 1)
        return unflatten(a, axis, one), unflatten(r, axis, split)

    def joined(self, t: Tensor, value: Value) -> Tensor:
        """A tensor with the axes of `pair` in the shape that ``value`` has on the references."""
        if self.repeats == 1:
            return t
        a, r = self.x.tensor(value), self.r.tensor(value)
        axis, rest = self._rows(a, r)
        return t.flatten(axis, axis + 1 + (rest > 1))

    def split(self, t: Tensor, value: Value) -> Tensor:
        """A tensor in the shape that ``value`` has on the references with the axes of `pair`."""
        if self.repeats == 1:
            return t
        axis, rest = self._rows(self.x.tensor(value), self.r.tensor(value))
        return unflatten(t, axis, (self.n, self.repeats, rest) if rest > 1 else (self.n, -1))

    def middle(self, value: Value) -> Tensor:
        """Half way between example and reference, in the shape of the references."""
        a, r = self.pair(value)
        return self.joined(torch.lerp(a.expand_as(r), r, 0.5), value)

    def example(self, value: Value) -> Tensor:
        """A value on the examples, repeated to the shape of the references."""
        a, r = self.pair(value)
        return self.joined(a.expand_as(r), value)

    def change(self, value: Value) -> Tensor:
        """Example minus reference, in the shape of the references."""
        a, r = self.pair(value)
        return self.joined(a - r, value)

    def axis(self, value: Value, dim: int) -> int:
        """Where axis ``dim`` of ``value`` lies in `pair`, counted from the end."""
        t = self.r.tensor(value)
        dim = dim - t.ndim if dim >= 0 else dim
        if self.repeats > 1:
            at, rest = self._rows(self.x.tensor(value), t)
            if dim + t.ndim < at:
                dim -= 2 if rest > 1 else 1
        return dim

    def rows(self, value: Value) -> int | None:
        """The axis of ``value`` along which the sequences lie; None where that is not told."""
        a, r = self.x.tensor(value), self.r.tensor(value)
        return None if self.repeats == 1 else self._rows(a, r)[0]

    def _rows(self, a: Tensor, r: Tensor) -> tuple[int, int]:
        """The axis that holds the sequences, and how many rows each has there."""
        if a.ndim != r.ndim:
            raise CannotPair
        differ = [i for i in range(a.ndim) if a.shape[i] != r.shape[i]]
        if len(differ) != 1:
            raise CannotPair
        axis = differ[0]
        if a.shape[axis] % self.n or r.shape[axis] != a.shape[axis] * self.repeats:
            raise CannotPair
        return axis, a.shape[axis] // self.n


@torch.no_grad()
def multipliers(
    x: Graph,
    r: Graph,
    rules: Callable[[Operation], Rule],
    *,
    gaps: dict[int, Tensor] | None = None,
) -> Tensor:
    """Multipliers of the input, (n * repeats, 4, length): contributions per unit of difference.

    Parameters
    ----------
    x, r
        The model recorded on the examples, and on the references of the first, the second, ...
    rules
        The rule of an operation.
    gaps
        Where given, takes for each operation how far its inputs' contributions miss those of its
        outputs, in units of the target, summed over everything (for finding the one at fault).

    Raises
    ------
    InputError
        When the references took another way through the model than the examples.
    """
    n, repeats = len(x.x), len(r.x) // len(x.x)
    _check_alike(x, r)
    waiting: dict[Value, Tensor] = {r.result: torch.ones_like(r.tensor(r.result))}
    for at in range(len(r.operations) - 1, -1, -1):
        operation = r.operations[at]
        given = [waiting.pop(Value(at, i), None) for i in range(len(operation.outputs))]
        if all(m is None for m in given):
            continue
        step = Step(x, r, at, n, repeats)
        found = rules(operation)(step, given)
        if gaps is not None:
            gaps[at] = _gap(step, given, found)
        for value, m in found:
            was = waiting.get(value)
            waiting[value] = m if was is None else was + m
        if gaps is None:
            operation.outputs[:] = [None] * len(operation.outputs)
    zero = torch.zeros_like(r.x)
    return waiting.get(Value(-1), zero)


def _check_alike(x: Graph, r: Graph) -> None:
    same = len(x.operations) == len(r.operations) and all(
        a.op is b.op and a.inputs == b.inputs
        for a, b in zip(x.operations, r.operations, strict=True)
    )
    if same and x.result == r.result:
        return
    if len(x.x) == len(r.x):
        msg = (
            "The model takes another way for the references than for the sequences (an if on "
            "values, or a loop of varying length), so that nothing links their differences. "
            "Write the choice as torch.where, or use ism."
        )
        raise InputError(msg)
    raise CannotPair  # some operations depend on the number of rows, such as one against many


def _gap(step: Step, given: list[Tensor | None], found: Multipliers) -> Tensor:
    total = torch.zeros((), dtype=torch.float64)
    for i, m in enumerate(given):
        if m is not None:
            total += _sum(step, step.out(i), m)
    for value, m in found:
        total -= _sum(step, value, m)
    return total


def _sum(step: Step, value: Value, m: Tensor) -> Tensor:
    a, r = step.pair(value)
    d = step.joined(a.double() - r.double(), value) * m
    return torch.nan_to_num(d).sum().cpu()  # masks of -inf meet multipliers of 0
