"""One forward pass of a model that may be anybody's, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from cisgram.core.errors import InputError, ModelError
from cisgram.core.types import Scalar, ScalarFn
from cisgram.models.state import device_of, precision_of


def output_of(model: nn.Module, x: Tensor) -> Any:
    """What the model gives for a copy of ``x`` in the precision of its weights.

    A copy, because a model may change its input in place.

    Raises
    ------
    ModelError
        When the model's own code fails; the error itself is the cause. What ran out of memory,
        and cisgram's own errors, go on their way.
    """
    precision = precision_of(model)
    try:
        return model(x.clone() if x.dtype == precision else x.to(precision))
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a user's forward pass may raise anything; it is passed on, named
        if type(error).__module__.startswith("cisgram"):
            raise
        reason = " ".join(str(error).split("\n\n")[0].split())
        shape = tuple(x.shape)
        msg = (
            f"The model itself failed on {shape[0]} sequences of {shape[2]} bp, x of shape "
            f"{shape}: {type(error).__name__}: {reason}. Give sequences of the length, and a "
            "batch_size, that it can read; a model that needs more than x is explained through a "
            "module that holds the rest."
        )
        raise ModelError(msg) from error


def is_recorded(x: Tensor) -> bool:
    """Whether a tensor belongs to a pass that is being written down: it may hold no values."""
    return torch._is_functional_tensor(x) or is_in_torch_dispatch_mode()


def plain_numbers(out: Tensor) -> Scalar:
    """A target's numbers as float32, whatever precision the model works in.

    Raises
    ------
    InputError
        When they are complex.
    """
    if out.is_complex():
        msg = (
            f"The target gives complex numbers ({out.dtype}). Give target as a function of the "
            "output that gives real ones, e.g. lambda y: y[:, 0].abs()."
        )
        raise InputError(msg)
    return out.float()


def rounding_of(model: nn.Module) -> float:
    """Share of the largest output by which rounding may move a number between batch sizes."""
    if device_of(model).type != "cpu":  # products there have the digits of TF32
        return 0.02
    return max(2e-3, 4 * torch.finfo(precision_of(model)).eps)


def checked_once(f: ScalarFn, *, rounding: float) -> ScalarFn:
    """``f``, whose first batch tells whether its numbers can be explained at all.

    ``rounding`` is the share of the largest number by which one may differ between batches.

    Raises
    ------
    InputError
        When the number of a sequence changes with its company or from call to call, or when
        gradients are asked for and the model cuts them off.
    """
    due = {"alone", "gradient"}

    def checked(x: Tensor) -> Scalar:
        out = f(x)
        if due and not is_recorded(x) and not is_recorded(out):
            if "alone" in due and len(x) > 1:
                due.remove("alone")
                _check_alone(f, x, out.detach(), rounding)
            if "gradient" in due and torch.is_grad_enabled() and x.requires_grad:
                due.remove("gradient")
                if not out.requires_grad:
                    _check_constant(f, x.detach(), out)
        return out

    return checked


def _check_alone(f: Callable[[Tensor], Scalar], x: Tensor, out: Scalar, rounding: float) -> None:
    with torch.no_grad():
        alone = f(x[:1])
    if (alone - out[:1]).abs().item() > rounding * out.abs().max().item() + 1e-6:
        msg = (
            f"The model gives {out[0].item():.4g} for the first sequence beside {len(x) - 1} "
            f"others and {alone.item():.4g} for it alone, so that no score would be the "
            "sequence's own. It mixes the sequences of a batch (statistics over axis 0), draws "
            "random numbers, or turns its dropout on by itself. Change its forward pass."
        )
        raise InputError(msg)


def _check_constant(f: Callable[[Tensor], Scalar], x: Tensor, out: Scalar) -> None:
    """Numbers without a gradient are well where four quite different sequences have the same."""
    at = torch.arange(x.shape[2], device=x.device)
    letters = torch.eye(4, dtype=x.dtype, device=x.device)
    with torch.no_grad():
        others = torch.cat([f(letters[None, :, (step * at - 1) % 4]) for step in range(4)])
    # a product of matrices may round the same row otherwise in a batch of another size
    if not torch.allclose(torch.cat([out.detach(), others]), out[0], rtol=1e-5, atol=1e-7):
        msg = (
            "The model's output changes with the sequence, but its gradient is cut off: the "
            "forward pass detaches, rounds or compares, or runs under torch.no_grad. Take a method "
            "that needs no gradients, such as ism or occlusion."
        )
        raise InputError(msg)
