"""Where a model pays attention, found in what it computes: which softmaxes weigh positions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cisgram.core.errors import InputError
from cisgram.models.graph import INPUT, Graph, Value, record
from cisgram.models.receptive import equally_spaced, plain_kernels

SOFTMAX = {"_softmax", "_safe_softmax"}
PRODUCT = {"bmm", "mm", "baddbmm", "addmm", "mul", "dot", "mv"}
CARRY = {  # what weights go through, unchanged but for their shape or a factor
    *("view", "_unsafe_view", "reshape", "expand", "transpose", "permute", "unsqueeze", "squeeze"),
    *("t", "clone", "alias", "detach", "contiguous", "_to_copy", "native_dropout", "slice"),
    *("mul", "div", "masked_fill", "where", "unbind", "split", "select", "index", "unflatten"),
}
WINDOW = 256  # letters that are asked, in the middle of the sequence
PROBES = (13, 11, 17, 7, 19, 23, 29, 31, 37)  # positions asked at once: a size of no other axis


@dataclass(frozen=True, slots=True, eq=False)
class Attended:
    """One attention of a recorded run.

    Attributes
    ----------
    value
        The weights: what the softmax gave.
    axis
        Axis of the softmax: the positions that are attended to.
    size
        Number of these positions.
    name
        Path of the module, or ``attention``; ``#2`` and so on where a name comes again.
    """

    value: Value
    axis: int
    size: int
    name: str


def attentions(graph: Graph) -> list[Attended]:
    """Softmaxes whose result weighs something else that depends on the input, in their order."""
    users = graph.users()
    found: list[Attended] = []
    times: dict[str, int] = {}
    for i, operation in enumerate(graph.operations):
        if operation.name not in SOFTMAX or not _weighs(graph, users, Value(i)):
            continue
        weights = graph.tensor(Value(i))
        axis = int(operation.args[1]) % weights.ndim
        name = operation.module or "attention"
        times[name] = times.get(name, 0) + 1
        name += f" #{times[name]}" if times[name] > 1 else ""
        found.append(Attended(Value(i), axis, weights.shape[axis], name))
    return found


def _weighs(graph: Graph, users: dict[Value, list[int]], weights: Value) -> bool:
    """True when the weights reach a product with another value of the run."""
    due, seen = [weights], {weights}
    while due:
        value = due.pop()
        for at in users.get(value, ()):
            operation = graph.operations[at]
            if operation.name in PRODUCT and any(v not in seen for v in operation.inputs):
                return True
            if operation.name in CARRY:
                new = [Value(at, j) for j in range(len(operation.outputs))]
                due += [v for v in new if v not in seen]
                seen.update(new)
    return False


def weights_of(graph: Graph, attended: Attended) -> Tensor:
    """(n, heads, queries, positions) weights of one attention.

    An axis beside that of the positions is one of queries where it is as long or where there are
    heads beside it; otherwise it is one of heads: each of them attends once.
    """
    n = len(graph.x)
    a = graph.tensor(attended.value).movedim(attended.axis, -1)
    if a.shape[0] % n or a.ndim < 2:
        msg = (
            f"The attention of {attended.name!r} has weights of shape {tuple(a.shape)} for {n} "
            "sequences; give a model that keeps the sequences on the first axis."
        )
        raise InputError(msg)
    size = a.shape[-1]
    if a.ndim == 2:
        return a.reshape(n, -1, 1, size)
    if a.ndim == 3 and a.shape[0] == n and a.shape[1] != size:
        return a.reshape(n, -1, 1, size)
    return a.reshape(n, -1, a.shape[-2], size)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where the positions of an attention lie on the sequence.

    Attributes
    ----------
    starts
        (positions,) first letter that each reads, bp; may lie before the sequence.
    width, stride
        Of their fields, bp.
    is_seen
        (positions,) False for a token that reads no letter, as one that stands for the whole.
    """

    starts: NDArray[np.int64]
    width: int
    stride: int
    is_seen: NDArray[np.bool_]

    def cells(self) -> NDArray[np.int64]:
        """(positions,) first letter of the ``stride`` letters in the middle of each field."""
        return self.starts + (self.width - self.stride) // 2

    def shares(self, length: int, *, whole_field: bool) -> Tensor:
        """(positions, length): how the weight of a position is shared among letters.

        Rows sum to 1, or to 0 for a token without letters; what lies beyond the ends counts at
        the ends.
        """
        starts = self.starts if whole_field else self.cells()
        width = self.width if whole_field else self.stride
        at = np.clip(starts[:, None] + np.arange(width), 0, length - 1)
        out = np.zeros((len(starts), length))
        np.add.at(out, (np.arange(len(starts))[:, None], at), 1 / width)
        return torch.from_numpy(out * self.is_seen[:, None])

    def names(self, length: int) -> tuple[str, ...]:
        """``start-stop`` of each position's cell, 0-based and half-open; ``token`` without one."""
        ends = np.clip(np.stack([self.cells(), self.cells() + self.stride]), 0, length)
        return tuple(
            f"{a}-{b}" if seen else "token"
            for a, b, seen in zip(*ends.tolist(), self.is_seen.tolist(), strict=True)
        )


def places(
    f: Callable[[Tensor], Tensor], model: nn.Module, x: Tensor, found: list[Attended]
) -> list[Places | None]:
    """Where the positions of each attention lie; None where nothing tells.

    The letters are made not-a-number one after another, and the last values before an attention
    that have its number of positions and still read the sequence piece by piece give the places:
    what recurrent layers and earlier attentions mix keeps its order.
    """
    length = x.shape[2]
    span = (max((length - WINDOW) // 2, 0), min((length + WINDOW) // 2, length))
    fits, gates = _fits(f, model, x, found, span)
    if span != (0, length) and len(fits) == 0:  # fields wider than the window
        span = (0, length)
        fits, gates = _fits(f, model, x, found, span)
    out = []
    for i, attended in enumerate(found):
        before = [
            fit
            for (value, _), fit in fits.items()
            if value.operation < attended.value.operation and len(fit.starts) == attended.size
        ]
        out.append(before[-1] if before and not gates[i] else None)
    return out


def _fits(
    f: Callable[[Tensor], Tensor],
    model: nn.Module,
    x: Tensor,
    found: list[Attended],
    span: tuple[int, int],
) -> tuple[dict[tuple[Value, int], Places], NDArray[np.bool_]]:
    """Values that read the sequence piece by piece; which softmaxes run along no sequence."""
    reads: dict[tuple[Value, int], list[NDArray[np.bool_]]] = {}
    along = np.zeros(len(found), dtype=bool)  # whether its weights differ along its axis
    across = np.zeros(len(found), dtype=bool)  # or along another one alone
    for graph, n in _probed(f, model, x, span):
        known = attentions(graph)
        for value in (INPUT, *_values(graph, found[-1].value.operation)):
            for axis, seen in _seen(graph.tensor(value), len(graph.x), {a.size for a in found}):
                reads.setdefault((value, axis), []).append(seen[:n])
        for i, attended in enumerate(known):
            lost = graph.tensor(graph.operations[attended.value.operation].args[0]).isnan()
            lost = lost.movedim(attended.axis, -1)
            along[i] |= bool((lost != lost[..., :1]).any())
            across[i] |= bool((lost.flatten(1) != lost.flatten(1)[:, :1]).any())
    fits = {}
    for key, parts in reads.items():
        rows = np.concatenate(parts)
        if len(rows) == span[1] - span[0] + 1:
            fit = _placed(rows[:-1], rows[-1], span[0])
            if fit is not None:
                fits[key] = fit
    return fits, across & ~along  # as over channels, however many they are


def _probed(
    f: Callable[[Tensor], Tensor], model: nn.Module, x: Tensor, span: tuple[int, int]
) -> Iterator[tuple[Graph, int]]:
    """Runs with one letter of the span each made not-a-number, and how many of their rows count.

    In the last row all letters are: what is still a number then reads none.
    """
    length = x.shape[2]
    plain = record(f, x[:1], model=model, whole_layers=True)
    taken = {s for o in plain.operations for t in o.outputs if t is not None for s in t.shape}
    free = (p for p in PROBES if all(s % p for s in taken if s))
    size = next(free, PROBES[0])
    rows = span[1] - span[0] + 1
    for start in range(0, rows, size):
        at = np.arange(start, start + size)
        probes = torch.zeros(size, 4, length)
        for row, letter in enumerate(at):
            if letter < rows - 1:
                probes[row, :, span[0] + letter] = torch.nan
            else:
                probes[row] = torch.nan
        with plain_kernels():
            graph = record(f, probes.to(x.device), model=model, whole_layers=True)
        yield graph, min(size, rows - start)


def _values(graph: Graph, last: int) -> Iterator[Value]:
    for i, operation in enumerate(graph.operations[:last]):
        for j, out in enumerate(operation.outputs):
            if out is not None and out.is_floating_point():
                yield Value(i, j)


def _seen(value: Tensor, n: int, sizes: set[int]) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """(axis, (n, size) not-a-number) for every axis that may be one of positions."""
    batch = next((i for i, s in enumerate(value.shape) if s and s % n == 0), None)
    if batch is None:
        return
    lost: Tensor | None = None
    for axis, size in enumerate(value.shape):
        if axis == batch or size not in sizes:
            continue
        lost = value.isnan() if lost is None else lost
        moved = lost.movedim((batch, axis), (0, 1)).flatten(2) if lost.ndim > 2 else lost
        if lost.ndim == 2 and batch == 1:
            moved = lost.T
        flat = moved.any(2) if moved.ndim == 3 else moved
        yield axis, flat.view(n, -1, size).any(1).cpu().numpy()


def _placed(reads: NDArray[np.bool_], is_seen: NDArray[np.bool_], first: int) -> Places | None:
    """Places of positions that read (letters, positions), forwards or backwards.

    ``is_seen`` are the positions that read any letter at all, ``first`` the first of the letters.
    None where each reads from the first letter, or up to the last, as recurrent layers do.
    """
    seen = reads.any(0)
    if not seen.any() or any(np.ptp(r[:, seen].argmax(0)) == 0 for r in (reads, reads[::-1])):
        return None
    at = np.arange(reads.shape[1])
    found = equally_spaced(reads)
    if found is not None:
        offset, stride, width = found
        return Places(first + offset + stride * at, width, stride, is_seen)
    found = equally_spaced(reads[::-1])
    if found is None:
        return None
    offset, stride, width = found
    starts = first + len(reads) - (offset + stride * at) - width
    return Places(starts, width, stride, is_seen)
