"""Many edited copies of some sequences through one plan, window by window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cisgram.explain.edits.ends import Piece
from cisgram.explain.edits.maps import Map, Plan
from cisgram.explain.edits.steps import Chunk, Span, Window
from cisgram.models.graph import INPUT, Value

LARGEST = 2**22  # numbers in the largest tensor of a chunk: 16 MiB stay in reach of the caches
ROWS = 2**12  # copies at once in what follows the ends
HELD = 2**24  # numbers that wait at the ends before the tail runs


class Engine:
    """The sequences as given, layer by layer, and a way to ask about copies of them.

    Parameters
    ----------
    plan
        How copies go through the network.
    x
        (n, 4, length) sequences, float32.
    keep
        Maps to hold besides those that windows are compared with.

    Attributes
    ----------
    outputs
        (n, ...) of the sequences as given.
    """

    def __init__(self, plan: Plan, x: Tensor, *, keep: Iterable[Value] = ()) -> None:
        self.plan, self.x = plan, x
        self.base: dict[Value, Tensor] = {}
        self.complete: dict[Value, Tensor] = {}  # unedited values at the ends
        self.maxima: dict[Value, tuple[Tensor, Tensor]] = {}
        self._unedited(set(keep))
        self.outputs = self.complete[plan.graph.result]

    def _unedited(self, keep: set[Value]) -> None:
        """Run the graph on the sequences and keep what copies are compared with."""
        p = self.plan
        mapped = {v for s in p.steps for v in s.compares}
        mapped |= {e.source for e in p.ends} | keep
        whole = {e.out for e in p.ends} | {p.graph.result}
        made = p.whole.run({INPUT: self.x}, len(self.x))
        for value, tensor in chain([(INPUT, self.x)], made):
            if value in mapped:
                self.base[value] = by_cell(tensor, p.maps[value])
            if value in whole:
                self.complete[value] = tensor

    def copies(self, rows: Tensor, starts: NDArray[np.int64], columns: Tensor) -> Tensor:
        """(M, copies, ...) outputs of edited copies.

        Parameters
        ----------
        rows
            (M,) sequence of each site.
        starts
            (M,) first base of the window that is edited.
        columns
            (M, copies, 4, width) what stands there in each copy.
        """
        m, copies, _, width = columns.shape
        out = torch.empty(m, copies, *self.outputs.shape[1:], device=self.x.device)
        size = max(1, LARGEST // (copies * self._largest(width)))
        pieces: list[dict[Value, Piece]] = []
        done: list[NDArray[np.int64]] = []
        held = 0
        for sites in self._chunks(starts, size):
            pieces.append(self._chunk(rows[sites], starts[sites], columns[sites]))
            done.append(sites)
            held += sum(p.size for p in pieces[-1].values())
            if held > HELD:
                self._finish(pieces, done, copies, out)
                pieces, done, held = [], [], 0
        if pieces:
            self._finish(pieces, done, copies, out)
        return out

    def _chunks(self, starts: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
        """Chunks of sites with windows of equal shape, neighbors together."""
        period = self.plan.period
        order = np.lexsort((starts, starts % period))
        phase = starts[order] % period
        cuts = np.flatnonzero(np.diff(phase)) + 1
        for same in np.split(order, cuts):
            for i in range(0, len(same), size):
                yield same[i : i + size]

    def _chunk(
        self, rows: Tensor, starts: NDArray[np.int64], columns: Tensor
    ) -> dict[Value, Piece]:
        p = self.plan
        chunk = Chunk(rows, columns.shape[1], self.base, self.maxima)
        windows = dict(self._edits(rows, starts, columns))
        last = {v: i for i, s in enumerate(p.steps) for v in s.inputs}
        kept = {e.source for e in p.ends}
        for i, step in enumerate(p.steps):
            given = [windows[v] for v in step.inputs]
            for v, w in zip(step.inputs, given, strict=True):
                w.spare = last[v] == i and v not in kept and step.inputs.count(v) == 1
            span = step.span([w.span for w in given]).clipped(step.length)
            delta = step.run(chunk, given, span)
            clean = span.inside(step.length)
            windows[step.out] = Window(span, delta, step.length, clean)
            for v in step.inputs:
                if last[v] == i and v not in kept:
                    windows.pop(v, None)
        return {e.out: e.reach(chunk, windows[e.source]) for e in p.ends}

    def _edits(
        self, rows: Tensor, starts: NDArray[np.int64], columns: Tensor
    ) -> Iterator[tuple[Value, Window]]:
        """The window of the input, on each strand that the network reads."""
        length, width = self.x.shape[2], columns.shape[3]
        cells = torch.from_numpy(starts)[:, None] + torch.arange(width)
        was = self.x[rows[:, None], :, cells].transpose(1, 2)  # (M, 4, width)
        change = (columns - was[:, None]).flatten(0, 1)  # (M * copies, 4, width)
        for value in self.plan.letters:
            turned = self.plan.maps[value].strand == "-"
            delta = (change.flip(1, 2) if turned else change).transpose(1, 2).contiguous()
            span = Span(length - starts - width if turned else starts, width)
            yield value, Window(span, delta, length, clean=True)

    def _finish(
        self,
        pieces: list[dict[Value, Piece]],
        done: list[NDArray[np.int64]],
        copies: int,
        out: Tensor,
    ) -> None:
        """Complete the values at the ends, run what follows, write the outputs."""
        ends = {}
        for e in self.plan.ends:
            ends[e.out] = e.gather([p[e.out] for p in pieces], self.complete[e.out])
        sites = np.concatenate(done)
        result = self.after_ends(ends, len(sites) * copies)
        out[torch.from_numpy(sites)] = result.view(len(sites), copies, *out.shape[2:])

    def after_ends(self, ends: Mapping[Value, Tensor], m: int) -> Tensor:
        """Outputs of ``m`` copies from their values at the ends."""
        result = self.plan.graph.result
        if result in ends:
            return ends[result]
        out = torch.empty(m, *self.outputs.shape[1:], device=self.x.device)
        for at in range(0, m, ROWS):
            some = {v: t[at : at + ROWS] for v, t in ends.items()}
            here = self.plan.after.run(some, min(ROWS, m - at))
            out[at : at + ROWS] = next(t for v, t in here if v == result)
        return out

    def _largest(self, width: int) -> int:
        """Numbers a copy in its largest window, from a site in the middle."""
        return max(w * c for w, c in reach(self.plan, width).values())


def reach(p: Plan, width: int = 1) -> dict[Value, tuple[int, int]]:
    """(width, channels) of the window of an edit in the middle, for each value of the plan."""
    length = p.graph.x.shape[2]
    middle = np.array([max(0, (length - width) // 2)])
    spans = {value: Span(middle, width) for value in p.letters}
    for step in p.steps:
        spans[step.out] = step.span([spans[v] for v in step.inputs]).clipped(step.length)
    return {v: (s.width, p.maps[v].channels) for v, s in spans.items()}


def by_cell(tensor: Tensor, m: Map) -> Tensor:
    """(n, length, channels) of a map, whatever its axes."""
    letters = [(i, a) for i, a in enumerate(m.axes) if a != "1"]
    places = {a: i for i, a in letters}
    ones = [i for i, a in enumerate(m.axes) if a == "1"]
    turned = tensor.permute(places["n"], places["l"], places["c"], *ones)
    return turned.reshape(turned.shape[:3]).contiguous()
