"""Stretches of attributed sequences, cut out at the places asked for, and how alike they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cisgram.core.errors import InputError
from cisgram.core.results import Attribution

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scores:
    """What patterns and hits are read from, on the CPU.

    Attributes
    ----------
    letters
        (n, 4, length) one-hot.
    contributions
        (n, 4, length) scores of the letters that are there.
    hypothetical
        (n, 4, length) scores of all four letters.
    """

    letters: Tensor
    contributions: Tensor
    hypothetical: Tensor

    @classmethod
    def of(cls, attribution: Attribution) -> Scores:
        """The three arrays of an attribution, float32.

        Raises
        ------
        InputError
            When scores are not finite.
        """
        letters = attribution.sequences.detach().cpu().float()
        contributions = attribution.observed.detach().cpu().float() * letters
        other = hypothetical(attribution)
        if not (contributions.isfinite().all() and other.isfinite().all()):
            msg = "The attribution holds scores that are not finite; look at the output first."
            raise InputError(msg)
        return cls(letters, contributions, other)

    @property
    def length(self) -> int:
        """Positions of every sequence."""
        return int(self.letters.shape[2])


def hypothetical(attribution: Attribution) -> Tensor:
    """(n, 4, length) float32: what each base would contribute, were it there.

    For substitution scores v, these are (v_b - mean v) * 4/3: the contribution of the base that
    is there then is the one of `Attribution.observed`. A method that scores the bases that are
    there alone (gradient x input) says nothing about the others, which stay 0.

    Examples
    --------
    >>> x = torch.eye(4)[None, :, :1]
    >>> a = Attribution(torch.tensor([[[0.0], [-1], [-2], [-3]]]), x, "ism", substitutions=True)
    >>> (3 * hypothetical(a)[0, :, 0]).round().tolist(), a.per_position.item()
    ([6.0, 2.0, -2.0, -6.0], 2.0)
    """
    values = attribution.values.detach().cpu().float()
    known = attribution.sequences.detach().cpu().float().sum(1, keepdim=True)
    if attribution.substitutions:
        values = (values - values.mean(1, keepdim=True)) * 4 / 3
    return values * known


def cut(array: Tensor, sequence: Ints, start: Ints, width: int) -> Tensor:
    """(m, 4, width) windows of (n, 4, length); zeros beyond the ends of a sequence.

    Examples
    --------
    >>> cut(torch.arange(3.0).expand(1, 4, 3), np.array([0]), np.array([-1]), 3)[0, 0].tolist()
    [0.0, 0.0, 1.0]
    """
    length = array.shape[2]
    at = torch.tensor(start)[:, None] + torch.arange(width)  # (m, width)
    inside = (at >= 0) & (at < length)
    rows = torch.tensor(sequence)[:, None].expand_as(at)
    found = array[rows, :, at.clamp(0, length - 1)]  # (m, width, 4)
    return (found * inside[:, :, None]).transpose(1, 2).contiguous()


def turned(windows: Tensor, minus: NDArray[np.bool_]) -> Tensor:
    """Windows (m, 4, width), those of the other strand turned round."""
    which = torch.tensor(minus)[:, None, None]
    return torch.where(which, windows.flip(1, 2), windows)


def pairwise(windows: Tensor, *, shifts: int) -> Floats:
    """(m, m) cosine of every pair of windows at its best shift and strand.

    sum(a b) / (|a| |b|), the sum over the overlap, the lengths over whole windows. One matrix
    product a shift and strand.

    Parameters
    ----------
    windows
        (m, 4, width).
    shifts
        Most positions by which one is shifted against the other.
    """
    m, _, width = windows.shape
    unit = windows / windows.flatten(1).norm(dim=1).clamp(min=1e-12)[:, None, None]
    best = torch.full((m, m), -1.0)
    for shift in range(-min(shifts, width - 1), min(shifts, width - 1) + 1):
        a, b = max(shift, 0), width + min(shift, 0)
        here = unit[:, :, a:b].reshape(m, -1)
        for other in (unit, unit.flip(1, 2)):
            there = other[:, :, a - shift : b - shift].reshape(m, -1)
            torch.maximum(best, here @ there.T, out=best)
    best = torch.maximum(best, best.T)
    return best.clamp(-1, 1).fill_diagonal_(1.0).numpy()


@dataclass(frozen=True, eq=False)
class Fit:
    """How windows lie on templates, each (m, t).

    Attributes
    ----------
    cosine
        Likeness at the best place and strand.
    shift
        Position of the window's first place on which the template begins.
    minus
        Whether the template is turned round there.
    """

    cosine: Floats
    shift: Ints
    minus: NDArray[np.bool_]


def fit(windows: Tensor, templates: Tensor) -> Fit:
    """Best place and strand of every template in every (wider) window.

    The cosine between the template and the window's scores where the template is not zero.

    Parameters
    ----------
    windows
        (m, 4, width).
    templates
        (t, 4, k), k at most width.
    """
    best: list[Tensor] = []
    where: list[Tensor] = []
    for t in (templates, templates.flip(1, 2)):
        cosine = cosines(windows, t)  # (m, t, places)
        value, place = cosine.max(2)
        best.append(value)
        where.append(place)
    minus = best[1] > best[0] + 1e-6
    return Fit(
        torch.where(minus, best[1], best[0]).numpy(),
        torch.where(minus, where[1], where[0]).numpy(),
        minus.numpy(),
    )


def cosines(windows: Tensor, templates: Tensor) -> Tensor:
    """(m, t, places): cosine of each template with each stretch of each window."""
    product = torch.nn.functional.conv1d(windows, templates)
    mask = (templates.abs().sum(1, keepdim=True) > 0).float()  # (t, 1, k)
    size = torch.nn.functional.conv1d((windows**2).sum(1, keepdim=True), mask)
    norm = size.clamp(min=0).sqrt() * templates.flatten(1).norm(dim=1)[None, :, None]
    # a stretch without scores is like nothing
    return torch.where(norm > 1e-12, product / norm.clamp(min=1e-12), torch.zeros_like(product))
