"""What one operation makes of a change in a window: where it spreads, and by how much.

A window is a stretch of a map, the same width for many edited copies, each at its own start. It
holds the *difference* between an edited copy and the sequence as given, so that beyond it there
is nothing to compute: a convolution of a difference needs no neighbors, and padding is zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from cisgram.models.graph import Value

LOWEST = -torch.inf


class Span(NamedTuple):
    """Windows of one width: the first cell of each of M sites (may lie outside the map)."""

    start: NDArray[np.int64]
    width: int

    def clipped(self, length: int) -> Span:
        """Without the cells that no site has inside the map; at least one cell wide."""
        left = max(0, -int(self.start.max()))
        right = max(0, int(self.start.min()) + self.width - length)
        width = self.width - left - right
        return Span(self.start + left, width) if width > 0 else Span(self.start, 1)

    def inside(self, length: int) -> bool:
        """Whether every cell of every site exists."""
        return bool(self.start.min() >= 0 and self.start.max() + self.width <= length)


def laid(delta: Tensor, left: int, right: int) -> Tensor:
    """(..., cells, channels) with cells of zeros added at either end, or, negative, cut off.

    Examples
    --------
    >>> laid(torch.ones(1, 2, 1), 1, -1).flatten().tolist()
    [0.0, 1.0]
    >>> laid(torch.ones(1, 1, 1), 2, -2).flatten().tolist()
    [0.0]
    """
    width = delta.shape[1]
    if max(left, 0) + max(right, 0) and min(left, right) <= -width:  # nothing of it is left
        return delta.new_zeros(delta.shape[0], left + width + right, delta.shape[2])
    return F.pad(delta, (0, 0, left, right))


@dataclass(slots=True)
class Window:
    """Differences (M * copies, width, channels) of edited copies, at the cells of a span."""

    span: Span
    delta: Tensor
    length: int
    clean: bool  # zero at the cells that do not exist
    spare: bool = False  # nobody reads it any more: it may be overwritten

    def over(self, span: Span) -> Tensor:
        """The same differences over another span: cut, and zeros where there were none."""
        left = int(self.span.start[0] - span.start[0])
        right = span.width - self.span.width - left
        return self.delta if left == right == 0 else laid(self.delta, left, right)

    def own(self, span: Span) -> Tensor:
        """As `over`, in memory that may be overwritten."""
        out = self.over(span)
        return out.clone() if out is self.delta and not self.spare else out


@dataclass(slots=True)
class Chunk:
    """Sites that go through the layers together, and what their sequences look like unedited.

    Attributes
    ----------
    rows
        (M,) sequence of each site.
    copies
        Edited copies of each site.
    base
        (n, length, channels) of every value that a step compares with.
    """

    rows: Tensor
    copies: int
    base: Mapping[Value, Tensor]
    ends: dict[Value, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def unedited(self, value: Value, span: Span) -> Tensor:
        """(M, 1, width, channels) of the sequences as given; cells outside repeat the last."""
        base = self.base[value]
        _, length, channels = base.shape
        cells = torch.from_numpy(span.start)[:, None] + torch.arange(span.width)
        flat = (cells.clamp_(0, length - 1) + self.rows[:, None] * length).flatten()
        found = base.reshape(-1, channels).index_select(0, flat.to(base.device))
        return found.view(len(self.rows), 1, span.width, channels)

    def by_site(self, delta: Tensor) -> Tensor:
        """(M * copies, ...) as (M, copies, ...)."""
        return delta.reshape(len(self.rows), self.copies, *delta.shape[1:])

    def fill(self, x: Tensor, span: Span, length: int, value: float) -> None:
        """Write ``value`` into the cells of x (M, copies, width, channels) outside the map."""
        before = min(max(0, -int(span.start.min())), span.width)
        behind = min(max(0, int(span.start.max()) + span.width - length), span.width)
        for low, high in ((0, before), (span.width - behind, span.width)):
            if high > low:
                cells = torch.from_numpy(span.start)[:, None] + torch.arange(low, high)
                gone = ((cells < 0) | (cells >= length))[:, None, :, None].to(x.device)
                x[:, :, low:high].masked_fill_(gone, value)

    def cleaned(self, window: Window) -> Window:
        """The window with zeros at the cells that do not exist."""
        if not window.clean:
            self.fill(self.by_site(window.delta), window.span, window.length, 0.0)
            window.clean = True
        return window


def reached(span: Span, kernel: int, stride: int, padding: int, dilation: int) -> Span:
    """The output cells of a sliding kernel that read a cell of the span."""
    low = -((-(span.start + padding - (kernel - 1) * dilation)) // stride)
    high = (span.start + span.width - 1 + padding) // stride
    return Span(low, max(1, int(high[0] - low[0]) + 1))


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on windows: values in, value out, on a map of ``length`` cells."""

    out: Value
    inputs: tuple[Value, ...]
    length: int
    compares: tuple[Value, ...] = ()

    def span(self, spans: list[Span]) -> Span:
        """Where the output changes: here, the hull of where the inputs do."""
        first = spans[0]
        low = [int(s.start[0] - first.start[0]) for s in spans]
        high = [a + s.width for a, s in zip(low, spans, strict=True)]
        return Span(first.start + min(low), max(high) - min(low))

    def run(self, chunk: Chunk, given: list[Window], span: Span) -> Tensor:
        """(M * copies, width, channels): the change of the output over ``span``."""
        raise TypeError

    def work(self, width: int, out_width: int) -> float:
        """Multiply-adds (or their worth in time) of one copy."""
        raise TypeError


@dataclass(frozen=True, slots=True)
class Convolution(Step):
    """A convolution of a difference: no bias, no neighbors."""

    weight: Tensor = field(kw_only=True)  # (out, in / groups, 1, kernel), channels-last
    stride: int = field(kw_only=True)
    padding: int = field(kw_only=True)
    dilation: int = field(kw_only=True)
    groups: int = field(kw_only=True)

    def span(self, spans: list[Span]) -> Span:
        kernel = self.weight.shape[3]
        return reached(spans[0], kernel, self.stride, self.padding, self.dilation)

    def run(self, chunk: Chunk, given: list[Window], span: Span) -> Tensor:
        window = chunk.cleaned(given[0])
        m, width, channels = window.delta.shape
        first = int(span.start[0]) * self.stride - self.padding  # what the first cell reads
        reads = (span.width - 1) * self.stride + (self.weight.shape[3] - 1) * self.dilation + 1
        left = int(window.span.start[0]) - first
        right = reads - left - width
        if width * channels <= 16 and self.groups == 1:  # the letters: a table of what they write
            return self._by_table(window.delta, left, span.width)
        x, over = window.delta, 0
        if self.stride == 1 and min(left, right) >= 0:
            both, over = max(left, right), max(0, right - left)  # too many cells come out
        else:
            both = max(0, min(left, right))
        # the library skips the padding that it adds itself, and multiplies zeros of ours
        if self.stride != 1 or min(left, right) < 0:
            x = laid(x, left - both, right - both)
        out = F.conv2d(
            x.view(m, 1, -1, channels).permute(0, 3, 1, 2),
            self.weight,
            None,
            (1, self.stride),
            (0, both),
            (1, self.dilation),
            self.groups,
        )
        out = out.permute(0, 2, 3, 1).squeeze(1)
        return out[:, over : over + span.width].contiguous()

    def _by_table(self, delta: Tensor, left: int, out_width: int) -> Tensor:
        m, width, channels = delta.shape
        table = delta.new_zeros(width, channels, out_width, self.weight.shape[0])
        for i in range(width):
            for o in range(out_width):
                tap, rest = divmod(left + i - o * self.stride, self.dilation)
                if rest == 0 and 0 <= tap < self.weight.shape[3]:
                    table[i, :, o] = self.weight[:, :, 0, tap].T
        return (delta.reshape(m, -1) @ table.flatten(2).flatten(0, 1)).view(m, out_width, -1)

    def work(self, width: int, out_width: int) -> float:
        out, per_group, _, kernel = self.weight.shape
        taps = min(width * kernel, out_width * kernel)
        return float(taps * out * per_group + 10 * out_width * out)


@dataclass(frozen=True, slots=True)
class Scaled(Step):
    """a * change, a number or one a channel: multiplication by a constant, batch norm, shifts."""

    factor: Tensor | float = field(kw_only=True)

    def run(self, chunk: Chunk, given: list[Window], span: Span) -> Tensor:
        delta = given[0].own(span)
        if isinstance(self.factor, float) and self.factor == 1.0:
            return delta
        return delta.mul_(self.factor)

    def work(self, width: int, out_width: int) -> float:
        channels = 64 if isinstance(self.factor, float) else self.factor.numel()
        return 5.0 * out_width * channels


@dataclass(frozen=True, slots=True)
class Moved(Step):
    """Cells cut off or padded at the start of a map: the change stays, its place moves."""

    by: int = field(kw_only=True)

    def span(self, spans: list[Span]) -> Span:
        return Span(spans[0].start + self.by, spans[0].width)

    def run(self, chunk: Chunk, given: list[Window], span: Span) -> Tensor:
        window = chunk.cleaned(given[0])
        there = Window(self.span([window.span]), window.delta, self.length, False, window.spare)
        return there.own(span)

    def work(self, width: int, out_width: int) -> float:
        return 0.0


@dataclass(frozen=True, slots=True)
class Total(Step):
    """a * first + b * second, as a residual connection has it; with one input, over channels."""

    factors: tuple[float, ...] = field(kw_only=True)
    over_channels: bool = field(default=False, kw_only=True)

    def run(self, chunk: Chunk, given: list[Window], span: Span) -> Tensor:
        if self.over_channels:
            return given[0].over(span).sum(2, keepdim=True)
        wide, narrow = sorted(range(2), key=lambda i: given[i].delta.shape[:0:-1], reverse=True)
        out = given[wide].own(span)
        if self.factors[wide] != 1.0:
            out.mul_(self.factors[wide])
        window = given[narrow]
        at = int(window.span.start[0] - span.start[0])
        low, high = max(at, 0), min(at + window.span.width, span.width)
        if high > low:
            part = window.delta[:, low - at : high - at]
            out[:, low:high].add_(part, alpha=self.factors[narrow])
        return out

    def work(self, width: int, out_width: int) -> float:
        return 600.0 * out_width


@dataclass(frozen=True, slots=True)
class Joined(Step):
    """Maps laid side by side along the channels."""

    def run(self, chunk: Chunk, given: list[Window], span: Span) -> Tensor:
        return torch.cat([w.over(span) for w in given], 2)

    def work(self, width: int, out_width: int) -> float:
        return 600.0 * out_width


class Operand(NamedTuple):
    """A constant argument with one number a channel, or a window by its place in ``inputs``."""

    constant: Tensor | None
    window: int = -1


@dataclass(frozen=True, slots=True)
class Pointwise(Step):
    """g(unedited + change) - g(unedited), for any function of single cells."""

    op: Any = field(kw_only=True)
    args: tuple[Any, ...] = field(kw_only=True)
    kwargs: Mapping[str, Any] = field(kw_only=True)
    rising: bool = field(default=False, kw_only=True)  # so that it may change places with max

    def run(self, chunk: Chunk, given: list[Window], span: Span) -> Tensor:
        if self.op is torch.ops.aten.relu.default:  # max(z + d, 0) - max(z, 0) in two sweeps
            delta = chunk.by_site(given[0].own(span))
            unedited = chunk.unedited(self.inputs[0], span)
            below = unedited.clamp(max=0)
            torch.maximum(delta.add_(below), below - unedited, out=delta)
            return delta.flatten(0, 1)
        read = [
            chunk.by_site(w.own(span)).add_(chunk.unedited(v, span))
            for w, v in zip(given, self.inputs, strict=True)
        ]
        out = self.apply(read)
        out -= chunk.unedited(self.out, span)
        return out.flatten(0, 1)

    def apply(self, read: list[Tensor]) -> Tensor:
        """The function of cells whose last axis is channels."""
        if self.op is torch.ops.aten.relu.default:
            return read[0].relu_()
        out = self.op(*(self._given(a, read) for a in self.args), **self.kwargs)
        first: Tensor = out if isinstance(out, Tensor) else out[0]  # log sigmoid has two
        return first

    @staticmethod
    def _given(a: Any, read: list[Tensor]) -> Any:
        if not isinstance(a, Operand):
            return a
        return read[a.window] if a.constant is None else a.constant

    def work(self, width: int, out_width: int) -> float:
        return 1500.0 * out_width


@dataclass(frozen=True, slots=True)
class MaxPool(Step):
    """Maximum of (unedited + change) in each pool that a change touches."""

    kernel: int = field(kw_only=True)
    stride: int = field(kw_only=True)
    padding: int = field(kw_only=True)
    dilation: int = field(kw_only=True)
    after: Pointwise | None = field(default=None, kw_only=True)  # a rising function that was before
    in_length: int = field(kw_only=True)

    def span(self, spans: list[Span]) -> Span:
        return reached(spans[0], self.kernel, self.stride, self.padding, self.dilation)

    def run(self, chunk: Chunk, given: list[Window], span: Span) -> Tensor:
        window = given[0]
        reads = (span.width - 1) * self.stride + (self.kernel - 1) * self.dilation + 1
        under = Span(span.start * self.stride - self.padding, reads)
        x = chunk.by_site(window.over(under)) + chunk.unedited(self.inputs[0], under)
        chunk.fill(x, under, self.in_length, LOWEST)
        last = (span.width - 1) * self.stride + 1
        out = x[:, :, : last : self.stride]
        for tap in range(1, self.kernel):
            at = tap * self.dilation
            out = torch.maximum(out, x[:, :, at : at + last : self.stride])
        if self.after is not None:
            out = self.after.apply([out])
        out = out - chunk.unedited(self.out, span)
        return out.flatten(0, 1)

    def work(self, width: int, out_width: int) -> float:
        return 1500.0 * out_width * self.stride


@dataclass(frozen=True, slots=True)
class MeanPool(Step):
    """Mean of the changes in each pool."""

    kernel: int = field(kw_only=True)
    stride: int = field(kw_only=True)
    padding: int = field(kw_only=True)

    def span(self, spans: list[Span]) -> Span:
        return reached(spans[0], self.kernel, self.stride, self.padding, 1)

    def run(self, chunk: Chunk, given: list[Window], span: Span) -> Tensor:
        window = chunk.cleaned(given[0])
        reads = (span.width - 1) * self.stride + self.kernel
        x = window.over(Span(span.start * self.stride - self.padding, reads))
        last = (span.width - 1) * self.stride + 1
        out = x[:, : last : self.stride].clone()
        for tap in range(1, self.kernel):
            out += x[:, tap : tap + last : self.stride]
        return out / self.kernel

    def work(self, width: int, out_width: int) -> float:
        return 600.0 * out_width * self.kernel
