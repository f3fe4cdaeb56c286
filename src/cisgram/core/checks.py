"""Argument checks. One sentence per failure: what was wanted, what came, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cisgram.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


def check_onehot(x: Tensor, *, name: str = "x") -> None:
    """Raise `InputError` unless ``x`` is (n, 4, length), 0/1, at most one base a position."""
    import torch

    if not isinstance(x, torch.Tensor):
        msg = (
            f"{name} must be a torch tensor of shape (n, 4, length); got {type(x).__name__}. "
            "Encode text with cisgram.seq.encode, wrap an array with torch.from_numpy."
        )
        raise InputError(msg)
    if x.ndim != 3 or x.shape[1] != 4:
        hint = ""
        if x.ndim == 3 and x.shape[2] == 4:
            hint = f" It looks like (n, length, 4); call {name}.transpose(1, 2)."
        elif x.ndim == 2 and x.shape[0] == 4:
            hint = f" It looks like one sequence; call {name}.unsqueeze(0)."
        msg = f"{name} must have shape (n, 4, length); got {tuple(x.shape)}.{hint}"
        raise InputError(msg)
    if _is_onehot(x.detach()):
        return
    if not torch.all((x == 0) | (x == 1)):
        msg = f"{name} must hold only 0 and 1; got values in [{x.min():g}, {x.max():g}]."
        raise InputError(msg)
    crowded = (x.sum(1) > 1).nonzero()
    if len(crowded):
        n, position = crowded[0].tolist()
        msg = f"{name}[{n}] has more than one base at position {position} ({len(crowded)} such)."
        raise InputError(msg)


def _is_onehot(x: Tensor) -> bool:
    """The answer alone, several times faster than the search for what is wrong.

    torch's comparisons are slow on a CPU and its arithmetic is not: v * v - v is 0 for 0 and 1
    and for no other number (floats round to v only there; in integers modulo 2^k one of the
    coprime v and v - 1 would have to be a multiple of 2^k; NaN and infinity give NaN).
    """
    import torch

    if x.dtype == torch.bool:
        x = x.view(torch.uint8)
    at_once = 1 << (16 if x.device.type == "cpu" else 24)  # elements; stays in the CPU's cache
    for part in torch.split(x, max(1, at_once // max(1, 4 * x.shape[2]))):
        if part.numel() == 0:
            continue
        low, high = part.mul(part).sub_(part).aminmax()
        if low != 0 or high != 0 or part.sum(1, dtype=part.dtype).max() > 1:
            return False
    return True


def check_positive(value: int, *, name: str) -> None:
    """Raise `InputError` unless ``value`` is an integer of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        msg = f"{name} must be an integer of at least 1; got {value!r}."
        raise InputError(msg)
