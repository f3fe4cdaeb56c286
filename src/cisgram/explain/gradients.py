"""Gradients of the target at the sequences, which several methods start from."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cisgram.core.checks import check_positive
from cisgram.core.errors import InputError
from cisgram.core.registry import unknown
from cisgram.core.types import OneHot, PerBase, Scalar
from cisgram.explain.base import Target, column, ready, scalar
from cisgram.models.checkpoint import Mean
from cisgram.models.state import untouched
from cisgram.models.strands import BothStrands

READINGS = ("logit_difference", "logit", "probability", "loss")


def gradient(
    model: nn.Module,
    x: OneHot,
    *,
    target: Target | None,
    of: str = "logit_difference",
    labels: Tensor | None = None,
    corrected: bool = False,
    batch_size: int = 256,
) -> PerBase:
    """Gradient d f / d x at each sequence: (n, 4, length), on the CPU.

    Parameters
    ----------
    model, x, target
        As everywhere in this room.
    of
        What f is: ``logit_difference`` (the output as it is; for a two-class head the difference
        of its scores, for a logistic output its logit), ``logit`` (the bound class's own score,
        where the model has ``class_scores``; else the output), ``probability`` (its sigmoid), or
        ``loss`` (cross-entropy against ``labels``).
    labels
        (n,) 0 or 1; needed for ``loss``.
    corrected
        Subtract each position's mean over the four bases: a one-hot input never moves off the
        simplex, so that part of the gradient is noise (Majdandzic et al. 2023).
    batch_size
        Sequences run at once; the result does not depend on it.
    """
    check_positive(batch_size, name="batch_size")
    if of not in READINGS:
        what = "reading of the output"
        raise unknown(what, of, READINGS)
    if (labels is not None) != (of == "loss"):
        msg = f"labels are needed for of='loss' and for nothing else; got of={of!r}."
        raise InputError(msg)
    x = ready(model, x)
    if labels is not None:
        _check_labels(labels, len(x))
    with torch.inference_mode(mode=False), untouched(model), torch.enable_grad():
        out = torch.empty(x.shape)
        f = _reading(model, target, of)
        for start in range(0, len(x), batch_size):
            part = slice(start, start + batch_size)
            point = x[part].clone().requires_grad_()
            value = f(point)
            if labels is not None:
                sign = 2 * labels[part].to(value) - 1
                value = F.softplus(-sign * value)
            out[part] = slope(value, point).cpu()
    return out - out.mean(1, keepdim=True) if corrected else out


def slope(value: Scalar, point: Tensor) -> Tensor:
    """Gradient d value_n / d point_n, shaped as ``point``; zeros where the value ignores it.

    Raises
    ------
    InputError
        When it is NaN or infinite: weights that are no numbers may not show in the output asked
        for, and functions such as a root have no gradient at 0.
    """
    if not value.requires_grad:
        return torch.zeros_like(point)
    (g,) = torch.autograd.grad(value.sum(), point, allow_unused=True, materialize_grads=True)
    if not torch.isfinite(g).all():
        bad = (~torch.isfinite(g)).flatten(1).any(1)
        msg = (
            f"The gradient of the target is NaN or infinite for {int(bad.sum())} of {len(bad)} "
            "inputs, though the output is not: some weight is no number, or an operation such as "
            "a root or a logarithm has no gradient where it is asked for. Load other weights, or "
            "use a method that needs none, such as ism or occlusion."
        )
        raise InputError(msg)
    return g


def _check_labels(labels: Tensor, n: int) -> None:
    if not isinstance(labels, Tensor) or labels.shape != (n,):
        came = tuple(labels.shape) if isinstance(labels, Tensor) else type(labels).__name__
        msg = f"labels must be a tensor of shape ({n},); got {came}."
        raise InputError(msg)
    if not ((labels == 0) | (labels == 1)).all():
        msg = (
            f"labels must be 0 or 1; got values such as {labels[(labels != 0) & (labels != 1)][0]}."
        )
        raise InputError(msg)


def _class_scores(model: nn.Module) -> Callable[[Tensor], Tensor] | None:
    """The two scores (n, t, 2) behind a model's outputs, through strands and ensembles."""
    if isinstance(model, BothStrands):
        one = _class_scores(model.model)
        return None if one is None else lambda x: (one(x) + one(x.flip(1, 2))) / 2
    if isinstance(model, Mean):
        every = [s for s in map(_class_scores, model.models) if s is not None]
        if len(every) < len(model.models):
            return None
        return lambda x: torch.stack([s(x) for s in every]).mean(0)
    scores = getattr(model, "class_scores", None)
    return scores if callable(scores) else None


def _reading(model: nn.Module, target: Target | None, of: str) -> Callable[[OneHot], Scalar]:
    f = scalar(model, target)
    if of == "probability":
        return lambda x: torch.sigmoid(f(x))
    scores = _class_scores(model)
    if of == "logit" and scores is not None:
        if callable(target):
            msg = "of='logit' needs target as a column of the output, not a function."
            raise InputError(msg)

        def bound(x: OneHot) -> Scalar:
            both: Tensor = scores(x)  # (n, t, 2)
            return both[:, column(both[..., 1], target), 1]

        return bound
    return f
