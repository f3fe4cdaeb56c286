"""The profile of a sequence as one number, weighed as it is at the sequence itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from cisgram.core.types import OneHot
from cisgram.explain.base import ready
from cisgram.models.state import untouched

PARTS = {"profile": ("corrected", "whole"), "bias_profile": ("bias", "bias")}


class WeighedProfile(nn.Module):
    r"""Logits of a profile summed with fixed weights: (n, 4, length) to (n, 1).

    .. math:: \sum_s \sum_i w_{si} (l_{si} - \bar l_s)

    with w the softmax of the logits at one sequence, whose edited copies are all weighed so.

    References
    ----------
    Avsec et al. 2021, Nat Genet 53:354, methods, "Contribution scores".
    """

    def __init__(self, model: nn.Module, weights: Tensor, part: str) -> None:
        super().__init__()
        self.model, self.part = model, part
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """The weighed sum."""
        logits = self.model(x, heads=self.part)[0]
        centered = logits - logits.mean(2, keepdim=True)
        out: Tensor = (self.get_buffer("weights") * centered).sum((1, 2))[:, None]
        return out


def each_weighed(
    method: Callable[..., Any],
    model: nn.Module,
    x: OneHot,
    *,
    output: str = "profile",
    **options: Any,
) -> list[Any]:
    """What a method gives for the profile of each sequence, weighed as it is there: n results.

    Parameters
    ----------
    method
        For example `cisgram.explain.deep_lift`.
    model
        One of profiles; its ``bias_profile``, where it has one, apart from its ``profile``.
    x
        (n, 4, length) one-hot.
    output
        ``profile`` or ``bias_profile``.
    options
        Further arguments of the method.
    """
    given, x = x, ready(model, x)
    part = PARTS[output][0 if _has_bias(model) else 1]
    with untouched(model), torch.no_grad():
        logits = torch.cat([model(row, heads=part)[0] for row in torch.split(x, 1)])
    weights = torch.softmax(logits, 2)
    return [
        method(WeighedProfile(model, weight, part), given[row : row + 1], target=0, **options)
        for row, weight in enumerate(torch.split(weights, 1))
    ]


def _has_bias(model: nn.Module) -> bool:
    return any(
        hasattr(module, "bias") and isinstance(module.bias, nn.Module) for module in model.modules()
    )
