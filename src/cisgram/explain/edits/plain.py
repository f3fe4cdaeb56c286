"""The plain path of edited copies, each through the whole network, and what is held against it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Network = Callable[[Tensor], Tensor]

TOLERANCE = 1e-5  # of the largest output, between a path and the plain one


def plainly(
    f: Network,
    x: Tensor,
    rows: Tensor,
    starts: NDArray[np.int64],
    columns: Tensor,
    *,
    batch_size: int,
) -> Tensor:
    """(M, copies, ...) outputs of edited copies, each through the whole network."""
    m, copies, _, width = columns.shape
    flat = columns.flatten(0, 1)
    cells = torch.from_numpy(starts)[:, None] + torch.arange(width)
    outs = []
    for at in range(0, len(flat), batch_size):
        one = torch.arange(at, min(at + batch_size, len(flat)))
        site = one // copies
        batch = x[rows[site.to(rows.device)]]
        index = torch.arange(len(one))[:, None]
        batch[index, :, cells[site]] = flat[one.to(flat.device)].transpose(1, 2)
        outs.append(f(batch))
    out = torch.cat(outs)
    return out.view(m, copies, *out.shape[1:])


def somewhere(x: Tensor) -> tuple[Tensor, NDArray[np.int64], Tensor]:
    """Some letters to write into sequences: (M,) rows, positions and letters, the ends included."""
    n, _, length = x.shape
    ends = {0, 1, length // 2, length - 2, length - 1, *range(0, length, max(1, length // 5))}
    starts = np.array(sorted(p for p in ends if 0 <= p < length))
    rows = torch.arange(len(starts)) * max(1, n // len(starts)) % n
    return rows, starts, (x[rows, :, starts].argmax(1) + 1) % 4


def letter_columns(letters: Tensor) -> Tensor:
    """(M, 1, 4, 1) letters as columns, one copy a site."""
    return torch.eye(4, device=letters.device)[letters][:, None, :, None]


def differ(found: Tensor, truth: Tensor) -> str | None:
    """How two tables of outputs differ by more than rounding; None where they do not."""
    if found.shape != truth.shape:
        return f"the quick path gave {tuple(found.shape)} where the plain one gave other shapes"
    scale = float(truth.abs().max())
    off = float((found - truth).abs().max())
    if not off <= TOLERANCE * scale:
        return f"the quick path was off by {off:.1e} where outputs reach {scale:.1e}"
    return None
