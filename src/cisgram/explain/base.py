"""What every explanation method shares: the table of methods and the seam."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from cisgram.core.checks import check_onehot
from cisgram.core.errors import InputError
from cisgram.core.registry import Registry
from cisgram.core.types import OneHot, Scalar, ScalarFn
from cisgram.explain.forward import checked_once, output_of, plain_numbers, rounding_of
from cisgram.models.state import device_of

METHODS: Registry[Callable[..., Any]] = Registry("explanation method")
Target: TypeAlias = int | Callable[[Tensor], Scalar]


def scalar(model: nn.Module, target: Target | None) -> ScalarFn:
    """The seam: model and target as one function, sequences -> one number each.

    Parameters
    ----------
    model
        Maps (n, 4, length) to (n, t), or to anything that a callable target can reduce.
    target
        Column of the output, or a function of the output that gives (n,). ``None`` is enough
        only for a single output.

    Raises
    ------
    InputError
        When the target does not fit the output: nothing is explained by accident. When the
        model fails, gives NaN or infinite numbers, or a sequence's number depends on the others.
    """
    return checked_once(
        lambda x: chosen(output_of(model, x), target, len(x)), rounding=rounding_of(model)
    )


def chosen(y: Any, target: Target | None, n: int) -> Scalar:
    """The target's (n,) numbers in the output for n sequences.

    Raises
    ------
    InputError
        When the target does not fit the output, or numbers are NaN or infinite.
    """
    if callable(target):
        out = target(y)
        if not isinstance(out, Tensor) or out.shape != (n,):
            came = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
            msg = f"a target function must give one number a sequence, ({n},); got {came}."
            raise InputError(msg)
    else:
        out = y[:, column(y, target)]
    out = plain_numbers(out)
    check_finite(out)
    return out


def check_finite(out: Scalar) -> None:
    """Refuse a model whose weights have blown up; no score of it would mean anything."""
    if torch._is_functional_tensor(out):  # being recorded as a graph: no values to look at
        return
    out = out.detach()
    bad = ~torch.isfinite(out)
    if bad.any():
        first = int(bad.nonzero()[0])
        msg = (
            f"The model gives {float(out[first])} for {int(bad.sum())} of {len(out)} sequences "
            f"(the first is number {first} of its batch), so there is nothing to explain. Its "
            "weights, or the target, hold NaN or infinite values: train it again with a smaller "
            "learning rate, or load other weights."
        )
        raise InputError(msg)


def column(y: Tensor, target: int | None) -> int:
    """The output column that a target names.

    Raises
    ------
    InputError
        When the output is not (n, t), has several columns and no target, or too few for it.
    """
    if not isinstance(y, Tensor) or y.ndim != 2:
        came = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
        take = "lambda y: y.sum((1, 2))" if isinstance(y, Tensor) else _way_in(y)
        msg = (
            f"target={target!r} needs a model output of shape (n, t); got {came}. "
            f"Give target as a function of the output, e.g. {take}."
        )
        raise InputError(msg)
    outputs = y.shape[1]
    if target is None:
        if outputs != 1:
            msg = f"The model has {outputs} outputs; say which to explain, e.g. target=0."
            raise InputError(msg)
        return 0
    if isinstance(target, bool) or not isinstance(target, int) or not 0 <= target < outputs:
        msg = f"target must be a column from 0 to {outputs - 1}, or a function; got {target!r}."
        raise InputError(msg)
    return target


def _way_in(y: Any) -> str:
    """A target for an output that is no tensor."""
    if isinstance(y, Mapping):
        return f"lambda y: y[{next(iter(y), 'name')!r}][:, 0]"
    return "lambda y: y[0][:, 0]"


def ready(model: nn.Module, x: OneHot) -> OneHot:
    """``x`` checked, as float32, where the model is."""
    check_onehot(x)
    if x.numel() == 0:
        msg = "x holds no sequences." if len(x) == 0 else "x holds sequences without a base."
        raise InputError(msg)
    device = device_of(model)
    if device.type == "meta":
        msg = "The model lies on the meta device: its weights have shapes and no values. Load them."
        raise InputError(msg)
    return x.to(device, torch.float32)


def plain_options(**options: Any) -> dict[str, Any]:
    """Options as plain values for the record; a function by its name."""
    return {k: getattr(v, "__name__", repr(v)) if callable(v) else v for k, v in options.items()}
