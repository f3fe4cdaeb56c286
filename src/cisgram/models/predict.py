"""Run a model over many sequences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cisgram.core.checks import check_onehot, check_positive
from cisgram.core.errors import InputError, StorageError
from cisgram.data.fields import Field
from cisgram.io import Codes, GenomeCodes
from cisgram.models.held import check_fields
from cisgram.models.state import device_of, precision_of, untouched
from cisgram.seq.alphabet import one_hot


def predict(
    model: nn.Module,
    x: Tensor | Codes,
    *,
    fields: Mapping[str, Field | Tensor] | None = None,
    batch_size: int = 512,
    device: str | torch.device | None = None,
) -> Tensor:
    """Output of the model for every sequence, on the CPU.

    Parameters
    ----------
    model
        Maps (n, 4, length) float32 to (n, t) or any other tensor whose first axis is n. Left in
        the mode and on the device that it came in.
    x
        (n, 4, length) one-hot of any dtype, or uint8 codes (n, length), in memory or in a genome;
        cast batch by batch.
    fields
        Further inputs by name, (n, ...) each, of a model that reads more than letters.
    batch_size
        Sequences run at once. Halved by itself when the memory runs out; the result does not
        depend on it beyond rounding.
    device
        Where to run; default: where the model is.

    Returns
    -------
    Tensor
        (n, t) float32.

    Raises
    ------
    InputError
        If ``x`` is no one-hot array, or a further input is missing or of another number of rows.
    StorageError
        If not even one sequence fits into memory.
    """
    check_positive(batch_size, name="batch_size")
    if isinstance(x, GenomeCodes):
        pass
    elif isinstance(x, np.ndarray) and x.ndim == 2:
        _check_codes(x)
    else:
        x = torch.from_numpy(x) if isinstance(x, np.ndarray) else x
        check_onehot(x)
    if len(x) == 0:
        msg = "x holds no sequences."
        raise InputError(msg)
    fields = fields or {}
    check_fields(model, fields)
    _check_rows(fields, len(x))
    home, precision = device_of(model), precision_of(model)
    there = torch.device(device) if device is not None else home
    out: list[Tensor] = []
    with untouched(model), torch.inference_mode():
        try:
            if there != home:
                model.to(there)
            start = 0
            while start < len(x):
                part = x[start : start + batch_size]
                batch = part.clone() if isinstance(part, Tensor) else one_hot(part)  # its own
                try:
                    beside = _rows(fields, slice(start, start + batch_size), there, precision)
                    out.append(model(batch.to(there, precision), **beside).float().cpu())
                except (RuntimeError, MemoryError) as error:
                    batch_size = _smaller(batch_size, error)
                    continue
                start += len(part)
        finally:
            if there != home:
                model.to(home)
    return torch.cat(out).clone()


def _rows(
    fields: Mapping[str, Field | Tensor], part: slice, there: torch.device, precision: torch.dtype
) -> dict[str, Tensor]:
    """Some rows of each further input, where the model is."""
    return {k: torch.as_tensor(given[part]).to(there, precision) for k, given in fields.items()}


def _check_rows(fields: Mapping[str, Field | Tensor], n: int) -> None:
    for name, given in fields.items():
        if len(given) != n:
            msg = f"the further input {name!r} has {len(given)} rows for {n} sequences."
            raise InputError(msg)


def _check_codes(x: NDArray[np.uint8]) -> None:
    if x.dtype != np.uint8 or x.max(initial=0) > 4:
        msg = (
            "x has two axes, so it must be codes (n, length): uint8, 0 to 4 for A C G T N; got "
            f"{x.dtype} {x.shape} up to {x.max(initial=0)}. One-hot has the shape (n, 4, length)."
        )
        raise InputError(msg)


def _smaller(batch_size: int, error: Exception) -> int:
    """Half the batch size after an out-of-memory error; any other error goes on its way."""
    text = str(error).lower()
    if not isinstance(error, MemoryError | torch.OutOfMemoryError) and not (
        "out of memory" in text or "can't allocate memory" in text
    ):
        raise error
    if batch_size == 1:
        msg = "One sequence does not fit into memory with this model."
        raise StorageError(msg) from error
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return batch_size // 2
