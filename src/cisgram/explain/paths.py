"""Gradients on the straight way from references to sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cisgram.core.results import Attribution
from cisgram.core.seeds import generator
from cisgram.core.types import OneHot, PerBase, Scalar, ScalarFn
from cisgram.explain.base import plain_options, ready, scalar
from cisgram.explain.gradients import slope
from cisgram.explain.references import references
from cisgram.models.state import untouched
from cisgram.seq.alphabet import codes_of

FINE = torch.float64  # sums over many points are kept in this


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Where the gradient is asked for, on the ways of a few sequences.

    Attributes
    ----------
    reference
        (n, m) which of a sequence's references each point's way starts from.
    share
        (n, m) how far along: 0 at the reference, 1 at the sequence.
    weight
        (n, m) of each point's gradient.
    """

    reference: Tensor
    share: Tensor
    weight: Tensor


def compared(
    x: OneHot, reference: str | Tensor, *, n: int, seed: int, batch_size: int
) -> Iterator[tuple[slice, OneHot, Tensor]]:
    """A few sequences at a time: where they stand in ``x``, they, and their references."""
    # a tensor may hold references for each sequence, so it is read as a whole
    fixed = references(x, reference) if isinstance(reference, Tensor) else None
    at_once = max(1, batch_size // max(1, n))
    for start in range(0, len(x), at_once):
        part = slice(start, start + at_once)
        own = x[part]
        refs = references(own, reference, n=n, seed=seed) if fixed is None else fixed[part]
        yield part, own, refs


def attributed(
    model: nn.Module,
    x: OneHot,
    one: Callable[[ScalarFn, OneHot, Tensor], tuple[PerBase, Scalar]],
    *,
    method: str,
    batch_size: int,
    options: Mapping[str, Any],
) -> Attribution:
    """What a path method says of all sequences.

    Parameters
    ----------
    model, x, batch_size
        As everywhere in this room.
    one
        Values (n, 4, length) and completeness gaps (n,) of a few sequences, from the target as a
        function, the sequences and their references.
    method
        Its name.
    options
        What it was called with: ``target``, ``reference``, ``n_references``, ``seed`` and its own.
    """
    given, x = x, ready(model, x)
    reference = options["reference"]
    with torch.inference_mode(mode=False), untouched(model):
        f, x = scalar(model, options["target"]), x.clone()
        values, deltas = torch.empty(x.shape), torch.empty(len(x))
        n, seed = options["n_references"], options["seed"]
        for part, own, refs in compared(x, reference, n=n, seed=seed, batch_size=batch_size):
            found, gap = one(f, own, refs)
            values[part], deltas[part] = found.float(), gap.float()
    said = reference if isinstance(reference, str) else "given"
    return Attribution(
        values=values,
        sequences=given,
        method=method,
        options=plain_options(**{**options, "reference": said}),
        delta=deltas,
    )


def multipliers(f: ScalarFn, x: OneHot, refs: Tensor, points: Points, *, batch_size: int) -> Tensor:
    """(n, r, 4, length) weighted sums of gradients, on the CPU, float64.

    m_nr = sum over the points of reference r: weight * grad f(ref + share * (x - ref)).
    """
    n, each = points.share.shape
    out = torch.zeros(refs.shape, dtype=FINE)
    for start in range(0, n * each, batch_size):
        at = torch.arange(start, min(start + batch_size, n * each))
        row, col = at // each, at % each
        which = points.reference[row, col]
        origin = refs[row, which]
        share = points.share[row, col].to(x)[:, None, None]
        with torch.enable_grad():
            point = torch.lerp(origin, x[row], share).requires_grad_()
            g = slope(f(point), point).cpu().to(FINE)
        out.index_put_((row, which), g * points.weight[row, col, None, None], accumulate=True)
    return out


def hypothetical(m: Tensor, refs: Tensor) -> PerBase:
    """(n, 4, length) score of having each base: mean over references of m_b - sum_c m_c ref_c.

    At the base that is there it is sum_c m_c (x_c - ref_c), the position's contribution.
    """
    ref = refs.cpu().to(m)
    return (m - (m * ref).sum(2, keepdim=True)).mean(1)


def differences(f: ScalarFn, x: OneHot, refs: Tensor, *, batch_size: int) -> tuple[Scalar, Scalar]:
    """(n,) f(x) minus the mean of f over the references, and how far rounding may move it."""
    n, r = refs.shape[:2]
    with torch.no_grad():
        here = torch.cat([f(part) for part in torch.split(x, batch_size)])
        there = torch.cat([f(part) for part in torch.split(refs.flatten(0, 1), batch_size)])
    here, there = here.cpu().to(FINE), there.cpu().to(FINE).view(n, r)
    size = here.abs() + there.abs().mean(1)
    return here - there.mean(1), 8 * torch.finfo(torch.float32).eps * size


def own_generators(x: OneHot, seed: int, purpose: str) -> list[np.random.Generator]:
    """A generator for each sequence, the same for a sequence and its reverse complement."""
    codes = codes_of(x)
    turned = _reverse_complement(codes)
    keys = [min(a.tobytes(), b.tobytes()) for a, b in zip(codes, turned, strict=True)]
    return [generator(seed, purpose, key.hex()) for key in keys]


def _reverse_complement(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    back = codes[:, ::-1]
    return np.where(back < 4, 3 - back, back).astype(np.uint8)
