"""A model's outputs for the beginnings and the ends of sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from cisgram.core.errors import InputError
from cisgram.core.types import OneHot

Output: TypeAlias = Callable[[Tensor], Any]  # sequences (n, 4, length) -> what the model gives
Spans: TypeAlias = Callable[..., Tensor]

_REMEDY = "Use mode='padded', which asks any model about the sequence with N for the rest."


def padded_outputs(output: Output, x: OneHot, *, model: nn.Module) -> Tensor:  # noqa: ARG001  (called as `cut_outputs`)
    """(2, length, n, ...) outputs with N after, and with N before, each position."""
    n, _, length = x.shape
    at = torch.arange(length, device=x.device)
    kept = torch.stack([at <= at[:, None], at >= at[:, None]])  # (2, length, length)
    return torch.stack([torch.stack([_tensor(output(x * k), n) for k in half]) for half in kept])


def cut_outputs(output: Output, x: OneHot, *, model: nn.Module) -> Tensor:
    """(2, length, n, ...) outputs when the recurrent layers read F[..t], and F[t..], alone.

    Raises
    ------
    InputError
        When there are no recurrent layers, or they or what follows them cannot read a part.
    """
    layers = [m for m in model.modules() if isinstance(m, nn.RNNBase)]
    if not layers:
        msg = f"{type(model).__name__} has no recurrent layer (LSTM, GRU or RNN). {_REMEDY}"
        raise InputError(msg)
    n, _, length = x.shape
    with _reading(layers) as reading:
        plan = _plan(output, reading, x)
        total = plan.total
        whole = _tensor(_run(output, reading, None, x), n)
        walks = []
        for begins in (True, False):  # from the shortest part on, so that layers can read on
            reading.readers = [_Reader(r.own, r.turned) for r in plan.readers]
            spans = [(0, t) if begins else (total - t, total) for t in range(1, total)]
            parts = [_part(output, reading, plan.turned(span), x) for span in spans]
            walks.append(torch.stack([*parts, whole]))
    y = torch.stack([walks[0], walks[1].flip(0)])
    at = _nearest(plan.middles, length).to(x.device)
    return torch.stack([y[0, at[0]], y[1, at[1]]])


def _tensor(y: Any, n: int) -> Tensor:
    if not isinstance(y, Tensor) or y.ndim == 0 or len(y) != n:
        came = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
        msg = f"The model must give a tensor of {n} rows for {n} sequences; got {came}."
        raise InputError(msg)
    return y


@dataclass(slots=True)
class _Reader:
    """One call of a recurrent layer: whether it reads the features, and whether turned round.

    A layer of one direction that has read the first t features need not read them again for
    t + 1: ``steps`` are its outputs so far, ``state`` is what it goes on from.
    """

    own: bool = True
    turned: bool = False
    steps: list[Tensor] = field(default_factory=list)
    state: Any = None


@dataclass(slots=True)
class _Plan:
    """What the recurrent layers read of sequences of one length."""

    total: int  # features, T
    readers: list[_Reader]
    backwards: bool  # feature 0 is at the right end of the sequence
    middles: Tensor  # (T,) where each feature lies, in bp

    def turned(self, span: tuple[int, int]) -> tuple[int, int]:
        a, b = span
        return (self.total - b, self.total - a) if self.backwards else span


class _Reading:
    """What hooks on the recurrent layers note (no span), or cut (a span of the features)."""

    def __init__(self) -> None:
        self.span: tuple[int, int] | None = None
        self.readers: list[_Reader] = []
        self.total = 0
        self.stop_at_first = False
        self.read: list[Tensor] = []  # (n, T, d), what each call read
        self.going_on: _Reader | None = None

    def cut(self, layer: nn.RNNBase, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = args[0] if args else kwargs.get("input")
        if not isinstance(given, Tensor) or given.ndim != 3:
            msg = (
                f"A recurrent layer reads {type(given).__name__} instead of a batch (n, T, d), "
                f"which cannot be cut. {_REMEDY}"
            )
            raise InputError(msg)
        axis = 1 if layer.batch_first else 0
        call = len(self.read)
        self.read.append(given if axis else given.transpose(0, 1))
        if self.stop_at_first:
            raise _Stop
        if self.span is None:
            return None
        start, end = self.span
        reader = self.readers[call]
        if not reader.own:
            if given.shape[axis] != end - start:
                msg = f"A recurrent layer reads features of another kind. {_REMEDY}"
                raise InputError(msg)
            return None
        if reader.turned:
            start, end = self.total - end, self.total - start
        alone = len(args) == 1 and not kwargs and len(layer._forward_hooks) == 1
        if alone and not layer.bidirectional and start == 0 and len(reader.steps) == end - 1:
            self.going_on = reader
            step = given.narrow(axis, end - 1, 1)
            return ((step,) if end == 1 else (step, reader.state)), kwargs
        part = given.narrow(axis, start, end - start)
        return ((part, *args[1:]), kwargs) if args else (args, {**kwargs, "input": part})

    def go_on(self, layer: nn.RNNBase, _: tuple[Any, ...], out: Any) -> Any:
        reader, self.going_on = self.going_on, None
        if reader is None:
            return None
        step, state = out
        reader.steps.append(step)
        # what follows may change in place what it is given
        reader.state = tree_map(torch.clone, state)
        return torch.cat(reader.steps, 1 if layer.batch_first else 0), state


class _Stop(Exception):
    """The features are known; the rest of the pass is not needed."""


@contextmanager
def _reading(layers: list[nn.RNNBase]) -> Iterator[_Reading]:
    reading = _Reading()
    with ExitStack() as stack:
        for layer in layers:
            before = layer.register_forward_pre_hook(reading.cut, with_kwargs=True)
            stack.callback(before.remove)
            after = layer.register_forward_hook(reading.go_on)
            stack.callback(after.remove)
        yield reading


def _run(output: Output, reading: _Reading, span: tuple[int, int] | None, x: Tensor) -> Any:
    reading.span, reading.read = span, []
    return output(x)


def _part(output: Output, reading: _Reading, span: tuple[int, int], x: Tensor) -> Tensor:
    try:
        return _tensor(_run(output, reading, span, x), len(x))
    except RuntimeError as error:  # the whole pass went well
        why = " ".join(str(error.__cause__ or error).split())
        msg = (
            f"The model cannot read {span[1] - span[0]} of its {reading.total} features alone: "
            f"{why}. {_REMEDY}"
        )
        raise InputError(msg) from error


def _plan(output: Output, reading: _Reading, x: OneHot) -> _Plan:
    """Find out with two random sequences that differ in their left half."""
    length = x.shape[2]
    random = torch.Generator().manual_seed(0)
    letters = torch.randint(4, (2, length), generator=random)
    letters[1, length // 2 :] = letters[0, length // 2 :]
    probe = nn.functional.one_hot(letters, 4).transpose(1, 2).to(x)
    _run(output, reading, None, probe)
    if not reading.read:
        msg = f"The model has recurrent layers but does not run them. {_REMEDY}"
        raise InputError(msg)
    first, *others = reading.read
    total = reading.total = first.shape[1]
    readers = [_Reader()]
    for other in others:
        fits = other.shape == first.shape
        same = fits and torch.allclose(other, first)
        turned = fits and not same and torch.allclose(other, first.flip(1))
        readers.append(_Reader(own=same or turned, turned=turned))
    change = (first[0] - first[1]).abs().sum(1)  # (T,)
    backwards = bool(change[: total // 2].sum() < change[-(total // 2) :].sum())
    return _Plan(total, readers, backwards, _middles(output, reading, probe, total))


def _middles(output: Output, reading: _Reading, probe: Tensor, total: int) -> Tensor:
    """(T,) middle of each feature's receptive field in bp, for symmetrically padded layers.

    The shortest sequence with T features has no base to spare at its ends, so its middle is
    that of the features; one feature fewer needs a stride less.
    """
    length = probe.shape[2]

    def features(bp: int) -> int:
        if bp == 0:
            return 0
        reading.stop_at_first = True
        try:
            _run(output, reading, None, probe[:, :, :bp])
        except _Stop:
            return reading.read[0].shape[1]
        except RuntimeError:  # too short for a layer
            return 0
        finally:
            reading.stop_at_first = False
        return 0

    shortest = length
    while features(shortest - 1) == total:
        shortest -= 1
    fewer = shortest - 1
    while features(fewer) == total - 1 and features(fewer - 1) == total - 1:
        fewer -= 1
    known = features(fewer) == total - 1 and total > 1
    stride = shortest - fewer if known else length / total
    return (shortest - 1) / 2 + stride * (torch.arange(total) - (total - 1) / 2)


def _nearest(middles: Tensor, length: int) -> Tensor:
    """(2, length) nearest feature of each base; ties go to the shorter beginning, or end."""
    distance = (torch.arange(length)[:, None] - middles).abs()  # (length, T)
    last = len(middles) - 1
    return torch.stack([distance.argmin(1), last - distance.flip(1).argmin(1)])
