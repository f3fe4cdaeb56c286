"""All letters at all positions under a maximum, from the few cells that can hold it.

An edit that leaves a filter's best cell alone matters to the maximum only where it lifts another
cell past it. What a letter can add to a cell is bounded by the table of what letters write, so
that most cells are ruled out at once, and most letters of those that remain by one look at the
letter that stands there. The bounds have room for rounding: what they rule out could not have
changed a bit of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from cisgram.explain.edits.branches import Written
from cisgram.explain.edits.ends import running_maxima
from cisgram.explain.edits.steps import LOWEST

MANY = 0.25  # share of cells that contend from which sweeps over all of them are quicker
ROUNDING = 1e-6  # of the largest number: more than a sum of three can be off
_UNKNOWN, _NONE = 4, 5  # codes: N, and no position at all
_CODES = 6


@dataclass(frozen=True, slots=True)
class Letters:
    """Sequences as codes, and the letters that are tried.

    Attributes
    ----------
    codes
        (n, length) 0-4.
    steps
        From the letter that is there to those tried: 1 to 3, or 0 to 3 where some are unknown.
    """

    codes: Tensor
    steps: Tensor

    @classmethod
    def of(cls, x: Tensor) -> Letters:
        """Those of one-hot sequences (n, 4, length)."""
        codes = x.new_tensor([-4.0, -3, -2, -1]) @ x + _UNKNOWN
        unknown = bool((codes == _UNKNOWN).any())
        return cls(codes.long(), torch.arange(0 if unknown else 1, 4, device=x.device))

    def rows(self, rows: slice) -> Letters:
        """Those of some sequences."""
        return Letters(self.codes[rows], self.steps)

    def tried(self) -> Tensor:
        """(n, letters, length) the letter in each copy."""
        return (self.codes[:, None] + self.steps[:, None]) % 4


@dataclass(frozen=True, slots=True)
class Contest:
    """Who can hold the maximum; tables have a row for each filter, place in the window and code.

    Attributes
    ----------
    width, first
        Of the window that a letter writes to (`Written`).
    own
        (rows,) what the letter of that code writes there.
    below
        (rows,) how much more the letter that writes most would write.
    others
        (letters, rows) what those that are tried instead write.
    most
        (f,) the largest of ``below``.
    size
        The largest number of all.
    """

    width: int
    first: int
    own: Tensor
    below: Tensor
    others: Tensor
    most: Tensor
    size: float

    @classmethod
    def of(cls, w: Written, steps: Tensor) -> Contest:
        """For what letters write, and the steps to those tried."""
        own = F.pad(w.table.flip(1).permute(2, 1, 0), (0, _CODES - 4))  # (f, width, codes)
        below = own[:, :, :4].amax(2, keepdim=True) - own
        most = below[:, :, :_NONE].amax((1, 2))
        below[:, :, _NONE] = LOWEST
        there = torch.arange(_CODES, device=own.device)
        others = own[:, :, (there + steps[:, None]) % 4].permute(2, 0, 1, 3)
        return cls(
            w.table.shape[1],
            w.first,
            own.flatten(),
            below.flatten(),
            others.flatten(1),
            most,
            float(w.table.abs().max()),
        )

    def highest(self, base: Tensor, codes: Tensor) -> Tensor | None:
        """(n, letters, length, f) maximum over cells with each letter at each position.

        Parameters
        ----------
        base
            (n, cells, f) the map of the sequences as given.
        codes
            (n, length) their letters.

        Returns
        -------
        Tensor | None
            None where so many cells contend that `sweep` is quicker.
        """
        n, cells, f = base.shape
        width, length, letters = self.width, codes.shape[1], len(self.others)
        # running maxima, over as many cells beyond the map as windows hang over
        low = max(width - 1, -self.first)
        high = max(width - 1, self.first + width + length - 1 - cells)
        before, behind = running_maxima(F.pad(base, (0, 0, low, high), value=LOWEST))
        # a cell that does not exceed what is out of reach of all letters that reach it is out
        rival = torch.maximum(
            before[:, low + 1 - width :][:, :cells], behind[:, low + width :][:, :cells]
        )
        slack = ROUNDING * max(self.size, *(abs(float(v)) for v in base.aminmax()))
        reach = (self.most + slack).expand(cells, f).contiguous()
        at = _where((base + reach).numpy() > rival.numpy())
        if len(at) > MANY * base.numel():
            return None
        start = low + self.first
        outside = before[:, None, start : start + length].expand(-1, letters, -1, -1)
        start += width
        out = base.new_empty(n, letters, length, f)
        torch.maximum(outside, behind[:, None, start : start + length], out=out)
        value = base.reshape(-1).index_select(0, at)
        need = rival.view(-1).index_select(0, at) - value - slack
        self._lift(out, codes, cells, at, value, need)
        return out

    def _lift(
        self, out: Tensor, codes: Tensor, cells: int, at: Tensor, value: Tensor, need: Tensor
    ) -> None:
        """Raise ``out`` to what the cells ``at`` become where a letter adds what they need."""
        _, letters, length, f = out.shape
        width = self.width
        site = at.div(f, rounding_mode="floor")
        filters = at - site * f
        rows = site.div(cells, rounding_mode="floor")
        position = site - rows * cells - (self.first + width - 1)  # of the first letter in reach
        left = max(0, self.first + width - 1)
        right = max(0, cells - self.first - length)
        padded = F.pad(codes, (left, right), value=_NONE)
        words = padded.as_strided((padded.numel() - width + 1, width), (1, 1))
        entry = words.index_select(0, rows * padded.shape[1] + position + left)
        shift = torch.arange(0, f * width * _CODES, _CODES, device=out.device).view(f, width)
        entry = (entry + shift.index_select(0, filters)).view(-1)  # (K * width,) row of the tables
        adds = self.below.index_select(0, entry).view(-1, width)
        pair = _where(adds.numpy() > need.numpy()[:, None])
        cell = pair.div(width, rounding_mode="floor")
        entry = entry.index_select(0, pair)
        bereft = value.index_select(0, cell) - self.own.index_select(0, entry)
        lifted = self.others.index_select(1, entry).add_(bereft)  # (letters, pairs)
        first = (rows * (letters * length) + position) * f + filters
        first -= torch.arange(len(first), device=out.device) * (width * f)  # pairs count on
        index = first.index_select(0, cell).add_(pair, alpha=f)
        index = index + torch.arange(letters, device=out.device)[:, None] * (length * f)
        out.view(-1).scatter_reduce_(0, index.view(-1), lifted.view(-1), "amax")


def _where(mask: NDArray[np.bool_]) -> Tensor:
    """Places of a flattened mask; numpy finds them five times quicker than torch."""
    return torch.from_numpy(np.flatnonzero(mask))
