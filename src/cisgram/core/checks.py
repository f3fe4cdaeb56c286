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
    if not torch.all((x == 0) | (x == 1)):
        msg = f"{name} must hold only 0 and 1; got values in [{x.min():g}, {x.max():g}]."
        raise InputError(msg)
    crowded = (x.sum(1) > 1).nonzero()
    if len(crowded):
        n, position = crowded[0].tolist()
        msg = f"{name}[{n}] has more than one base at position {position} ({len(crowded)} such)."
        raise InputError(msg)


def check_positive(value: int, *, name: str) -> None:
    """Raise `InputError` unless ``value`` is an integer of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        msg = f"{name} must be an integer of at least 1; got {value!r}."
        raise InputError(msg)
