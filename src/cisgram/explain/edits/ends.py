"""Where a map ends: windows become complete values again, by a reduction or a dense layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from cisgram.explain.edits.steps import LOWEST, Chunk, Pointwise, Span, Window
from cisgram.models.graph import Value


@dataclass(slots=True)
class Piece:
    """What one chunk leaves at an end: complete values, or windows that wait for company."""

    rows: Tensor  # (M,) sequence of each site
    copies: int
    values: Tensor | None = None  # (M * copies, features)
    window: Window | None = None

    @property
    def size(self) -> int:
        """Numbers held."""
        held = self.values if self.window is None else self.window.delta
        return 0 if held is None else held.numel()


@dataclass(frozen=True, slots=True)
class End:
    """One value that leaves the maps: ``out`` of the graph, made from the map ``source``."""

    out: Value
    source: Value
    length: int
    shape: tuple[int, ...]  # of one row of the value, as recorded

    def reach(self, chunk: Chunk, window: Window) -> Piece:
        """What a chunk brings."""
        raise TypeError

    def gather(self, pieces: Sequence[Piece], base: Tensor) -> Tensor:
        """(all copies, *shape) complete values; ``base`` (n, *shape) are those unedited."""
        del base
        return torch.cat([p.values for p in pieces if p.values is not None]).view(-1, *self.shape)

    def work(self, width: int, channels: int) -> float:
        """Multiply-adds (or their worth in time) of one copy."""
        return 25.0 * width * channels


@dataclass(frozen=True, slots=True)
class Highest(End):
    """Maximum over positions: the window's against the running maxima of what lies outside."""

    after: Pointwise | None = field(default=None, kw_only=True)

    def reach(self, chunk: Chunk, window: Window) -> Piece:
        span = window.span
        x = chunk.by_site(window.delta) + chunk.unedited(self.source, span)
        chunk.fill(x, span, self.length, LOWEST)
        out = torch.maximum(x.amax(2), self.outside(chunk, span)[:, None])
        if self.after is not None:
            out = self.after.apply([out])
        return Piece(chunk.rows, chunk.copies, values=out.flatten(0, 1))

    def outside(self, chunk: Chunk, span: Span) -> Tensor:
        """(M, channels): maximum over the cells that are not in the window."""
        if self.source not in chunk.ends:
            chunk.ends[self.source] = running_maxima(chunk.base[self.source])
        before, behind = chunk.ends[self.source]
        start = torch.from_numpy(np.clip(span.start, 0, self.length))
        stop = torch.from_numpy(np.clip(span.start + span.width, 0, self.length))
        return torch.maximum(before[chunk.rows, start], behind[chunk.rows, stop])


def running_maxima(base: Tensor) -> tuple[Tensor, Tensor]:
    """(n, length + 1, channels) twice: the maximum of the cells before i, and of those from i."""
    n, length, channels = base.shape
    size = math.isqrt(length) + 1  # blocks of about as many cells as there are blocks
    blocks = -(-length // size)
    outside = base.new_full((n, blocks * size - length + 1, channels), LOWEST)
    before = torch.cat([outside[:, :1], base, outside[:, 1:]], 1)
    behind = torch.cat([outside[:, 1:], base, outside[:, :1]], 1)
    _run(before[:, 1:].view(n, blocks, size, channels), 1)
    _run(behind[:, :-1].view(n, blocks, size, channels), -1)
    return before[:, : length + 1], behind[:, -length - 1 :]


def _run(cells: Tensor, way: int) -> None:
    """Running maxima, in place, over (n, blocks, cells, channels): in blocks, then over them."""
    inner = cells.unbind(2)[::way]
    for this, there in pairwise(inner):
        torch.maximum(there, this, out=there)
    most = inner[-1].unsqueeze(2).unbind(1)[::way]  # (n, 1, channels) of each block
    for this, there in zip(most, cells.unbind(1)[::way][1:], strict=False):
        torch.maximum(there, this, out=there)


@dataclass(frozen=True, slots=True)
class Summed(End):
    """Sum (or mean) over positions, or over positions and channels."""

    factor: float = field(kw_only=True)
    over_channels: bool = field(default=False, kw_only=True)

    def reach(self, chunk: Chunk, window: Window) -> Piece:
        window = chunk.cleaned(window)
        change = window.delta.sum((1, 2) if self.over_channels else 1) * self.factor
        return Piece(chunk.rows, chunk.copies, values=change.reshape(len(change), -1))

    def gather(self, pieces: Sequence[Piece], base: Tensor) -> Tensor:
        parts = []
        for p in pieces:
            if p.values is not None:
                unedited = base[p.rows].reshape(len(p.rows), 1, -1)
                parts.append((p.values.view(len(p.rows), p.copies, -1) + unedited).flatten(0, 1))
        return torch.cat(parts).view(-1, *self.shape)


@dataclass(frozen=True, slots=True)
class Product(End):
    """The dense layer on a flattened map: only the weights of the cells that changed.

    Chunks hand in their windows, and those that begin at the same cell share one product.
    """

    weight: Tensor = field(kw_only=True)  # (length, channels, out)

    def reach(self, chunk: Chunk, window: Window) -> Piece:
        return Piece(chunk.rows, chunk.copies, window=chunk.cleaned(window))

    def gather(self, pieces: Sequence[Piece], base: Tensor) -> Tensor:
        places: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = {}
        at = 0
        for p in pieces:
            if p.window is None:
                continue
            start, width = p.window.span
            n = torch.arange(len(start) * p.copies).view(len(start), p.copies)
            for s in np.unique(start):
                mine = torch.from_numpy(np.flatnonzero(start == s))
                rows = n[mine].flatten()
                delta = p.window.delta if len(mine) == len(start) else p.window.delta[rows]
                low, high = max(0, -int(s)), min(width, self.length - int(s))
                if high > low:
                    key = (int(s) + low, high - low)
                    places.setdefault(key, []).append((rows + at, delta[:, low:high]))
            at += n.numel()
        wide = [base[p.rows].repeat_interleave(p.copies, 0) for p in pieces]
        out = torch.cat(wide)
        for (s, width), found in places.items():
            rows = torch.cat([r for r, _ in found])
            delta = torch.cat([d for _, d in found])
            out[rows] += delta.flatten(1) @ self.weight[s : s + width].flatten(0, 1)
        return out

    def work(self, width: int, channels: int) -> float:
        return float(width * channels * self.weight.shape[2])


@dataclass(frozen=True, slots=True)
class Whole(End):
    """The whole map, changed cells written into it, for what has to see all of it."""

    axes: str = field(kw_only=True)

    def reach(self, chunk: Chunk, window: Window) -> Piece:
        return Piece(chunk.rows, chunk.copies, window=chunk.cleaned(window))

    def gather(self, pieces: Sequence[Piece], base: Tensor) -> Tensor:
        return torch.cat([self._written(p, base) for p in pieces])

    def _written(self, piece: Piece, base: Tensor) -> Tensor:
        assert piece.window is not None
        start, width = piece.window.span
        order = [self.axes.index(a) for a in "nlc"]
        ones = [i for i, a in enumerate(self.axes) if a == "1"]
        flat = base.permute(*order, *ones).flatten(2)  # (n, length, channels)
        out = flat[piece.rows].repeat_interleave(piece.copies, 0)
        cells = torch.from_numpy(start).repeat_interleave(piece.copies)[:, None]
        cells = (cells + torch.arange(width)).to(out.device)
        there = (cells >= 0) & (cells < self.length)
        index = cells.clamp(0, self.length - 1)[..., None].expand(-1, -1, out.shape[2])
        delta = piece.window.delta * there[..., None]
        out.scatter_add_(1, index, delta)
        back = {"n": 0, "l": 1, "c": 2}
        axes = [back[a] for a in self.axes if a != "1"]
        out = out.permute(axes)
        for i in ones:
            out = out.unsqueeze(i)
        return out.contiguous()

    def work(self, width: int, channels: int) -> float:
        return 25.0 * self.length * channels
