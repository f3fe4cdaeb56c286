"""A model on both strands: the mean of both, and filters tied to their reverse complements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from cisgram.core.errors import InputError


class BothStrands(nn.Module):
    """Mean of a model's output on a sequence and on its reverse complement.

    Attributes
    ----------
    model
        The model as it was trained; its filters are the ones to read.
    mirrors
        Of each further input the axes that are turned round with the sequence
        (`cisgram.data.Field`).
    """

    def __init__(
        self, model: nn.Module, mirrors: Mapping[str, tuple[int, ...]] | None = None
    ) -> None:
        super().__init__()
        self.model, self.mirrors = model, dict(mirrors or {})

    def forward(self, x: Tensor, heads: str | None = None, **fields: Tensor) -> Any:
        back = {name: given.flip(self.mirrors[name]) for name, given in fields.items()}
        if heads is not None:  # a profile runs along the sequence, on both strands
            profile, counts = self.model(x, heads=heads, **fields)
            other, others = self.model(x.flip(1, 2), heads=heads, **back)
            return (profile + other.flip(1, 2)) / 2, (counts + others) / 2
        return (self.model(x, **fields) + self.model(x.flip(1, 2), **back)) / 2


def tie_strands(model: nn.Module) -> nn.Module:
    r"""The model with filters of its first convolution tied in pairs of reverse complements.

    Of its f filters the first f / 2 stay free; filter i + f / 2 is filter i with its letters (A C G
    T) and its positions reversed, with the same bias. So what one finds on a sequence, the other
    finds on the reverse complement at the mirrored position,

    .. math:: h_{i + f/2}(x)_p = h_i(\bar x)_{m - 1 - p},

    where positions are padded alike at both ends. Later layers are as they were: it is they who
    learn that the two mean the same, or that they do not. The score itself is the same on both
    strands only as the mean of both (`BothStrands`), with which this goes together.

    Parameters
    ----------
    model
        Changed in place. ``weight`` and ``bias`` of its first convolution are read whole, as
        before, and may be assigned (``conv.weight = w`` keeps the first half of ``w`` and its
        mirror); what is trained is ``conv.parametrizations.weight.original``, half as many.

    Raises
    ------
    InputError
        When it has no convolution of letters, has its strands tied, or an odd number of filters.

    References
    ----------
    .. [1] Shrikumar A, Greenside P, Kundaje A (2017). Reverse-complement parameter sharing improves
       deep learning models for genomics. bioRxiv 103663: there in every layer, here in the first.

    Examples
    --------
    >>> from cisgram.models import create
    >>> conv = tie_strands(create("deepsea", length=200)).features[0]
    >>> tuple(conv.weight.shape), tuple(conv.parametrizations.weight.original.shape)
    ((320, 4, 8), (160, 4, 8))
    """
    conv = _first(model)
    if parametrize.is_parametrized(conv):
        msg = "The first convolution's filters are tied already, or made by something else."
        raise InputError(msg)
    if conv.out_channels % 2:
        msg = (
            "Filters are tied in pairs of reverse complements, so that their number must be even; "
            f"the first convolution has {conv.out_channels}."
        )
        raise InputError(msg)
    parametrize.register_parametrization(conv, "weight", Paired())
    if conv.bias is not None:
        parametrize.register_parametrization(conv, "bias", Paired())
    return model


class Paired(nn.Module):
    """Filters (f / 2, 4, width), or their biases (f / 2,), and after them the mirrored ones."""

    def forward(self, free: Tensor) -> Tensor:
        return torch.cat([free, free.flip(1, 2) if free.ndim == 3 else free])

    def right_inverse(self, whole: Tensor) -> Tensor:
        """The free half, which torch asks for when the whole is assigned."""
        return whole[: len(whole) // 2]


def _first(model: nn.Module) -> nn.Conv1d:
    """The first convolution, which must read the four letters."""
    first = next((m for m in model.modules() if isinstance(m, nn.Conv1d)), None)
    if first is None or first.in_channels != 4 or first.groups != 1:
        msg = (
            f"{type(model).__name__} has no convolution that reads the letters, whose filters "
            "could be tied to their reverse complements; leave tied_strands out."
        )
        raise InputError(msg)
    return first
