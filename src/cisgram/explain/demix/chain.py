"""A network that is a plain chain of layers, as few and quick steps on letters.

`Window` replays any network operation by operation. Most networks of DNA are chains of
convolution, norm, nonlinearity and pooling, along the one axis of positions or along the second
of two, the first of height 1; for these the norm is folded into the convolution, a maximum is
taken before the rectifier instead of after it (the same, on fewer numbers), the last convolution
is run for the wanted channels alone, maps lie with their channels side by side, and the first
convolution is looked up: the sum of its weights over four letters is one of 256 rows of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from cisgram.explain.demix.positions import POINTWISE, argument, called
from cisgram.explain.demix.window import Window
from cisgram.models.graph import INPUT, Operation, Value

LETTERS = 4  # looked up at once
FLOATS = 2_000_000  # numbers of the largest map of windows that are run together
NORMS = frozenset({"native_batch_norm", "_native_batch_norm_legit_no_training"})
SHAPES = frozenset({"squeeze", "unsqueeze", "clone", "contiguous"})
RISING = frozenset({"relu", "exp"})  # f(max(a, b)) = max(f(a), f(b))


@dataclass(slots=True, eq=False)
class Convolution:
    """Weight (out, in, 1, k), bias (out,); a norm that follows is already in them."""

    weight: Tensor
    bias: Tensor
    stride: int
    dilation: int

    @property
    def reach(self) -> int:
        """Positions that one of its outputs sees."""
        return (self.weight.shape[3] - 1) * self.dilation + 1

    def scaled(self, by: Tensor, shift: Tensor) -> Convolution:
        """Followed by a scale and a shift of every channel."""
        weight = self.weight * by[:, None, None, None]
        return Convolution(weight, self.bias * by + shift, self.stride, self.dilation)

    def run(self, x: Tensor) -> Tensor:
        """(n, out, 1, positions) of (n, in, 1, positions)."""
        return F.conv2d(x, self.weight, self.bias, (1, self.stride), 0, (1, self.dilation))

    def only(self, channels: Sequence[int]) -> Convolution:
        """Of some of its channels."""
        chosen = list(channels)
        return Convolution(self.weight[chosen], self.bias[chosen], self.stride, self.dilation)


@dataclass(frozen=True, slots=True, eq=False)
class Elementary:
    """Any other step: a nonlinearity or a pooling."""

    run: Callable[[Tensor], Tensor]
    rises: bool = False
    is_max: bool = False


Step: TypeAlias = Convolution | Elementary


@dataclass(slots=True, eq=False)
class Chain:
    """The neurons of a layer on letters (n, width).

    Attributes
    ----------
    width
        Letters of a window.
    first, last
        Its first convolution, and that of the layer itself; they may be the same.
    above
        The steps after the first convolution, ``last`` included.
    made
        Values of the recorded network -> steps after which they are there.
    """

    width: int
    first: Convolution
    above: tuple[Step, ...]
    last: Convolution
    made: dict[Value, int]
    table: Tensor = field(init=False)
    rows: int = field(init=False)

    def __post_init__(self) -> None:
        self.table = _table(self.first)
        largest = self._places * (len(self.first.bias) if self.above else 1)
        self.rows = min(max(FLOATS // largest, 16), 4096)

    @property
    def channels(self) -> int:
        """Neurons of the layer."""
        return len(self.last.bias)

    @property
    def _places(self) -> int:
        return 1 + (self.width - self.first.reach) // self.first.stride

    def values(self, codes: Tensor, neurons: Sequence[int]) -> Tensor:
        """(n, len(neurons)) values."""
        if not self.above:
            return self._looked_up(codes, self.table[:, list(neurons)]).flatten(1)
        return self._top(self._looked_up(codes, self.table), neurons)

    def slopes(
        self, codes: Tensor, neuron: int, wanted: Sequence[Value] = ()
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """(n,) values of a neuron, their gradient (n, 4, width), and `maps` on the way."""
        if not self.above:
            value = self.values(codes, [neuron])[:, 0]
            weight = self.last.weight[neuron, :, 0]
            slope = torch.zeros(4, self.width).to(weight)
            slope[:, :: self.last.dilation] = weight
            return value, slope.expand(len(codes), -1, -1), []
        seen: dict[int, Tensor] = {self.made[v]: codes for v in wanted}
        with torch.enable_grad():
            y = self._looked_up(codes, self.table).requires_grad_()
            value = self._top(y, [neuron], seen)[:, 0]
            (slope,) = torch.autograd.grad(value.sum(), y)
        return value.detach(), self._below(slope), [seen[self.made[v]] for v in wanted]

    def maps(self, codes: Tensor, wanted: Sequence[Value]) -> list[Tensor]:
        """Values on the way, (n, positions, channels) each, as they lie."""
        seen: dict[int, Tensor] = {self.made[v]: codes for v in wanted}
        self._top(self._looked_up(codes, self.table), [], seen)
        return [seen[self.made[v]] for v in wanted]

    def _top(
        self, x: Tensor, neurons: Sequence[int], seen: dict[int, Tensor] | None = None
    ) -> Tensor:
        """The neurons (n, len(neurons)), from what the first convolution gives.

        ``seen`` is filled with what is there after as many steps as its keys say, and without
        neurons nothing is run beyond the last of them.
        """
        seen = {} if seen is None else seen
        left = [*self.above[:-1], self.last.only(neurons)]
        done, last = 1, max(seen, default=0)
        while left and (neurons or done < last):
            if done in seen:
                seen[done] = _lying(x)
            if len(left) > 1 and _swaps(left[0], left[1]):
                if done + 1 in seen:
                    seen[done + 1] = _lying(left[0].run(x.detach()))
                x = left[0].run(left[1].run(x))
                left, done = left[2:], done + 2
            else:
                x, left, done = left[0].run(x), left[1:], done + 1
        if done in seen:
            seen[done] = _lying(x)
        return x.flatten(1)

    def _looked_up(self, codes: Tensor, table: Tensor) -> Tensor:
        """(n, out, 1, positions) of the first convolution."""
        first, n = self.first, len(codes)
        size = first.weight.shape[3]
        places = self._places
        letters = codes.to(torch.int32)
        groups = []
        for g, start in enumerate(range(0, size, LETTERS)):
            row = torch.full((n, places), g * 4**LETTERS, dtype=torch.int32, device=codes.device)
            for j, tap in enumerate(range(start, min(start + LETTERS, size))):
                at = tap * first.dilation
                end = at + (places - 1) * first.stride + 1
                row += letters[:, at : end : first.stride] << (2 * j)
            groups.append(row)
        index = torch.stack(groups, 2).view(n * places, -1)
        y = F.embedding_bag(index, table, mode="sum")
        return y.view(n, places, -1).transpose(1, 2)[:, :, None]

    def _below(self, slope: Tensor) -> Tensor:
        """(n, 4, width) gradient of the letters, from that of the first convolution's output."""
        first, n = self.first, len(slope)
        size, places = first.weight.shape[3], slope.shape[3]
        weight = first.weight[:, :, 0].transpose(1, 2).reshape(-1, size * 4)
        each = slope[:, :, 0].transpose(1, 2).reshape(n * places, -1) @ weight
        each = each.view(n, places, size, 4)
        out = torch.zeros(n, self.width, 4).to(each)
        for tap in range(size):
            at = tap * first.dilation
            end = at + (places - 1) * first.stride + 1
            out[:, at : end : first.stride] += each[:, :, tap]
        return out.transpose(1, 2)


def chain_of(window: Window) -> Chain | None:
    """The window as a chain; None where the network is something else."""
    if window.is_whole or window.position is None:
        return None
    steps: list[Step] = []
    made: dict[Value, int] = {}
    before = INPUT
    for i in window.needed:
        operation = window.graph.operations[i]
        if operation.inputs != (before,) or not _added(operation, steps):
            return None
        if operation.name in NORMS:  # the convolution without its norm is not there any more
            made = {value: at for value, at in made.items() if at < len(steps)}
        before = Value(i)
        made[before] = len(steps)
    first, last = (steps[0], steps[-1]) if steps else (None, None)
    if not isinstance(first, Convolution) or not isinstance(last, Convolution):
        return None
    return Chain(window.width, first, tuple(steps[1:]), last, made)


def _added(operation: Operation, steps: list[Step]) -> bool:
    """Whether an operation was added to the steps before it."""
    if operation.name in SHAPES:
        return True  # maps have an axis more here already, and lie as they should
    if operation.name == "convolution":
        made: Step | None = _convolution(operation, 4 if not steps else None)
    elif operation.name in NORMS:
        if not steps or not isinstance(steps[-1], Convolution):
            return False
        made = _normed(steps.pop(), operation)
    elif operation.name.startswith("max_pool"):
        made = _pooled(operation, F.max_pool2d, is_max=True)
    elif operation.name in ("avg_pool1d", "avg_pool2d"):
        made = _pooled(operation, F.avg_pool2d, is_max=False)
    else:
        made = _elementwise(operation)
    if made is None or (not steps and not isinstance(made, Convolution)):
        return False
    steps.append(made)
    return True


def _convolution(operation: Operation, inputs: int | None) -> Convolution | None:
    weight, bias = argument(operation, "weight"), argument(operation, "bias")
    is_plain = not argument(operation, "transposed") and argument(operation, "groups") == 1
    if not isinstance(weight, Tensor) or not is_plain or any(n > 1 for n in weight.shape[2:-1]):
        return None
    if inputs is not None and weight.shape[1] != inputs:
        return None
    flat = weight.detach().flatten(1, -2) if weight.ndim == 4 else weight.detach()
    weight = flat[:, :, None].contiguous(memory_format=torch.channels_last)
    shift = weight.new_zeros(len(weight)) if bias is None else bias.detach()
    stride, dilation = argument(operation, "stride")[-1], argument(operation, "dilation")[-1]
    return Convolution(weight, shift, int(stride), int(dilation))


def _normed(before: Step, operation: Operation) -> Step | None:
    in_training = operation.name == "native_batch_norm" and argument(operation, "training")
    mean, var = (argument(operation, f"running_{a}") for a in ("mean", "var"))
    if in_training or mean is None or not isinstance(before, Convolution):
        return None
    by = 1 / torch.sqrt(var + argument(operation, "eps"))
    weight, bias = argument(operation, "weight"), argument(operation, "bias")
    by = by if weight is None else by * weight.detach()
    return before.scaled(by, -mean * by if bias is None else bias.detach() - mean * by)


def _pooled(
    operation: Operation, pool: Callable[..., Tensor], *, is_max: bool
) -> Elementary | None:
    def along(name: str, default: int) -> int:
        if not any(a.name == name for a in operation.op._schema.arguments):
            return default
        value = argument(operation, name)
        value = [value] if isinstance(value, int) else value
        return int(value[-1]) if value else default

    if along("ceil_mode", 0) or argument(operation, "kernel_size")[:-1] not in ([], [1]):
        return None
    size = along("kernel_size", 1)
    if is_max:
        options = {"dilation": (1, along("dilation", 1))}
    else:
        options = {}
        if "divisor_override" in str(operation.op._schema) and operation.args[6:]:
            return None
    stride = along("stride", size)
    return Elementary(lambda x: pool(x, (1, size), (1, stride), **options), is_max=is_max)


def _elementwise(operation: Operation) -> Elementary | None:
    if operation.name not in POINTWISE or any(isinstance(a, Tensor) for a in operation.args):
        return None
    (value,) = operation.inputs

    def run(x: Tensor) -> Tensor:
        out: Tensor = called(operation, {value: x})
        return out

    return Elementary(run, rises=operation.name in RISING)


def _lying(x: Tensor) -> Tensor:
    """(n, positions, channels) of (n, channels, 1, positions), without its history."""
    return x.detach()[:, :, 0].transpose(1, 2)


def _swaps(first: Step, second: Step) -> bool:
    """A maximum of rectified numbers is the rectified maximum, of exponentials likewise."""
    return (
        isinstance(first, Elementary)
        and isinstance(second, Elementary)
        and (first.rises and second.is_max)
    )


def _table(first: Convolution) -> Tensor:
    """(groups * 256, out) sums of the weights over four letters; the bias is in the first."""
    out, _, _, size = first.weight.shape
    rows = torch.arange(4**LETTERS, device=first.weight.device)
    parts = []
    for start in range(0, size, LETTERS):
        part = first.weight.new_zeros(4**LETTERS, out)
        for j, tap in enumerate(range(start, min(start + LETTERS, size))):
            part += first.weight[:, :, 0, tap].T[(rows >> (2 * j)) & 3]
        parts.append(part)
    parts[0] += first.bias
    return torch.cat(parts)
