"""Convolutions run the quick way on a CPU, forwards for a recording and backwards for a rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

aten = torch.ops.aten
TERMS = 1024  # of each sum in a convolution, up to which channels go last


def convolution(x: Tensor, weight: Tensor, bias: Tensor | None, *how: Any) -> Tensor:
    """``aten.convolution``; in one dimension on a CPU as a channels-last 2-d one.

    The result is the same up to rounding; it lies in memory with the channels moving fastest, and
    so do the tensors that are made from it.
    """
    if not _thin(x, weight.shape[1:], weight):
        plain: Tensor = aten.convolution(x.contiguous(), weight, bias, *how)
        return plain
    out: Tensor = aten.convolution(_last(x), _last(weight), bias, *_two(how))
    return out.squeeze(2)


def convolution_back(g: Tensor, x: Tensor, weight: Tensor, *how: Any) -> Tensor:
    """The derivative of a convolution by its input ``x``, times ``g``."""
    mask = [True, False, False]
    if not _thin(x, (weight.shape[0], *weight.shape[2:]), weight):
        plain: Tensor = aten.convolution_backward(g.contiguous(), x, weight, None, *how, mask)[0]
        return plain
    wide = x.unsqueeze(2)  # only its shape is read
    out: Tensor = aten.convolution_backward(_last(g), wide, _last(weight), None, *_two(how), mask)[
        0
    ]
    return out.squeeze(2)


def view(x: Tensor, shape: list[int]) -> Tensor:
    """``aten.view``, also where channels lie last: then of a copy."""
    return x.reshape(shape)


KERNELS: dict[Any, Callable[..., Any]] = {
    aten.convolution.default: convolution,
    aten.view.default: view,
}


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Convolutions in float32 on an accelerator, which else round to 10 bits (TF32)."""
    cudnn = torch.backends.cudnn
    if device.type != "cuda":
        yield
        return
    with cudnn.flags(enabled=cudnn.enabled, deterministic=cudnn.deterministic, allow_tf32=False):
        yield


def _thin(x: Tensor, terms: tuple[int, ...], weight: Tensor) -> bool:
    """Whether the channels-last form is for a convolution whose sums have so many terms.

    With the channels last, the library adds all terms in one row; with thousands of them that
    costs a digit, and is no quicker.
    """
    few = math.prod(terms) <= TERMS
    return few and x.ndim == 3 and weight.ndim == 3 and x.device.type == "cpu"


def _last(t: Tensor) -> Tensor:
    return t.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def _two(how: tuple[Any, ...]) -> tuple[Any, ...]:
    """Stride, padding, dilation, transposed, output padding and groups in two dimensions."""
    stride, padding, dilation, transposed, output_padding, groups = how
    return (
        [1, *stride],
        [0, *padding],
        [1, *dilation],
        transposed,
        [0, *output_padding],
        groups,
    )
