"""All letters at all positions in sweeps over the whole map, one for each cell that they write.

A letter changes a few cells of the convolution's map, each by the difference of two numbers of a
table. For all positions together that is one pass a cell over the map, shifted by one each time:
no window is ever gathered, and any function of single cells may follow.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from cisgram.explain.edits.branches import Branch, Written
from cisgram.explain.edits.ends import Highest, Summed, running_maxima
from cisgram.explain.edits.steps import LOWEST

SWEPT = 2**19  # numbers in a sweep: 2 MiB stay in a core's cache


def swept(b: Branch, base: Tensor, x: Tensor, whole: Tensor) -> Tensor:
    """(n, 4, length, f) what the end gives with each letter at each position.

    Parameters
    ----------
    b
        The branch.
    base
        (n, cells, f) the map of the sequences as given.
    x
        (n, 4, length) the sequences.
    whole
        (n, f) what the end gives for them.
    """
    size = max(1, SWEPT // (4 * x.shape[2] * base.shape[2]))
    parts = zip(*(torch.split(t, size) for t in (base, x, whole)), strict=True)
    return torch.cat([_some(b, *part) for part in parts])


def _some(b: Branch, base: Tensor, x: Tensor, whole: Tensor) -> Tensor:
    w = b.written
    cells = base.permute(2, 0, 1).contiguous()  # (f, n, cells)
    if isinstance(b.end, Highest):
        outside = _outside(_through(b, base.clone()), w, x.shape[2])
        acc = outside.expand(4, -1, -1, -1).contiguous()
        for value, gone in _cells(b, x, cells, w):
            here = value if gone is None else value.masked_fill_(gone, LOWEST)
            torch.maximum(acc, here, out=acc)
    else:
        acc = _changes(b, w, cells, x)
        assert isinstance(b.end, Summed)
        acc = acc.mul_(b.end.factor).add_(whole.T[:, :, None])
    return acc.permute(2, 0, 3, 1)


def _changes(b: Branch, w: Written, cells: Tensor, x: Tensor) -> Tensor:
    """(4, f, n, length) change of the sum over cells."""
    length = x.shape[2]
    unedited = _through(b, cells.clone())
    acc = cells.new_zeros(4, len(cells), len(x), length)
    low, high = _beyond(cells.shape[2], length, w)
    padded = F.pad(unedited, (low, high))
    for j, (value, gone) in enumerate(_cells(b, x, cells, w)):
        at = w.first + low + j
        change = value - padded[:, :, at : at + length]
        acc += change if gone is None else change.masked_fill_(gone, 0)
    return acc


def _beyond(cells: int, length: int, w: Written) -> tuple[int, int]:
    """Cells to add at each end of a map so that every letter's window exists."""
    return max(0, -w.first), max(0, length + w.first + w.table.shape[1] - 1 - cells)


def _cells(
    b: Branch, x: Tensor, base: Tensor, w: Written
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """For each cell of the window: (4, f, n, length) its value, and (length,) where it is none."""
    n, _, length = x.shape
    low, high = _beyond(base.shape[2], length, w)
    bare = isinstance(b.end, Highest) and not b.cellwise
    padded = F.pad(base, (low, high), value=LOWEST if bare else 0.0)
    letters = x.transpose(0, 1).reshape(4, -1)
    buffer = base.new_empty(4, len(base), n, length)
    bereft = base.new_empty(len(base), n, length)  # without the letter that is there
    for j in range(w.table.shape[1]):
        at = w.first + low + j
        t = w.table[:, j]  # (4, f)
        torch.sub(padded[:, :, at : at + length], (t.T @ letters).view_as(bereft), out=bereft)
        torch.add(bereft, t[:, :, None, None], out=buffer)
        value = _through(b, buffer)
        first = w.first + j
        if bare or 0 <= first <= base.shape[2] - length:
            yield value, None
        else:
            cells = torch.arange(first, first + length, device=x.device)
            yield value, (cells < 0) | (cells >= base.shape[2])


def _through(b: Branch, value: Tensor) -> Tensor:
    for step in b.cellwise:
        value = step.apply([value])
    return value


def _outside(base: Tensor, w: Written, length: int) -> Tensor:
    """(f, n, length) the maximum over the cells that a letter does not reach."""
    before, behind = running_maxima(base)  # (n, cells + 1, f)
    start = torch.arange(length, device=base.device) + w.first
    low = start.clamp(0, base.shape[1])
    high = (start + w.table.shape[1]).clamp(0, base.shape[1])
    return torch.maximum(before[:, low], behind[:, high]).permute(2, 0, 1)
