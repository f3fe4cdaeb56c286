"""Losses: mean over the labels that are there; missing ones (NaN) weigh nothing."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from cisgram.core.errors import InputError

Loss = Callable[[Tensor, Tensor], Tensor]


def loss_function(name: str, *, positive_weight: Tensor | None = None) -> Loss:
    """The loss of (outputs, labels), both (n, t).

    Parameters
    ----------
    name
        ``bce`` (outputs are logits), ``mse`` or ``poisson`` (outputs are log rates).
    positive_weight
        (t,) weight of a positive label, for ``bce``.

    Examples
    --------
    >>> bce = loss_function("bce")
    >>> missing = torch.tensor([[0.0, float("nan")]])
    >>> round(bce(torch.zeros(1, 2), missing).item(), 4)
    0.6931
    """
    losses: dict[str, Loss] = {
        "bce": lambda out, y: F.binary_cross_entropy_with_logits(
            out,
            y,
            reduction="none",
            pos_weight=None if positive_weight is None else positive_weight.to(out.device),
        ),
        "mse": lambda out, y: (out - y) ** 2,
        "poisson": lambda out, y: F.poisson_nll_loss(out, y, reduction="none"),
    }
    pointwise = losses[name]

    def loss(out: Tensor, y: Tensor) -> Tensor:
        if out.shape != y.shape:
            msg = (
                f"the model gives outputs of shape {tuple(out.shape)} for labels of shape "
                f"{tuple(y.shape)}; make it with n_outputs={y.shape[-1]}."
            )
            raise InputError(msg)
        known = ~torch.isnan(y)
        each = pointwise(out.float(), torch.where(known, y, 0.0))
        return torch.where(known, each, 0.0).sum() / known.sum().clamp(min=1)

    return loss
